import { defineConfig } from "@playwright/test";
import { headlessShell } from "./browsers.ts";

export default defineConfig({
  testDir: "./tests",
  outputDir: "./test-results",
  fullyParallel: true,
  // Tests mostly wait, often for a network with latency.
  workers: 4,
  forbidOnly: !!process.env.CI,
  // On a machine that builds at the same time, about one test in a thousand finds a browser that
  // hangs, or a page that is slower than the test assumes. It is reported as flaky, not as passed.
  retries: 1,
  // A machine that builds at the same time is ten times slower than an idle one.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    // A trace costs each test 10 % of its time: `TRACE=1` records those of failed tests.
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
