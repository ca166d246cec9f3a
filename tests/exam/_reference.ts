/**
 * The exam's independent verifier of the consumer. From the input topics alone, as they are read back from the log, it
 * recomputes every metrics event, decision and dead letter that must be there, and compares: each once, with the right
 * values, and a flight's in order. It shares no code with the engine or with `deno task verify`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { EventLog, LogRecord } from "../../event_log/event_log.ts";
import { partitionOf } from "../../event_log/partitioner.ts";
import { readTopic } from "./_read_topic.ts";
import { type DecidedOtherwise, decidedOtherwise } from "./_reference_decisions.ts";
import { nothingExpected, type Origin, ReferenceFold } from "./_reference_fold.ts";
import { readInput, type ReferenceEvent } from "./_reference_input.ts";
import { takenOrder, undisturbedOrder } from "./_reference_order.ts";

const INPUTS = ["flight_lifecycle", "bookings", "seat_inventory"];
const PASSED_ON = "inventory-engine-repartition";
const ORDER = "inventory-engine-order";
/** Read like input; what it changes is no field that is compared here. */
const CURVES = "booking_curves";
const OUTPUTS = ["inventory_metrics", "promo_decisions", "policy_evaluations", "dead_letters"];

/** Topics that the verifier reads. */
export const VERIFIED_TOPICS: readonly string[] = [...INPUTS, PASSED_ON, CURVES, ORDER, ...OUTPUTS];

/** What a log holds of the {@link VERIFIED_TOPICS}, by partition and offset. */
export interface EngineRecords {
  logId: string;
  /** Partitions of the topics of the consumer's own. */
  partitions: number;
  /** Input topics with another number of partitions: all their records are passed on, by a group for each. */
  indirect?: readonly string[];
  topics: Map<string, LogRecord[]>;
}

/** What the verifier found. */
export interface EngineVerdict {
  checked: number;
  lost: number;
  doubled: number;
  violations: string[];
  /** Records that were taken after one that comes later where nobody disturbs the consumer. */
  overtakings: number;
  /** Flights that are decided otherwise then. */
  decidedOtherwise: DecidedOtherwise;
  /** Metrics events, decisions and dead letters that must be there. */
  metrics: number;
  decisions: number;
  deadLetters: number;
  /** Of the sorted decisions as they must be. */
  decisionsHash: string;
}

/** Reads the log and verifies it; call it when the consumer has taken everything. */
export async function verifyEngine(log: EventLog): Promise<EngineVerdict> {
  const topics = new Map<string, LogRecord[]>();
  for (const topic of VERIFIED_TOPICS) topics.set(topic, await readTopic(log, topic));
  const counts = new Map((await log.listTopics()).map(({ name, partitions }) => [name, partitions]));
  const partitions = counts.get(PASSED_ON)!;
  const indirect = INPUTS.filter((topic) => counts.get(topic) !== partitions);
  return judge({ logId: log.logId, partitions, indirect, topics });
}

/** Verifies what a log holds. */
export function judge(records: EngineRecords): EngineVerdict {
  return new Judge(records).verdict();
}

class Judge {
  readonly #records: EngineRecords;
  readonly #expected = nothingExpected();
  readonly #undisturbed = nothingExpected();
  readonly #violations: string[] = [];
  #lost = 0;
  #doubled = 0;
  #checked = 0;
  #overtakings = 0;
  /** Flights of which records were passed on. */
  readonly #passedOn = new Set<string>();

  constructor(records: EngineRecords) {
    this.#records = records;
  }

