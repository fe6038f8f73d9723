// Puts the parts of a page that is streamed into their places.
//
// A classic script at the end of what the page shows at first: it runs before the first part, and
// before the client, which runs when the page has ended.

customElements.define('live-part', class extends HTMLElement {
  /** Takes the element before this one, which is complete, for the place with its number. */
  connectedCallback() {
    const source = /** @type {HTMLTemplateElement} */ (this.previousElementSibling);
    const place = document.querySelector(`live-component[live-part="${source.getAttribute('live-part')}"]`);
    let { content } = source;
    if (!content) {
      // With scripts, the content of `<noscript>` is its text.
      const template = document.createElement('template');
      template.innerHTML = /** @type {string} */ (source.textContent);
      ({ content } = template);
    }
    place?.replaceWith(content);
    source.remove();
    this.remove();
  }
});
