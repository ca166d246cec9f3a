/**
 * Transactions: records and group offsets that become visible together or not at all.
 *
 * A commit is, in this order:
 * 1. AddPartitionsToTxn: the coordinator notes the partitions (here an older owner learns that it is fenced);
 * 2. the records are produced, while AddOffsetsToTxn and TxnOffsetCommit store the group's positions;
 * 3. EndTxn: the coordinator decides; from its answer on the transaction is committed.
 *
 * @module
 */

import { FencedError, type Transaction, type Transactor } from "./event_log.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { hasMoved, isFenced, isRetriable, messageOf } from "./_kafka_errors.ts";
import type { KafkaBroker, TopicOffsets, TransactionOwner } from "./_kafka_internals.ts";
import { pause, retrying } from "./_kafka_retry.ts";
import { KafkaSender } from "./_kafka_sender.ts";

/** A dead owner's open transaction holds back read-committed readers for this long. */
const TRANSACTION_TIMEOUT_MS = 15_000;
const DEADLINE_MS = 12_000;
const OPEN_DEADLINE_MS = 30_000;
const ABORT_DEADLINE_MS = 1_000;
/** After a commit the coordinator answers "concurrent transactions" for some milliseconds. */
const PAUSE_MS = 2;
const PAUSE_MS_MAX = 50;

/** Maps the adapter's plain names to those on the broker. */
export interface Naming {
  toKafka(name: string): string;
}

/** A {@link Transactor} on connections of its own. */
export class KafkaTransactor implements Transactor {
  readonly id: string;
  readonly #cluster: KafkaCluster;
  readonly #sender: KafkaSender;
  readonly #owner: TransactionOwner;
  readonly #naming: Naming;
  #failure: unknown;
  #busy = false;

  private constructor(id: string, cluster: KafkaCluster, owner: TransactionOwner, naming: Naming) {
    this.id = id;
    this.#cluster = cluster;
    this.#owner = owner;
    this.#naming = naming;
    const identity = {
      producerId: BigInt(owner.producerId),
      producerEpoch: owner.producerEpoch,
      transactionalId: owner.transactionalId,
    };
    this.#sender = new KafkaSender(cluster, identity, DEADLINE_MS);
  }

  /** Takes over the id: its earlier owners are fenced, and what they left open is aborted, when this returns. */
  static async open(id: string, cluster: KafkaCluster, naming: Naming): Promise<KafkaTransactor> {
    const transactionalId = naming.toKafka(id);
    try {
      const { producerId, producerEpoch } = await withCoordinator(
        cluster,
        "transaction",
        transactionalId,
        OPEN_DEADLINE_MS,
        (broker) => broker.initProducerId({ transactionalId, transactionTimeout: TRANSACTION_TIMEOUT_MS }),
      );
      return new KafkaTransactor(id, cluster, { transactionalId, producerId, producerEpoch }, naming);
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  async commit(transaction: Transaction): Promise<void> {
    if (this.#failure !== undefined) {
      throw new Error(
        `Cannot commit: the transactor "${this.id}" failed before (${
          messageOf(this.#failure)
        }); open a new one`,
        { cause: this.#failure },
      );
    }
    if (this.#busy) {
      throw new Error(`Cannot commit: the transactor "${this.id}" is still committing; await it first`);
    }
    const positions = transaction.offsets?.positions ?? [];
    if (transaction.records.length === 0 && positions.length === 0) return;
    this.#busy = true;
    try {
      await this.#commit(transaction);
    } catch (error) {
      this.#failure = error;
      if (isFenced(error)) {
        throw this.#failure = new FencedError(
          `The transactor "${this.id}" has been fenced: another owner has opened it, or a transaction took over ` +
            `${TRANSACTION_TIMEOUT_MS} ms`,
          { cause: error },
        );
      }
      await this.#abort();
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  async close(): Promise<void> {
    this.#failure ??= new Error("it has been closed");
    await this.#cluster.close();
  }

  async #commit({ records, offsets }: Transaction): Promise<void> {
    const rounds = await this.#sender.plan(
      records.map((record) => ({ ...record, topic: this.#naming.toKafka(record.topic) })),
    );
    const slices = rounds.flat();
    // Step 1: the coordinator notes the partitions.
    const added = slices.length === 0 ? Promise.resolve() : this.#coordinated((broker) => {
      const topics = Map.groupBy(slices, (slice) => slice.topic);
      return broker.addPartitionsToTxn({
        ...this.#owner,
        topics: [...topics].map(([topic, own]) => ({
          topic,
          partitions: [...new Set(own.map((slice) => slice.partition))],
        })),
      });
    });
    added.catch(() => {});
    // Step 2: the records, and beside them the group's positions.
    const stored = await Promise.allSettled([
      this.#sender.send(rounds, added),
      added.then(() => this.#sendOffsets(offsets)),
    ]);
    for (const result of stored) {
      if (result.status === "rejected") throw result.reason;
    }
    // Step 3: the coordinator decides.
    await this.#coordinated((broker) => broker.endTxn({ ...this.#owner, transactionResult: true }));
  }

  async #sendOffsets(offsets: Transaction["offsets"]): Promise<void> {
    if (!offsets || offsets.positions.length === 0) return;
    const groupId = this.#naming.toKafka(offsets.group);
    await this.#coordinated((broker) => broker.addOffsetsToTxn({ ...this.#owner, groupId }));
    const topics = topicOffsets(offsets.positions, this.#naming);
    await withCoordinator(
      this.#cluster,
      "group",
      groupId,
      DEADLINE_MS,
      (broker) => broker.txnOffsetCommit({ ...this.#owner, groupId, topics }),
    );
  }

  /** Best effort: what cannot be aborted now is aborted by the next owner of the id, or by the timeout. */
  async #abort(): Promise<void> {
    const aborting = withCoordinator(
      this.#cluster,
      "transaction",
      this.#owner.transactionalId,
      ABORT_DEADLINE_MS,
      (broker) => broker.endTxn({ ...this.#owner, transactionResult: false }),
    ).catch(() => {});
    const done = new AbortController();
    await Promise.race([
      aborting,
      pause(ABORT_DEADLINE_MS, AbortSignal.any([done.signal, this.#cluster.closed])),
    ]);
    done.abort();
  }

  #coordinated<T>(ask: (broker: KafkaBroker) => Promise<T>): Promise<T> {
    return withCoordinator(this.#cluster, "transaction", this.#owner.transactionalId, DEADLINE_MS, ask);
  }
}

/** Asks the coordinator of a group or transactional id, looking it up again when it has moved. */
export function withCoordinator<T>(
  cluster: KafkaCluster,
  kind: "group" | "transaction",
  key: string,
  deadlineMs: number,
  ask: (broker: KafkaBroker) => Promise<T>,
): Promise<T> {
  return retrying(async () => {
    try {
      return await ask(await cluster.coordinator(kind, key));
    } catch (error) {
      if (hasMoved(error)) cluster.forgetCoordinator(kind, key);
      throw error;
    }
  }, {
    deadlineMs,
    pauseMs: PAUSE_MS,
    pauseMsMax: PAUSE_MS_MAX,
    signal: cluster.closed,
    retriable: isRetriable,
  });
}

/** Positions as requests name them. */
export function topicOffsets(
  positions: { topic: string; partition: number; offset: number }[],
  naming: Naming,
): TopicOffsets[] {
  return [...Map.groupBy(positions, (position) => position.topic)].map(([topic, own]) => ({
    topic: naming.toKafka(topic),
    partitions: own.map(({ partition, offset }) => ({ partition, offset: String(offset), metadata: null })),
  }));
}
