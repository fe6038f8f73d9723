// Delays: events and edits that wait (`.debounce`), and events whose rate is limited (`.throttle`).

/** @typedef {{ timer: any, fire: () => void }} DelayedCall */

/** The calls that wait, by element and then by hole. @type {Map<any, Map<object, DelayedCall>>} */
const delays = new Map();

/** @type {Module} */
export default core => {
  core.delayCall = (element, hole, ms, fire) => {
    cancelCall(element, hole);
    const calls = delays.get(element) ?? new Map();
    delays.set(element, calls);
    const timer = setTimeout(() => {
      cancelCall(element, hole);
      if (element.isConnected) fire();
    }, ms);
    calls.set(hole, { fire, timer });
  };
  /** @type {NonNullable<Core['cancelCall']>} */
  const cancelCall = core.cancelCall = (element, hole) => {
    const calls = delays.get(element), call = calls?.get(hole);
    if (!calls || !call) return;
    clearTimeout(call.timer);
    calls.delete(hole);
    if (!calls.size) delays.delete(element);
    return call.fire;
  };
  core.flushCalls = within => {
    for (const fire of dropCalls(within)) fire();
  };
  /** @type {NonNullable<Core['dropCalls']>} */
  const dropCalls = core.dropCalls = within => {
    /** @type {any[]} */
    const dropped = [];
    for (const [element, calls] of [...delays]) {
      if (within === element || within.contains?.(element)) for (const hole of [...calls.keys()]) dropped.push(cancelCall(element, hole));
    }
    return dropped;
  };
  core.throttleCall = (element, listener, fire) => {
    /** @type {Map<Listener, number>} */
    const calls = (element.$throttled ??= new Map()), now = performance.now();
    const since = now - (calls.get(listener) ?? -Infinity), ms = listener.throttleMs - 1;
    const call = () => {
      calls.set(listener, performance.now());
      fire();
    };
    if (since >= ms) call();
    else core.delayCall?.(element, listener, ms - since, call);
  };
};
