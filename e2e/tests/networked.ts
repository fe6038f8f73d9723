// Tests whose page connects to e2e/app through a relay that can be held or cut.

import { Network } from "./network.ts";
import { test as base } from "./test.ts";

export { expect, live, open } from "./test.ts";

export const test = base.extend<{ network: Network }>({
  network: async ({ app, page }, use) => {
    const network = await Network.before(app.url);
    await use(network);
    // Otherwise the page might reconnect before it is closed.
    await page.close();
    await network.remove();
  },
});
