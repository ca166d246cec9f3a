/**
 * One partition of `flight-data-events`, each change of a flight told of exactly once.
 *
 * Order of a task's life:
 *  1. Take the partition over in the store: whoever owned it before can store nothing more.
 *  2. Go on where the store says, else where the group stood under another program, else at the beginning.
 *  3. Read, and step each record against what its flight's summary tells of.
 *  4. Write a summary of each flight that changed. Of several changes read at once the last is told of, and all are counted.
 *  5. Append dead letters to the log, and wait until it has them.
 *  6. Store summaries and place in one transaction.
 *  7. On any error forget everything since 6: the task begins again at 1.
 *
 * A crash between 4 and 6 asks the model again, and appends a dead letter again, with the same id.
 *
 * @module
 */

import { deadLetterId, deadLetterOf } from "../events/dead_letters.ts";
import { EventError } from "../events/event_error.ts";
import type { EventErrorReason } from "../events/event_error.ts";
import { parseFlightData } from "../events/flight_data.ts";
import type { FlightData } from "../events/flight_data.ts";
import type { Appender, AssignedPartition, EventLog, LogRecord } from "../event_log/event_log.ts";
import { stepFlight } from "./flight_change.ts";
import type { ChangeReason, SummarizedFlight } from "./flight_change.ts";
import { summaryIdent } from "./flight_facts.ts";
import { GroupPosition } from "./group_position.ts";
import { RecentEntries } from "./recent_entries.ts";
import type { ClaimedTopicPartition, NewSummary, SummaryStore } from "./summary_store.ts";
import type { SummaryWriter } from "./summary_writer.ts";

/** One commit. */
export interface SummaryCommitInfo {
  partition: number;
  /** Where the partition goes on. */
  nextOffset: number;
  /** Records moved past, by what became of them. */
  records: Record<"changed" | "unchanged" | "older" | "refused", number>;
  refusals: EventErrorReason[];
  summaries: readonly NewSummary[];
  /** Why each change was one. */
  reasons: ChangeReason[];
  /** Records that were known to be behind the last one. */
  lag: number;
}

/** Told what a task does. Must not throw. */
export interface SummaryTaskObserver {
  started?(info: { partition: number; offset: number; lostRecords: number }): void;
  committed?(info: SummaryCommitInfo): void;
  closed?(partition: number): void;
  /** The log did not take the group's position, for watchers. */
  positionFailed?(error: unknown): void;
}

export interface SummaryTaskOptions {
  log: EventLog;
  store: SummaryStore;
  writer: SummaryWriter;
  group: string;
  topic: string;
  /** A time that moved by less is not worth a new summary. */
  leastShiftMs: number;
  observer?: SummaryTaskObserver;
  /** Milliseconds since 1970. */
  now?: () => number;
}

const POLL_MS = 500;
/** Summaries that one commit stores: a model takes seconds for each, and what was not stored is written again. */
const SUMMARIES_MAX = { model: 16, template: 2000 };
const RECENT_FLIGHTS = 20_000;
const REQUEST_UNITS_MAX = 512 * 1024;

/** Runs until `signal` aborts; what is not stored then is read again. Throws what went wrong; see step 7. */
export async function runSummaryTask(
  assigned: AssignedPartition,
  signal: AbortSignal,
  options: SummaryTaskOptions,
): Promise<void> {
  const { log, store, group, topic, observer } = options;
  const { partition, reader } = assigned;
  const position = new GroupPosition(log, {
    group,
    onError: (error) => signal.aborted || observer?.positionFailed?.(error),
  });
  let appender: Appender | undefined;
  try {
    // Step 1: take over.
    const claim = await store.claim(log.logId, partition);
    appender = await log.appender();
    // Step 2: where to go on.
    const { start } = (await log.ranges([topic])).find((range) => range.partition === partition)!;
    const wanted = claim.nextOffset ?? await groupOffset(partition, options) ?? start;
    const offset = Math.max(wanted, start);
    reader.seek({ topic, partition, offset });
    reader.resume([topic]);
    observer?.started?.({ partition, offset, lostRecords: offset - wanted });
    const task = new SummaryTask(claim, appender, position, options);
    while (!signal.aborted) {
      const batches = await reader.poll({ maxWaitMs: POLL_MS, signal });
      for (const batch of batches) {
        await task.take(batch.records, batch.nextOffset, batch.endOffset, signal);
        if (signal.aborted) break;
      }
    }
    await position.tell();
  } catch (error) {
    // What is thrown by what was told to stop is no failure.
    if (!signal.aborted) throw error;
  } finally {
    observer?.closed?.(partition);
    await position.close();
    await appender?.close();
  }
}

/** Where the group stood under whatever program. */
async function groupOffset(
  partition: number,
  { log, group, topic }: SummaryTaskOptions,
): Promise<number | undefined> {
  const positions = await log.committedOffsets(group, [topic]);
  return positions.find((position) => position.partition === partition)?.offset;
}

/** What was read since the last commit. */
interface Slice {
  counts: SummaryCommitInfo["records"];
  refused: { record: LogRecord; error: EventError }[];
  /** The newest of each flight that changed. */
  changed: Map<string, { flight: FlightData; before: number; changes: number }>;
  reasons: ChangeReason[];
}

