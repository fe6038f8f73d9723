// Keeps the queue of unanswered messages over a reload. Frames and their parts are kept as text:
// numbers in them may have more digits than a double.

import { CLOSE_LEFT, COMMAND_CALL, COMMAND_SET } from '../codes.js';
import { splitItems, splitMembers } from '../json.js';
import { componentsByPosition, waitForMounts } from '../positions.js';
import { reportQueueLost } from '../queue-lost.js';
import { visitor } from '../visitor.js';

/** Returns the key of the shown page in the storage: a queue is sent by its own user only. */
const storageKey = () => ['live-kept', visitor, location.pathname].join(' ');
const SUBPROTOCOL = 'vivaz.v1.json';

/**
 * A message that was never sent, as a call on the component at a position: an action, or without
 * one an edit.
 *
 * @typedef {{ place: string, action?: string, payload: string, set?: string }} KeptCall
 */

/**
 * The stored queue: the `HELLO` of the session, the frames that were sent, the calls that were not,
 * and whether messages had to be dropped.
 *
 * @typedef {{ hello: string, frames: string[], calls: KeptCall[], lost?: boolean }} Kept
 */

/** @type {Module} */
export default core => {
  const { settings, components, connectionInfo, queueCommand } = core;
  settings.keepQueue ??= true;

  // Messages that were sent may have been handled: their frames are sent again in their own
  // session. Messages that were not become calls in the next session, on the component at the same
  // position.
  core.storeQueue = () => {
    if (!settings.keepQueue) return false;
    try {
      // Edits that wait for an event or for an answer become messages too.
      for (const node of document.querySelectorAll('input,select,textarea,[contenteditable]')) core.formControls?.commitEdit(node);
      const [hello, ...queue] = splitItems(core.unansweredMessages()), found = [...componentsByPosition(components)];
      if (!queue.length) return false;
      /** @type {Kept} */
      const kept = { hello, frames: [], calls: [], lost: false };
      for (const [isSent, frame] of queue.map(splitItems)) {
        if (isSent == '1') kept.frames.push(frame);
        // It names an item by a key that no other page knows.
        else if (/[[:,]"\$temp\d+"/.test(frame)) kept.lost = true;
        else {
          const { componentId, action, payload, set } = splitMembers(frame);
          const position = found.find(([, component]) => component.id == JSON.parse(componentId))?.[0];
          if (position == null) kept.lost = true;
          else kept.calls.push({ place: position, action, payload, set });
        }
      }
      sessionStorage[storageKey()] = JSON.stringify(kept);
      return true;
    } catch {
      return false;
    }
  };

  /** A property is a name, or a path, which the engine takes as JSON. @param {string} property */
  const propertyName = property => property[0] == '"' ? JSON.parse(property) : property;

  /** @param {KeptCall[]} calls */
  const repeatCalls = async calls => {
    if (!calls.length) return;
    await waitForMounts(components);
    const found = componentsByPosition(components);
    if (calls.some(({ place }) => !found.has(place))) reportQueueLost();
    for (const { place, action, payload, set } of calls) {
      const component = found.get(place);
      component?.mounted.then(() => {
        const { slot } = component;
        /** @param {string} property @param {string} value */
        const setProperty = (property, value) => queueCommand(COMMAND_SET, slot, 0, 0, property, value);
        if (!action) {
          const { property, value } = splitMembers(payload);
          return setProperty(propertyName(property), value);
        }
        for (const [field, value] of Object.entries(set ? splitMembers(set) : {})) setProperty(field, value);
        queueCommand(COMMAND_CALL, slot, 0, 0, JSON.parse(action), payload ?? '[]');
      });
    }
  };

  /** @type {Kept | null | undefined} */
  let kept;
  let stored = '';
  try {
    stored = sessionStorage[storageKey()] || '';
    delete sessionStorage[storageKey()];
    kept = stored && JSON.parse(stored);
  } catch {
    // Without access to the storage, nothing was kept.
    if (stored) reportQueueLost();
  }

  // Frames are finished in the session they belong to, over a socket of its own; then calls are
  // made in the new session.
  const finish = () => {
    if (!kept || connectionInfo.status != 'connected') return;
    const { hello, frames, calls, lost } = kept, unanswered = new Map(frames.map(frame => [JSON.parse(frame).ref, frame]));
    kept = null;
    if (lost) reportQueueLost();
    if (!unanswered.size) return repeatCalls(calls);
    const socket = new WebSocket(core.socketUrl(), SUBPROTOCOL);
    socket.onopen = () => socket.send(hello);
    socket.onmessage = ({ data }) => {
      const { type, ref, payload } = JSON.parse(data);
      if (type == 'WELCOME') {
        if (payload.resumed) {
          for (const [ref, frame] of unanswered) if (!payload.done.includes(ref)) socket.send(frame);
        } else {
          unanswered.clear();
          reportQueueLost();
        }
      }
      unanswered.delete(ref);
      if (!unanswered.size) {
        socket.close(CLOSE_LEFT);
        repeatCalls(calls);
      }
    };
    // Repeated with the next connection.
    socket.onclose = () => { if (unanswered.size) kept = { hello, frames: [...unanswered.values()], calls }; };
  };
  document.addEventListener('live:connection', finish);
  finish();
};
