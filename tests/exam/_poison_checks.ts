/** Whether every record of a poisoned load became what it had to: 100 % accounted for, in consumer, lake and ETL. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { LogRecord } from "../../event_log/event_log.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import type { Findings } from "./_findings.ts";
import type { SentRecord } from "./_poison_kinds.ts";
import { namesIn } from "./_lake_checker.ts";
import { readTopic } from "./_read_topic.ts";

/** A record that was sent, and where it stands. */
export interface Placed extends SentRecord {
  offset: number;
}

type Letter = Record<string, unknown> & { group: string; topic: string; partition: number; offset: number };

const GROUPS = { engine: "inventory-engine", lake: "lake-writer" };
/** Topics that only the load writes: the n-th record of a partition there is the n-th that was sent. */
const OWN_TOPICS = ["flight_lifecycle", "bookings", "seat_inventory", "seat_map"];
const SHARED_TOPICS = [
  "inventory_metrics",
  "promo_decisions",
  "dead_letters",
  "inventory-engine-repartition",
];
const TRUNCATED_BYTES = 64 * 1024;

const place = ({ topic, partition, offset }: { topic: string; partition: number; offset: number }) =>
  `${topic}-${partition}-${offset}`;
const bytesOf = (value: string | Uint8Array) =>
  typeof value === "string" ? Buffer.from(value) : Buffer.from(value);
const isSame = (sent: string | Uint8Array | null, { value, bytes }: LogRecord) =>
  sent === null ? value === null : bytesOf(sent).equals(Buffer.from(bytes ?? Buffer.from(value ?? "")));

/** Finds the place of each record that was sent; one that is not there, or is there twice, is a finding. */
export async function placesOf(
  pipeline: ExamPipeline,
  sent: readonly SentRecord[],
  findings: Findings,
): Promise<Placed[]> {
  const placed: Placed[] = [];
  for (const topic of OWN_TOPICS) {
    const own = sent.filter((record) => record.topic === topic);
    const records = await readTopic(pipeline.log, topic);
    for (const partition of new Set([...own, ...records].map((record) => record.partition))) {
      const there = records.filter((record) => record.partition === partition);
      const wanted = own.filter((record) => record.partition === partition);
      if (there.length < wanted.length) {
        findings.loss(`records of ${topic}-${partition}`, wanted.length - there.length);
      }
      for (const [at, record] of there.entries()) {
        const match = wanted[at];
        findings.checked++;
        if (match === undefined || !isSame(match.value, record)) {
          findings.violation(`${place(record)} is not what was sent as number ${at}`);
          break;
        }
        placed.push({ ...match, offset: record.offset });
      }
    }
  }
  for (const topic of SHARED_TOPICS) {
    const own = sent.filter((record) => record.topic === topic);
    if (own.length === 0) continue;
    const left = await readTopic(pipeline.log, topic);
    for (const record of own) {
      const at = left.findIndex((one) => one.partition === record.partition && isSame(record.value, one));
      if (at < 0) findings.loss(`a record of ${topic}: ${String(record.value).slice(0, 80)}`);
      else placed.push({ ...record, offset: left.splice(at, 1)[0]!.offset });
    }
  }
  return placed;
}

/** Outputs, dead letters and seats of the consumer. */
export async function checkEngine(
  pipeline: ExamPipeline,
  records: readonly Placed[],
  seats: ReadonlyMap<string, number>,
  findings: Findings,
): Promise<void> {
  const counted = records.filter(({ engine }) => engine === "counted");
  const metrics = (await readTopic(pipeline.log, "inventory_metrics"))
    .map(({ value }) => eventOf(value))
    .filter((event) => String(event?.event_id).endsWith(`@${pipeline.log.logId.slice(0, 8)}`));
  findings.compare(
    "a metrics event",
    counted.map((record) => `${place(record)}-0`),
    metrics.map((event) => String(event!.event_id).split("@")[0]!),
  );
  const last = new Map(metrics.map((event) => [String(event!.flight_id), Number(event!.booked_seats)]));
  for (const [flight, count] of seats) {
    findings.checked++;
    if (last.get(flight) !== count) {
      findings.violation(`${flight} has ${last.get(flight)} seats sold, ${count} were`);
    }
  }
}