  verdict(): EngineVerdict {
    this.#passedOnOnce();
    for (let partition = 0; partition < this.#records.partitions; partition++) this.#fold(partition);
    const { metrics, decisions, heldBack, deadLetters } = this.#expected;
    this.#compareOutputs("inventory_metrics", metrics);
    this.#compareOutputs("policy_evaluations", heldBack);
    const decided = this.#compareOutputs("promo_decisions", decisions);
    this.#compareDeadLetters();
    const decisionsHash = hashOf([...decisions.values()]);
    const names = Object.keys(decisions.values().next().value ?? {});
    const same = hashOf(decided.map((event) => Object.fromEntries(names.map((name) => [name, event[name]]))));
    if (same !== decisionsHash) {
      this.#violations.push("The hash of the sorted decisions is not the reference's");
    }
    return {
      checked: this.#checked,
      lost: this.#lost,
      doubled: this.#doubled,
      violations: this.#violations,
      overtakings: this.#overtakings,
      decidedOtherwise: decidedOtherwise(decisions, this.#undisturbed.decisions, this.#passedOn),
      metrics: metrics.size,
      decisions: decisions.size,
      deadLetters: deadLetters.size,
      decisionsHash,
    };
  }

  #topic(name: string): LogRecord[] {
    return this.#records.topics.get(name) ?? [];
  }

  #loses(what: string): void {
    this.#lost++;
    this.#violations.push(`Lost: ${what}`);
  }

