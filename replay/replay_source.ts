/** Where a replay takes the consumer's input records from: the lake or the log. */

import { BOOKING_CURVES_TOPIC, ENGINE_INPUT_TOPICS, GROUPS } from "../events/topics.ts";
import type { EventLog, PartitionRange } from "../event_log/event_log.ts";
import { PartitionScan } from "../event_log/partition_scan.ts";
import { readManifest } from "../lake/manifest.ts";
import { listRawFiles, logId8Of } from "../lake/raw_files.ts";
import type { RawFile } from "../lake/raw_files.ts";
import { OperatorError } from "../process/run_process.ts";
import { storedLetters } from "../dead_letters/stored_letters.ts";
import { ByPlace, OffsetSet } from "../verification/offset_sets.ts";
import { LakeScan } from "./lake_scan.ts";
import type { RecordScan } from "./record_scan.ts";

export const REPARTITION_TOPIC = "inventory-engine-repartition";

/** Partitions of the consumer's input topics, each to be read from its start. */
export interface ReplaySource {
  /** The id of the log that the records come from. */
  readonly logId: string;
  /** Places of the input topics that hold something, in the order of the topics. */
  readonly places: readonly { topic: string; partition: number; start: number; end: number }[];
  /** Things that a person should know of it. */
  readonly notes: readonly string[];
  /** Opens one partition; a place without records is empty. */
  open(topic: string, partition: number): Promise<RecordScan>;
  /** Lines of the lake that are no records, among those that were read so far. */
  brokenLines(): number;
}

/** The log's own topics. */
export async function logSource(log: EventLog, signal: AbortSignal): Promise<ReplaySource> {
  const places = await log.ranges([...ENGINE_INPUT_TOPICS]);
  return {
    logId: log.logId,
    places: [...places.filter(({ start, end }) => start < end), ...await curvePlaces(log)],
    notes: [],
    open: (topic, partition) => openInLog(log, topic, partition, signal),
    brokenLines: () => 0,
  };
}

/** Where booking curves lie; a log of a former version has none. */
async function curvePlaces(log: EventLog): Promise<PartitionRange[]> {
  if (!(await log.listTopics()).some(({ name }) => name === BOOKING_CURVES_TOPIC)) return [];
  return (await log.ranges([BOOKING_CURVES_TOPIC])).filter(({ start, end }) => start < end);
}

async function openInLog(
  log: EventLog,
  topic: string,
  partition: number,
  signal: AbortSignal,
): Promise<RecordScan> {
  const range = (await log.ranges([topic])).find((place) => place.partition === partition);
  if (range === undefined) throw new OperatorError(`The log has no partition ${partition} of "${topic}"`);
  return await PartitionScan.open(log, range, { signal });
}

export interface LakeSourceOptions {
  rawFolder: string;
  /** The present log, where there is one: it knows what the lake left out, and which records had no key. */
  log?: EventLog | undefined;
  signal: AbortSignal;
}

/**
 * The lake writer's files of one log: the present one where the lake has files of it, else the one that wrote last.
 *
 * @throws {OperatorError} where the lake holds nothing of the consumer's input.
 */
