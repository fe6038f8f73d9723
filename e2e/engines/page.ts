// A page in a WebDriver session: finds elements by their accessible names and waits for their
// content.

import { setTimeout as pause } from "node:timers/promises";
import { expect } from "@playwright/test";
import { By, Key, type WebDriver, type WebElement } from "selenium-webdriver";

/** Repeats a query until it has the expected result. */
const eventually = (query: () => Promise<unknown>) => expect.poll(query, { intervals: [50] });

export class Page {
  constructor(readonly driver: WebDriver) {}

  /** Opens a page and waits until it is live. */
  async open(url: string): Promise<void> {
    await this.driver.get(url);
    await this.live();
  }

  /** Opens a page of `e2e-app` without running its client. */
  async openPainted(url: string): Promise<void> {
    // Browsers do not run scripts of this type.
    await this.driver.get(`${url}?${new URLSearchParams({ from: 'type="module"', to: 'type="later"' })}`);
  }

  /** Runs the client of such a page and waits until it is live. */
  async loadClient(): Promise<void> {
    await this.on(this.find("script[type=later]"), (held) => {
      const script = document.createElement("script");
      for (const { name, value } of held.attributes) script.setAttribute(name, value);
      script.type = "module";
      held.replaceWith(script);
    });
    await this.live();
  }

  /**
   * Waits until the page is connected and its components are mounted; records its errors from then
   * on.
   */
  async live(): Promise<void> {
    await eventually(() =>
      this.run(() => {
        const components = [...document.querySelectorAll<HTMLElement & { $ready?: boolean | string }>("live-component")];
        return document.documentElement.getAttribute("live-connection") == "connected" && components.every((c) => c.$ready === true);
      }),
    ).toBe(true);
    await this.run(() => {
      if (window.errors) return;
      const errors: string[] = (window.errors = []);
      addEventListener("error", ({ message }) => errors.push(`uncaught: ${message}`));
      addEventListener("unhandledrejection", ({ reason }) => errors.push(`unhandled: ${reason}`));
      document.addEventListener("securitypolicyviolation", ({ blockedURI }) => errors.push(`policy: ${blockedURI}`));
      console.error = (...args) => errors.push(`console: ${args.join(" ")}`);
    });
  }

  /** Returns the page's errors, and attributes of the template language that remain in it. */
  problems(): Promise<string[]> {
    return this.run(() => {
      const names = [...document.querySelectorAll("*")].flatMap((element) => element.getAttributeNames());
      return [...(window.errors ?? []), ...names.filter((name) => /^live:(?!navigate$|persist$)/.test(name))];
    });
  }

  /** Runs a function in the page. */
  run<R, A extends unknown[]>(script: (...args: A) => R, ...args: A): Promise<Awaited<R>> {
    return this.driver.executeScript(script, ...args);
  }

  /** Runs a function in the page, with an element. */
  async on<E extends Element, R>(element: WebElement | Promise<WebElement>, script: (element: E) => R): Promise<R> {
    return this.driver.executeScript<R>(script, await element);
  }

  find(css: string): Promise<WebElement> {
    return this.driver.findElement(By.css(css));
  }

  button(name: string): Promise<WebElement> {
    const named = `normalize-space()="${name}" or @aria-label="${name}"`;
    return this.driver.findElement(By.xpath(`//*[self::button or self::a][${named}]`));
  }

  field(label: string): Promise<WebElement> {
    const named = (path: string) => `normalize-space(${path}text()[normalize-space()])="${label}"`;
    const labelled = `@aria-label="${label}" or ${named("ancestor::label/")} or @id=//label[${named("")}]/@for`;
    return this.driver.findElement(By.xpath(`//*[self::input or self::textarea or self::select or @contenteditable][${labelled}]`));
  }

  async press(name: string): Promise<void> {
    await (await this.button(name)).click();
  }

  /** Presses keys one after the other, with a pause in milliseconds after each. */
  async type(keys: string | string[], delay = 0): Promise<void> {
    for (const key of keys) {
      await this.driver.actions().sendKeys(key).perform();
      if (delay > 0) await pause(delay);
    }
  }

  async focus(label: string): Promise<void> {
    await this.on(this.field(label), (field: HTMLElement) => field.focus());
  }

  /** Replaces the text of a field by typing. */
  async fill(label: string, text: string): Promise<void> {
    const field = await this.field(label);
    await this.on(field, (input: HTMLInputElement) => {
      input.focus();
      input.select();
    });
    await field.sendKeys(text || Key.BACK_SPACE);
  }

  async choose(label: string, ...values: string[]): Promise<void> {
    for (const value of values) {
      await (await this.field(label)).findElement(By.css(`option[value="${value}"]`)).click();
    }
  }

  texts(css: string): Promise<string[]> {
    return this.run(
      (css) => [...document.querySelectorAll(css)].map(({ textContent }) => textContent!.replace(/\s+/g, " ").trim()),
      css,
    );
  }

  async value(label: string): Promise<string> {
    return this.on(this.field(label), (input: HTMLInputElement) => input.value);
  }

  async showsText(css: string, text: string): Promise<void> {
    await this.showsTexts(css, [text]);
  }

  /** Waits until an element's text contains a part. */
  async showsPart(css: string, part: string): Promise<void> {
    await eventually(async () => (await this.texts(css)).join("\n")).toContain(part);
  }

  async showsTexts(css: string, texts: string[]): Promise<void> {
    await eventually(() => this.texts(css)).toEqual(texts);
  }

  async showsValue(label: string, value: string): Promise<void> {
    await eventually(() => this.value(label)).toBe(value);
  }
}

declare global {
  interface Window {
    errors?: string[];
  }
}
