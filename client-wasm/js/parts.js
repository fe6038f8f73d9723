// Puts the parts of a page that is streamed into their places.
//
// A classic script at the end of what the page shows at first: it runs before the first part. It
// starts the client, which would otherwise run when the page has ended. A component whose part
// follows has no seal until then, so that the client does not mount it.

{
  const PART = 'live-part', HELD = ['name', 'seal'];
  /** How much longer than the server this page waits for its parts, in milliseconds. */
  const PATIENCE_MS = 1000;
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  /**
   * What components get back that are shown without their part.
   *
   * @type {Map<Element, (string | null)[]>}
   */
  const held = new Map();
  const places = [...document.querySelectorAll(`live-component[${PART}]`)];

  /**
   * Copies what was typed into the controls of a component into those of its part. Returns the
   * control that gets the focus, if there is one.
   *
   * @param {Element} place
   * @param {Element} part
   */
  const keepTyped = (place, part) => {
    /** @param {Element} root @returns {any[]} */
    const controlsOf = root => [...root.querySelectorAll('input,textarea,select')];
    const controls = controlsOf(part);
    let focused;
    for (const node of controlsOf(place)) {
      const like = node.name && controls.find(one => one.name == node.name && one.type == node.type);
      if (!like || node.type == 'file') continue;
      const options = [...node.options ?? []];
      if (node.options ? options.some(one => one.selected != one.defaultSelected) : node.value != node.defaultValue) like.value = node.value;
      if (node.checked != node.defaultChecked) like.checked = node.checked;
      if (node == document.activeElement) focused = like;
    }
    return focused;
  };

  /**
   * Lets a component be mounted, with its part or as it is.
   *
   * @param {Element} place
   * @param {Element | null} [part]
   */
  const settle = (place, part) => {
    const parent = /** @type {ParentNode & Node} */ (place.parentNode), next = place.nextSibling, values = held.get(place) ?? [];
    const focused = part && keepTyped(place, part);
    // Outside of the page, so that the component is mounted before those in it.
    place.remove();
    place.removeAttribute(PART);
    HELD.forEach((name, at) => { if (values[at] != null) place.setAttribute(name, values[at]); });
    if (part) {
      // A part may be without the state, if that has become too large.
      for (const name of place.getAttributeNames()) if (!part.hasAttribute(name)) place.removeAttribute(name);
      for (const { name, value } of part.attributes) place.setAttribute(name, value);
      place.replaceChildren(...part.childNodes);
    }
    parent.insertBefore(place, next);
    focused?.focus({ preventScroll: true });
  };
  const settleAll = () => { for (const place of document.querySelectorAll(`[${PART}]`)) settle(place); };

  // A child is mounted with its parent: the client waits for the end of the page then.
  if (places.every(place => !place.hasAttribute('child'))) {
    for (const place of places) {
      held.set(place, HELD.map(name => place.getAttribute(name)));
      for (const name of HELD) place.removeAttribute(name);
    }
    const client = /** @type {HTMLScriptElement | null} */ (document.querySelector('script[live-build]'));
    // The element of the client reports a failure.
    if (client) import(client.src).catch(() => {});
    document.addEventListener('DOMContentLoaded', settleAll);
    // The response may have been cut off.
    setTimeout(settleAll, +(script.getAttribute('data-deadline') ?? 0) + PATIENCE_MS);
  }

  customElements.define(PART, class extends HTMLElement {
    /** Takes the element before this one, which is complete, for the place with its number. */
    connectedCallback() {
      const source = /** @type {HTMLTemplateElement} */ (this.previousElementSibling);
      const place = document.querySelector(`live-component[${PART}="${source.getAttribute(PART)}"]`);
      let { content } = source;
      if (!content) {
        // With scripts, the content of `<noscript>` is its text.
        const template = document.createElement('template');
        template.innerHTML = /** @type {string} */ (source.textContent);
        ({ content } = template);
      }
      if (place) settle(place, content.firstElementChild);
      source.remove();
      this.remove();
    }
  });
}
