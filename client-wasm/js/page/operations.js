// Runs the operations of the engine that are not about nodes. engine/src/dom.rs documents them.

import {
  COMMAND_SOCKET, COMMAND_TIMER, OP_BUILD, OP_EMIT, OP_FAULT, OP_FETCH, OP_FORGOTTEN, OP_NOTIFY, OP_PHASE, OP_RELOAD,
  OP_SETTLE, OP_STATE, OP_STATUS, OP_TIMER, OP_TURN, PHASE_FAILED, PHASE_PAINTED,
} from '../codes.js';
import { core } from '../core.js';
import { writeAttribute } from '../dom/attributes.js';
import { handleEvent } from '../events.js';
import { loadModule } from '../modules.js';
import { settleCall } from './calls.js';
import { queueCommand, setAnswer } from './commands.js';
import { components } from './components.js';
import { setConnection } from './connection.js';
import { freeId } from './ids.js';
import { reloadPage } from './reload.js';
import { defer, reportFailure, toError } from './reports.js';
import { fetchTemplate } from './templates.js';

/** The number of engines before this one. The timers of an earlier engine have no effect. */
let generation = 0;

/** Cancels all timers. */
export const cancelTimers = () => { generation++; };

/** Requests a turn of the engine, in which it reads its socket. */
export const requestTurn = () => queueMicrotask(() => queueCommand(COMMAND_SOCKET));

/** Repeats clicks and submits from before: see capture.js. @param {any} element */
const repeatEarly = element => document.$early?.(element, handleEvent);

/**
 * Shows whether a component is mounted or has failed.
 *
 * @param {import('./component.js').Component} component
 * @param {any} error
 */
const setPhase = (component, error) => {
  const { element, isReported } = component;
  component.isReported = !error;
  if (!error) {
    core.hasLost &&= core.isReloading;
    defer(() => core.componentMounted?.(component));
  }
  if (isReported && !error) return;
  if (element) {
    writeAttribute(element, 'live-state', error ? 'error' : null);
    element.$ready = !error;
  }
  defer(() => {
    const [resolve, reject] = component.settleMounted;
    if (error) reject(error);
    else resolve(component);
    if (!element) return;
    if (error) reportFailure(component, '', error);
    else {
      element.dispatchEvent(new CustomEvent('live:mounted', { bubbles: true }));
      repeatEarly(element);
    }
  });
};

/**
 * Runs an operation.
 *
 * @param {number} op
 * @param {() => number} word Reads the next word.
 * @param {() => string} text Reads the next string.
 */
export const runOperation = (op, word, text) => {
  // Calls of the page's code are deferred: the component may have been unmounted by then.
  switch (op) {
    case OP_STATUS: setConnection({ attempt: word(), code: word(), queued: word(), status: /** @type {any} */ (text()) }); break;
    case OP_SETTLE: settleCall(word(), word(), text()); break;
    case OP_NOTIFY: {
      const component = components.get(word());
      defer(() => component?.notifySubscribers());
      break;
    }
    case OP_EMIT: {
      const component = components.get(word()), { name, data } = JSON.parse(text());
      // Requests of a handler: to show another page, for example.
      if (name == 'live:effects') Promise.resolve(loadModule('effects')).then(() => core.runEffects?.(component, data));
      else defer(() => component?.emitEvent(name, data));
      break;
    }
    case OP_PHASE: {
      const component = components.get(word()), phase = word(), json = text();
      if (!component) break;
      if (phase == PHASE_PAINTED) {
        const { element } = component;
        element.$ready = 'painted';
        defer(() => repeatEarly(element));
      } else setPhase(component, phase == PHASE_FAILED && toError(JSON.parse(json)));
      break;
    }
    case OP_FAULT: {
      const component = components.get(word()), action = text(), failure = JSON.parse(text());
      core.hasLost ||= failure.code == 'session_lost';
      reportFailure(component, action, failure);
      break;
    }
    case OP_FETCH: fetchTemplate(text()); break;
    case OP_TIMER: {
      const token = word(), own = generation;
      setTimeout(() => { if (own == generation) queueCommand(COMMAND_TIMER, 0, token); }, word());
      break;
    }
    case OP_RELOAD: reloadPage(); break;
    case OP_STATE: setAnswer(text()); break;
    case OP_TURN: requestTurn(); break;
    case OP_FORGOTTEN: freeId(text()); break;
    case OP_BUILD:
      core.serverBuild = text();
      core.buildNamed?.();
      break;
    default: throw new Error('operation ' + op);
  }
};
