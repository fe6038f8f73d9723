// Keeps the queue of unanswered messages over a reload. Frames and their parts are kept as text: numbers in them may have
// more digits than a double.

import { places } from '../identity.js';
import { members, parts } from '../json.js';
import { CALL, SET } from '../turns.js';

const KEPT = 'live-kept ' + location.pathname;

export default core => {
  const { settings, components, connection, tell } = core;
  settings.keepQueue ??= true;

  // Stores the queue. Messages that went out may have been handled: their frames are sent again in their own session.
  // Messages that never left become calls in the next session, on the component at the same place.
  core.leaving = () => {
    if (!settings.keepQueue) return false;
    try {
      // What waits for its moment or for an answer becomes a message like the others.
      for (const node of document.querySelectorAll('input,select,textarea,[contenteditable]')) core.controls?.send(node);
      const [hello, ...queue] = parts(core.queue()), found = [...places(components)];
      if (!queue.length) return false;
      const frames = [], calls = [];
      let lost = false;
      for (const [left, frame] of queue.map(parts)) {
        if (left == '1') frames.push(frame);
        // No other page knows the item that it names.
        else if (/[[:,]"\$temp\d+"/.test(frame)) lost = true;
        else {
          const { componentId, action, payload, set } = members(frame);
          const [place] = found.find(([, component]) => component.id == JSON.parse(componentId));
          calls.push({ place, action, payload, set });
        }
      }
      sessionStorage[KEPT] = JSON.stringify({ hello, frames, calls, lost });
      return true;
    } catch {
      return false;
    }
  };

  const tellLost = () => {
    const message = 'messages that were unanswered before the reload may be lost';
    const detail = { action: '', code: 'session_lost', message, details: null };
    document.dispatchEvent(new CustomEvent('live:error', { detail }));
  };

  // A property is a name, or a path that goes to the engine as JSON.
  const nameOf = property => property[0] == '"' ? JSON.parse(property) : property;

  const redo = calls => {
    const found = places(components);
    for (const { place, action, payload, set } of calls) {
      const component = found.get(place);
      component?.mounted.then(() => {
        const { slot } = component, put = (property, value) => tell(SET, slot, 0, 0, property, value);
        if (!action) {
          const { property, value } = members(payload);
          return put(nameOf(property), value);
        }
        for (const [field, value] of Object.entries(set ? members(set) : {})) put(field, value);
        tell(CALL, slot, 0, 0, JSON.parse(action), payload ?? '[]');
      });
    }
  };

  let kept;
  try {
    kept = JSON.parse(sessionStorage[KEPT] || 'null');
    delete sessionStorage[KEPT];
  } catch {}

  // Frames are finished in the session they belong to, over a connection of its own; then calls go out in the new session.
  const finish = () => {
    if (!kept || connection.status != 'connected') return;
    const { hello, frames, calls, lost } = kept, left = new Map(frames.map(frame => [JSON.parse(frame).ref, frame]));
    kept = null;
    if (lost) tellLost();
    if (!left.size) return redo(calls);
    const line = new WebSocket(core.socket(), 'vivaz.v1.json');
    line.onopen = () => line.send(hello);
    line.onmessage = ({ data }) => {
      const { type, ref, payload } = JSON.parse(data);
      if (type == 'WELCOME') {
        if (payload.resumed) {
          for (const [ref, frame] of left) if (!payload.done.includes(ref)) line.send(frame);
        } else {
          left.clear();
          tellLost();
        }
      }
      left.delete(ref);
      if (!left.size) line.close(4000), redo(calls);
    };
    // Repeated with the next connection.
    line.onclose = () => { if (left.size) kept = { hello, frames: [...left.values()], calls }; };
  };
  document.addEventListener('live:connection', finish);
  finish();
};
