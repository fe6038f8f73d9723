// Where the core and its optional modules meet.

/**
 * The part of the core that modules use; client.js fills it. Functions that a module may set: `leaving` runs when the page
 * is left for good, and returns true where the session must not end; `greeted` runs when the server has named its `build`;
 * `keep` runs before the client loads the page anew.
 */
export const core = {};
