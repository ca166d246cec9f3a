import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { FencedError } from "../../event_log/event_log.ts";
import type { BookingEvent } from "../../events/bookings.ts";
import type { DeadLetter } from "../../events/dead_letters.ts";
import { promoDecisionExample } from "../../events/promo_decisions.ts";
import { GROUPS } from "../../events/topics.ts";
import { loadFlights } from "../../producer/load_flights.ts";
import { parseProducerOptions } from "../../producer/producer_options.ts";
import { ProducerSession, simulationOf } from "../../producer/producer_session.ts";
import type { EventRecord } from "../../producer/flight_simulation.ts";
import { restoreEntries } from "../../producer/producer_state.ts";
import type { EventLog } from "../../event_log/event_log.ts";
import { engineTest, eventually, type TestLog } from "./_engines.ts";
import { HOUR_MS, START_MS } from "./_support.ts";

const SMALL = "--start-date 2025-11-24 --flights-per-day 5 --booking-horizon 3d --backfill 1d";
const NOW_MS = Date.UTC(2030, 0, 1);

async function open(log: EventLog, args = SMALL): Promise<ProducerSession> {
  const { choices, resetState, rate } = parseProducerOptions(args.split(" "));
  return await ProducerSession.open(log, {
    choices,
    flights: await loadFlights(choices),
    resetState,
    load: rate !== undefined,
    nowMs: NOW_MS,
  });
}

/** Sends history and live events until a simulated time. */
async function produce(session: ProducerSession, untilMs: number): Promise<void> {
  await session.step((simulation, out) => {
    simulation.takeLive(out, untilMs, Infinity);
    simulation.takeHistory(out, Infinity);
  });
}

function onSale(session: ProducerSession): string[] {
  return [...session.simulation.onSale()].map(({ flightId }) => flightId).sort();
}

function decision(flight_id: string, changes: object = {}): { key: string; value: string } {
  return { key: flight_id, value: JSON.stringify({ ...promoDecisionExample, flight_id, ...changes }) };
}

async function decide(test: TestLog, decisions: { key: string; value: string | null }[]): Promise<void> {
  const appender = await test.log.appender();
  await appender.append(decisions.map((record) => ({ topic: "promo_decisions", ...record })));
  await appender.close();
}

/** Steps without events until the listener has handed over `count` decisions; returns what they led to. */
async function decisionsTaken(session: ProducerSession, count: number) {
  const taken = { applied: 0, ignored: [] as string[], refused: [] as string[] };
  await eventually(`${count} decisions are taken in`, async () => {
    const { feedback } = await session.step(() => {});
    taken.applied += feedback.applied;
    taken.ignored.push(...feedback.ignored);
    taken.refused.push(...feedback.refused);
    return taken.applied + taken.ignored.length + taken.refused.length >= count;
  });
  return taken;
}

/** What was sold and what was given back, told apart. */
function bookingIds(records: readonly { value: string | null }[]): string[] {
  return records.map(({ value }) => {
    const { event_type, booking_id } = JSON.parse(value!) as BookingEvent;
    return `${event_type} ${booking_id}`;
  });
}

engineTest("a session stores events and its place; the next one goes on there", async (test) => {
  const first = await open(test.log);
  await produce(first, START_MS + HOUR_MS);
  await first.close();
  const second = await open(test.log);
  equal(second.startMs, START_MS);
  deepEqual(second.simulation.cursor, first.simulation.cursor);
  await produce(second, START_MS + 12 * HOUR_MS);
  await second.close();
  const ids = bookingIds(await test.records("bookings"));
  ok(ids.length > 200, `${ids.length} bookings`);
  equal(new Set(ids).size, ids.length);
  const { choices } = parseProducerOptions(SMALL.split(" "));
  const whole = simulationOf(choices, await loadFlights(choices), { startMs: START_MS });
  const events: EventRecord[] = [];
  whole.takeHistory(events, Infinity);
  whole.takeLive(events, START_MS + 12 * HOUR_MS, Infinity);
  const expected = bookingIds(events.filter(({ topic }) => topic === "bookings"));
  deepEqual(new Set(ids), new Set(expected));
});

engineTest(
  "promotions are applied once, kept with their time, and forgotten when the flight is over",
  async (test) => {
    const first = await open(test.log);
    await produce(first, START_MS + HOUR_MS);
    const [flightId] = onSale(first);
    await decide(test, [decision(flightId!, { discount_percentage: 10 })]);
    deepEqual(await decisionsTaken(first, 1), { applied: 1, ignored: [], refused: [] });
    await first.close();

    const second = await open(test.log);
    const running = [...second.simulation.onSale()].find((flight) => flight.flightId === flightId)!;
    deepEqual(running.promotion, {
      fromMs: START_MS + HOUR_MS,
      discountPercentage: 10,
      targetFareBucket: "K",
    });
    const committed = await test.log.committedOffsets(GROUPS.producerFeedback, ["promo_decisions"]);
    equal(committed.reduce((sum, { offset }) => sum + offset, 0), 1);
    // The decision is not handed over again: the next one is the first that this session sees.
    await decide(test, [decision(flightId!, { discount_percentage: 25 })]);
    deepEqual(await decisionsTaken(second, 1), { applied: 1, ignored: [], refused: [] });
    ok((await restoreEntries(test.log)).has(flightId!));
    await produce(second, START_MS + 5 * 24 * HOUR_MS);
    await second.close();
    const entries = await restoreEntries(test.log);
    deepEqual([...entries.keys()], ["clock"]);
  },
);

