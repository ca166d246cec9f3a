/**
 * Sends records of one producer identity, in order and without duplicates: numbers every batch, sends a partition's
 * batches one after another, and sends a batch whose outcome is unknown again with the same number, which the broker
 * recognises.
 *
 * @module
 */

import { LogUnavailableError, type NewRecord, RecordTooLargeError } from "./event_log.ts";
import { intoRounds, Rotation, type Slice } from "./_kafka_batching.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { errorOfCode, hasMoved, isRetriable, kafkaErrorType, messageOf } from "./_kafka_errors.ts";
import { type PartitionBatch, produceRequest } from "./_kafka_produce.ts";
import { encodeBatch } from "./_kafka_batch_encoding.ts";
import { pause, retrying } from "./_kafka_retry.ts";
import { WireWriter } from "./_kafka_wire.ts";

const PRODUCE_TIMEOUT_MS = 10_000;
const PAUSE_MS = 10;
const PAUSE_MS_MAX = 500;
const SEQUENCE_MASK = 0x7fffffff;
const BATCH_HEADER_BYTES = 128;

/** Who sends, as the broker numbered it. */
export interface ProducerIdentity {
  producerId: bigint;
  producerEpoch: number;
  transactionalId: string | null;
}

interface EncodedSlice extends PartitionBatch {
  slice: Slice;
}

interface Failure {
  batch: EncodedSlice;
  error: unknown;
}

/** A topic has other partitions than when the records were planned; these records are not stored. */
export class PartitionsChangedError extends Error {
  override name = "PartitionsChangedError";
  readonly notStored: NewRecord[];

  constructor(slices: Slice[]) {
    super(`The partitions of ${[...new Set(slices.map((slice) => slice.topic))].join(", ")} have changed`);
    this.notStored = slices.flatMap(({ topic, records }) => records.map((record) => ({ ...record, topic })));
  }
}

/** Sends the records of one producer identity. After an error it is of no use: take a new identity. */
export class KafkaSender {
  readonly identity: ProducerIdentity;
  readonly #cluster: KafkaCluster;
  readonly #deadlineMs: number;
  readonly #rotation: Rotation;
  readonly #sequences = new Map<string, number>();

  constructor(
    cluster: KafkaCluster,
    identity: ProducerIdentity,
    deadlineMs: number,
    rotation = new Rotation(),
  ) {
    this.#cluster = cluster;
    this.identity = identity;
    this.#deadlineMs = deadlineMs;
    this.#rotation = rotation;
  }

  /** Decides which partition each record goes to and in which request; checks sizes. Sends nothing. */
  async plan(records: readonly NewRecord[]): Promise<Slice[][]> {
    const partitions = new Map<string, number>();
    for (const { topic } of records) {
      if (partitions.has(topic)) continue;
      const leaders = await retrying(() => this.#cluster.leaders(topic), {
        deadlineMs: this.#deadlineMs,
        signal: this.#cluster.closed,
      });
      partitions.set(topic, leaders.length);
    }
    return intoRounds(records, (topic) => partitions.get(topic)!, this.#rotation);
  }

