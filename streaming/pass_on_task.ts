/**
 * Passes a whole topic on to the repartition topic, exactly once: for input topics whose partition count differs
 * from ours, where a flight's partition number means something else.
 *
 * @module
 */

import type { AssignedPartition, EventLog, PartitionOffset } from "../event_log/event_log.ts";
import { deadLetterRecords, intake, passedOnRecord } from "./_intake.ts";

export interface PassOnTaskOptions {
  log: EventLog;
  group: string;
  topic: string;
  repartitionTopic: string;
  eventLeadMsMax: number;
  onCommitted?: (info: PassedOnInfo) => void;
  /** Told where it stands once everything that was read is committed. */
  onReached?: (positions: PartitionOffset[]) => void;
}

/** One commit. */
export interface PassedOnInfo {
  passedOn: number;
  refusals: string[];
  positions: PartitionOffset[];
}

/** Runs until `signal` aborts. Each poll is one transaction: passed-on records, dead letters and offset. */
export async function runPassOnTask(
  assigned: AssignedPartition,
  signal: AbortSignal,
  options: PassOnTaskOptions,
): Promise<void> {
  const { log, group, topic, repartitionTopic, eventLeadMsMax } = options;
  const { partition, reader } = assigned;
  const transactor = await log.transactor(`${group}-${partition}`);
  try {
    const here = (place: { partition: number }) => place.partition === partition;
    const committed = (await log.committedOffsets(group, [topic])).find(here)?.offset;
    reader.seek({ topic, partition, offset: committed ?? (await log.ranges([topic])).find(here)!.start });
    reader.resume([topic]);
    let reached: number | undefined;
    while (!signal.aborted) {
      for (const batch of await reader.poll({ maxWaitMs: 250, signal })) {
        const items = batch.records.map((record) =>
          intake(record, batch.seenMs, {
            repartitionTopic,
            partitions: 0,
            passEverythingOn: true,
            eventLeadMsMax,
          })
        );
        const refusals = items.flatMap(({ origin, outcome }) =>
          outcome.kind === "refuse" ? [{ record: origin, ...outcome }] : []
        );
        const passedOn = items.flatMap(({ origin, outcome }) =>
          outcome.kind === "pass on" ? [passedOnRecord(origin, outcome.flightId, repartitionTopic)] : []
        );
        const positions = [{ topic, partition, offset: batch.nextOffset }];
        await transactor.commit({
          records: [...passedOn, ...await deadLetterRecords(refusals, { group, logId: log.logId })],
          offsets: { group, positions },
        });
        options.onCommitted?.({
          passedOn: passedOn.length,
          refusals: refusals.map(({ reason }) => reason),
          positions,
        });
      }
      const offset = reader.nextOffset({ topic, partition });
      if (offset !== undefined && offset !== reached) {
        options.onReached?.([{ topic, partition, offset }]);
        reached = offset;
      }
    }
  } finally {
    await transactor.close();
  }
}