engineTest(
  "decisions that cannot be used are dead letters, late ones are ignored, good ones go through",
  async (test) => {
    const session = await open(test.log);
    await produce(session, START_MS + HOUR_MS);
    const [flightId] = onSale(session);
    const departed = (await test.records("flight_lifecycle"))
      .find(({ value }) => value!.includes('"FlightDeparted"'))!.key!;
    const key = flightId!;
    await decide(test, [
      { key, value: "{" },
      { key, value: null },
      { key, value: '{"event_type":"Something"}' },
      decision(key, { discount_percentage: -5 }),
      decision("BA999_2025-11-28"),
      decision(departed),
      decision(key, { target_fare_bucket: undefined }),
      decision(key),
    ]);
    const { applied, ignored, refused } = await decisionsTaken(session, 8);
    await session.close();
    equal(applied, 1);
    // The repeated decision says nothing new: without a target the bucket is K.
    deepEqual(ignored.sort(), ["flight_closed", "unchanged"]);
    const reasons = ["empty_value", "invalid_json", "out_of_range", "unknown_event_type", "unknown_flight"];
    deepEqual(refused.sort(), reasons);
    const letters = (await test.records("dead_letters")).map(({ value }) => JSON.parse(value!) as DeadLetter);
    deepEqual(letters.map(({ reason }) => reason).sort(), reasons);
    for (const letter of letters) {
      equal(letter.group, "airline-producer-feedback");
      equal(
        letter.dead_letter_id,
        `airline-producer-feedback-promo_decisions-${letter.partition}-${letter.offset}`,
      );
    }
  },
);

engineTest("a second producer fences the first, which stores nothing any more", async (test) => {
  const first = await open(test.log);
  await produce(first, START_MS + HOUR_MS);
  const second = await open(await test.connect());
  await rejects(produce(first, START_MS + 2 * HOUR_MS), FencedError);
  await first.close();
  await produce(second, START_MS + 2 * HOUR_MS);
  await second.close();
  const ids = bookingIds(await test.records("bookings"));
  equal(new Set(ids).size, ids.length);
});

engineTest("other choices are refused with every difference, --reset-state begins anew", async (test) => {
  const first = await open(test.log);
  await produce(first, START_MS + HOUR_MS);
  await decide(test, [decision(onSale(first)[0]!)]);
  await decisionsTaken(first, 1);
  await first.close();
  await rejects(open(test.log, `${SMALL} --seed 2`), /--seed was 1, now 2\. Run with/);
  await rejects(
    open(test.log, SMALL.replace("--start-date 2025-11-24 ", "").replace("3d", "2d")),
    /--start-date was 2025-11-24T00:00:00\.000Z, now none; --booking-horizon was 72h, now 48h\. Run with/,
  );
  await rejects(open(test.log, "--profile iteration-2"), /--profile was network, now iteration-2/);
  const anew = await open(test.log, "--profile iteration-1 --reset-state");
  equal(anew.startMs, NOW_MS);
  await produce(anew, NOW_MS + HOUR_MS);
  await anew.close();
  const entries = await restoreEntries(test.log);
  deepEqual([...entries.keys()], ["clock"]);
  equal(
    (JSON.parse(entries.get("clock")!) as { choices: { profile: string } }).choices.profile,
    "iteration-1",
  );
});

engineTest("a state of another format is refused", async (test) => {
  const appender = await test.log.appender();
  await appender.append([{
    topic: "airline-producer-state",
    key: "clock",
    value: JSON.stringify({ format: 99, choices: { profile: "network" } }),
  }]);
  await appender.close();
  await rejects(open(test.log), /has format 99, this producer knows 2/);
});

engineTest("for load a simulation begins a year back, and does not go on in real time", async (test) => {
  const real = await open(test.log, "--flights-per-day 1");
  equal(real.startMs, NOW_MS);
  await produce(real, NOW_MS + HOUR_MS);
  await real.close();
  const faster = await open(test.log, "--flights-per-day 1 --rate 10");
  equal(faster.startMs, NOW_MS);
  await faster.close();
  const load = await open(test.log, "--flights-per-day 1 --rate 10 --reset-state");
  equal(load.startMs, NOW_MS - 365 * 24 * HOUR_MS);
  await produce(load, load.startMs + HOUR_MS);
  await load.close();
  await rejects(
    open(test.log, "--flights-per-day 1"),
    /--start-date was a year back, for load, now none\. Run with/,
  );
  const again = await open(test.log, "--flights-per-day 1 --rate 0");
  equal(again.startMs, load.startMs);
  await again.close();
});
