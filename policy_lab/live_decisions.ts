/** The first decision of each flight that has left, from the event log, with the revenue that followed it. */

import type { EventLog } from "../event_log/event_log.ts";
import { PartitionScan } from "../event_log/partition_scan.ts";
import { parseInstant } from "../events/instant.ts";

/** A decision to promote a flight, or not to by chance. */
export interface LiveDecision {
  flightId: string;
  atMs: number;
  propensity: number;
  /** A promotion went out. */
  promoted: boolean;
  /** What was done is what the policy wanted, be it by chance. */
  asWanted: boolean;
  /** Paid from then on and not given back, in pounds. */
  revenueAfter: number;
}

interface Decided extends Omit<LiveDecision, "revenueAfter"> {
  left: boolean;
  /** Prices of bookings after the decision that were not given back. */
  prices: Map<string, number>;
}

/** What the lab reads of events; every field may be missing in those of other senders. */
interface ReadEvent {
  event_type?: string;
  event_time?: string;
  flight_id?: string;
  guard?: string;
  propensity?: number;
  thresholds?: Record<string, number>;
  booking_id?: string;
  total_price?: number;
}

/** Promotions that were decided, and the topic of those that were not; the latter may be missing in an older log. */
const DECISION_TOPICS = ["promo_decisions", "policy_evaluations"];

/**
 * Reads decisions, then what was booked after them. A flight counts once it has left: only then all is known.
 *
 * @throws {LogUnavailableError} when the log cannot be read.
 */
export async function liveDecisions(log: EventLog, signal: AbortSignal): Promise<LiveDecision[]> {
  const decided = new Map<string, Decided>();
  const present = new Set((await log.listTopics()).map(({ name }) => name));
  for (const topic of DECISION_TOPICS.filter((topic) => present.has(topic))) {
    await eachEvent(log, topic, signal, (event) => note(decided, event));
  }
  if (decided.size === 0) return [];
  await eachEvent(log, "bookings", signal, (event) => book(decided, event));
  await eachEvent(log, "flight_lifecycle", signal, ({ event_type, flight_id }) => {
    const decision = decided.get(flight_id ?? "");
    if (event_type === "FlightDeparted" && decision !== undefined) decision.left = true;
  });
  return [...decided.values()].filter(({ left }) => left)
    .map(({ left: _, prices, ...decision }) => ({
      ...decision,
      revenueAfter: prices.values().reduce((sum, price) => sum + price, 0),
    }))
    .sort((a, b) => a.flightId < b.flightId ? -1 : 1);
}

/** Only a flight's first decision: those after it follow from it. */
function note(decided: Map<string, Decided>, event: ReadEvent): void {
  const { event_type, event_time, flight_id, guard, propensity = 1, thresholds } = event;
  if (flight_id === undefined || event_time === undefined) return;
  const promoted = event_type === "PromotionTriggered";
  if (!promoted && guard !== "exploration") return;
  const atMs = parseInstant(event_time);
  if ((decided.get(flight_id)?.atMs ?? Infinity) <= atMs) return;
  decided.set(flight_id, {
    flightId: flight_id,
    atMs,
    propensity,
    promoted,
    // Where chance changed what was wanted, it is among the thresholds.
    asWanted: promoted && thresholds?.explore === undefined,
    left: false,
    prices: new Map(),
  });
}

function book(
  decided: Map<string, Decided>,
  { event_type, event_time, flight_id, booking_id, total_price }: ReadEvent,
): void {
  const decision = decided.get(flight_id ?? "");
  if (decision === undefined || booking_id === undefined || event_time === undefined) return;
  if (event_type === "BookingCancelled") decision.prices.set(booking_id, 0);
  else if (event_type === "BookingCreated" && parseInstant(event_time) > decision.atMs) {
    // One that was given back before it came stays so.
    if (!decision.prices.has(booking_id)) decision.prices.set(booking_id, total_price ?? 0);
  }
}

async function eachEvent(
  log: EventLog,
  topic: string,
  signal: AbortSignal,
  take: (event: ReadEvent) => void,
): Promise<void> {
  for (const range of await log.ranges([topic])) {
    const scan = await PartitionScan.open(log, range, { signal });
    try {
      while (await scan.fill()) {
        const { value } = scan.next()!;
        if (value === null) continue;
        try {
          take(JSON.parse(value) as ReadEvent);
        } catch {
          // What cannot be read is a dead letter of the consumer's.
        }
      }
    } finally {
      await scan.close();
    }
  }
}
