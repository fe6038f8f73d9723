// Pauses: events and edits that wait (`.debounce`), and events that come at most so often (`.throttle`).

// Timers of debounced and throttled events and of edits: element → hole → { timer, fire }.
const pauses = new Map();

export default core => {
  const pause = (el, hole, ms, fire) => {
    cancel(el, hole);
    let of = pauses.get(el);
    if (!of) pauses.set(el, (of = new Map()));
    of.set(hole, { fire, timer: setTimeout(() => { cancel(el, hole); if (el.isConnected) fire(); }, ms) });
  };
  const cancel = (el, hole) => {
    const of = pauses.get(el), waiting = of && of.get(hole);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    of.delete(hole);
    if (!of.size) pauses.delete(el);
    return waiting.fire;
  };
  // The end of a pause, brought forward: for an element that is left, for a form that is submitted.
  const flush = within => {
    for (const fire of drop(within)) fire();
  };
  /** Ends the pauses within an element without an effect; returns what they would have done. */
  const drop = within => {
    const ended = [];
    for (const [el, of] of [...pauses]) {
      if (within === el || within.contains?.(el)) for (const hole of [...of.keys()]) ended.push(cancel(el, hole));
    }
    return ended;
  };
  const throttle = (el, l, fire) => {
    const of = (el.$q ??= new Map()), now = performance.now(), since = now - (of.get(l) ?? -Infinity), ms = l.throttle - 1;
    const go = () => { of.set(l, performance.now()); fire(); };
    if (since >= ms) go();
    else pause(el, l, ms - since, go);
  };

  Object.assign(core, { pause, cancel, flush, drop, throttle });
};
