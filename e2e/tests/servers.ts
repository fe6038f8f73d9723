// The servers of the tests: one of each for a worker, for all browsers.

import { expect, type Fixtures } from "@playwright/test";
import { Server } from "./server.ts";

export type Servers = {
  demo: Server;
  /** The pages that only the tests use. */
  app: Server;
  /** The support desk of examples/. */
  desk: Server;
};

export const servers: Fixtures<{}, Servers> = {
  demo: [
    async ({}, use) => {
      const server = await Server.start("demo");
      await use(server);
      await server.remove();
      expect(server.output, "the server does not panic").not.toContain("panicked at");
    },
    { scope: "worker" },
  ],
  app: [
    async ({}, use) => {
      const server = await Server.start("e2e-app");
      await use(server);
      await server.remove();
    },
    { scope: "worker" },
  ],
  desk: [
    async ({}, use) => {
      const server = await Server.start("desk");
      await use(server);
      await server.remove();
      expect(server.output, "the server does not panic").not.toContain("panicked at");
    },
    { scope: "worker" },
  ],
};
