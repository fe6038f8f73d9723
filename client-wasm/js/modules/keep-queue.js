// Keeps the queue of unanswered messages over a reload.

import { CALL, SET } from '../turns.js';

const KEPT = 'live-kept ' + location.pathname;

export default core => {
  const { settings, components, connection, tell } = core;
  settings.keepQueue ??= true;

  // Identifies a component in the next page too: its name, and its position among the components of that name.
  const place = c => c.of.name + ' ' + [...components.values()].filter(o => o.of.name == c.of.name).indexOf(c);

  // Stores the queue. Messages that went out may have been handled: their frames are sent again in their own session.
  // Messages that never left become calls in the next session, on the component at the same place.
  core.leaving = () => {
    if (!settings.keepQueue) return false;
    try {
      const [hello, ...queue] = JSON.parse(core.queue());
      if (!queue.length) return false;
      const frames = [], calls = [];
      let lost = false;
      for (const [left, frame] of queue) {
        if (left) frames.push(frame);
        // No other page knows the item that it names.
        else if (/[[:,]"\$temp\d+"/.test(JSON.stringify(frame))) lost = true;
        else {
          const c = [...components.values()].find(c => c.id == frame.componentId);
          calls.push({ ...frame, of: place(c) });
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

  const redo = calls => {
    for (const { of, action, payload, set } of calls) {
      const c = [...components.values()].find(c => place(c) == of);
      c?.mounted.then(() => {
        const put = (field, value) => tell(SET, c.slot, 0, 0, field, JSON.stringify(value));
        if (!action) return put(payload.property, payload.value);
        for (const field in set) put(field, set[field]);
        tell(CALL, c.slot, 0, 0, action, JSON.stringify(payload ?? []));
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
    const { hello, frames, calls, lost } = kept, left = new Map(frames.map(frame => [frame.ref, frame]));
    kept = null;
    if (lost) tellLost();
    if (!left.size) return redo(calls);
    const line = new WebSocket(core.socket(), 'vivaz.v1.json');
    line.onopen = () => line.send(JSON.stringify(hello));
    line.onmessage = ({ data }) => {
      const { type, ref, payload } = JSON.parse(data);
      if (type == 'WELCOME') {
        if (payload.resumed) {
          for (const frame of left.values()) if (!payload.done.includes(frame.ref)) line.send(JSON.stringify(frame));
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