export async function lakeSource(options: LakeSourceOptions): Promise<ReplaySource> {
  const { rawFolder, signal } = options;
  const files: RawFile[] = [];
  const notes: string[] = [];
  let foreign = 0;
  for (const topic of ENGINE_INPUT_TOPICS) {
    const listing = await listRawFiles(rawFolder, topic);
    files.push(...listing.sealed);
    foreign += listing.foreign.length;
  }
  if (files.length === 0) {
    throw new OperatorError(
      `The lake "${rawFolder}" holds nothing that the consumer reads: run deno task lake, or replay --from-log`,
    );
  }
  if (foreign > 0) {
    notes.push(
      `${foreign} files of other programs in the lake were left out: they do not say where their records stood`,
    );
  }
  const logId = await chosenLog(files, options.log);
  const logId8 = logId8Of(logId);
  const log = options.log !== undefined && options.log.logId === logId ? options.log : undefined;
  const others = new Set(files.map((file) => file.logId8).filter((other) => other !== logId8));
  if (others.size > 0) {
    notes.push(`The lake holds records of ${others.size + 1} logs; those of log ${logId8} were replayed`);
  }
  const own = Map.groupBy(
    files.filter((file) => file.logId8 === logId8),
    (file) => `${file.topic}/${file.partition}`,
  );
  const known = log === undefined ? undefined : await leftOutByLake(log, signal);
  const scans: LakeScan[] = [];
  const open = (topic: string, partition: number): Promise<RecordScan> => {
    const inLogOnly = topic === REPARTITION_TOPIC || topic === BOOKING_CURVES_TOPIC;
    if (inLogOnly && log !== undefined) return openInLog(log, topic, partition, signal);
    const scan = new LakeScan({
      rawFolder,
      topic,
      partition,
      logId8,
      files: own.get(`${topic}/${partition}`) ?? [],
      refused: known?.refused.existing("", topic, partition),
      keyless: known?.passedOn.existing("", topic, partition),
      signal,
    });
    scans.push(scan);
    return Promise.resolve(scan);
  };
  const brokenLines = () => scans.reduce((sum, scan) => sum + scan.brokenLines, 0);
  const places = [...own.values()].map((list) => ({
    topic: list[0]!.topic,
    partition: list[0]!.partition,
    start: list[0]!.from,
    end: Math.max(...list.map(({ to }) => to)),
  }));
  if (log !== undefined) places.push(...await curvePlaces(log));
  else notes.push("Booking curves are in the event log alone: nothing is forecast here");
  return { logId, places, notes, open, brokenLines };
}

/** The whole id of the log whose files are meant. */
async function chosenLog(files: readonly RawFile[], log: EventLog | undefined): Promise<string> {
  if (log !== undefined && files.some(({ logId8 }) => logId8 === logId8Of(log.logId))) return log.logId;
  const newest = files.reduce((a, b) => (b.hour > a.hour ? b : a));
  // The manifest has the whole id; a decision names it.
  const folder = newest.path.slice(0, -newest.name.length - 1);
  return (await readManifest(folder)).entries.get(newest.name)?.log_id ?? newest.logId8;
}

/**
 * By place: records that the lake leaves out because they were refused, and records that the consumer passed on, of which
 * some stand in their flight's partition and only lacked its key.
 */
async function leftOutByLake(
  log: EventLog,
  signal: AbortSignal,
): Promise<{ refused: ByPlace<OffsetSet>; passedOn: ByPlace<OffsetSet> }> {
  const refused = new ByPlace(() => new OffsetSet());
  const passedOn = new ByPlace(() => new OffsetSet());
  for await (const { letter } of storedLetters(log, { signal })) {
    if (letter.log_id !== log.logId) continue;
    // Too large to be passed on: the consumer refused it by its size, the lake has it.
    const byConsumer = letter.group === GROUPS.engine && letter.reason === "too_large";
    if (letter.group === GROUPS.lake || byConsumer) {
      refused.at("", letter.topic, letter.partition).add(letter.offset);
    }
  }
  for (const range of await log.ranges([REPARTITION_TOPIC])) {
    const scan = await PartitionScan.open(log, range, { signal });
    try {
      while (scan.head !== undefined || await scan.fill()) {
        const place = originPlace(scan.next()!.headers);
        if (place !== undefined) passedOn.at("", place.topic, place.partition).add(place.offset);
      }
    } finally {
      await scan.close();
    }
  }
  return { refused, passedOn };
}

/** Where a passed-on record stood first; `undefined` where its headers do not say so. */
export function originPlace(
  headers: Record<string, string> = {},
): { topic: string; partition: number; offset: number } | undefined {
  const topic = headers["origin-topic"];
  const [partition, offset] = [Number(headers["origin-partition"]), Number(headers["origin-offset"])];
  if (topic === undefined || !Number.isInteger(partition) || !Number.isInteger(offset)) return undefined;
  return { topic, partition, offset };
}
