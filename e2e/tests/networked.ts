// Tests whose page reaches the application of e2e/app through a network that can be held or cut.

import { Network } from "./network.ts";
import { test as base } from "./test.ts";

export { expect, live, open } from "./test.ts";

export const test = base.extend<{ network: Network }>({
  network: async ({ app, page }, use) => {
    const network = await Network.before(app.url);
    await use(network);
    // Else the page might try to come back before it is gone.
    await page.close();
    await network.remove();
  },
});
