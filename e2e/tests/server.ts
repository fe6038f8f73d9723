// A server process of one test: a free port and a separate data folder.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "@playwright/test";

const target = process.env.CARGO_TARGET_DIR ?? resolve(import.meta.dirname, "../../target");

export class Server {
  private process: ChildProcess | undefined;
  private address = "127.0.0.1:0";
  private log: string[] = [];

  private constructor(
    private binary: string,
    private readonly data: string,
  ) {}

  static async start(binary: string): Promise<Server> {
    const data = await mkdtemp(join(tmpdir(), "vivaz-e2e-"));
    const server = new Server(Server.path(binary), data);
    await server.run();
    return server;
  }

  private static path(binary: string): string {
    // An absolute path stays as it is.
    return resolve(target, process.env.VIVAZ_PROFILE ?? "debug", binary);
  }

  get url(): string {
    return `http://${this.address}`;
  }

  /** The log of the server. */
  get output(): string {
    return this.log.join("");
  }

  /** Starts the server, at the same address if it ran before. */
  async run(): Promise<void> {
    // The desk has no options, but variables.
    const isDesk = this.binary.endsWith("desk");
    const child = spawn(this.binary, isDesk ? [] : ["--addr", this.address, "--data", this.data], {
      env: { ...process.env, RUST_LOG: "info", NO_COLOR: "1", DESK_ADDR: this.address, DESK_DATA: this.data },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.log.push(text));
    const address = await new Promise<string>((found, failed) => {
      createInterface(child.stdout).on("line", (line) => {
        const match = /^Listening on http:\/\/(\S+)$/.exec(line);
        if (match?.[1]) found(match[1]);
      });
      child.on("error", failed);
      child.on("exit", (code) => failed(new Error(`${this.binary} ended with ${code}\n${this.output}`)));
    });
    this.address = address;
  }

  /**
   * Stops the server and starts another program with the same address and data, like a deploy.
   */
  async replace(binary: string, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    expect(await this.stop(signal)).toBe(signal === "SIGTERM" ? 0 : null);
    this.binary = Server.path(binary);
    await this.run();
  }

  /** Stops the server with a signal, and waits until it has exited. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null) return child?.exitCode ?? null;
    return new Promise((gone) => {
      child.on("exit", (code) => gone(code));
      child.kill(signal);
    });
  }

  /** Removes the sessions and the secret: seals of earlier runs are not valid in the next one. */
  async forget(): Promise<void> {
    for (const name of await readdir(this.data)) await rm(join(this.data, name), { recursive: true });
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.data, { recursive: true, force: true });
  }
}
