// Calls by the code of the page that wait for an answer.

import { components } from './components.js';
import { enqueue } from './commands.js';
import { toError } from './reports.js';
import { settings } from './settings.js';

/**
 * The functions that resolve and reject each call, by its ticket.
 *
 * @type {Map<number, [(value: any) => void, (error: any) => void]>}
 */
const pending = new Map();
let lastTicket = 0;

/**
 * Runs a command that takes a ticket. Returns the promise of its answer, which rejects after
 * `callTimeoutMs`.
 *
 * @param {{ slot: number }} component
 * @param {(ticket: number) => void} run
 * @returns {Promise<any>}
 */
export const call = ({ slot }, run) => new Promise((resolve, reject) => {
  if (!components.has(slot)) return reject(toError({ code: 'not_mounted', message: 'the component was unmounted' }));
  const ticket = ++lastTicket, answer = new Promise((resolve, reject) => pending.set(ticket, [resolve, reject]));
  const timer = setTimeout(() => {
    const error = toError({ code: 'timeout', message: 'no answer in time' });
    // The server may run the action all the same.
    error.unanswered = true;
    error.onSettled = (/** @type {(error: any, value?: any) => void} */ act) => { answer.then(value => act(null, value), act); };
    reject(error);
  }, settings.callTimeoutMs);
  /** @param {(value: any) => void} act */
  const end = act => (/** @type {any} */ value) => {
    clearTimeout(timer);
    act(value);
  };
  answer.then(end(resolve), end(reject));
  enqueue(() => run(ticket));
});

/**
 * Settles a call.
 *
 * @param {number} ticket
 * @param {number} isOk
 * @param {string} json The value, or the failure.
 */
export const settleCall = (ticket, isOk, json) => {
  const call = pending.get(ticket);
  if (!call) return;
  pending.delete(ticket);
  const value = JSON.parse(json);
  const [resolve, reject] = call;
  if (isOk) resolve(value);
  else reject(toError(value));
};

/** Rejects all calls: the session is lost, and the answers with it. */
export const rejectCalls = () => {
  for (const ticket of [...pending.keys()]) settleCall(ticket, 0, '{"code":"session_lost"}');
};
