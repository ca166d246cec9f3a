/**
 * The connections to one broker, on kafkajs's connection layer (sockets, TLS, SASL, request timeouts), with what is
 * wrong in it put right.
 *
 * @module
 */

import net from "node:net";
import type { Socket } from "node:net";
import tls from "node:tls";
import Broker from "kafkajs/src/broker/index.js";
import ConnectionPool from "kafkajs/src/network/connectionPool.js";
import type { ClusterOptions } from "./_kafka_cluster.ts";
import type { KafkaBroker, KafkaConnection, KafkaConnectionPool } from "./_kafka_internals.ts";
import { type KafkaRequest, sendRequest } from "./_kafka_request.ts";

const KEEP_ALIVE_MS = 60_000;
const CLOSE_MS_MAX = 500;
const FRAME_HEADER_BYTES = 4;

/** Which of a broker's two connections carries a request: 1 the fetches, 0 the rest. */
export type Lane = 0 | 1;

/** The connections to one broker. */
export class BrokerLink {
  readonly host: string;
  readonly port: number;
  readonly #clientId: string;
  readonly #pool: KafkaConnectionPool;
  readonly #broker: KafkaBroker;
  readonly #sockets = new Set<Socket>();
  readonly #opening: (Promise<void> | undefined)[] = [];
  #closed: Error | undefined;

  constructor(host: string, port: number, options: ClusterOptions) {
    this.host = host;
    this.port = port;
    this.#clientId = options.clientId;
    const logger = silentLogger();
    const pool: KafkaConnectionPool = new ConnectionPool({
      logger,
      host,
      port,
      rack: null,
      ssl: options.ssl === true ? {} : options.ssl || null,
      sasl: options.sasl ?? null,
      clientId: options.clientId,
      connectionTimeout: options.connectionTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      enforceRequestTimeout: true,
      socketFactory: (target: SocketTarget) => this.#openSocket(target),
    });
    for (const connection of pool.pool) mend(connection);
    this.#pool = pool;
    this.#broker = new Broker({ connectionPool: pool, logger, allowAutoTopicCreation: false });
  }

  get isConnected(): boolean {
    return this.#pool.pool[0]!.isConnected();
  }

  /** kafkajs's requests, as methods; connected. */
  async broker(): Promise<KafkaBroker> {
    await this.#ready(0);
    return this.#broker;
  }

  /** Sends a request and returns its answer. */
  async send<T>(request: KafkaRequest<T>, lane: Lane): Promise<T> {
    await this.#ready(lane);
    return await sendRequest(this.#pool.pool[lane]!, this.#clientId, request);
  }

  /** Ends the connections; requests that wait for an answer fail with `error` at once. */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    const connections = this.#pool.pool;
    for (const connection of connections) connection.rejectRequests(error);
    await Promise.all(connections.map((connection) => connection.disconnect().catch(() => {})));
    await Promise.all([...this.#sockets].map((socket) => destroySocket(socket, error)));
    // kafkajs takes requests that were being prepared even while it disconnects.
    for (const connection of connections) {
      connection.rejectRequests(error);
      connection.requestQueue.destroy();
    }
  }

  /** Connects a lane once, however many ask for it: kafkajs itself would open a socket for each. */
  async #ready(lane: Lane): Promise<void> {
    if (this.#closed) throw this.#closed;
    const connection = this.#pool.pool[lane]!;
    if (connection.isConnected() && this.#broker.versions) return;
    this.#opening[lane] ??= this.#open(connection, lane).finally(() => {
      this.#opening[lane] = undefined;
    });
    await this.#opening[lane];
  }

  async #open(connection: KafkaConnection, lane: Lane): Promise<void> {
    if (lane === 1 && !this.#broker.versions) await this.#ready(0);
    // Without this kafkajs goes on in the middle of the answer that the last socket has left.
    connection.chunks = [];
    connection.bytesBuffered = 0;
    connection.bytesNeeded = FRAME_HEADER_BYTES;
    if (this.#broker.versions) {
      await connection.connect();
      return;
    }
    try {
      await this.#broker.connect();
    } catch (error) {
      await connection.disconnect().catch(() => {});
      throw error;
    }
  }

  #openSocket({ host, port, ssl, onConnect }: SocketTarget): Socket {
    const socket = ssl
      ? tls.connect({ host, port, ...(net.isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
      : net.connect({ host, port }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}

interface SocketTarget {
  host: string;
  port: number;
  ssl: tls.ConnectionOptions | null;
  onConnect: () => void;
}

/** kafkajs reports each request that fails, also those that are asked again; all of them fail to us, too. */
function silentLogger() {
  const ignore = () => {};
  const logger = { info: ignore, warn: ignore, error: ignore, debug: ignore, namespace: () => logger };
  return logger;
}

/** What kafkajs 2.2.4 does wrong with a connection, put right. */
function mend(connection: KafkaConnection): void {
  // It takes requests while it disconnects; those would wait for ever.
  connection.failIfNotConnected = () => {
    if (connection.connectionStatus === "connected") return;
    throw Object.assign(new Error(`Not connected to ${connection.broker}`), {
      name: "KafkaJSConnectionError",
    });
  };
  // It keeps a connection on which a request was not answered in time. Where that is dead, or clogged by what has not
  // left yet, everything that is asked again would wait behind it.
  const queue = connection.requestQueue;
  const create = queue.createSocketRequest.bind(queue);
  queue.createSocketRequest = (pushed) => {
    const request = create(pushed);
    const timedOut = request.timeoutHandler;
    request.timeoutHandler = () => {
      timedOut();
      connection.socket.destroy(new Error("A request was not answered in time"));
    };
    return request;
  };
  // It starts a timer of a negative duration after each answer, of which the runtime warns.
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0 || queue.throttledUntil > Date.now()) schedule();
  };
}

/** With an error, so that who waits for the connection hears of it. */
function destroySocket(socket: Socket, error: Error): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CLOSE_MS_MAX);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.destroy(error);
  });
}
