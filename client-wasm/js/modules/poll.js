// `live:poll`: events in intervals. A page makes them only while it is visible and connected.

import { EVENT_VISIBLE } from '../codes.js';

/** What the listeners of polls listen to. */
const POLL_EVENT = 'live:poll';

/** How much an interval differs at random, so that pages do not poll in the same instant. */
const SPREAD = 0.2;

/**
 * A listener of an element that is in the page.
 *
 * @typedef {object} Poll
 * @property {any} root
 * @property {Listener} listener
 * @property {any} element
 * @property {number} dueAt When it is to run, on the clock of `performance.now`.
 * @property {boolean} isInView Whether it may run: with `.visible`, whether the element is in view.
 */

/** @type {Module} */
export default core => {
  /** @type {Set<Poll>} */
  const polls = new Set();
  /** @type {any} */
  let timer;
  let wasConnected = true;

  /** Returns the length of the next pause. @param {Poll} poll */
  const pauseOf = ({ listener: { throttleMs } }) => (throttleMs - 1) * (1 - SPREAD / 2 + SPREAD * Math.random());

  /** Runs what is due, and waits for the next. */
  const run = () => {
    clearTimeout(timer);
    const now = performance.now(), isConnected = core.connectionInfo.status == 'connected';
    let next = Infinity;
    for (const poll of polls) {
      const { root, listener, element, isInView } = poll;
      if (!root.$root || !element.isConnected) {
        polls.delete(poll);
        continue;
      }
      // After an outage all pages connect at about the same time.
      if (isConnected && !wasConnected && poll.dueAt <= now) poll.dueAt = now + pauseOf(poll) * Math.random();
      if (document.hidden || !isConnected || !isInView) continue;
      if (poll.dueAt <= now) {
        poll.dueAt = now + pauseOf(poll);
        // The engine ignores it while the last one is unanswered.
        core.sendEvent(root, listener.eventAddress, '{}', new Map());
      }
      next = Math.min(next, poll.dueAt);
    }
    wasConnected = isConnected;
    if (next < Infinity) timer = setTimeout(run, Math.max(0, next - performance.now()));
  };

  const observer = new IntersectionObserver(entries => {
    for (const { target, isIntersecting } of entries) for (const poll of polls) if (poll.element == target) poll.isInView = isIntersecting;
    run();
  });

  /** @param {any} root */
  const begin = root => {
    if (root.$root) core.eachListener(root, POLL_EVENT, 0, (listener, element) => {
      const isInView = !(listener.bits & EVENT_VISIBLE);
      /** @type {Poll} */
      const poll = { root, listener, element, dueAt: 0, isInView };
      // Another first pause for pages that were shown at the same time.
      poll.dueAt = performance.now() + pauseOf(poll) * (1 + Math.random()) / 2;
      polls.add(poll);
      if (!isInView) observer.observe(element);
    });
    run();
  };

  const { watchRoot } = core;
  core.watchRoot = root => {
    watchRoot?.(root);
    // Its holes have no nodes yet.
    queueMicrotask(() => begin(root));
  };
  document.addEventListener('visibilitychange', run);
  document.addEventListener('live:connection', run);

  return true;
};
