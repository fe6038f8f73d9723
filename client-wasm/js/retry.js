// Retries with growing delays.

/**
 * Resolves after a delay, or as soon as the browser is online.
 *
 * @param {number} ms
 * @returns {Promise<unknown>}
 */
export const delay = ms => new Promise(resolve => {
  setTimeout(resolve, ms);
  addEventListener('online', resolve, { once: true });
});

/**
 * Calls a function until its promise is fulfilled, with a delay that doubles after each failure.
 * Rejects with the last error.
 *
 * @template T
 * @param {(failures: number) => Promise<T>} act
 * @param {number} attempts The most calls.
 * @param {number} ms The first delay in milliseconds.
 * @returns {Promise<T>}
 */
export const retry = async (act, attempts, ms) => {
  for (let failures = 0; ; failures++) {
    try {
      return await act(failures);
    } catch (error) {
      if (failures + 1 == attempts) throw error;
    }
    await delay(ms << failures);
  }
};
