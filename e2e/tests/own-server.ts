// For tests that stop their server: each has one of its own.

import { Server } from "./server.ts";
import { expect, test as base } from "./test.ts";

export const test = base.extend<{ server: Server }>({
  server: async ({ problems }, use) => {
    // The browser itself reports each try that finds nobody.
    problems.expect(/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/);
    const server = await Server.start("demo");
    await use(server);
    await server.remove();
    expect(server.output, "the server does not panic").not.toContain("panicked at");
  },
});
