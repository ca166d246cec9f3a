/**
 * A loopback TCP proxy that is a bad network on purpose: slow, narrow, in small pieces; and that resets or stalls a
 * connection at a moment that a watch of its protocol chooses.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import net from "node:net";

/** How bytes travel, each way; what is left out costs nothing. */
export interface Network {
  /** Until a byte arrives. */
  latencyMs?: number;
  /** Of each connection, each way. */
  bytesPerSecond?: number;
  /** Bytes arrive in pieces of 1 to so many. */
  sliceBytesMax?: number;
}

/**
 * What befalls a connection. `reset`: both ends are told so (RST). `stall`: it stays open and carries nothing any more,
 * as behind a firewall that has forgotten it; only its ends can find out.
 */
export type ConnectionFault = "reset" | "stall";

/** Looks at what a connection carries, before it goes on; where it names a fault, the bytes at hand never arrive. */
export interface ConnectionWatch {
  toServer?(bytes: Buffer): ConnectionFault | undefined;
  toClient?(bytes: Buffer): ConnectionFault | undefined;
}

export interface TcpProxyOptions {
  /** Makes the watch of a new connection. */
  watch?: () => ConnectionWatch;
  /** Draws the sizes of slices; uniform in [0, 1). */
  random?: () => number;
}

/** What waits in a direction before its source is no longer read. */
const QUEUE_BYTES_MAX = 16 * 1024;
/** Narrow networks are fed in pieces of about so long. */
const PIECE_MS = 50;

/** A proxy on a free port of 127.0.0.1; see {@link TcpProxy.start}. */
export class TcpProxy {
  /** Holds for every connection from now on, those that are open included. */
  network: Network = {};
  /** Where new connections go to. */
  target: { hostname: string; port: number };
  readonly #server: net.Server;
  readonly #links = new Set<Link>();

