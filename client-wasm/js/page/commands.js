// Commands to the engine. They never nest: a task that is queued while another one runs waits.

import { core } from '../core.js';
import { runCommand } from '../glue.js';

/** @type {(() => void)[]} */
const tasks = [];
let isRunning = false, isStarted = false;

/** Whether the engine takes commands. */
export const isReady = () => isStarted;

/**
 * Runs a task as soon as the engine has started and no other task runs. An exception is a trap of
 * the engine.
 *
 * @param {() => void} task
 */
export const enqueue = task => {
  tasks.push(task);
  if (!isStarted || isRunning) return;
  isRunning = true;
  try {
    while (tasks.length) /** @type {() => void} */ (tasks.shift())();
  } catch (error) {
    core.restartEngine(error);
  } finally {
    isRunning = false;
  }
  if (tasks.length) queueMicrotask(() => enqueue(() => {}));
};

/**
 * Runs no task until `startTasks`. Drops the tasks that wait.
 *
 * @param {(() => void)[]} first The tasks to run first then.
 */
export const holdTasks = first => {
  isStarted = false;
  tasks.splice(0, tasks.length, ...first);
};

/** Runs a task and then the tasks that wait. @param {() => void} first */
export const startTasks = first => {
  tasks.unshift(first);
  isStarted = true;
  enqueue(() => {});
};

/** Runs a command in a task of its own. @param {Parameters<typeof runCommand>} command */
export const queueCommand = (...command) => enqueue(() => runCommand(...command));

/** The answer to the last query. */
let answer = '';

/** Stores the answer to a query: the engine sends it as an operation. @param {string} json */
export const setAnswer = json => { answer = json; };

/**
 * Runs a command that queries the engine. Returns the answer as JSON.
 *
 * @param {number} command
 * @param {number} [slot]
 * @param {string} [name]
 */
export const query = (command, slot, name) => {
  runCommand(command, slot, 0, 0, name);
  return answer;
};
