/**
 * One process's place in a consumer group: runs a handler for each partition number it is given.
 *
 * The numbers that a member keeps over a rebalance go on undisturbed: reading does not depend on the group at all.
 * That a former owner writes nothing more is the transactor's business, not the group's.
 *
 * @module
 */

import type { AssignedPartition, GroupMember, GroupOptions, Reader } from "./event_log.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { isRetriable, kafkaErrorType } from "./_kafka_errors.ts";
import { GroupSession } from "./_kafka_group_session.ts";
import { pause } from "./_kafka_retry.ts";

const SESSION_TIMEOUT_MS_DEFAULT = 10_000;
const REJOIN_PAUSE_MS = 100;
const REJOIN_PAUSE_MS_MAX = 2_000;
const RESTART_PAUSE_MS = 250;
const RESTART_PAUSE_MS_MAX = 30_000;
/** How long a member that leaves waits for its handlers before it tells the group. */
const ENDING_MS_MAX = 1_500;
const GROUP_WIDE = -1;

type Handler = (assigned: AssignedPartition, signal: AbortSignal) => Promise<void>;

interface RunOptions {
  signal: AbortSignal;
  onError?: (error: unknown, partition: number) => void;
}

/** What a member needs of the log. */
export interface MemberContext {
  cluster: KafkaCluster;
  /** Name of the group on the broker. */
  group: string;
  /** Names of the topics on the broker, companions included. */
  topics: string[];
  /** Opens a reader of one partition number of all topics, unsought. */
  openReader: (partition: number) => Reader;
}

/** A {@link GroupMember} with a connection of its own for the group's requests. */
export class KafkaGroupMember implements GroupMember {
  readonly #context: MemberContext;
  readonly #session: GroupSession;
  readonly #closing = new AbortController();
  readonly #running = new Map<number, { stop: AbortController; done: Promise<void> }>();
  /** Handlers that were told to stop and have not returned yet. */
  readonly #ending = new Set<Promise<void>>();
  #started: Promise<void> | undefined;
  #settled = Promise.withResolvers<void>();
  #joined = false;

