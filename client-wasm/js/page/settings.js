// Settings of the page: client.d.ts documents them.

/** @typedef {import('../client.js').LiveSettings} LiveSettings */

/** @type {LiveSettings & { callTimeoutMs: number, maxReconnectAttempts: number }} */
export const settings = { callTimeoutMs: 30_000, maxReconnectAttempts: 0 };
