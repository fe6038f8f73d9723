// The content of a page, as lines that can be compared.

import type { Page } from "@playwright/test";

/** Without a script: no styles are set, and components keep the attributes for their mount. */
export type Snapshot = { lines: string[]; styles: string[] };

/**
 * Returns the content of the page's component: names, attributes, texts, comments, and the values
 * of controls, also after a reset.
 */
export const snapshot = (page: Page): Promise<Snapshot> =>
  page.evaluate(() => {
    // Attributes for the mount and of the engine itself.
    const MOUNT = ["seal", "template", "shape", "state", "child", "name", "props", "user", "id", "live-state", "style"];
    const lines: string[] = [], styles: string[] = [];
    const quoted = (text: unknown) => JSON.stringify(text);
    const held = (node: Element) => {
      const of = node as HTMLInputElement & HTMLSelectElement & HTMLDetailsElement & HTMLVideoElement;
      const all: unknown[] = [];
      if (/^(input|textarea|select|option|button|output)$/.test(node.localName)) {
        all.push("value", of.value, "default", of.defaultValue, of.disabled, node.matches(":disabled"));
      }
      if (node.localName == "input") all.push("checked", of.checked, of.defaultChecked, of.type, node.matches(":checked"));
      if (node.localName == "option") all.push("selected", (node as HTMLOptionElement).selected, (node as HTMLOptionElement).defaultSelected);
      if (node.localName == "select") all.push("at", of.selectedIndex, [...of.selectedOptions].map((o) => o.value));
      if (/^(details|dialog)$/.test(node.localName)) all.push("open", of.open);
      if (node.localName == "video") all.push("muted", of.muted, of.defaultMuted);
      return all;
    };
    const show = (node: Node, path: string) => {
      if (node instanceof Element) {
        const attributes = [...node.attributes]
          .filter(({ name }) => name != "style" && !(node.localName == "live-component" && MOUNT.includes(name)))
          .map(({ namespaceURI, name, value }) =>
            // The order of classes has no meaning.
            `${namespaceURI ?? ""} ${name}=${quoted(name == "class" ? [...new Set(value.split(/[\t\n\f\r ]+/).filter(Boolean))].sort() : value)}`)
          .sort();
        const shown = `<${node.namespaceURI!.split("/").pop()}:${node.localName}>`;
        lines.push(`${path}${shown} ${attributes.join(" ")} ${quoted(held(node))}`);
        styles.push(`${path}${shown} ${(node as HTMLElement).style?.cssText}`);
        inside(node, path + shown.replace(/^.*:(.*)>$/, "$1"));
      } else if (node.nodeType == 8) lines.push(`${path} <!--${node.nodeValue}-->`);
    };
    const inside = (node: Node, path: string) => {
      let text = "", at = 0;
      const flush = () => {
        if (text) lines.push(`${path}/${at} ${quoted(text)}`);
        text = "";
      };
      for (const child of node.childNodes) {
        if (child.nodeType == 3) text += child.nodeValue;
        else {
          flush();
          show(child, `${path}/${at++} `);
        }
      }
      flush();
    };
    const root = document.querySelector("live-component")!;
    inside(root, "");
    for (const form of root.querySelectorAll("form")) {
      const copy = form.cloneNode(true) as HTMLFormElement;
      copy.reset();
      [...copy.elements].forEach((node, at) => lines.push(`reset ${at} ${node.localName} ${quoted(held(node))}`));
    }
    return { lines, styles };
  });

/** Returns the lines that differ between two snapshots. */
export const difference = (one: string[], other: string[]): string[] => {
  const [a, b] = [new Set(one), new Set(other)];
  return [...one.filter((line) => !b.has(line)).map((line) => `- ${line}`), ...other.filter((line) => !a.has(line)).map((line) => `+ ${line}`)];
};