/** The dead letters of both groups: one for each refused record, with its reason, whole. */
export async function checkDeadLetters(
  pipeline: ExamPipeline,
  records: readonly Placed[],
  findings: Findings,
): Promise<number> {
  const letters = (await readTopic(pipeline.log, "dead_letters"))
    .map(({ value }) => eventOf(value) as Letter | undefined)
    .filter((letter): letter is Letter =>
      letter?.group !== undefined && letter.log_id === pipeline.log.logId
    );
  const said = (group: string, one: { topic: string; partition: number; offset: number }, reason: unknown) =>
    `${group} ${place(one)} ${reason}`;
  const expected = records.flatMap((record) => [
    ...(typeof record.engine === "object" ? [said(GROUPS.engine, record, record.engine.dead)] : []),
    ...(typeof record.lake === "object" ? [said(GROUPS.lake, record, record.lake.dead)] : []),
  ]);
  findings.compare(
    "a dead letter",
    expected,
    letters.map((letter) => said(letter.group, letter, letter.reason)),
  );
  const byPlace = new Map(records.map((record) => [place(record), record]));
  for (const letter of letters) {
    const record = byPlace.get(place(letter));
    if (record === undefined) continue;
    findings.checked++;
    const fault = faultOf(letter, record.value);
    if (fault !== undefined) findings.violation(`The dead letter ${letter.dead_letter_id} ${fault}`);
  }
  return letters.length;
}

/** What is wrong with the record that a dead letter keeps. */
function faultOf(letter: Letter, sent: string | Uint8Array | null): string | undefined {
  if (sent === null) return letter.value === null ? undefined : "holds a value, none was sent";
  const whole = bytesOf(sent);
  const kept = typeof letter.value_base64 === "string"
    ? Buffer.from(letter.value_base64, "base64")
    : Buffer.from(String(letter.value));
  const truncated = letter.truncated as { bytes: number; sha256: string } | undefined;
  if (truncated === undefined) return kept.equals(whole) ? undefined : "does not hold its record as it came";
  const sha256 = createHash("sha256").update(whole).digest("hex");
  if (truncated.bytes !== whole.length || truncated.sha256 !== sha256) return "has another size or hash";
  // The cut may go through a character, of which no half can be kept.
  const beginning = whole.subarray(0, TRUNCATED_BYTES - 4);
  return kept.subarray(0, beginning.length).equals(beginning)
    ? undefined
    : "begins otherwise than its record";
}

/** Each good record is one line of the lake, as it came, and nothing else is. */
export async function checkLake(
  pipeline: ExamPipeline,
  records: readonly Placed[],
  findings: Findings,
): Promise<void> {
  for (const topic of [...OWN_TOPICS, "promo_decisions", "inventory_metrics"]) {
    const own = records.filter((record) => record.topic === topic);
    const byPlace = new Map(own.map((record) => [`${record.partition}/${record.offset}`, record]));
    const folder = `${pipeline.env.LAKE_DIR}/raw/${topic}`;
    const found: string[] = [];
    for (const name of namesIn(folder).filter((name) => /\.p\d+\..*\.jsonl$/.test(name))) {
      for (const line of (await Deno.readTextFile(`${folder}/${name}`)).split("\n")) {
        if (line === "") continue;
        const { _partition, _offset } = JSON.parse(line);
        const key = `${_partition}/${_offset}`;
        const record = byPlace.get(key);
        // The consumer writes there, too.
        if (record === undefined && !OWN_TOPICS.includes(topic)) continue;
        found.push(key);
        if (record !== undefined && !isLineOf(line, record)) {
          findings.violation(`The line of ${place(record)} is not the record: ${line.slice(0, 120)}`);
        }
      }
    }
    const wanted = own.filter(({ lake }) => lake === "line").map(({ partition, offset }) =>
      `${partition}/${offset}`
    );
    findings.compare(`a line of ${topic}`, wanted, found);
  }
}

/** The record's text stands in its line, but for line breaks and the brace at its end. */
function isLineOf(line: string, { value }: Placed): boolean {
  const text = String(value).replaceAll(/[\r\n]/g, " ").trimEnd().slice(0, -1);
  return line.includes(text.slice(text.indexOf("{") + 1));
}

/** Passengers, bookings and their revenue in hundredths, as the lake's good bookings make expect. */
export function expectedFacts(records: readonly Placed[]): { rows: number; bookings: number; cents: number } {
  const facts = new Map<string, { passengers: number; cents: number }>();
  for (const { topic, lake, value } of records) {
    if (topic !== "bookings" || lake !== "line") continue;
    const event = JSON.parse(String(value));
    if (event.event_type !== "BookingCreated" || facts.has(event.booking_id)) continue;
    facts.set(event.booking_id, {
      passengers: event.passengers.length,
      cents: Math.round(event.total_price * 100),
    });
  }
  const sum = (of: (fact: { passengers: number; cents: number }) => number) =>
    facts.values().reduce((total, fact) => total + of(fact), 0);
  return {
    rows: sum(({ passengers }) => passengers),
    bookings: facts.size,
    cents: sum(({ cents }) => cents),
  };
}

function eventOf(value: string | null): Record<string, unknown> | undefined {
  try {
    const event = JSON.parse(value ?? "");
    return typeof event === "object" && event !== null ? event : undefined;
  } catch {
    return undefined;
  }
}
