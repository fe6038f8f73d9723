import { defineConfig } from "@playwright/test";

// Playwright runs these tests and gives them `expect`; WebDriver drives the browsers of the system.
// WebKitGTK has a screen, and no window manager there: its windows take the focus from each other,
// so that there is one at a time. Firefox has none.
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
