/**
 * Connections to the brokers of a cluster, on kafkajs's connection layer (sockets, TLS, SASL, request timeouts), and who
 * leads what. kafkajs's own cluster is not used: one topic without a leader, whosever it is, fails its metadata.
 *
 * Each long-lived user (reader, transactor, member) has a cluster of its own: a broker answers the requests of a
 * connection one after another, so a waiting fetch or join would hold up everybody else on it.
 *
 * @module
 */

import net from "node:net";
import type { Socket } from "node:net";
import tls from "node:tls";
import Broker from "kafkajs/src/broker/index.js";
import ConnectionPool from "kafkajs/src/network/connectionPool.js";
import { UnknownTopicError } from "./event_log.ts";
import { errorOfCode, kafkaErrorType, messageOf } from "./_kafka_errors.ts";
import type { KafkaBroker, KafkaConnection, KafkaConnectionPool } from "./_kafka_internals.ts";
import { metadataRequest, type TopicMetadata } from "./_kafka_metadata.ts";
import { type KafkaRequest, sendRequest } from "./_kafka_request.ts";
import { retrying } from "./_kafka_retry.ts";

const KEEP_ALIVE_MS = 60_000;
const CLOSE_MS_MAX = 500;
const FRAME_HEADER_BYTES = 4;

/** How to reach the cluster. */
export interface ClusterOptions {
  /** `host:port` of brokers to ask first. */
  brokers: string[];
  clientId: string;
  ssl?: boolean | tls.ConnectionOptions;
  sasl?: { mechanism: string; username: string; password: string };
  connectionTimeoutMs: number;
  requestTimeoutMs: number;
  log: (level: "debug" | "info" | "warn" | "error", message: string) => void;
}

interface Link {
  host: string;
  port: number;
  broker: KafkaBroker;
  pool: KafkaConnectionPool;
  opening: (Promise<void> | undefined)[];
}

/** Which of a broker's two connections carries a request. */
export type Lane = 0 | 1;

/** Connections to one cluster. */
export class KafkaCluster {
  readonly options: ClusterOptions;
  readonly #abort = new AbortController();
  readonly #sockets = new Set<Socket>();
  readonly #links = new Map<number, Link>();
  readonly #leaders = new Map<string, number[]>();
  readonly #coordinators = new Map<string, number>();
  #seed: Link | undefined;
  #seedIndex = 0;
  #controllerId: number | null = null;

  constructor(options: ClusterOptions) {
    this.options = options;
  }

  /** Aborts when the cluster is closed. */
  get closed(): AbortSignal {
    return this.#abort.signal;
  }