class SummaryTask {
  readonly #claim: ClaimedTopicPartition;
  readonly #appender: Appender;
  readonly #position: GroupPosition;
  readonly #options: SummaryTaskOptions;
  readonly #recent = new RecentEntries<SummarizedFlight>(RECENT_FLIGHTS);
  readonly #summariesMax: number;

  constructor(
    claim: ClaimedTopicPartition,
    appender: Appender,
    position: GroupPosition,
    options: SummaryTaskOptions,
  ) {
    this.#claim = claim;
    this.#appender = appender;
    this.#position = position;
    this.#options = options;
    this.#summariesMax = options.writer.usesModel ? SUMMARIES_MAX.model : SUMMARIES_MAX.template;
  }

  /** Takes records up to `nextOffset`, in commits of bounded size. */
  async take(
    records: LogRecord[],
    nextOffset: number,
    endOffset: number,
    signal: AbortSignal,
  ): Promise<void> {
    const read = records.map((record) => ({ record, news: parsed(record) }));
    const flights = await this.#flights(read.flatMap(({ news }) => news instanceof EventError ? [] : [news]));
    let slice = emptySlice();
    for (const [at, { record, news }] of read.entries()) {
      if (news instanceof EventError) {
        slice.refused.push({ record, error: news });
        slice.counts.refused++;
      } else this.#step(news, flights, slice);
      const isLast = at === read.length - 1;
      if (!isLast && slice.changed.size < this.#summariesMax) continue;
      const next = isLast ? nextOffset : record.offset + 1;
      await this.#commit(slice, { next, lag: Math.max(0, endOffset - next) }, signal);
      if (signal.aborted) return;
      slice = emptySlice();
    }
  }

  /** What the summaries of these flights tell of: as kept here, else as stored. */
  async #flights(news: FlightData[]): Promise<Map<string, SummarizedFlight>> {
    const flights = new Map<string, SummarizedFlight>();
    const unknown: string[] = [];
    for (const id of new Set(news.map(({ fa_flight_id }) => fa_flight_id))) {
      const kept = this.#recent.get(id);
      if (kept === undefined) unknown.push(id);
      else flights.set(id, kept);
    }
    if (unknown.length === 0) return flights;
    const stored = await this.#options.store.flights(unknown);
    for (const id of unknown) flights.set(id, stored.get(id) ?? { told: undefined, changes: 0 });
    return flights;
  }

  /** Step 3. */
  #step(news: FlightData, flights: Map<string, SummarizedFlight>, slice: Slice): void {
    const id = news.fa_flight_id;
    const { told, changes } = flights.get(id)!;
    const outcome = stepFlight(told, news, this.#options.leastShiftMs);
    if (typeof outcome === "string") {
      slice.counts[outcome]++;
      return;
    }
    slice.counts.changed++;
    slice.reasons.push(...outcome.reasons);
    flights.set(id, { told: outcome.flight, changes: changes + 1 });
    const before = slice.changed.get(id)?.before ?? changes;
    slice.changed.set(id, { flight: outcome.flight, before, changes: changes + 1 });
  }

  async #commit(
    slice: Slice,
    { next, lag }: { next: number; lag: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { store, writer, topic, observer, now = Date.now } = this.#options;
    const { partition } = this.#claim;
    // Step 4.
    const changed = [...slice.changed.values()];
    const written = await Promise.all(changed.map(({ flight }) => writer.write(flight, signal)));
    if (signal.aborted) return;
    const generatedMs = now();
    const summaries = changed.map(({ flight, before, changes }, at): NewSummary => ({
      ...written[at]!,
      told: flight,
      ident: summaryIdent(flight.ident),
      generatedMs,
      changesBefore: before,
      changes,
    }));
    // Step 5.
    await this.#appendLetters(slice.refused);
    // Step 6.
    await store.commit(this.#claim, { nextOffset: next, summaries });
    for (const { told, changes } of summaries) this.#recent.set(told.fa_flight_id, { told, changes });
    observer?.committed?.({
      partition,
      nextOffset: next,
      records: slice.counts,
      refusals: slice.refused.map(({ error }) => error.reason),
      summaries,
      reasons: slice.reasons,
      lag,
    });
    await this.#position.moved({ topic, partition, offset: next });
  }

  /** Appends in order, in requests of bounded size. */
  async #appendLetters(refused: Slice["refused"]): Promise<void> {
    const { group, log } = this.#options;
    let request: { topic: string; key: string; value: string }[] = [];
    let units = 0;
    for (const { record, error: { reason, message } } of refused) {
      const value = await deadLetterOf(record, { group, logId: log.logId, reason, message });
      if (request.length > 0 && units + value.length > REQUEST_UNITS_MAX) {
        await this.#appender.append(request);
        request = [];
        units = 0;
      }
      request.push({ topic: "dead_letters", key: deadLetterId(group, record), value });
      units += value.length;
    }
    if (request.length > 0) await this.#appender.append(request);
  }
}

function parsed(record: LogRecord): FlightData | EventError {
  try {
    return parseFlightData(record);
  } catch (error) {
    if (error instanceof EventError) return error;
    throw error;
  }
}

function emptySlice(): Slice {
  return {
    counts: { changed: 0, unchanged: 0, older: 0, refused: 0 },
    refused: [],
    changed: new Map(),
    reasons: [],
  };
}
