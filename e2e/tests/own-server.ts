// Fixtures for tests that stop their server: each test has its own.

import { Server } from "./server.ts";
import { expect, test as base } from "./test.ts";

export const test = base.extend<{ server: Server }>({
  server: async ({ problems }, use) => {
    // The browser reports each failed connection attempt.
    problems.expect(/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/);
    const server = await Server.start("demo");
    await use(server);
    await server.remove();
    expect(server.output, "the server does not panic").not.toContain("panicked at");
  },
});
