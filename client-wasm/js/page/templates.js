// Fetches templates.

import { COMMAND_TEMPLATE } from '../codes.js';
import { loadModule } from '../modules.js';
import { queueCommand } from './commands.js';

/** The hashes of templates that were requested. */
const requested = new Set();

/** Forgets what was requested: a new engine has no templates. */
export const resetTemplates = () => requested.clear();

/**
 * Fetches a template and gives it to the engine, once. If that fails, the engine requests it over
 * the socket.
 *
 * @param {string} hash
 */
export const fetchTemplate = async hash => {
  if (requested.has(hash)) return;
  requested.add(hash);
  let json;
  try {
    const response = await fetch(new URL(`template/${hash}.json`, import.meta.url));
    if (response.ok) {
      const text = await response.text();
      // The modules that its blocks need start first.
      const [, , , blocks] = JSON.parse(text);
      await Promise.all(blocks.flatMap((/** @type {any[]} */ [, , , modules]) => modules ?? []).map(loadModule));
      json = text;
    }
  } catch {}
  queueCommand(COMMAND_TEMPLATE, 0, 0, 0, hash, json);
};
