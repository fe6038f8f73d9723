// The visitor of the page. What one user leaves in a tab is not for the next one.

/** @type {HTMLScriptElement | null} */
const script = document.querySelector('script[live-build]');

/** A keyed hash of the user's id; empty for a visitor without a user. */
export const visitor = script?.dataset.visitor ?? '';

/**
 * Checks whether the visitor may have what is kept in the tab: it is of the same user, or of a
 * visitor without one.
 *
 * @param {string | undefined} owner The `visitor` of the page that has kept it.
 */
export const isOwn = owner => !owner || owner == visitor;
