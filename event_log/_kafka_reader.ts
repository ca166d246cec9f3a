/**
 * Reads partitions from given positions, without a consumer group.
 *
 * @module
 */

import type { PartitionOffset, Reader, RecordBatch, TopicPartition } from "./event_log.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { KafkaFetcher } from "./_kafka_fetcher.ts";
import { PartitionBuffer } from "./_kafka_partition_buffer.ts";
import type { Naming } from "./_kafka_transactor.ts";

const BYTES_MAX_DEFAULT = 4 * 1024 * 1024;
const POLL_WAIT_MS_DEFAULT = 1_000;

/** A {@link Reader} on connections of its own. */
export class KafkaReader implements Reader {
  readonly #closed: AbortSignal;
  readonly #bytesMax: number;
  readonly #buffers: PartitionBuffer[];
  readonly #fetcher: KafkaFetcher;
  /** Resolves when a poll has something to hand over. */
  #supply = Promise.withResolvers<void>();
  #turn = 0;
  #polling = false;

  constructor(
    cluster: KafkaCluster,
    naming: Naming,
    buffers: PartitionBuffer[],
    bytesMax = BYTES_MAX_DEFAULT,
  ) {
    this.#closed = cluster.closed;
    this.#bytesMax = bytesMax;
    this.#buffers = buffers;
    const onSupply = () => this.#supply.resolve();
    this.#fetcher = new KafkaFetcher({ cluster, naming, buffers, bytesMax, onSupply });
    this.#fetcher.wake();
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
      const topics = new Set(positions.map(({ topic }) => naming.toKafka(topic)));
      const topicIds = await cluster.topicIds([...topics]);
      for (const { topic, partition, offset } of positions) {
        const leaders = await cluster.leaders(naming.toKafka(topic));
        if (!(partition in leaders)) {
          throw new RangeError(
            `Cannot read ${topic}-${partition}: the topic has ${leaders.length} partitions`,
          );
        }
        const buffer = new PartitionBuffer(topic, partition);
        buffer.leader = leaders[partition];
        buffer.topicId = topicIds.get(naming.toKafka(topic));
        buffer.seek(offset);
        buffers.push(buffer);
      }
      return new KafkaReader(cluster, naming, buffers, bytesMax);
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
        if (signal?.aborted || this.#closed.aborted) return [];
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
    this.#fetcher.wake();
  }

  endSeenMs(topic: string): number | undefined {
    let earliest = Infinity;
    for (const buffer of this.#buffers) {
      if (buffer.topic !== topic) continue;
      const seenMs = buffer.endSeenMs;
      if (seenMs === undefined) return undefined;
      earliest = Math.min(earliest, seenMs);
    }
    return earliest;
  }

  nextOffset({ topic, partition }: TopicPartition): number | undefined {
    const buffer = this.#buffers.find((own) => own.topic === topic && own.partition === partition);
    return buffer?.isEmpty ? buffer.fetchOffset : undefined;
  }

  pause(topics: string[]): void {
    for (const buffer of this.#buffers) if (topics.includes(buffer.topic)) buffer.paused = true;
  }

  resume(topics: string[]): void {
    for (const buffer of this.#buffers) if (topics.includes(buffer.topic)) buffer.paused = false;
    this.#fetcher.wake();
    this.#supply.resolve();
  }

  async close(): Promise<void> {
    await this.#fetcher.close();
    this.#supply.resolve();
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
    this.#fetcher.wake();
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
}
