/**
 * Reads partitions from given positions, without a consumer group: fetches ahead into a buffer per partition, each within
 * its share of `maxBytes`, so that memory is bounded and a topic that waits never holds up another.
 *
 * @module
 */

import { type PartitionOffset, type Reader, type RecordBatch, UnknownTopicError } from "./event_log.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { errorOfCode, hasMoved, isRetriable, kafkaErrorType, messageOf } from "./_kafka_errors.ts";
import { type FetchedPartition, fetchRequest } from "./_kafka_fetch.ts";
import { listOffset } from "./_kafka_offsets.ts";
import { PartitionBuffer } from "./_kafka_partition_buffer.ts";
import { decodeBatches } from "./_kafka_record_batch.ts";
import { pause } from "./_kafka_retry.ts";
import type { Naming } from "./_kafka_transactor.ts";

const BYTES_MAX_DEFAULT = 4 * 1024 * 1024;
const POLL_WAIT_MS_DEFAULT = 1_000;
/** How long a fetch waits for the first byte; a partition that is sought meanwhile waits as long. */
const FETCH_WAIT_MS = 150;
/** While a full buffer may be drained at any moment, the others are asked at this pace. */
const FULL_BUFFER_PACE_MS = 20;
const PARTITION_BYTES_MIN = 16 * 1024;
const PAUSE_MS = 50;
const PAUSE_MS_MAX = 1_000;
/** For how long a topic may be unknown (it may just have been created) before polls fail. */
const UNKNOWN_MS_MAX = 5_000;

/** A {@link Reader} on connections of its own. */
export class KafkaReader implements Reader {
  readonly #cluster: KafkaCluster;
  readonly #naming: Naming;
  readonly #bytesMax: number;
  readonly #buffers: PartitionBuffer[];
  readonly #loops = new Map<number | undefined, Promise<void>>();
  /** Resolve when something changed that a fetch loop waits for. */
  #demand = Promise.withResolvers<void>();
  /** Resolve when a poll has something to hand over. */
  #supply = Promise.withResolvers<void>();
  #turn = 0;
  #polling = false;
  #away = false;

  constructor(
    cluster: KafkaCluster,
    naming: Naming,
    buffers: PartitionBuffer[],
    bytesMax = BYTES_MAX_DEFAULT,
  ) {
    this.#cluster = cluster;
    this.#naming = naming;
    this.#buffers = buffers;
    this.#bytesMax = bytesMax;
  }

