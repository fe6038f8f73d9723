// A relay between a page and its server that a test can cut, hold or close.

import { type AddressInfo, type Server as Listener, type Socket, connect, createServer } from "node:net";

export class Network {
  private readonly pairs = new Set<{ page: Socket; server: Socket }>();
  private open = true;
  private held = false;
  /** The latency in either direction, in milliseconds. */
  latency = 0;
  /** The number of bytes that pages have sent. */
  sent = 0;

  private constructor(private readonly listener: Listener) {}

  /** Starts a relay in front of the server at `url`. */
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

  /** Breaks every connection, like an unplugged cable; later ones succeed. */
  cut(): void {
    for (const { page, server } of this.pairs) {
      page.destroy();
      server.destroy();
    }
    this.pairs.clear();
    this.held = false;
  }

  /** Breaks every connection and rejects others until `up`. */
  down(): void {
    this.open = false;
    this.cut();
  }

  up(): void {
    this.open = true;
  }

  /** Holds the data of servers until `release`, or drops it with the next `cut`. */
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
    // An error on one side closes the other one; its reason does not matter.
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
