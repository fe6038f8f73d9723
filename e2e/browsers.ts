// The paths of the system's browsers for Playwright: no browser is downloaded.

/** Chromium without its windows and menus: the same engine in half the time. */
export const headlessShell = process.env.HEADLESS_SHELL ?? "/usr/bin/chromium-headless-shell";

/** Chromium as visitors have it, for what depends on the program around the engine. */
export const chromiumItself = process.env.CHROMIUM ?? "/usr/bin/chromium";
