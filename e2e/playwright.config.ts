import { defineConfig } from "@playwright/test";
import { headlessShell } from "./browsers.ts";

export default defineConfig({
  testDir: "./tests",
  outputDir: "./test-results",
  fullyParallel: true,
  // Most of a test is waiting, often for a line with a latency.
  workers: 4,
  forbidOnly: !!process.env.CI,
  retries: 0,
  // A machine that builds beside it is ten times slower than one that is idle.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    // A trace costs every test a tenth of its time: `TRACE=1` records those of tests that fail.
    trace: process.env.TRACE ? { mode: "retain-on-failure", screenshots: false } : "off",
    launchOptions: {
      executablePath: headlessShell,
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
