/**
 * Reconciles log, lake, gold tables and warehouse, while the pipeline runs or stands still.
 *
 * The order makes the cut consistent: whatever is read later holds at least what was read before.
 * 1. The consumer's and the lake writer's positions, before their outputs.
 * 2. Of each topic its tables, then the lake, then the log. Each is compared as far as the one before it says.
 *    Outputs (metrics, promotions) come before inputs, so that an output's input is always there.
 * 3. Dead letters last: what the lake's files leave out was stored there before the files appeared.
 * 4. Bookings that are still unexplained are looked for in outputs that came since.
 *
 * @module
 */

import { EVENT_LEAD_MS_MAX } from "../events/parse_event.ts";
import { GROUPS } from "../events/topics.ts";
import type { EventLog } from "../event_log/event_log.ts";
import { logId8Of } from "../lake/raw_files.ts";
import type { Warehouse } from "../warehouse/connect.ts";
import type { EvaluationCounts } from "./booking_book.ts";
import { EventAudit } from "./event_audit.ts";
import { Findings } from "./findings.ts";
import { bytesOf, hasFolderOf } from "./lake_folders.ts";
import { rangeKey, scanLakeTopic } from "./lake_scan.ts";
import type { LakeTopic } from "./lake_scan.ts";
import { scanLogTopic } from "./log_scan.ts";
import type { LogTopic } from "./log_scan.ts";
import type { PartReport, TopicReport, VerificationReport, VerifiedPart } from "./report.ts";
import { revenueReports, tableReports } from "./sink_reports.ts";
import type { TableComparison } from "./table_comparison.ts";
import { TopicTables } from "./topic_tables.ts";

/** Topics in the order in which they are read; see steps 2 and 3. */
const TOPICS = [
  "inventory_metrics",
  "promo_decisions",
  "flight_lifecycle",
  "bookings",
  "seat_inventory",
  "seat_map",
  "dead_letters",
];

/** A part that is not looked at, and why; what is absent counts as a difference. */
export type Absent = { absent: string } | { skipped: true };

export interface VerifyOptions {
  log: EventLog | Absent;
  rawFolder: string;
  goldFolder: string | Absent;
  warehouse: Warehouse | Absent;
  /** Compare raw files with the SHA-256 of their manifest. */
  deep?: boolean;
  /** Count what is not yet written as a difference: the pipeline was stopped in order. */
  complete?: boolean;
  /** As the consumer was started. Default 1. */
  maxPromotionsPerFlight?: number;
  /** How far an event time may lie beyond its append time, as all parts were started. Default 7 days. */
  eventLeadMsMax?: number;
  /** Told as a step goes on: `done` of `total` of `unit`. */
  onProgress?: (step: string, done: number, total: number, unit: string) => void;
  signal?: AbortSignal;
}

function isAbsent(part: unknown): part is Absent {
  return typeof part === "object" && part !== null && ("absent" in part || "skipped" in part);
}

/**
 * Compares everything that is there.
 *
 * @throws {LogUnavailableError | WarehouseUnavailableError} when an engine goes away in the middle.
 * @throws {DOMException} `AbortError` when `signal` aborts.
 */
export async function verifyPipeline(options: VerifyOptions): Promise<VerificationReport> {
  const findings = new Findings();
  const audit = await EventAudit.begin(findings, isAbsent(options.log) ? undefined : options.log, options);
  return await new Verification(options, findings, audit).run();
}

/** A topic that was read. */
interface ScannedTopic {
  lake: LakeTopic;
  log: LogTopic | undefined;
  distinctIds: number | null;
}

class Verification {
  readonly #options: VerifyOptions;
  readonly #signal: AbortSignal;
  readonly #findings: Findings;
  /** Step 1 is done when it is there. */
  readonly #audit: EventAudit;
  readonly #log: EventLog | undefined;
  readonly #comparisons: TableComparison[] = [];

