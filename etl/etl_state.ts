/**
 * `lake/gold/_etl_state.json`: how much of the lake the gold tables hold. It is replaced as the last step of a
 * run, so after a crash the next run reads the same lines again and merges them into what is already there.
 *
 * @module
 */

import { onStorage, replaceFile } from "../lake/durable_files.ts";

/** The state's name in the gold folder. */
export const STATE_NAME = "_etl_state.json";
/** Raised whenever a gold table's columns change their meaning: the next run then rebuilds everything. */
const FORMAT = 1;

/** Next offset to be read: by log (the first 8 digits of its id), then by partition number. */
export type Positions = Record<string, Record<string, number>>;

/** How far a file of another program was read. */
export interface ForeignPosition {
  /** Always up to the end of a line. */
  bytes: number;
  /** 1, and one more each time the file was found shorter than it was: then it is another file of that name. */
  generation: number;
}

/** What `_log` holds for events of a file that another program writes; no log's id looks like it. */
export function foreignLog(name: string, generation: number): string {
  return generation === 1 ? `file:${name}` : `file:${name}#${generation}`;
}

/** What {@link foreignLog} was made of; `undefined` for the log of a lake writer. */
export function foreignFile(log: string): { name: string; generation: number } | undefined {
  const match = /^file:(.*\.jsonl)(?:#(\d+))?$/s.exec(log);
  return match === null ? undefined : { name: match[1]!, generation: Number(match[2] ?? 1) };
}

/** What the gold tables hold of one topic. */
export interface TopicState {
  /** Files of the lake writer. */
  positions: Positions;
  /** Files of other programs, by name. */
  foreign: Record<string, ForeignPosition>;
  /** Length of the topic's file of rejected lines; what lies behind it is of a run that did not end. */
  rejectedBytes: number;
}

/** The ETL's memory between runs. */
export interface EtlState {
  format: number;
  /** When the last complete run ended, ISO 8601 UTC. */
  updated_at: string;
  topics: Record<string, TopicState>;
  /** The UTC day, `2025-11-28`, that the tables derived from the others are of. */
  derived_day?: string;
  /** The version of the booking curves that was published last, and in which log. */
  published?: { version: string; log_id: string };
}

/** A state that has read nothing. */
export function emptyState(): EtlState {
  return { format: FORMAT, updated_at: "", topics: {} };
}

/** The state of a topic, made when it is first asked for. */
export function topicState(state: EtlState, topic: string): TopicState {
  return state.topics[topic] ??= { positions: {}, foreign: {}, rejectedBytes: 0 };
}

/**
 * Reads the state. `undefined` where there is none that can be used (first run, another format, a file that
 * was damaged): everything is built anew then.
 */
export async function readState(goldFolder: string): Promise<EtlState | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(`${goldFolder}/${STATE_NAME}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    const state = JSON.parse(text) as EtlState;
    return state.format === FORMAT && typeof state.topics === "object" ? state : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces the state as one. */
export async function writeState(goldFolder: string, state: EtlState): Promise<void> {
  await onStorage(
    "write the ETL's state",
    `${goldFolder}/${STATE_NAME}`,
    () => replaceFile(goldFolder, STATE_NAME, `${JSON.stringify(state, null, 1)}\n`),
  );
}
