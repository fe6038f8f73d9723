import { chromiumItself } from "../browsers.ts";
import base from "../playwright.config.ts";

export default {
  ...base,
  testDir: ".",
  testMatch: "*.bench.ts",
  fullyParallel: false,
  workers: 1,
  timeout: 1_800_000,
  use: { ...base.use, launchOptions: { ...base.use?.launchOptions, executablePath: chromiumItself } },
};
