// The object through which the parts of the client and its optional modules call each other.

/**
 * Upward calls between the parts of the client, and both directions between the client and its
 * modules, go through this object: `Core` in internal.d.ts documents each member. The client calls
 * a module's function only where it is set.
 *
 * @type {Core}
 */
export const core = /** @type {any} */ ({});
