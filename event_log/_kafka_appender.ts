/**
 * Appends without a transaction, idempotently: a request that is sent again is stored once.
 *
 * @module
 */

import type { Appender, NewRecord } from "./event_log.ts";
import { Rotation } from "./_kafka_batching.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { retrying } from "./_kafka_retry.ts";
import { KafkaSender, PartitionsChangedError } from "./_kafka_sender.ts";

const DEADLINE_MS = 30_000;
/** Broker's default `transaction.timeout.ms`; without a transactional id it has no meaning. */
const UNUSED_TIMEOUT_MS = 60_000;

/** An {@link Appender} on connections of its own; calls are served one after another. */
export class KafkaAppender implements Appender {
  readonly #cluster: KafkaCluster;
  readonly #rotation = new Rotation();
  #sender: KafkaSender | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster;
  }

  append(records: NewRecord[]): Promise<void> {
    const turn = this.#last.then(() => this.#append(records));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async close(): Promise<void> {
    await this.#cluster.close();
    await this.#last;
  }

  async #append(records: NewRecord[]): Promise<void> {
    if (records.length === 0) return;
    const sender = this.#sender ?? await this.#open();
    const rounds = await sender.plan(records);
    try {
      await sender.send(rounds);
    } catch (error) {
      // The numbers of this identity may have a gap now: go on with a new one.
      this.#sender = undefined;
      if (!(error instanceof PartitionsChangedError)) throw error;
      await this.#append(error.notStored);
    }
  }

  async #open(): Promise<KafkaSender> {
    const { producerId, producerEpoch } = await retrying(
      async () =>
        (await this.#cluster.broker(null)).initProducerId({ transactionTimeout: UNUSED_TIMEOUT_MS }),
      { deadlineMs: DEADLINE_MS, signal: this.#cluster.closed },
    );
    const identity = { producerId: BigInt(producerId), producerEpoch, transactionalId: null };
    return this.#sender = new KafkaSender(this.#cluster, identity, DEADLINE_MS, this.#rotation);
  }
}
