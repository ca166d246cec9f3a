/** What one commit of a partition appends: outputs, dead letters, records passed on, state changes, the order taken. */

import type { NewRecord } from "../event_log/event_log.ts";
import { deadLetterRecords } from "./_intake.ts";
import type { EngineStep } from "./inventory_engine.ts";
import type { Refusal } from "./refusals.ts";

/** The order in which a commit's records were taken. */
export interface OrderOfCommit {
  topics: readonly string[];
  /** Where each topic's records begin, and where the next commit goes on. */
  from: (number | undefined)[];
  to: (number | undefined)[];
  /** Place of a topic in `topics` and number of its records, one run after the other. */
  runs: [lane: number, records: number][];
}

export interface CommitParts {
  partition: number;
  group: string;
  logId: string;
  changelogTopic: string;
  orderTopic: string;
  step: EngineStep;
  refusals: Refusal[];
  passedOn: readonly NewRecord[];
  order: OrderOfCommit;
}

/** The records, and among them the engine's outputs. */
export async function commitRecords(
  parts: CommitParts,
): Promise<{ records: NewRecord[]; outputs: NewRecord[] }> {
  const { partition, group, logId, changelogTopic, orderTopic, step } = parts;
  const outputs = step.outputs.map(({ topic, flightId, value }): NewRecord => ({
    topic,
    key: flightId,
    value,
  }));
  const deadLetters = await deadLetterRecords(parts.refusals, { group, logId });
  const changes = step.changes.map(({ key, value }): NewRecord => ({
    topic: changelogTopic,
    partition,
    key,
    value,
  }));
  const order: NewRecord = { topic: orderTopic, partition, key: null, value: JSON.stringify(parts.order) };
  return { records: [...outputs, ...deadLetters, ...parts.passedOn, ...changes, order], outputs };
}