  /** A reader of explicit positions. @throws {UnknownTopicError} */
  static async open(
    cluster: KafkaCluster,
    naming: Naming,
    positions: PartitionOffset[],
    bytesMax?: number,
  ): Promise<KafkaReader> {
    try {
      const buffers: PartitionBuffer[] = [];
      for (const { topic, partition, offset } of positions) {
        const leaders = await cluster.leaders(naming.toKafka(topic));
        if (!(partition in leaders)) {
          throw new RangeError(
            `Cannot read ${topic}-${partition}: the topic has ${leaders.length} partitions`,
          );
        }
        const buffer = new PartitionBuffer(topic, partition);
        buffer.leader = leaders[partition];
        buffer.seek(offset);
        buffers.push(buffer);
      }
      const reader = new KafkaReader(cluster, naming, buffers, bytesMax);
      reader.#wanted();
      return reader;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  async poll(options: { maxWaitMs?: number; signal?: AbortSignal } = {}): Promise<RecordBatch[]> {
    const { maxWaitMs = POLL_WAIT_MS_DEFAULT, signal } = options;
    if (this.#polling) throw new Error("Cannot poll: the poll before it has not returned yet");
    this.#polling = true;
    try {
      const endMs = performance.now() + maxWaitMs;
      for (let first = true;; first = false) {
        if (signal?.aborted || this.#cluster.closed.aborted) return [];
        const batches = this.#take();
        if (batches.length > 0) return batches;
        const waitMs = endMs - performance.now();
        // Even a poll that does not wait lets what has arrived be taken in, once.
        if (waitMs <= 0 && !first) return [];
        await this.#supplied(Math.max(waitMs, 0), signal);
      }
    } finally {
      this.#polling = false;
    }
  }

  seek({ topic, partition, offset }: PartitionOffset): void {
    const buffer = this.#buffers.find((own) => own.topic === topic && own.partition === partition);
    if (!buffer) throw new RangeError(`Cannot seek ${topic}-${partition}: this reader does not read it`);
    buffer.seek(offset);
    this.#wanted();
  }

  pause(topics: string[]): void {
    for (const buffer of this.#buffers) if (topics.includes(buffer.topic)) buffer.paused = true;
  }

  resume(topics: string[]): void {
    for (const buffer of this.#buffers) if (topics.includes(buffer.topic)) buffer.paused = false;
    this.#wanted();
    this.#supply.resolve();
  }

  async close(): Promise<void> {
    await this.#cluster.close();
    this.#demand.resolve();
    this.#supply.resolve();
    await Promise.all(this.#loops.values());
  }

  #take(): RecordBatch[] {
    const ready = this.#buffers.filter((buffer) => !buffer.paused && (!buffer.isEmpty || buffer.failure));
    // What came before a failure is handed over first.
    const filled = ready.filter((buffer) => !buffer.isEmpty);
    if (filled.length === 0) {
      const failed = ready.find((buffer) => buffer.failure);
      if (failed) throw failed.failure;
      return [];
    }
    const turn = this.#turn++ % filled.length;
    let bytesLeft = this.#bytesMax;
    const batches = filled.map((_, i) => {
      const buffer = filled[(turn + i) % filled.length]!;
      const before = buffer.bytes;
      const batch = buffer.take(bytesLeft / (filled.length - i));
      bytesLeft -= before - buffer.bytes;
      return batch;
    });
    this.#wanted();
    return batches;
  }

  /** Waits for supply, the signal or the time. */
  async #supplied(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const waiting = this.#supply = Promise.withResolvers<void>();
    const wake = () => waiting.resolve();
    const timer = setTimeout(wake, waitMs);
    signal?.addEventListener("abort", wake, { once: true });
    await waiting.promise;
    clearTimeout(timer);
    signal?.removeEventListener("abort", wake);
  }

  /** Something may be fetched: wakes the loops, and starts those that are missing. */
  #wanted(): void {
    this.#demand.resolve();
    this.#demand = Promise.withResolvers();
    if (this.#cluster.closed.aborted) return;
    for (const { leader, fetchOffset } of this.#buffers) {
      if (fetchOffset === undefined || this.#loops.has(leader)) continue;
      const loop = (leader === undefined ? this.#findLeaders() : this.#fetchFrom(leader)).catch((error) => {
        if (!this.#cluster.closed.aborted) this.#cluster.options.log("error", messageOf(error));
      });
      this.#loops.set(
        leader,
        loop.finally(() => {
          this.#loops.delete(leader);
          // A partition may have come to this leader while its loop was ending.
          this.#wanted();
        }),
      );
    }
  }

  /** Looks up who leads the partitions whose leader is not known (any more). */
  async #findLeaders(): Promise<void> {
    let pauseMs = PAUSE_MS;
    while (!this.#cluster.closed.aborted) {
      const lost = this.#buffers.filter((buffer) =>
        buffer.leader === undefined && buffer.fetchOffset !== undefined
      );
      if (lost.length === 0) break;
      for (const buffer of lost) {
        try {
          const leaders = await this.#cluster.leaders(this.#naming.toKafka(buffer.topic));
          buffer.leader = leaders[buffer.partition];
          if (buffer.leader === undefined) {
            throw new UnknownTopicError(`There is no ${buffer.topic}-${buffer.partition}`);
          }
          buffer.unknownSinceMs = undefined;
        } catch (error) {
          this.#unreachable(buffer, error);
        }
      }
      this.#wanted();
      if (lost.every((buffer) => buffer.leader !== undefined)) break;
      await pause(pauseMs, this.#cluster.closed);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
    }
  }

  #unreachable(buffer: PartitionBuffer, error: unknown): void {
    if (!(error instanceof UnknownTopicError)) {
      buffer.unknownSinceMs = undefined;
      this.#tellAway(error);
      return;
    }
    buffer.unknownSinceMs ??= performance.now();
    if (performance.now() - buffer.unknownSinceMs > UNKNOWN_MS_MAX) this.#fail(buffer, error);
  }

  /** Fetches what this node leads, as long as it leads something. */
  async #fetchFrom(node: number): Promise<void> {
    let pauseMs = PAUSE_MS;
    let turn = 0;
    // Seeks that come together make one request.
    await Promise.resolve();
    while (!this.#cluster.closed.aborted) {
      const own = this.#buffers.filter((buffer) => buffer.leader === node);
      if (own.length === 0) return;
      const active = own.filter((buffer) =>
        !buffer.paused && buffer.fetchOffset !== undefined && !buffer.failure
      );
      const shareBytes = Math.max(this.#bytesMax / this.#activeCount(), PARTITION_BYTES_MIN);
      const asked = active.filter((buffer) => buffer.isEmpty || buffer.bytes < shareBytes / 2);
      if (asked.length === 0) {
        await this.#demand.promise;
        continue;
      }
      // The first partition of a request is served first: take turns.
      asked.unshift(...asked.splice(turn++ % asked.length));
      const someAreFull = asked.length < active.length;
      try {
        const brought = await this.#fetch(node, asked, shareBytes, someAreFull ? 0 : FETCH_WAIT_MS);
        pauseMs = PAUSE_MS;
        if (!brought && someAreFull) {
          await Promise.race([this.#demand.promise, pause(FULL_BUFFER_PACE_MS, this.#cluster.closed)]);
        }
      } catch (error) {
        if (this.#cluster.closed.aborted) return;
        this.#tellAway(error);
        this.#loseLeaders(asked);
        await pause(pauseMs, this.#cluster.closed);
        pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
        this.#wanted();
      }
    }
  }

  #activeCount(): number {
    return this.#buffers.filter((buffer) => !buffer.paused && buffer.fetchOffset !== undefined).length;
  }

  async #fetch(
    node: number,
    asked: PartitionBuffer[],
    shareBytes: number,
    waitMsMax: number,
  ): Promise<boolean> {
    const wishes = asked.map((buffer) => ({
      buffer,
      epoch: buffer.epoch,
      topic: this.#naming.toKafka(buffer.topic),
      partition: buffer.partition,
      offset: buffer.fetchOffset!,
      bytesMax: Math.ceil(Math.max(shareBytes, buffer.bytesNeeded)),
    }));
    const bytesMax = wishes.reduce((sum, wish) => sum + wish.bytesMax, 0);
    const fetched = await this.#cluster.send(node, fetchRequest(wishes, { waitMsMax, bytesMax }), 1);
    this.#tellBack();
    let brought = false;
    for (const part of fetched) {
      const wish = wishes.find((one) => one.topic === part.topic && one.partition === part.partition);
      if (!wish || wish.buffer.epoch !== wish.epoch) continue;
      if (await this.#takeIn(wish.buffer, part)) brought = true;
    }
    if (brought) this.#supply.resolve();
    return brought;
  }

  /** Takes in what came of a partition; true when there is something for a poll. */
  async #takeIn(buffer: PartitionBuffer, part: FetchedPartition): Promise<boolean> {
    const error = errorOfCode(part.errorCode);
    if (error) {
      await this.#takeInError(buffer, error);
      return buffer.failure !== undefined;
    }
    const from = { topic: buffer.topic, partition: buffer.partition, offset: buffer.fetchOffset! };
    try {
      const decoded = decodeBatches(part.recordSet, from, part.aborted);
      if (decoded.bytesNeeded > buffer.bytesNeeded) buffer.bytesNeeded = decoded.bytesNeeded;
      const moved = decoded.nextOffset > from.offset;
      buffer.add(decoded, part.lastStableOffset);
      return moved;
    } catch (cause) {
      this.#fail(buffer, cause instanceof Error ? cause : new Error(String(cause)));
      return true;
    }
  }

  async #takeInError(buffer: PartitionBuffer, error: Error): Promise<void> {
    if (kafkaErrorType(error) === "OFFSET_OUT_OF_RANGE") return await this.#takeInRange(buffer);
    if (hasMoved(error)) return this.#loseLeaders([buffer]);
    if (!isRetriable(error)) this.#fail(buffer, error);
  }

  /** Before the start: records have aged out, go on at the start. Behind the end: not the log it was. */
  async #takeInRange(buffer: PartitionBuffer): Promise<void> {
    const { topic, partition, epoch, fetchOffset } = buffer;
    const place = { topic: this.#naming.toKafka(topic), partition };
    const start = await listOffset(this.#cluster, place, "start");
    const end = await listOffset(this.#cluster, place, "end");
    if (buffer.epoch !== epoch) return;
    if (fetchOffset! < start) {
      this.#cluster.options.log(
        "warn",
        `Offsets ${fetchOffset} to ${
          start - 1
        } of ${topic}-${partition} have aged out: reading goes on at ${start}`,
      );
      buffer.seek(start);
    } else if (fetchOffset! > end) {
      this.#fail(
        buffer,
        new RangeError(
          `Cannot read ${topic}-${partition} from offset ${fetchOffset}: it ends at ${end}; ` +
            "the topic has been deleted and made again, or the position belongs to another Kafka",
        ),
      );
    }
  }

  #fail(buffer: PartitionBuffer, error: Error): void {
    buffer.failure = error;
    this.#supply.resolve();
  }

  #loseLeaders(buffers: PartitionBuffer[]): void {
    this.#cluster.forgetLeaders(buffers.map((buffer) => this.#naming.toKafka(buffer.topic)));
    for (const buffer of buffers) buffer.leader = undefined;
    this.#wanted();
  }

  #tellAway(error: unknown): void {
    if (this.#away || this.#cluster.closed.aborted) return;
    this.#away = true;
    this.#cluster.options.log("warn", `Kafka does not answer, reading waits for it: ${messageOf(error)}`);
  }

  #tellBack(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#cluster.options.log("info", "Kafka answers again, reading goes on");
  }
}
