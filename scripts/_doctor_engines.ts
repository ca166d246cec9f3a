/** What `deno task doctor` looks at in the engines: topics, records, lag, warehouse, clocks, Redis. */

import { ALL_TOPICS } from "../events/topics.ts";
import type { EventLog } from "../event_log/event_log.ts";
import { databaseUrl, realtimeDatabase, setting } from "../process/settings.ts";
import { openWarehouse, WarehouseUnavailableError } from "../warehouse/connect.ts";
import type { Warehouse } from "../warehouse/connect.ts";
import { fine, wrong } from "./_doctor_check.ts";
import type { Finding } from "./_doctor_check.ts";
import { groupLag, lagByGroup, windowPositions } from "./_group_lag.ts";
import { openFlightKeys } from "./_flight_keys.ts";
import { duration } from "./_pipeline_status.ts";

const POSTGRES_VERSION_MIN = 15;
const LAG_WARN_RECORDS = 10_000;
const SILENCE_WARN_SECONDS = 15 * 60;
const ETL_LATE_SECONDS = 2 * 60 * 60;
const CLOCK_WARN_SECONDS = 2;
const CLOCK_FAIL_SECONDS = 60;
/** How far back of its end a partition is looked at for its newest record: markers of transactions stand there, too. */
const LAST_OFFSETS = 20;
const LAST_DEADLINE_MS = 3000;

/** Whether every topic is there, and kept as it should be. */
export async function topicFindings(log: EventLog): Promise<Finding[]> {
  const there = new Map((await log.listTopics()).map(({ name, partitions }) => [name, partitions]));
  const missing = ALL_TOPICS.filter(({ name }) => !there.has(name)).map(({ name }) => name);
  if (missing.length > 0) {
    return [wrong("topics", "fail", `missing: ${missing.join(", ")}`, "deno task topics")];
  }
  await log.checkIdentity(ALL_TOPICS.map(({ name }) => name));
  const different = (await log.topicSettings([...ALL_TOPICS])).flatMap(({ name, differences }) =>
    differences.map(({ setting, is, wanted }) => `${name}: ${setting} is ${is}, wanted ${wanted}`)
  );
  if (different.length > 0) {
    return [wrong("topics", "warn", different.join("; "), "deno task topics --apply")];
  }
  return [fine("topics", `all ${ALL_TOPICS.length} are there`)];
}

/** The newest record of a topic, or undefined where it holds none that can be seen. */
async function newestMs(log: EventLog, topic: string): Promise<number | undefined> {
  const ranges = (await log.ranges([topic])).filter(({ start, end }) => end > start);
  if (ranges.length === 0) return undefined;
  const reader = await log.reader({
    positions: ranges.map(({ partition, start, end }) => ({
      topic,
      partition,
      offset: Math.max(start, end - LAST_OFFSETS),
    })),
  });
  let newest: number | undefined;
  try {
    const untilMs = performance.now() + LAST_DEADLINE_MS;
    while (performance.now() < untilMs) {
      const batches = await reader.poll({ maxWaitMs: newest === undefined ? 500 : 50 });
      if (batches.length === 0) break;
      for (const { records } of batches) {
        for (const { timestampMs } of records) newest = Math.max(newest ?? 0, timestampMs);
      }
    }
  } finally {
    await reader.close();
  }
  return newest;
}

/** When something last came, and whether the clock agrees with it. */
export async function recordFindings(
  log: EventLog,
  options: { producing: boolean; nowMs: number },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const topic of ["bookings", "inventory_metrics"]) {
    const newest = await newestMs(log, topic);
    if (newest === undefined) {
      findings.push(
        options.producing
          ? wrong(`last ${topic}`, "warn", "none yet", "deno task tail bookings shows them as they come")
          : fine(`last ${topic}`, "none yet"),
      );
      continue;
    }
    findings.push(...lastRecordFindings(topic, (options.nowMs - newest) / 1000, options.producing));
  }
  return findings;
}

/** What the age of a topic's newest record means. */
export function lastRecordFindings(topic: string, ageSeconds: number, producing: boolean): Finding[] {
  const check = `last ${topic}`;
  if (ageSeconds < -CLOCK_WARN_SECONDS) {
    return [wrong(
      "clock",
      ageSeconds < -CLOCK_FAIL_SECONDS ? "fail" : "warn",
      `the newest record of ${topic} is ${duration(-ageSeconds)} in the future`,
      "This machine's clock is behind the one that appended it: set it by NTP",
    )];
  }
  const detail = `${duration(Math.max(0, ageSeconds))} ago`;
  if (!producing || ageSeconds < SILENCE_WARN_SECONDS) return [fine(check, detail)];
  const who = topic === "bookings" ? "producer" : "consumer";
  return [wrong(check, "warn", `${detail}, and the ${who} runs`, `deno task logs --process ${who}`)];
}