  #doubles(what: string): void {
    this.#doubled++;
    this.#violations.push(`Doubled: ${what}`);
  }

  /** Every record without its flight's key is in the topic of those passed on, once. */
  #passedOnOnce(): void {
    const expected = new Set<string>();
    for (const record of INPUTS.flatMap((topic) => this.#topic(topic))) {
      const read = readInput(record);
      if (typeof read === "string") {
        // Those that pass a whole topic on refuse in the name of their own group.
        const id = `inventory-engine-${record.topic}-${placeOf(record)}`;
        if (this.#isIndirect(record.topic)) this.#expected.deadLetters.set(id, read);
      } else if (!this.#belongsHere(record, read.flightId)) expected.add(placeOf(record));
    }
    this.#eachOnce(
      "record passed on",
      expected,
      this.#topic(PASSED_ON).map((record) => placeOf(originOf(record))),
    );
  }

  #isIndirect(topic: string): boolean {
    return this.#records.indirect?.includes(topic) === true;
  }

  #belongsHere({ topic, key, partition }: LogRecord, flightId: string): boolean {
    return !this.#isIndirect(topic) && key !== null &&
      partitionOf(flightId, this.#records.partitions) === partition;
  }

  #fold(partition: number): void {
    const own = (topic: string) => this.#topic(topic).filter((record) => record.partition === partition);
    const direct = [...INPUTS, PASSED_ON, CURVES].filter((topic) => !this.#isIndirect(topic));
    const inputs = new Map(direct.map((topic) => [topic, own(topic)]));
    const order = takenOrder(own(ORDER), inputs);
    this.#checked += order.records.length;
    this.#violations.push(...order.violations);
    for (const record of order.untaken) {
      // An ETL run publishes curves, also when the consumer has stopped; one that was left out shows in its range.
      if (record.topic !== CURVES) this.#loses(`input ${placeOf(record)} was never taken`);
    }
    const inputOf = new Map([...inputs.values()].flat().map((record) => [record, this.#inputOf(record)]));
    const undisturbed = undisturbedOrder(inputs, (record) => inputOf.get(record)!.event?.timeMs);
    const places = new Map(undisturbed.map((record, place) => [record, place]));
    let furthest = -1;
    for (const record of order.records) {
      const { event } = inputOf.get(record)!;
      if (event === undefined) continue;
      if (record.topic === PASSED_ON) this.#passedOn.add(event.flightId);
      const place = places.get(record)!;
      if (place < furthest) this.#overtakings++;
      furthest = Math.max(furthest, place);
    }
    for (
      const [records, expected] of [[order.records, this.#expected], [
        undisturbed,
        this.#undisturbed,
      ]] as const
    ) {
      const fold = new ReferenceFold(this.#records.logId, expected);
      for (const record of records) {
        const { origin, event, reason } = inputOf.get(record)!;
        if (event !== undefined) fold.take(event, origin);
        else if (reason !== undefined) fold.refuse(origin, reason);
      }
    }
  }

  /** What a record is where it lies: an event to be taken there, one to be refused for a reason, or one to be passed on. */
  #inputOf(record: LogRecord): { origin: Origin; event?: ReferenceEvent; reason?: string } {
    if (record.topic === CURVES) return { origin: record };
    const origin = record.topic === PASSED_ON ? originOf(record) : record;
    const read = readInput({ ...record, topic: origin.topic });
    if (typeof read === "string") return { origin, reason: read };
    return record.topic === PASSED_ON || this.#belongsHere(record, read.flightId)
      ? { origin, event: read }
      : { origin };
  }

  /** Compares a topic's events with what must be there; returns them. */
  #compareOutputs(topic: string, expected: Map<string, Record<string, unknown>>): Record<string, unknown>[] {
    const records = this.#topic(topic);
    const events = records.map(({ value }) => JSON.parse(value!) as Record<string, unknown>);
    this.#eachOnce(topic, new Set(expected.keys()), events.map(({ event_id }) => String(event_id)));
    const orders = new Map<string, { wanted: string[]; found: string[] }>();
    for (const [id, { flight_id }] of expected) {
      const key = String(flight_id);
      const order = orders.get(key) ?? { wanted: [], found: [] };
      order.wanted.push(id);
      orders.set(key, order);
    }
    for (const [at, event] of events.entries()) {
      const id = String(event.event_id);
      const wanted = expected.get(id);
      if (wanted === undefined) continue;
      for (const [name, value] of Object.entries(wanted)) {
        if (event[name] === value) continue;
        this.#violations.push(`${topic} ${id}: ${name} is ${event[name]}, the reference says ${value}`);
      }
      const { key, partition } = records[at]!;
      if (
        key === null || key !== wanted.flight_id || partitionOf(key, this.#records.partitions) !== partition
      ) {
        this.#violations.push(`${topic} ${id} has key ${key} and lies in partition ${partition}`);
      }
      orders.get(String(wanted.flight_id))!.found.push(id);
    }
    for (const [flight, { wanted, found }] of orders) {
      // What is lost or doubled has been told; here only the order of what is there counts.
      const there = new Set(found);
      const left = wanted.filter((id) => there.has(id));
      const at = [...there].findIndex((id, index) => id !== left[index]);
      if (at >= 0) {
        this.#violations.push(`${topic} of ${flight} is out of order: ${[...there][at]} came too early`);
      }
    }
    return events;
  }

  #compareDeadLetters(): void {
    const letters = this.#topic("dead_letters").map(({ value }) =>
      JSON.parse(value!) as Record<string, string>
    )
      .filter(({ group }) => group!.startsWith("inventory-engine"));
    const expected = this.#expected.deadLetters;
    this.#eachOnce("dead_letters", new Set(expected.keys()), letters.map((letter) => letter.dead_letter_id!));
    for (const { dead_letter_id: id, reason } of letters) {
      const wanted = expected.get(id!);
      if (wanted !== undefined && wanted !== reason) {
        this.#violations.push(`Dead letter ${id} says ${reason}, the reference ${wanted}`);
      }
    }
  }

  #eachOnce(what: string, expected: Set<string>, found: readonly string[]): void {
    this.#checked += expected.size;
    const seen = new Set<string>();
    for (const id of found) {
      if (seen.has(id)) this.#doubles(`${what} ${id}`);
      else if (!expected.has(id)) this.#violations.push(`${what} ${id} must not be there`);
      seen.add(id);
    }
    for (const id of expected) if (!seen.has(id)) this.#loses(`${what} ${id}`);
  }
}

function placeOf({ topic, partition, offset }: Origin): string {
  return `${topic}-${partition}-${offset}`;
}

/** Where a record that was passed on stood first. */
function originOf({ headers }: LogRecord): Origin {
  return {
    topic: headers?.["origin-topic"] ?? "",
    partition: Number(headers?.["origin-partition"]),
    offset: Number(headers?.["origin-offset"]),
  };
}

function hashOf(events: Record<string, unknown>[]): string {
  const hash = createHash("sha256");
  for (const line of events.map((event) => JSON.stringify(event)).sort()) hash.update(line + "\n");
  return hash.digest("hex");
}
