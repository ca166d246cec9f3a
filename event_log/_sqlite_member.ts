/** A process's place in a consumer group of the embedded log. */

import type { Connection } from "./_sqlite_database.ts";
import { whileBusy } from "./_sqlite_database.ts";
import { createReader, type ReaderContext } from "./_sqlite_reader.ts";
import { Roster } from "./_sqlite_roster.ts";
import type { WriteQueue } from "./_sqlite_write_queue.ts";
import type { AssignedPartition, GroupMember, GroupOptions } from "./event_log.ts";

const SESSION_TIMEOUT_MS = 10_000;
/** How often a member looks at its group. */
const LOOK_INTERVAL_MS = 150;
const HEARTBEAT_INTERVAL_MS = 1000;
const RESTART_PAUSE_MS = 200;
const RESTART_PAUSE_MS_MAX = 10_000;
/** A handler that ran this long before it threw is started again without a longer pause. */
const STEADY_RUN_MS = 60_000;

type Handler = (assigned: AssignedPartition, signal: AbortSignal) => Promise<void>;
type OnError = (error: unknown, partition: number) => void;

/** What is running for a partition number. */
interface Running {
  controller: AbortController;
  finished: Promise<void>;
}

/**
 * @throws {UnknownTopicError}
 * @throws {RangeError} when the topics differ in their numbers of partitions
 */
export function createMember(context: ReaderContext, queue: WriteQueue, options: GroupOptions): GroupMember {
  const topics = [...options.topics, ...options.companionTopics ?? []];
  const counts = topics.map((topic) => context.catalog.topic(topic).partitionIds.length);
  if (counts.some((count) => count !== counts[0])) {
    const list = topics.map((topic, at) => `${topic} (${counts[at]})`).join(", ");
    throw new RangeError(
      `Cannot join group "${options.group}": its topics differ in their numbers of partitions: ${list}. ` +
        "Create them with the same number, or repartition first",
    );
  }
  return new SqliteMember(context, queue, options, topics, counts[0] ?? 0);
}

class SqliteMember implements GroupMember {
  readonly #context: ReaderContext;
  readonly #queue: WriteQueue;
  readonly #options: GroupOptions;
  readonly #topics: string[];
  readonly #roster: Roster;
  readonly #running = new Map<number, Running>();
  readonly #closing = new AbortController();
  #run: Promise<void> | undefined;
  #joined = false;

  constructor(
    context: ReaderContext,
    queue: WriteQueue,
    options: GroupOptions,
    topics: string[],
    partitions: number,
  ) {
    this.#context = context;
    this.#queue = queue;
    this.#options = options;
    this.#topics = topics;
    const { group, sessionTimeoutMs = SESSION_TIMEOUT_MS } = options;
    this.#roster = new Roster(group, crypto.randomUUID(), partitions, sessionTimeoutMs);
  }