  constructor(context: MemberContext, options: GroupOptions) {
    this.#context = context;
    this.#session = new GroupSession(context.cluster, {
      group: context.group,
      topics: context.topics,
      sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS_DEFAULT,
    });
  }

  /** @throws {Error} Where the topics differ in their partition counts; {@link UnknownTopicError}. */
  static async open(context: MemberContext, options: GroupOptions): Promise<KafkaGroupMember> {
    try {
      const counts: string[] = [];
      for (const topic of context.topics) {
        counts.push(`${topic}: ${(await context.cluster.leaders(topic)).length}`);
      }
      if (new Set(counts.map((count) => count.split(": ").at(-1))).size > 1) {
        throw new Error(
          `Cannot read these topics as one group, their partition counts differ: ${counts.join(", ")}; ` +
            "make them anew with the same count",
        );
      }
      return new KafkaGroupMember(context, options);
    } catch (error) {
      await context.cluster.close();
      throw error;
    }
  }

  joined(): boolean {
    return this.#joined;
  }

  assigned(): number[] {
    return [...this.#running.keys()].sort((a, b) => a - b);
  }

  run(handler: Handler, options: RunOptions): Promise<void> {
    this.#started ??= this.#run(handler, options);
    return this.#started;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#started?.catch(() => {});
    await this.#context.cluster.close();
  }

  async #run(handler: Handler, options: RunOptions): Promise<void> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const leaving = Promise.withResolvers<void>();
    const leave = () => {
      this.#joined = false;
      for (const partition of this.#running.keys()) this.#stop(partition);
      leaving.resolve(this.#leave());
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    let pauseMs = REJOIN_PAUSE_MS;
    while (!signal.aborted) {
      try {
        this.#settled = Promise.withResolvers();
        const partitions = await this.#session.join(this.assigned());
        if (signal.aborted) break;
        this.#context.cluster.options.availability.answered();
        this.#reconcile(partitions, handler, options);
        this.#joined = true;
        this.#settled.resolve();
        pauseMs = REJOIN_PAUSE_MS;
        await this.#session.stay(signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#judge(error, options);
        await pause(pauseMs, signal);
        pauseMs = Math.min(pauseMs * 2, REJOIN_PAUSE_MS_MAX);
      }
    }
    this.#settled.resolve();
    await leaving.promise;
    await Promise.all(this.#ending);
  }

  /** Leaves the group once the handlers have returned, or do not: the next owner fences them anyway. */
  async #leave(): Promise<void> {
    const ended = new AbortController();
    const ending = Promise.all(this.#ending).then(() => ended.abort());
    await Promise.race([ending, pause(ENDING_MS_MAX, ended.signal)]);
    const cluster = this.#context.cluster.fork();
    await this.#session.leave(cluster);
    await cluster.close();
    await this.#context.cluster.close();
  }

  /** What an error says about this member's standing. */
  #judge(error: unknown, { onError }: RunOptions): void {
    const type = kafkaErrorType(error);
    if (type === "REBALANCE_IN_PROGRESS") return;
    if (type === "UNKNOWN_MEMBER_ID" || type === "ILLEGAL_GENERATION" || type === "FENCED_INSTANCE_ID") {
      this.#session.forgetMember();
      this.#stopAll("the group has gone on without this member");
      return;
    }
    if (this.#session.isExpired) this.#stopAll("Kafka has not answered for the whole session timeout");
    if (isRetriable(error)) {
      this.#context.cluster.options.availability.failed(error);
    } else {
      onError?.(this.#explained(error, type), GROUP_WIDE);
    }
  }

  #warn(message: string): void {
    this.#context.cluster.options.log("warn", `Group ${this.#context.group}: ${message}`);
  }

  #explained(error: unknown, type: string): unknown {
    if (type !== "INCONSISTENT_GROUP_PROTOCOL") return error;
    return new Error(
      `Cannot join the group ${this.#context.group}: other programs are in it that share partitions in another way; ` +
        "stop them first",
      { cause: error },
    );
  }

  #stopAll(reason: string): void {
    this.#joined = false;
    if (this.#running.size === 0) return;
    this.#warn(`partitions are given up, ${reason}`);
    for (const partition of this.#running.keys()) this.#stop(partition);
  }

  #reconcile(partitions: number[], handler: Handler, options: RunOptions): void {
    for (const partition of this.#running.keys()) {
      if (!partitions.includes(partition)) this.#stop(partition);
    }
    for (const partition of partitions) {
      if (this.#running.has(partition)) continue;
      const stop = new AbortController();
      this.#running.set(partition, {
        stop,
        done: this.#keepRunning(partition, handler, stop.signal, options),
      });
    }
  }

  #stop(partition: number): void {
    const running = this.#running.get(partition);
    if (!running) return;
    this.#running.delete(partition);
    this.#ending.add(running.done);
    running.done.finally(() => this.#ending.delete(running.done));
    running.stop.abort();
  }

  /** Runs the handler of a partition, again and again where it throws, until `signal` aborts. Never throws. */
  async #keepRunning(
    partition: number,
    handler: Handler,
    signal: AbortSignal,
    options: RunOptions,
  ): Promise<void> {
    let pauseMs = RESTART_PAUSE_MS;
    while (!signal.aborted) {
      const reader = this.#context.openReader(partition);
      try {
        await handler({ partition, reader }, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        options.onError?.(error, partition);
      } finally {
        await reader.close();
      }
      await pause(pauseMs, signal);
      // While the group is sharing out anew the partition may be another's already: starting again would fence it.
      await this.#settled.promise;
      pauseMs = Math.min(pauseMs * 2, RESTART_PAUSE_MS_MAX);
    }
  }
}
