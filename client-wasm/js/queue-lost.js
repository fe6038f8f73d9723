// Reports messages that a reload may have lost.

/** Dispatches `live:error` with the code `session_lost`. */
export const reportQueueLost = () => {
  const message = 'messages that were unanswered before the reload may be lost';
  const detail = { action: '', code: 'session_lost', message, details: null };
  document.dispatchEvent(new CustomEvent('live:error', { detail }));
};
