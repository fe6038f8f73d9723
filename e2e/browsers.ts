// The paths of the system's browsers for Playwright: no browser is downloaded.

/** Chromium's headless shell: the same engine in half the time. */
export const headlessShell = process.env.HEADLESS_SHELL ?? "/usr/bin/chromium-headless-shell";

/** The full Chromium, for tests that depend on the program around the engine. */
export const chromiumItself = process.env.CHROMIUM ?? "/usr/bin/chromium";
