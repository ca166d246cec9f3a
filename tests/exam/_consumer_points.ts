/**
 * The places in a commit of the consumer at which it is killed or stopped, by engine, and the line that tells of a
 * refused commit. Inserted into a copy of the project; see `_project_copy.ts`.
 *
 * @module
 */

import { killPoint, type SourceMutation } from "./_project_copy.ts";
import type { ExamEngine } from "./experiment.ts";

const TASK = "streaming/partition_task.ts";
const SQLITE = "event_log/sqlite_event_log.ts";
const QUEUE = "event_log/_sqlite_write_queue.ts";
const KAFKA = "event_log/_kafka_transactor.ts";

/** What a process prints when its commit is refused because another owns the partition. */
export const REFUSED_LINE = "EXAM REFUSED";

const TASK_POINTS: readonly SourceMutation[] = [
  killPoint("transactor opened", {
    file: TASK,
    before: "const engine = await restoreEngine(assigned, transactor, signal, options);",
  }),
  killPoint("marker written", {
    file: "streaming/restore_engine.ts",
    after: "await transactor.commit({ records: [{ topic, partition, key: MARKER_KEY, value: marker }] });",
  }),
  killPoint("before the commit", { file: TASK, before: "await this.#transactor.commit({" }),
  killPoint("after the commit", { file: TASK, before: "observer?.committed?.({" }),
];

const SQLITE_POINTS: readonly SourceMutation[] = [
  killPoint("before offsets", { file: SQLITE, before: "if (offsets !== undefined) storeOffsets(" }),
  {
    file: SQLITE,
    from: "return storeBatches(connection, partitions, Date.now());",
    to: `examPoint("offsets stored"); const due = storeBatches(connection, partitions, Date.now()); ` +
      `examPoint("outputs stored"); return due;`,
  },
  killPoint("transaction ended", { file: QUEUE, after: 'writing.exec("COMMIT");' }),
];

const KAFKA_POINTS: readonly SourceMutation[] = [
  {
    file: KAFKA,
    from: "this.#sender.send(rounds, added),",
    to: `this.#sender.send(rounds, added).then(() => examPoint("outputs stored")),`,
  },
  {
    file: KAFKA,
    from: "added.then(() => this.#sendOffsets(offsets)),",
    to: `added.then(() => { examPoint("before offsets"); return this.#sendOffsets(offsets); }),`,
  },
  killPoint("offsets stored", {
    file: KAFKA,
    after: "(broker) => broker.txnOffsetCommit({ ...this.#owner, groupId, topics }),\n    );",
  }),
  killPoint("before the end", { file: KAFKA, before: "// Step 3: the coordinator decides." }),
  killPoint("transaction ended", {
    file: KAFKA,
    after: "await this.#coordinated((broker) => broker.endTxn({ ...this.#owner, transactionResult: true }));",
  }),
];

const REFUSALS: Record<ExamEngine, SourceMutation> = {
  embedded: {
    file: SQLITE,
    from: "throw new FencedError(",
    to: `console.error("${REFUSED_LINE}"); throw new FencedError(`,
  },
  kafka: {
    file: KAFKA,
    from: "throw this.#failure = new FencedError(",
    to: `console.error("${REFUSED_LINE}"); throw this.#failure = new FencedError(`,
  },
};

/** All points of an engine, and the line of a refused commit. */
export function consumerPoints(engine: ExamEngine): SourceMutation[] {
  return [...TASK_POINTS, ...engine === "kafka" ? KAFKA_POINTS : SQLITE_POINTS, REFUSALS[engine]];
}

/** Where a consumer is killed: each name once, those first at which a commit would come apart most easily. */
export const KILL_POINTS: Record<ExamEngine, readonly string[]> = {
  embedded: [
    "after the commit",
    "before the commit",
    "outputs stored",
    "offsets stored",
    "transaction ended",
    "before offsets",
    "marker written",
    "transactor opened",
  ],
  kafka: [
    "after the commit",
    "outputs stored",
    "before the end",
    "offsets stored",
    "before the commit",
    "transaction ended",
    "before offsets",
    "marker written",
    "transactor opened",
  ],
};

/** Where a consumer is stopped with a commit in its hands. Not inside SQLite's lock: a stopped owner keeps it. */
export const STOP_POINTS: Record<ExamEngine, readonly string[]> = {
  embedded: ["before the commit"],
  kafka: ["before the commit", "outputs stored", "before the end", "offsets stored", "before offsets"],
};
