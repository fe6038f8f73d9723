// What lies between a page and its server, so that a test can break it: a relay of bytes that is
// cut, held or closed.

import { type AddressInfo, type Server as Listener, type Socket, connect, createServer } from "node:net";

export class Network {
  private readonly pairs = new Set<{ page: Socket; server: Socket }>();
  private open = true;
  private held = false;
  /** How many milliseconds bytes take, in either direction. */
  latency = 0;
  /** Bytes that pages have sent so far. */
  sent = 0;

  private constructor(private readonly listener: Listener) {}

  /** Stands in front of the server at `url`. */
  static async before(url: string): Promise<Network> {
    const { hostname, port } = new URL(url);
    const listener = createServer();
    const network = new Network(listener);
    listener.on("connection", (page) => network.join(page, connect(Number(port), hostname)));
    await new Promise<void>((listening) => listener.listen(0, "127.0.0.1", listening));
    return network;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** Breaks every connection as a pulled cable does; the next ones go through. */
  cut(): void {
    for (const { page, server } of this.pairs) {
      page.destroy();
      server.destroy();
    }
    this.pairs.clear();
    this.held = false;
  }

  /** Breaks every connection, and lets no other one through until `up`. */
  down(): void {
    this.open = false;
    this.cut();
  }

  up(): void {
    this.open = true;
  }

  /** Keeps what servers answer from the pages: until `release`, or for good with the next `cut`. */
  hold(): void {
    this.held = true;
    for (const { server } of this.pairs) server.pause();
  }

  release(): void {
    this.held = false;
    for (const { server } of this.pairs) server.resume();
  }

  async remove(): Promise<void> {
    this.down();
    await new Promise((closed) => this.listener.close(closed));
  }

  private join(page: Socket, server: Socket): void {
    const pair = { page, server };
    // A side that breaks takes the other one along; why it broke is nothing to report.
    const end = () => {
      page.destroy();
      server.destroy();
      this.pairs.delete(pair);
    };
    for (const socket of [page, server]) socket.on("error", end).on("close", end);
    if (!this.open) return end();
    this.pairs.add(pair);
    const pass = (bytes: Buffer, to: Socket) => {
      if (this.latency == 0) to.write(bytes);
      else setTimeout(() => to.destroyed || to.write(bytes), this.latency);
    };
    page.on("data", (bytes: Buffer) => {
      this.sent += bytes.length;
      pass(bytes, server);
    });
    server.on("data", (bytes: Buffer) => pass(bytes, page));
    if (this.held) server.pause();
  }
}
