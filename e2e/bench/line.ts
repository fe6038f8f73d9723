// A relay of bytes with a round-trip time and a bandwidth, between a browser and a server.
// Chromium's own throttling does not apply to WebSockets.

import { type AddressInfo, type Server as Listener, type Socket, connect, createServer } from "node:net";

/** The bytes of one direction, which all connections of a line share. */
class Direction {
  /** When the last byte that was passed has left the sender. */
  private freeAt = 0;
  bytes = 0;

  constructor(
    private readonly delayMs: number,
    private readonly bytesPerMs: number,
  ) {}

  /** Writes a chunk when it would arrive. */
  pass(chunk: Buffer, to: Socket): void {
    this.bytes += chunk.length;
    const now = performance.now();
    this.freeAt = Math.max(now, this.freeAt) + chunk.length / this.bytesPerMs;
    setTimeout(() => to.writable && to.write(chunk), this.freeAt - now + this.delayMs);
  }
}

export class Line {
  private readonly sockets = new Set<Socket>();
  private readonly up: Direction;
  private readonly down: Direction;

  private constructor(
    private readonly listener: Listener,
    private readonly rttMs: number,
    bytesPerMs: number,
  ) {
    this.up = new Direction(rttMs / 2, bytesPerMs);
    this.down = new Direction(rttMs / 2, bytesPerMs);
  }

  /** Opens a line to the server at `url`. The bandwidth is in Mbit/s. */
  static async to(url: string, rttMs: number, megabits: number): Promise<Line> {
    const { hostname, port } = new URL(url);
    const listener = createServer({ noDelay: true });
    const line = new Line(listener, rttMs, (megabits * 1_000_000) / 8 / 1000);
    listener.on("connection", (page) => line.join(page, connect({ port: Number(port), host: hostname, noDelay: true })));
    await new Promise<void>((listening) => listener.listen(0, "127.0.0.1", listening));
    return line;
  }

  private join(page: Socket, server: Socket): void {
    this.sockets.add(page).add(server);
    // The handshake of TCP takes a round trip, after which the first bytes leave.
    const opened = performance.now() + this.rttMs;
    page.on("data", (chunk) => {
      const wait = opened - performance.now();
      if (wait > 0) setTimeout(() => this.up.pass(chunk, server), wait);
      else this.up.pass(chunk, server);
    });
    server.on("data", (chunk) => this.down.pass(chunk, page));
    for (const socket of [page, server]) {
      socket.on("error", () => {});
      socket.on("close", () => {
        setTimeout(() => {
          page.destroy();
          server.destroy();
        }, this.rttMs);
      });
    }
  }

  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** The bytes that the browser has received so far. */
  get received(): number {
    return this.down.bytes;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((closed) => this.listener.close(closed));
  }
}
