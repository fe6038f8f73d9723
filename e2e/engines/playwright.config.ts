import { defineConfig } from "@playwright/test";

// Playwright runs these tests and gives them `expect`; WebDriver drives the browsers of the system. The engines run
// beside each other, each in one browser: windows without a window manager take the focus from each other.
export default defineConfig<{ engine: string }>({
  testDir: ".",
  outputDir: "../test-results/engines",
  workers: 2,
  forbidOnly: !!process.env.CI,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  projects: ["firefox", "webkitgtk"].map((name) => ({ name, workers: 1, use: { engine: name } })),
});
