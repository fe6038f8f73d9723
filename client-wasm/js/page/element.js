// The element `live-component`.

import { core } from '../core.js';
import { componentOf, unmount } from './components.js';
import { childPayload, mount } from './mount.js';

/** Attributes that the server gives to an element that it rendered. */
const SEAL_ATTRIBUTES = /** @type {const} */ (['seal', 'template', 'shape', 'state', 'child']);

/** Makes an element one that the server has not rendered. @param {Element} element */
export const removeSeal = element => { for (const name of SEAL_ATTRIBUTES) element.removeAttribute(name); };

export class LiveComponentElement extends HTMLElement {
  /** Mounts the component. */
  connectedCallback() {
    if (componentOf(this)) return;
    const parent = /** @type {any} */ (this.parentElement?.closest('live-component'));
    /** @type {import('./mount.js').Origin} */
    const origin = { id: this.id, parent };
    for (const name of /** @type {const} */ (['name', 'props', 'user', ...SEAL_ATTRIBUTES])) origin[name] = this.getAttribute(name) ?? undefined;
    if (origin.seal) {
      origin.shape = `[${origin.shape ?? ''}]`;
      // It will change.
      this.removeAttribute('state');
      origin.payload = `{"seal":"${origin.seal}"}`;
      // Without a seal the parent's template has made the element, or an author has written it.
    } else Object.assign(origin, this.$given);
    this.$user = origin.user ??= parent?.$user;
    if (origin.child) {
      // A row with a temporary key does not exist on the server, nor does text that was typed and
      // not sent.
      if (/^[^\]]*"\$temp/.test(origin.child)) return;
      origin.payload = childPayload(parent, origin.child, origin.seal);
      core.flushCalls?.(parent);
    }
    if (origin.payload || origin.name) mount(this, origin);
  }
  /** Unmounts the component, unless the element is put back at once. */
  disconnectedCallback() {
    queueMicrotask(() => {
      if (!this.isConnected && this.$slot !== undefined) {
        unmount(this.$slot);
        this.$slot = undefined;
        removeSeal(this);
      }
    });
  }
  /** Defined, so that a move within the page is neither a disconnect nor a connect. */
  connectedMoveCallback() {}
}