  run(handler: Handler, options: { signal: AbortSignal; onError?: OnError }): Promise<void> {
    if (this.#run !== undefined) throw new Error(`A member of group "${this.#options.group}" runs only once`);
    this.#run = this.#follow(handler, options.signal, options.onError ?? (() => {}));
    return this.#run;
  }

  joined(): boolean {
    return this.#joined;
  }

  assigned(): number[] {
    return [...this.#running].filter(([, { controller }]) => !controller.signal.aborted)
      .map(([partition]) => partition).sort((a, b) => a - b);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#run?.catch(() => {}); // run()'s caller is told.
  }

  /** Keeps the place in the group, and starts and ends handlers as numbers come and go. */
  async #follow(handler: Handler, signal: AbortSignal, onError: OnError): Promise<void> {
    const { sessionTimeoutMs = SESSION_TIMEOUT_MS } = this.#options;
    const heartbeatIntervalMs = Math.min(HEARTBEAT_INTERVAL_MS, sessionTimeoutMs / 4);
    let beatAtMs = -Infinity;
    let pauseMs = RESTART_PAUSE_MS;
    try {
      while (!signal.aborted && !this.#closing.signal.aborted) {
        try {
          if (performance.now() - beatAtMs >= heartbeatIntervalMs || await this.#isUpdateDue()) {
            const owned = await this.#write((connection) =>
              this.#roster.update(connection, performance.now(), Date.now())
            );
            beatAtMs = performance.now();
            this.#apply(owned, handler, onError);
            this.#joined = true;
            pauseMs = RESTART_PAUSE_MS;
          }
          await pause(LOOK_INTERVAL_MS, [signal, this.#closing.signal]);
        } catch (error) {
          // A full disk, or a lock that was not to be had: the others will take us for dead, and we begin again.
          this.#joined = false;
          onError(error, -1);
          if (performance.now() - beatAtMs > sessionTimeoutMs) this.#apply(new Set(), handler, onError);
          await pause(pauseMs, [signal, this.#closing.signal]);
          pauseMs = Math.min(pauseMs * 2, RESTART_PAUSE_MS_MAX);
        }
      }
    } finally {
      this.#joined = false;
      this.#apply(new Set(), handler, onError);
      await Promise.all([...this.#running.values()].map(({ finished }) => finished));
      // Where that fails, our session times out.
      await this.#write((connection) => this.#roster.leave(connection)).catch((error) => onError(error, -1));
    }
  }

  #isUpdateDue(): Promise<boolean> {
    const { file, reading } = this.#context.database;
    return whileBusy(file, () => this.#roster.isUpdateDue(reading, performance.now(), Date.now()));
  }

  #write<T>(work: (connection: Connection) => T): Promise<T> {
    return this.#queue.run(work);
  }

  #apply(owned: Set<number>, handler: Handler, onError: OnError): void {
    for (const [partition, { controller }] of this.#running) {
      if (!owned.has(partition)) controller.abort();
    }
    for (const partition of owned) {
      if (this.#running.has(partition)) continue; // Its last handler is still to return; the next look starts it.
      const controller = new AbortController();
      const finished = this.#handle(partition, handler, controller.signal, onError).finally(() => {
        this.#running.delete(partition);
      });
      this.#running.set(partition, { controller, finished });
    }
  }

  /** Runs the handler until it returns or the partition is taken away, again and again if it throws. */
  async #handle(partition: number, handler: Handler, signal: AbortSignal, onError: OnError): Promise<void> {
    let pauseMs = RESTART_PAUSE_MS;
    while (!signal.aborted) {
      const startMs = performance.now();
      try {
        await this.#handleOnce(partition, handler, signal);
        await aborted(signal);
      } catch (error) {
        if (signal.aborted) break; // It was told to stop, and this is how it did.
        onError(error, partition);
        if (performance.now() - startMs > STEADY_RUN_MS) pauseMs = RESTART_PAUSE_MS;
        await pause(pauseMs, [signal]);
        pauseMs = Math.min(pauseMs * 2, RESTART_PAUSE_MS_MAX);
      }
    }
    try {
      await this.#write((connection) => this.#roster.release(connection, partition));
    } catch (error) {
      onError(error, partition); // The next owner takes the number once our session has timed out.
    }
  }

  async #handleOnce(partition: number, handler: Handler, signal: AbortSignal): Promise<void> {
    const places = this.#topics.map((topic) => ({ topic, partition, offset: null }));
    const reader = createReader(this.#context, places, this.#options.maxBytes);
    try {
      await handler({ partition, reader }, signal);
    } finally {
      await reader.close();
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Waits, or until one of the signals aborts. */
function pause(durationMs: number, signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timeout);
      for (const signal of signals) signal.removeEventListener("abort", done);
      resolve();
    };
    const timeout = setTimeout(done, durationMs);
    for (const signal of signals) signal.addEventListener("abort", done);
    if (signals.some((signal) => signal.aborted)) done();
  });
}