  constructor(options: VerifyOptions, findings: Findings, audit: EventAudit) {
    this.#options = options;
    this.#signal = options.signal ?? new AbortController().signal;
    this.#findings = findings;
    this.#audit = audit;
    this.#log = isAbsent(options.log) ? undefined : options.log;
  }

  async run(): Promise<VerificationReport> {
    const startedMs = performance.now();
    const { complete = false, maxPromotionsPerFlight = 1 } = this.#options;
    const findings = this.#findings;
    const { outputs, bookings: book, deadLetters } = this.#audit;
    const parts = await this.#parts();
    // Steps 2 and 3.
    const scanned: ScannedTopic[] = [];
    for (const topic of TOPICS) scanned.push(await this.#scanTopic(topic, parts));
    // Step 4.
    const bookings = await this.#audit.conclude(scanned[0]!.log?.next ?? new Map(), this.#signal);
    for (const { lake, log } of scanned) if (log !== undefined) this.#findMissing(lake, log);
    const { flights, soldSeats } = book.checkSeats();
    outputs.checkPromotions(maxPromotionsPerFlight);
    const revenue = revenueReports(this.#comparisons, findings);
    this.#noteRowsBeyond();
    if (complete) this.#requireComplete(scanned, bookings);
    const promotions = outputs.promotions();
    const differences = findings.differences();
    const bad = new Set(differences.map(({ where }) => where));
    return {
      agrees: differences.length === 0,
      verified_at: new Date().toISOString(),
      seconds: Math.round(performance.now() - startedMs) / 1000,
      log_id: this.#log?.logId ?? null,
      parts,
      topics: scanned.map((topic) => this.#topicReport(topic, bad)),
      tables: tableReports(this.#comparisons, findings),
      revenue,
      engine: {
        outputs: outputs.linked,
        outputs_of_other_programs: outputs.unlinked,
        promotions: promotions.decided,
        flights_with_promotions: promotions.flights,
        max_promotions_per_flight: maxPromotionsPerFlight,
        bookings,
      },
      seats: { flights, sold: soldSeats },
      dead_letters: deadLetters.counts(),
      differences,
      notes: findings.notes,
    };
  }

  async #parts(): Promise<Record<VerifiedPart, PartReport>> {
    const { log, rawFolder, goldFolder, warehouse } = this.#options;
    const part = (name: VerifiedPart, given: unknown, detail: string): PartReport => {
      if (!isAbsent(given)) return { state: "read", detail };
      if ("skipped" in given) return { state: "skipped", detail: "skipped as asked" };
      this.#findings.add(name, "absent", given.absent);
      return { state: "absent", detail: given.absent };
    };
    const lake = await hasFolderOf(rawFolder, TOPICS)
      ? undefined
      : { absent: `There is no lake at "${rawFolder}" yet: start the lake writer with deno task lake` };
    const server = !isAbsent(warehouse) && warehouse.embedded ? "embedded" : "Postgres";
    return {
      log: part("log", log, this.#log?.engine === "kafka" ? "Kafka" : "embedded"),
      lake: part("lake", lake, rawFolder),
      gold: part("gold", goldFolder, String(goldFolder)),
      warehouse: part("warehouse", warehouse, server),
    };
  }

  async #scanTopic(topic: string, parts: Record<VerifiedPart, PartReport>): Promise<ScannedTopic> {
    const { rawFolder, goldFolder, warehouse, deep = false, onProgress = () => {} } = this.#options;
    const tables = await TopicTables.open(topic, {
      goldFolder: isAbsent(goldFolder) ? undefined : goldFolder,
      warehouse: isAbsent(warehouse) ? undefined : warehouse,
      findings: this.#findings,
      onRows: (step, done, total) => onProgress(step, done, total, "rows"),
    });
    try {
      this.#comparisons.push(...tables.comparisons);
      const bytes = parts.lake.state === "read" ? await bytesOf(`${rawFolder}/${topic}`) : 0;
      let bytesRead = 0;
      const lake = await scanLakeTopic({
        rawFolder,
        topic,
        findings: this.#findings,
        deep,
        eventLeadMsMax: this.#options.eventLeadMsMax ?? EVENT_LEAD_MS_MAX,
        foreignLog: (name) => tables.foreignLog(name),
        take: (line) => {
          tables.take(line);
          this.#audit.takeLine(line);
        },
        onBytes: (read) => onProgress(`lake ${topic}`, (bytesRead += read) / 1e6, bytes / 1e6, "MB"),
        signal: this.#signal,
      });
      const log = await this.#scanLog(lake);
      await tables.conclude();
      return { lake, log, distinctIds: tables.distinctIds() };
    } finally {
      tables.close();
    }
  }

  async #scanLog(lake: LakeTopic): Promise<LogTopic | undefined> {
    if (this.#log === undefined) return undefined;
    const { topic } = lake;
    if (!this.#audit.hasTopic(topic)) {
      this.#findings.add(`log ${topic}`, "absent", "The topic is missing: create it with deno task topics");
      return undefined;
    }
    const { onProgress = () => {} } = this.#options;
    const ranges = await this.#log.ranges([topic]);
    const total = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    let done = 0;
    return await scanLogTopic({
      log: this.#log,
      lake,
      findings: this.#findings,
      lakeCommitted: this.#audit.lakeCommitted(topic),
      take: (record, inLake) => {
        this.#audit.replays.take(record);
        if (!inLake) this.#audit.takeRecord(record);
      },
      onRecords: (records) => onProgress(`log ${topic}`, done += records, total, "records"),
      signal: this.#signal,
    });
  }

  /** Records that the lake's files should hold, and that were not refused. */
  #findMissing({ topic, ranges, foreignFiles }: LakeTopic, log: LogTopic): void {
    const logId8 = logId8Of(this.#log!.logId);
    let beforeTheLake = 0;
    for (const [partition, offsets] of log.lacking) {
      const from = ranges.get(rangeKey(logId8, partition))?.from ?? Infinity;
      for (const offset of offsets) {
        if (this.#audit.isRefused(topic, partition, offset)) continue;
        // Another lake writer came before ours: its files hold what ours do not.
        if (offset < from && foreignFiles > 0) beforeTheLake++;
        else this.#findings.add(`lake ${topic}`, "missing", `partition ${partition} offset ${offset}`);
      }
    }
    if (beforeTheLake > 0) {
      this.#findings.note(
        `lake ${topic}: ${beforeTheLake} records come before the first file of ours; files of another program may hold them`,
      );
    }
  }

  #noteRowsBeyond(): void {
    const rows = this.#comparisons.reduce((sum, { rowsBeyond }) => sum + rowsBeyond, 0);
    if (rows === 0) return;
    this.#findings.note(
      `gold: ${rows} rows are newer than the ETL's state: a run is under way, or was cut off and the next one goes on`,
    );
  }

  #requireComplete(scanned: readonly ScannedTopic[], bookings: EvaluationCounts | null): void {
    const notYet = (where: string, count: number) => {
      this.#findings.add(where, "not yet written", undefined, count);
    };
    for (const { lake, log } of scanned) notYet(`lake ${lake.topic}`, log?.notYetWritten ?? 0);
    for (const { where, notYetWritten } of this.#comparisons) notYet(where, notYetWritten);
    this.#findings.add("engine", "not yet processed", undefined, bookings?.not_yet_processed ?? 0);
  }

  #topicReport({ lake, log, distinctIds }: ScannedTopic, bad: ReadonlySet<string>): TopicReport {
    const { topic } = lake;
    return {
      topic,
      log_records: log?.records ?? null,
      lake_files: lake.files,
      lake_lines: lake.lines,
      foreign_lines: lake.foreignLines,
      distinct_ids: distinctIds,
      dead_letters: this.#audit.deadLetters.sourcesOf(GROUPS.lake, topic),
      not_yet_written: log?.notYetWritten ?? null,
      aged_out: log?.agedOut ?? null,
      agrees: !bad.has(`lake ${topic}`) && !bad.has(`log ${topic}`),
    };
  }
}