  /** Sends what {@link KafkaSender.plan} returned. Encodes a round while the one before it is on its way. */
  async send(rounds: Slice[][], ready: Promise<unknown> = Promise.resolve()): Promise<void> {
    let sent: Promise<unknown> = ready;
    sent.catch(() => {});
    for (const [i, round] of rounds.entries()) {
      const batches = round.map((slice) => this.#encode(slice));
      await sent;
      sent = this.#deliver(batches, rounds.slice(i + 1));
      sent.catch(() => {});
      // Lets the request leave before the next round is encoded.
      if (i + 1 < rounds.length) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await sent;
  }

  #encode(slice: Slice): EncodedSlice {
    const { topic, partition, records, bytes } = slice;
    const key = `${topic} ${partition}`;
    const sequence = this.#sequences.get(key) ?? 0;
    this.#sequences.set(key, (sequence + records.length) & SEQUENCE_MASK);
    const writer = new WireWriter(bytes + BATCH_HEADER_BYTES);
    const { producerId, producerEpoch, transactionalId } = this.identity;
    const producer = { producerId, producerEpoch, transactional: transactionalId !== null };
    encodeBatch(writer, records, producer, sequence, Date.now());
    return { topic, partition, bytes: writer.written(), slice };
  }

  async #deliver(batches: EncodedSlice[], later: Slice[][]): Promise<void> {
    const endMs = performance.now() + this.#deadlineMs;
    let pending = batches;
    let pauseMs = PAUSE_MS;
    for (;;) {
      const failures = await this.#sendToLeaders(pending);
      if (failures.length === 0) return this.#cluster.options.availability.answered();
      this.#cluster.options.availability.failed(failures[0]!.error);
      const changed = failures.filter(({ error }) => error instanceof PartitionsChangedError);
      if (changed.length > 0 && changed.length === failures.length) {
        throw new PartitionsChangedError([...changed.map(({ batch }) => batch.slice), ...later.flat()]);
      }
      const fatal = failures.find(({ error }) =>
        !isRetriable(error) && !(error instanceof PartitionsChangedError)
      );
      const { error, batch } = fatal ?? failures[0]!;
      if (fatal || performance.now() + pauseMs > endMs) throw sendError(error, batch);
      // Batches whose partition is gone wait until the outcome of the others is known.
      pending = failures.map((failure) => failure.batch);
      if (failures.some((failure) => hasMoved(failure.error))) {
        this.#cluster.forgetLeaders(pending.map((batch) => batch.topic));
      }
      await pause(pauseMs, this.#cluster.closed);
      this.#cluster.closed.throwIfAborted();
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
    }
  }

  async #sendToLeaders(batches: EncodedSlice[]): Promise<Failure[]> {
    const byLeader = new Map<number, EncodedSlice[]>();
    const failures: Failure[] = [];
    for (const batch of batches) {
      try {
        const leader = (await this.#cluster.leaders(batch.topic))[batch.partition];
        if (leader === undefined) throw new PartitionsChangedError([batch.slice]);
        const ofLeader = byLeader.get(leader);
        if (ofLeader) ofLeader.push(batch);
        else byLeader.set(leader, [batch]);
      } catch (error) {
        failures.push({ batch, error });
      }
    }
    const refused = await Promise.all([...byLeader].map(([leader, own]) => this.#sendTo(leader, own)));
    return [...failures, ...refused.flat()];
  }

  async #sendTo(leader: number, batches: EncodedSlice[]): Promise<Failure[]> {
    try {
      const request = produceRequest(this.identity.transactionalId, batches, PRODUCE_TIMEOUT_MS);
      const outcomes = await this.#cluster.send(leader, request);
      return outcomes.flatMap(({ topic, partition, errorCode }) => {
        const error = errorOfCode(errorCode);
        if (!error || kafkaErrorType(error) === "DUPLICATE_SEQUENCE_NUMBER") return [];
        const batch = batches.find((candidate) =>
          candidate.topic === topic && candidate.partition === partition
        );
        return batch ? [{ batch, error }] : [];
      });
    } catch (error) {
      return batches.map((batch) => ({ batch, error }));
    }
  }
}

function sendError(error: unknown, { topic, partition, bytes }: PartitionBatch): unknown {
  const type = kafkaErrorType(error);
  if (type === "MESSAGE_TOO_LARGE" || type === "RECORD_LIST_TOO_LARGE") {
    return new RecordTooLargeError(
      `Kafka refused a batch of ${bytes.length} bytes for ${topic}-${partition}: raise the topic's max.message.bytes`,
    );
  }
  if (!isRetriable(error)) return error;
  return new LogUnavailableError(
    `Cannot append to ${topic}-${partition}: ${messageOf(error)}; check that Kafka runs`,
    { cause: error },
  );
}