  private constructor(
    server: net.Server,
    target: { hostname: string; port: number },
    options: TcpProxyOptions,
  ) {
    this.#server = server;
    this.target = target;
    const { watch = () => ({}), random = Math.random } = options;
    server.on("connection", (client: net.Socket) => {
      const link = new Link(client, this.target, () => this.network, watch(), random);
      this.#links.add(link);
      link.ended.then(() => this.#links.delete(link));
    });
  }

  /** @param target May be set anew later: a broker needs to know the proxy's port before it has one of its own. */
  static async start(
    target: { hostname: string; port: number },
    options: TcpProxyOptions = {},
  ): Promise<TcpProxy> {
    const server = net.createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return new TcpProxy(server, target, options);
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Open connections, stalled ones included. */
  get connections(): number {
    return this.#links.size;
  }

  /** Strikes every open connection; returns how many. */
  strikeAll(fault: ConnectionFault): number {
    const links = [...this.#links];
    for (const link of links) link.strike(fault);
    return links.length;
  }

  /** Ends all connections and frees the port. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([...this.#links].map((link) => {
      link.end();
      return link.ended;
    }));
    await closed;
  }
}

/** One client, its connection to the server, and a lane each way. */
class Link {
  readonly ended: Promise<void>;
  readonly #client: net.Socket;
  readonly #server: net.Socket;
  readonly #lanes: Lane[];
  #stalled = false;

  constructor(
    client: net.Socket,
    target: { hostname: string; port: number },
    network: () => Network,
    watch: ConnectionWatch,
    random: () => number,
  ) {
    this.#client = client;
    this.#server = net.connect({ host: target.hostname, port: target.port, allowHalfOpen: true });
    const toServer = new Lane(client, this.#server, network, random);
    const toClient = new Lane(this.#server, client, network, random);
    this.#lanes = [toServer, toClient];
    const watched = (lane: Lane, look: ((bytes: Buffer) => ConnectionFault | undefined) | undefined) => {
      lane.source.on("data", (bytes: Buffer) => {
        if (this.#stalled) return;
        const fault = look?.(bytes);
        if (fault === undefined) lane.push(bytes);
        else this.strike(fault);
      });
      lane.source.on("end", () => {
        // Whoever gives up a stalled connection is told nothing by the other side, and tells it nothing.
        if (!this.#stalled) lane.push(undefined);
        else if (lane.source === client) this.end();
      });
    };
    watched(toServer, watch.toServer?.bind(watch));
    watched(toClient, watch.toClient?.bind(watch));
    for (const [socket, other] of [[client, this.#server], [this.#server, client]] as const) {
      socket.setNoDelay(true);
      socket.on("error", () => {
        if (!this.#stalled || socket === client) other.resetAndDestroy();
      });
    }
    const gone = (socket: net.Socket) =>
      new Promise<void>((resolve) => socket.once("close", () => resolve()));
    this.ended = Promise.all([gone(client), gone(this.#server)]).then(() => {
      for (const lane of this.#lanes) lane.close();
    });
  }

  strike(fault: ConnectionFault): void {
    if (fault === "stall") {
      this.#stalled = true;
      for (const lane of this.#lanes) lane.close();
      return;
    }
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  end(): void {
    this.#client.destroy();
    this.#server.destroy();
  }
}

/** One direction: what has been read and has yet to arrive. */
class Lane {
  readonly source: net.Socket;
  readonly #sink: net.Socket;
  readonly #network: () => Network;
  readonly #random: () => number;
  #queue: { bytes: Buffer | undefined; dueMs: number }[] = [];
  #queuedBytes = 0;
  #moving = false;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wake: (() => void) | undefined;

  constructor(source: net.Socket, sink: net.Socket, network: () => Network, random: () => number) {
    this.source = source;
    this.#sink = sink;
    this.#network = network;
    this.#random = random;
  }

  /** `undefined` is the end of what comes. */
  push(bytes: Buffer | undefined): void {
    if (this.#closed) return;
    this.#queue.push({ bytes, dueMs: performance.now() + (this.#network().latencyMs ?? 0) });
    this.#queuedBytes += bytes?.length ?? 0;
    if (this.#queuedBytes > QUEUE_BYTES_MAX) this.source.pause();
    if (!this.#moving) void this.#move();
  }

  close(): void {
    this.#closed = true;
    this.#queue = [];
    this.source.resume();
    clearTimeout(this.#timer);
    this.#wake?.();
  }

  async #move(): Promise<void> {
    this.#moving = true;
    while (!this.#closed && this.#queue.length > 0) {
      const { bytes, dueMs } = this.#queue.shift()!;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await this.#pause(waitMs);
      if (this.#closed) return;
      if (bytes === undefined) this.#sink.end();
      else await this.#carry(bytes);
      this.#queuedBytes -= bytes?.length ?? 0;
      if (this.#queuedBytes <= QUEUE_BYTES_MAX) this.source.resume();
    }
    this.#moving = false;
  }

  async #carry(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#closed;) {
      const { bytesPerSecond = Infinity, sliceBytesMax = Infinity } = this.#network();
      const narrow = Math.max(1, Math.floor(bytesPerSecond * PIECE_MS / 1000));
      const slice = sliceBytesMax === Infinity ? Infinity : 1 + Math.floor(this.#random() * sliceBytesMax);
      const piece = bytes.subarray(at, at + Math.min(narrow, slice, bytes.length));
      at += piece.length;
      if (!this.#sink.write(piece)) await this.#drained();
      const waitMs = piece.length / bytesPerSecond * 1000;
      if (waitMs > 0 || slice !== Infinity) await this.#pause(Math.max(waitMs, 1));
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#sink.off("drain", done);
        this.#sink.off("close", done);
        resolve();
      };
      this.#wake = done;
      this.#sink.on("drain", done);
      this.#sink.on("close", done);
    });
  }

  #pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(resolve, durationMs);
    });
  }
}
