// Settings of the page: client.d.ts documents them.

/**
 * @type {import('../client.js').LiveSettings & { callTimeoutMs: number, maxReconnectAttempts:
 *   number }}
 */
export const settings = { callTimeoutMs: 30_000, maxReconnectAttempts: 0 };