/** How far behind the groups are, and how many records were refused. */
export async function lagFindings(log: EventLog, warehouse: Warehouse | undefined): Promise<Finding[]> {
  const { schema, url } = realtimeDatabase();
  const inWarehouse = url === databaseUrl().url;
  const places = warehouse === undefined || !inWarehouse
    ? undefined
    : await windowPositions(warehouse.sql, schema, log.logId);
  const rows = (await groupLag(log, places ?? [])).filter(({ group, position }) =>
    // A group that never began is not behind: its part was never started. The place of the windows may be unknown.
    position !== null && (group !== "viewer-metrics" || places !== undefined)
  );
  const findings = [...lagByGroup(rows)].map(([group, lag]) => {
    const detail = `${lag.toLocaleString("en")} records`;
    if (lag <= LAG_WARN_RECORDS) return fine(`lag ${group}`, detail);
    return wrong(`lag ${group}`, "warn", detail, `deno task lag --group ${group} --partitions; does it run?`);
  });
  const letters = (await log.ranges(["dead_letters"])).reduce((sum, { start, end }) => sum + end - start, 0);
  findings.push(
    letters === 0 ? fine("dead letters", "none") : wrong(
      "dead letters",
      "warn",
      `${letters.toLocaleString("en")} in the log`,
      "deno task dead-letters list says why each was refused, and how to drive it again",
    ),
  );
  return findings;
}

/** The warehouse, or why it is away; where none should run it is none's fault. */
export async function warehouseOrFinding(
  options: { expected: boolean },
): Promise<{ warehouse?: Warehouse; finding?: Finding }> {
  const { url, embedded } = databaseUrl();
  try {
    return { warehouse: await openWarehouse({ url, embedded, applicationName: "airline-doctor", max: 1 }) };
  } catch (error) {
    if (!(error instanceof WarehouseUnavailableError)) throw error;
    const serious = options.expected || !embedded;
    return {
      finding: wrong(
        "warehouse",
        serious ? "fail" : "warn",
        error.message,
        embedded ? "deno task start, or deno task warehouse" : "See RUNBOOK.md, Common errors",
      ),
    };
  }
}

/** Version, tables, last load and clock of the warehouse. */
export async function warehouseFindings(
  warehouse: Warehouse,
  options: { loading: boolean; nowMs: () => number },
): Promise<Finding[]> {
  const { sql, embedded } = warehouse;
  const askedMs = options.nowMs();
  const [server] = await sql`
    select current_setting('server_version') as version, extract(epoch from clock_timestamp())::float8 as now`;
  const elapsedSeconds = (options.nowMs() - askedMs) / 2000;
  const version = String(server!.version);
  const findings = [
    Number.parseInt(version) >= POSTGRES_VERSION_MIN
      ? fine("warehouse", `${embedded ? "embedded, " : ""}Postgres ${version}`)
      : wrong(
        "warehouse",
        "fail",
        `Postgres ${version}, older than ${POSTGRES_VERSION_MIN}`,
        "Give it a Postgres of version 15 or later",
      ),
  ];
  if (!embedded) {
    findings.push(clockFinding(Number(server!.now) - askedMs / 1000 - elapsedSeconds));
  }
  const [tables] = await sql`select to_regclass('public.etl_run') is not null as there`;
  if (tables!.there !== true) {
    findings.push(
      wrong("last load", "warn", "the tables are not there yet", "deno task warehouse, then deno task etl"),
    );
    return findings;
  }
  const [run] = await sql`
    select finished_at, rows_new from public.etl_run order by finished_at desc limit 1`;
  const [booking] = await sql`
    select to_regclass('public.fact_booking') is not null as there`;
  if (run === undefined || booking!.there !== true) {
    findings.push(wrong("last load", "warn", "nothing was loaded yet", "deno task etl"));
    return findings;
  }
  const ageSeconds = (options.nowMs() - (run.finished_at as Date).getTime()) / 1000;
  const [newest] = await sql`select max(booking_time) as at from public.fact_booking`;
  const bookings = newest!.at === null
    ? "no booking yet"
    : `newest booking of ${(newest!.at as Date).toISOString().slice(0, 19)}Z`;
  const detail = `${duration(Math.max(0, ageSeconds))} ago, ${bookings}`;
  findings.push(
    options.loading && ageSeconds > ETL_LATE_SECONDS
      ? wrong("last load", "warn", detail, "deno task logs --process etl-runner --level warn")
      : fine("last load", detail),
  );
  return findings;
}

/** What a difference to the database server's clock means; positive: the server's is ahead. */
export function clockFinding(aheadSeconds: number): Finding {
  const detail = `${Math.abs(aheadSeconds).toFixed(1)} s ${
    aheadSeconds < 0 ? "ahead of" : "behind"
  } the database server's`;
  if (Math.abs(aheadSeconds) < CLOCK_WARN_SECONDS) return fine("clock", detail);
  const severity = Math.abs(aheadSeconds) < CLOCK_FAIL_SECONDS ? "warn" : "fail";
  return wrong("clock", severity, detail, "Set the clocks of both by NTP: leases and retention go by them");
}

/** Whether Redis answers, where the tracker is to use one. */
export async function redisFinding(): Promise<Finding[]> {
  const url = setting("REDIS_URL");
  if (url === undefined) return [];
  try {
    const keys = await openFlightKeys(url);
    const version = (await keys.info()).get("redis_version");
    keys.close();
    return [fine("redis", version ?? "answers")];
  } catch (error) {
    return [wrong(
      "redis",
      "warn",
      (error as Error).message,
      "The tracker goes on with its own memory meanwhile; start Redis, or take REDIS_URL away",
    )];
  }
}
