import { defineConfig } from "@playwright/test";

// Playwright runs these tests and provides `expect`; WebDriver controls the system's browsers.
// WebKitGTK runs on a display without a window manager: its windows take the focus from each other,
// so only one test runs at a time. Firefox is headless.
export default defineConfig<{ engine: string }>({
  testDir: ".",
  outputDir: "../test-results/engines",
  workers: 3,
  forbidOnly: !!process.env.CI,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  projects: [
    { name: "firefox", workers: 2, use: { engine: "firefox" } },
    { name: "webkitgtk", workers: 1, use: { engine: "webkitgtk" } },
  ],
});