  /** The node ids of the brokers that are known. */
  nodeIds(): number[] {
    return [...this.#links.keys()];
  }

  /** Another set of connections to the same cluster. */
  fork(): KafkaCluster {
    return new KafkaCluster(this.options);
  }

  /** Sends a request to a node (any, where `nodeId` is `null`) and returns its parsed answer. */
  async send<T>(nodeId: number | null, request: KafkaRequest<T>, lane: Lane = 0): Promise<T> {
    const link = await this.#link(nodeId);
    await this.#ready(link, lane);
    return await sendRequest(link.pool.pool[lane]!, this.options.clientId, request);
  }

  /** A node's broker, connected: kafkajs's requests are its methods. */
  async broker(nodeId: number | null): Promise<KafkaBroker> {
    const link = await this.#link(nodeId);
    await this.#ready(link, 0);
    return link.broker;
  }

  /** The broker that makes and deletes topics. */
  async controller(): Promise<KafkaBroker> {
    await this.metadata([]);
    return await this.broker(this.#controllerId);
  }

  /** Topics as the cluster describes them; all of them for `null`. Topics that do not exist are left out. */
  async metadata(topics: string[] | null): Promise<TopicMetadata[]> {
    const link = await this.#anyLink();
    await this.#ready(link, 0);
    const answer = await sendRequest(link.pool.pool[0]!, this.options.clientId, metadataRequest(topics));
    this.#learnBrokers(answer.brokers);
    this.#controllerId = answer.controllerId >= 0 ? answer.controllerId : null;
    const known = answer.topics.filter((topic) =>
      kafkaErrorType(errorOfCode(topic.errorCode)) !== "UNKNOWN_TOPIC_OR_PARTITION"
    );
    for (const topic of topics ?? []) this.#leaders.delete(topic);
    for (const topic of known) {
      const leaders = topic.partitions.map((partition) => partition.leader);
      if (leaders.length > 0 && leaders.every((leader) => leader >= 0)) {
        this.#leaders.set(topic.name, leaders);
      }
    }
    return known;
  }

  /**
   * The leading node of each partition of a topic, remembered until {@link KafkaCluster.forgetLeaders}.
   *
   * @throws {UnknownTopicError}
   */
  async leaders(topic: string): Promise<number[]> {
    const remembered = this.#leaders.get(topic);
    if (remembered) return remembered;
    const [description] = await this.metadata([topic]);
    if (!description) {
      throw new UnknownTopicError(
        `There is no topic "${topic}" in this Kafka: create it with \`deno task topics\``,
      );
    }
    const leaders = this.#leaders.get(topic);
    if (leaders) return leaders;
    throw errorOfCode(description.errorCode) ?? errorOfCode(5)!;
  }

  forgetLeaders(topics: Iterable<string>): void {
    for (const topic of topics) this.#leaders.delete(topic);
  }

  /** The id of the node that coordinates a group or a transactional id, remembered until forgotten. */
  async coordinatorId(kind: "group" | "transaction", key: string): Promise<number> {
    const name = `${kind} ${key}`;
    const remembered = this.#coordinators.get(name);
    if (remembered !== undefined) return remembered;
    const asked = await this.broker(null);
    const coordinatorType = kind === "group" ? 0 : 1;
    const { coordinator } = await asked.findGroupCoordinator({ groupId: key, coordinatorType });
    this.#learnBrokers([coordinator]);
    this.#coordinators.set(name, coordinator.nodeId);
    return coordinator.nodeId;
  }

  /** The broker that coordinates a group or a transactional id. */
  async coordinator(kind: "group" | "transaction", key: string): Promise<KafkaBroker> {
    return await this.broker(await this.coordinatorId(kind, key));
  }

  forgetCoordinator(kind: "group" | "transaction", key: string): void {
    this.#coordinators.delete(`${kind} ${key}`);
  }

  /** Ends every connection; requests that wait for an answer fail at once. */
  async close(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const error = closedError();
    this.#abort.abort(error);
    const links = [...this.#links.values(), ...(this.#seed ? [this.#seed] : [])];
    const connections = links.flatMap((link) => link.pool.pool);
    for (const connection of connections) connection.rejectRequests(error);
    await Promise.all(connections.map((connection) => connection.disconnect().catch(() => {})));
    await Promise.all([...this.#sockets].map(destroySocket));
    // kafkajs takes requests that were being prepared even while it disconnects.
    for (const connection of connections) {
      connection.rejectRequests(error);
      connection.requestQueue.destroy();
    }
  }

  async #link(nodeId: number | null): Promise<Link> {
    if (this.#abort.signal.aborted) throw closedError();
    if (nodeId === null) return await this.#anyLink();
    let link = this.#links.get(nodeId);
    if (!link) {
      await this.metadata([]);
      link = this.#links.get(nodeId);
    }
    if (link) return link;
    throw errorOfCode(8)!;
  }

  /** A broker that answers: one that is known, else the next of the list. */
  async #anyLink(): Promise<Link> {
    if (this.#abort.signal.aborted) throw closedError();
    for (const link of this.#links.values()) {
      if (link.pool.pool[0]!.isConnected()) return link;
    }
    const { brokers } = this.options;
    let failure: unknown;
    for (let tried = 0; tried < brokers.length; tried++) {
      const [host, port] = hostAndPort(brokers[this.#seedIndex++ % brokers.length]!);
      const known = [...this.#links.values()].find((link) => link.host === host && link.port === port);
      const link = known ?? this.#seedLink(host, port);
      try {
        await this.#ready(link, 0);
        return link;
      } catch (error) {
        failure = error;
      }
    }
    for (const link of this.#links.values()) {
      try {
        await this.#ready(link, 0);
        return link;
      } catch {
        // The error of the configured brokers says more.
      }
    }
    throw failure;
  }

  #seedLink(host: string, port: number): Link {
    if (this.#seed?.host !== host || this.#seed?.port !== port) {
      this.#seed?.pool.destroy().catch(() => {});
      this.#seed = this.#newLink(host, port);
    }
    return this.#seed!;
  }

  #learnBrokers(brokers: { nodeId: number; host: string; port: number }[]): void {
    for (const { nodeId, host, port } of brokers) {
      const known = this.#links.get(nodeId);
      if (known?.host === host && known.port === port) continue;
      known?.pool.destroy().catch(() => {});
      if (this.#seed?.host === host && this.#seed.port === port) {
        this.#links.set(nodeId, this.#seed);
        this.#seed = undefined;
      } else {
        this.#links.set(nodeId, this.#newLink(host, port));
      }
    }
  }

  #newLink(host: string, port: number): Link {
    const { options } = this;
    const logger = kafkaLogger(options.log);
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
    const broker: KafkaBroker = new Broker({ connectionPool: pool, logger, allowAutoTopicCreation: false });
    return { host, port, pool, broker, opening: [] };
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

  /** Connects a lane once, however many ask for it: kafkajs itself would open a socket for each. */
  async #ready(link: Link, lane: Lane): Promise<void> {
    if (this.#abort.signal.aborted) throw closedError();
    const connection = link.pool.pool[lane]!;
    if (connection.isConnected() && link.broker.versions) return;
    link.opening[lane] ??= this.#open(link, connection, lane).finally(() => {
      link.opening[lane] = undefined;
    });
    await link.opening[lane];
  }

  async #open(link: Link, connection: KafkaConnection, lane: Lane): Promise<void> {
    if (lane === 1 && !link.broker.versions) await this.#ready(link, 0);
    // Without this kafkajs goes on in the middle of the answer that the last socket has left.
    connection.chunks = [];
    connection.bytesBuffered = 0;
    connection.bytesNeeded = FRAME_HEADER_BYTES;
    if (link.broker.versions) {
      await connection.connect();
      return;
    }
    try {
      await link.broker.connect();
    } catch (error) {
      await connection.disconnect().catch(() => {});
      throw error;
    }
  }
}

interface SocketTarget {
  host: string;
  port: number;
  ssl: tls.ConnectionOptions | null;
  onConnect: () => void;
}

/** Connects and learns who leads; fails with the last error when no broker answers in `deadlineMs`. */
export async function connectCluster(options: ClusterOptions, deadlineMs: number): Promise<KafkaCluster> {
  const cluster = new KafkaCluster(options);
  try {
    await retrying(() => cluster.metadata([]), { deadlineMs, pauseMs: 200 });
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

/** Splits `host:port`; without a port, 9092. */
export function hostAndPort(address: string): [string, number] {
  const match = /^\[?([^\]]+?)\]?(?::(\d+))?$/.exec(address.trim());
  const port = Number(match?.[2] ?? 9092);
  if (!match || port < 1 || port > 65_535) {
    throw new Error(`Cannot use the broker address "${address}": expected host:port`);
  }
  return [match[1]!, port];
}

function closedError(): Error {
  return new Error("The connection to Kafka has been closed");
}

/** kafkajs reports each failed request as an error, also those that are asked again: they are details here. */
function kafkaLogger(log: ClusterOptions["log"]) {
  const write = (entry: string, extra?: { error?: unknown }) => {
    log("debug", extra?.error ? `${entry}: ${messageOf(extra.error)}` : entry);
  };
  const ignore = () => {};
  const logger = { info: write, warn: write, error: write, debug: ignore, namespace: () => logger };
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
  // It starts a timer of a negative duration after each answer, of which the runtime warns.
  const queue = connection.requestQueue;
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0 || queue.throttledUntil > Date.now()) schedule();
  };
}

function destroySocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CLOSE_MS_MAX);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.destroy();
  });
}
