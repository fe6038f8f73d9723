// Firefox and WebKitGTK, each controlled by its WebDriver program.

import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Builder, Capabilities, type WebDriver } from "selenium-webdriver";

interface Engine {
  driver: string;
  environment?: Record<string, string>;
  capabilities: Record<string, unknown>;
}

const ENGINES: Record<string, Engine> = {
  firefox: {
    driver: process.env.GECKODRIVER ?? "geckodriver",
    capabilities: {
      browserName: "firefox",
      "moz:firefoxOptions": { binary: process.env.FIREFOX ?? "/usr/bin/firefox-esr", args: ["-headless"] },
    },
  },
  webkitgtk: {
    driver: "WebKitWebDriver",
    // The sandbox needs namespaces, which a container lacks.
    environment: { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" },
    capabilities: { browserName: "MiniBrowser" },
  },
};

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => listener.once("listening", listening));
  const { port } = listener.address() as AddressInfo;
  await new Promise((closed) => listener.close(closed));
  return port;
}

export class Browser {
  private constructor(
    private readonly process: ChildProcess,
    readonly driver: WebDriver,
  ) {}

  static async start(name: string): Promise<Browser> {
    const engine = ENGINES[name];
    if (!engine) throw new Error(`unknown engine ${name}; expected ${Object.keys(ENGINES).join(" or ")}`);
    const port = await freePort();
    const child = spawn(engine.driver, [`--port=${port}`], {
      env: { ...process.env, ...engine.environment },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    const failed = new Promise<never>((_, fail) => {
      child.on("error", fail);
      child.on("exit", (code) => fail(new Error(`${engine.driver} ended with ${code}\n${log}`)));
    });
    const url = `http://127.0.0.1:${port}`;
    const connect = async () => {
      while (!(await fetch(`${url}/status`).then(({ ok }) => ok, () => false))) await pause(50);
      const builder = new Builder().disableEnvironmentOverrides().usingServer(url);
      return builder.withCapabilities(new Capabilities(engine.capabilities)).build();
    };
    const driver = await Promise.race([connect(), failed]);
    failed.catch(() => {});
    return new Browser(child, driver);
  }

  async stop(): Promise<void> {
    await this.driver.quit();
    this.process.kill();
  }
}
