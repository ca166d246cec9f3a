/**
 * How far a sink has come: what lies behind is not written yet, which is no fault. The sinks of a running pipeline
 * are never at the same place, so each is compared with exactly the part of the lake that it says it holds.
 *
 * @module
 */

import { foreignLog } from "../etl/etl_state.ts";
import type { EtlState } from "../etl/etl_state.ts";
import type { WatermarkEntry } from "../warehouse/load_tables.ts";

/** Where an event stands in the lake: in a file of another program, `log` names the file and `offset` the byte. */
export interface LakePlace {
  /** First 8 digits of the log's id, or `file:<name>`. */
  log: string;
  partition: number;
  offset: number;
}

/** Positions by topic, log and partition. */
export class Cut {
  readonly #next = new Map<string, number>();

  constructor(entries: Iterable<WatermarkEntry>) {
    for (const { topic, log_id, partition, next_offset } of entries) {
      this.#next.set(`${topic}/${log_id}/${partition}`, Number(next_offset));
    }
  }

  /** Whether the sink says that it holds what stands there. */
  covers(topic: string, { log, partition, offset }: LakePlace): boolean {
    return offset < (this.#next.get(`${topic}/${log}/${partition}`) ?? 0);
  }

  /** The name under which the sink knows a file of another program; a file that shrank counts as another file. */
  foreignLog(topic: string, name: string): string {
    let log = foreignLog(name, 1);
    for (let generation = 2; this.#next.has(`${topic}/${foreignLog(name, generation)}/0`); generation++) {
      log = foreignLog(name, generation);
    }
    return log;
  }
}

/** The gold tables' cut, from the ETL's state. A topic's newest generation of a file stands for it. */
export function goldCut(state: EtlState): Cut {
  const entries: WatermarkEntry[] = [];
  for (const [topic, { positions, foreign }] of Object.entries(state.topics)) {
    for (const [log_id, partitions] of Object.entries(positions)) {
      for (const [partition, next_offset] of Object.entries(partitions)) {
        entries.push({ log_id, topic, partition: Number(partition), next_offset });
      }
    }
    for (const [name, { bytes, generation }] of Object.entries(foreign)) {
      for (let earlier = 1; earlier <= generation; earlier++) {
        entries.push({ log_id: foreignLog(name, earlier), topic, partition: 0, next_offset: bytes });
      }
    }
  }
  return new Cut(entries);
}
