/**
 * Fetches ahead into a buffer per partition, each within its share of the bytes allowed, so that memory is bounded and a
 * topic that waits never holds up another.
 *
 * @module
 */

import { ReplacedTopicError, UnknownTopicError } from "./event_log.ts";
import { decodeBatches } from "./_kafka_batch_decoding.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { errorOfCode, hasMoved, isRetriable, kafkaErrorType, messageOf } from "./_kafka_errors.ts";
import { type FetchedPartition, fetchRequest } from "./_kafka_fetch.ts";
import { listOffset } from "./_kafka_offsets.ts";
import type { PartitionBuffer } from "./_kafka_partition_buffer.ts";
import { pause } from "./_kafka_retry.ts";
import type { Naming } from "./_kafka_transactor.ts";

/** How long a fetch waits for the first byte; a partition that is sought meanwhile waits as long. */
const FETCH_WAIT_MS = 150;
/** While a full buffer may be drained at any moment, the others are asked at this pace. */
const FULL_BUFFER_PACE_MS = 20;
const PARTITION_BYTES_MIN = 16 * 1024;
const PAUSE_MS = 50;
const PAUSE_MS_MAX = 1_000;
/** For how long a topic may be unknown (it may just have been created) before reading it fails. */
const UNKNOWN_MS_MAX = 5_000;

/** What a fetcher is given. */
export interface FetcherOptions {
  cluster: KafkaCluster;
  naming: Naming;
  buffers: PartitionBuffer[];
  bytesMax: number;
  /** Is called when a buffer has got records or a failure. */
  onSupply: () => void;
}

/** Fills the buffers of a reader: one loop per node that leads some of their partitions. */
export class KafkaFetcher {
  readonly #cluster: KafkaCluster;
  readonly #naming: Naming;
  readonly #bytesMax: number;
  readonly #buffers: PartitionBuffer[];
  readonly #onSupply: () => void;
  readonly #loops = new Map<number | undefined, Promise<void>>();
  /** Resolves when something changed that a loop waits for. */
  #demand = Promise.withResolvers<void>();

  constructor({ cluster, naming, buffers, bytesMax, onSupply }: FetcherOptions) {
    this.#cluster = cluster;
    this.#naming = naming;
    this.#buffers = buffers;
    this.#bytesMax = bytesMax;
    this.#onSupply = onSupply;
  }

  async close(): Promise<void> {
    await this.#cluster.close();
    this.#demand.resolve();
    await Promise.all(this.#loops.values());
  }

  /** Something may be fetched: wakes the loops, and starts those that are missing. */
  wake(): void {
    this.#demand.resolve();
    this.#demand = Promise.withResolvers();
    if (this.#cluster.closed.aborted) return;
    for (const { leader, fetchOffset, failure } of this.#buffers) {
      if (fetchOffset === undefined || this.#loops.has(leader)) continue;
      if (leader === undefined && failure) continue;
      const loop = (leader === undefined ? this.#findLeaders() : this.#fetchFrom(leader)).catch((error) => {
        if (!this.#cluster.closed.aborted) this.#cluster.options.log("error", messageOf(error));
      });
      this.#loops.set(
        leader,
        loop.finally(() => {
          this.#loops.delete(leader);
          // A partition may have come to this leader while its loop was ending.
          this.wake();
        }),
      );
    }
  }

  /** Looks up who leads the partitions whose leader is not known (any more). */
  async #findLeaders(): Promise<void> {
    let pauseMs = PAUSE_MS;
    while (!this.#cluster.closed.aborted) {
      const lost = this.#buffers.filter((buffer) =>
        buffer.leader === undefined && buffer.fetchOffset !== undefined && !buffer.failure
      );
      if (lost.length === 0) break;
      for (const buffer of lost) {
        try {
          const leaders = await this.#cluster.leaders(this.#naming.toKafka(buffer.topic));
          const leader = leaders[buffer.partition];
          if (leader === undefined) {
            throw new UnknownTopicError(`There is no ${buffer.topic}-${buffer.partition}`);
          }
          if (await this.#isReplaced(buffer)) continue;
          buffer.leader = leader;
          buffer.unknownSinceMs = undefined;
        } catch (error) {
          this.#unreachable(buffer, error);
        }
      }
      this.wake();
      if (lost.every((buffer) => buffer.leader !== undefined || buffer.failure)) break;
      await pause(pauseMs, this.#cluster.closed);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
    }
  }

  /** Whether the topic is another one than was read so far, under the same name: its offsets begin again. */
  async #isReplaced(buffer: PartitionBuffer): Promise<boolean> {
    const name = this.#naming.toKafka(buffer.topic);
    const id = (await this.#cluster.topicIds([name])).get(name);
    if (id === undefined) return false;
    buffer.topicId ??= id;
    if (buffer.topicId === id) return false;
    const message =
      `The topic "${buffer.topic}" was deleted and made again while it was read: its offsets begin again`;
    this.#fail(buffer, new ReplacedTopicError(message));
    return true;
  }

  #unreachable(buffer: PartitionBuffer, error: unknown): void {
    if (!(error instanceof UnknownTopicError)) {
      buffer.unknownSinceMs = undefined;
      this.#cluster.options.availability.failed(error);
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
        this.#cluster.options.availability.failed(error);
        this.#loseLeaders(asked);
        await pause(pauseMs, this.#cluster.closed);
        pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
        this.wake();
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
    const sentMs = performance.now();
    const fetched = await this.#cluster.send(node, fetchRequest(wishes, { waitMsMax, bytesMax }), 1);
    this.#cluster.options.availability.answered();
    const arrivedMs = performance.now();
    let brought = false;
    for (const part of fetched) {
      const wish = wishes.find((one) => one.topic === part.topic && one.partition === part.partition);
      if (!wish || wish.buffer.epoch !== wish.epoch) continue;
      if (await this.#takeIn(wish.buffer, part, { sentMs, arrivedMs })) brought = true;
    }
    if (brought) this.#onSupply();
    return brought;
  }

  /** Takes in what came of a partition; true when there is something for a poll. */
  async #takeIn(
    buffer: PartitionBuffer,
    part: FetchedPartition,
    when: { sentMs: number; arrivedMs: number },
  ): Promise<boolean> {
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
      buffer.add(decoded, {
        ...when,
        lastStableOffset: part.lastStableOffset,
        highWatermark: part.highWatermark,
      });
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
    this.#onSupply();
  }

  #loseLeaders(buffers: PartitionBuffer[]): void {
    this.#cluster.forgetLeaders(buffers.map((buffer) => this.#naming.toKafka(buffer.topic)));
    for (const buffer of buffers) buffer.leader = undefined;
    this.wake();
  }
}
