// The life of the engine: load, start, restart, stop.

import { COMMAND_LIMIT, COMMAND_START } from '../codes.js';
import { core } from '../core.js';
import { resetNodes } from '../dom/nodes.js';
import { instantiate, runCommand } from '../glue.js';
import { retry } from '../retry.js';
import { rejectCalls } from './calls.js';
import { holdTasks, queueCommand, startTasks } from './commands.js';
import { components } from './components.js';
import { setConnection, socketUrl, wake } from './connection.js';
import { resetIds } from './ids.js';
import { sendMount } from './mount.js';
import { cancelTimers, requestTurn } from './operations.js';
import { settings } from './settings.js';
import { resetTemplates } from './templates.js';

const LOAD_ATTEMPTS = 8, FIRST_LOAD_DELAY_MS = 500;
/** The most restarts within `RESTART_WINDOW_MS`. */
const MAX_RESTARTS = 3, RESTART_WINDOW_MS = 60_000, RESTART_DELAY_MS = 100;

/** The compiled engine. @type {WebAssembly.Module} */
let compiled;
/** When the engine was restarted. @type {number[]} */
let restarts = [];
let isStopped = false;

const stop = () => {
  isStopped = true;
  setConnection({ status: 'stopped', code: 0 });
};

const start = () => startTasks(() => {
  instantiate(compiled, requestTurn);
  runCommand(COMMAND_START, 0, Math.random() * 2 ** 32, 0, socketUrl());
  runCommand(COMMAND_LIMIT, 0, settings.maxReconnectAttempts);
});

/** Applies a change of `maxReconnectAttempts`. */
export const applyLimit = () => queueCommand(COMMAND_LIMIT, 0, settings.maxReconnectAttempts);

/** Connects now. An engine that has stopped, or was never loaded, needs a new page. */
export const reconnect = () => {
  if (isStopped) location.reload();
  else wake();
};

/**
 * Starts a new engine after a trap, and mounts every component again from its origin. Until then
 * events wait for their component, and all other tasks for the mounts.
 *
 * @param {unknown} error
 */
export const restartEngine = error => {
  reportError(error);
  core.isFiring = false;
  cancelTimers();
  resetNodes();
  resetTemplates();
  rejectCalls();
  const all = [...components.values()];
  resetIds(all.map(({ id }) => id));
  holdTasks(all.map(component => () => sendMount(component)));
  for (const component of all) {
    component.isReported = false;
    if (component.element) component.element.$ready = false;
  }
  const now = Date.now();
  restarts = restarts.filter(then => now - then < RESTART_WINDOW_MS);
  if (restarts.push(now) > MAX_RESTARTS) stop();
  else setTimeout(start, RESTART_DELAY_MS * restarts.length);
};

/** Loads the engine. Returns the function that starts it; undefined if it cannot be loaded. */
export const loadEngine = async () => {
  // A response that is no engine (an error, a login page of a network) is requested again,
  // bypassing the browser's cache.
  /** @param {number} failures */
  const fetchEngine = failures => WebAssembly.compileStreaming(
    fetch(new URL(WASM, import.meta.url), { cache: failures ? 'reload' : 'default' }));
  try {
    compiled = await retry(fetchEngine, LOAD_ATTEMPTS, FIRST_LOAD_DELAY_MS);
    return start;
  } catch (error) {
    stop();
    reportError(new Error('live: the engine cannot be loaded', { cause: error }));
  }
};
