import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import type { Promotion } from "../../producer/fares.ts";
import type { EventRecord } from "../../producer/flight_simulation.ts";
import { PublishedFlights } from "../../producer/published_simulation.ts";
import { Simulation, type SimulationOptions } from "../../producer/simulation.ts";
import { DAY_MS, HOUR_MS, smallNetwork, START_MS } from "./_support.ts";

/** A simulation that can be stopped at any commit and taken up from what was stored, as after a crash. */
class Run {
  readonly sent: EventRecord[] = [];
  readonly #options: SimulationOptions;
  #promotions = new Map<string, readonly Promotion[]>();
  simulation: Simulation;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.simulation = new Simulation(options);
  }

  commit(take: (simulation: Simulation, out: EventRecord[]) => void): void {
    take(this.simulation, this.sent);
    for (const flightId of this.simulation.takeEnded()) this.#promotions.delete(flightId);
  }

  promote(flightId: string): string {
    const outcome = this.simulation.promote(flightId, 25, "K");
    if (outcome.effect === "applied") this.#promotions.set(flightId, outcome.promotions);
    return outcome.effect;
  }

  /** Loses all but what was stored with the last commit; what was taken since is not sent. */
  restart(): void {
    const { cursor } = this.simulation;
    this.simulation = new Simulation({ ...this.#options, cursor, promotions: this.#promotions });
  }

  crashAfterTaking(events: number): void {
    const { cursor } = this.simulation;
    this.simulation.takeLive([], Infinity, events);
    this.simulation.takeHistory([], events);
    this.simulation = new Simulation({ ...this.#options, cursor, promotions: this.#promotions });
  }
}

const UNTIL_MS = START_MS + 2 * DAY_MS;

/** Sends all in commits of `size`, live events first, time going on by half an hour a commit. */
function inCommits(run: Run, size: number, between: (commit: number) => void = () => {}): EventRecord[] {
  let untilMs = START_MS;
  for (let commit = 0;; commit++) {
    untilMs = Math.min(untilMs + HOUR_MS / 2, UNTIL_MS);
    run.commit((simulation, out) => {
      simulation.takeLive(out, untilMs, size);
      if (simulation.cursor.timeMs === untilMs) simulation.takeHistory(out, size);
    });
    const { history, cursor } = run.simulation;
    if (history.done === history.total && cursor.timeMs === UNTIL_MS) return run.sent;
    between(commit);
  }
}

function byFlight(events: EventRecord[]): Map<string, string[]> {
  const flights = new Map<string, string[]>();
  for (const { key, value } of events) {
    const values = flights.get(key);
    if (values === undefined) flights.set(key, [value]);
    else values.push(value);
  }
  return flights;
}

Deno.test("two runs of the same seed give the same bytes, another seed gives others", () => {
  const all = (seed: number) => {
    const out: EventRecord[] = [];
    const simulation = new Simulation(smallNetwork({ seed }));
    simulation.takeHistory(out, Infinity);
    simulation.takeLive(out, UNTIL_MS, Infinity);
    return out;
  };
  const first = all(1);
  ok(first.length > 5000, `${first.length} events`);
  deepEqual(all(1), first);
  const other = all(2);
  ok(other.some(({ value }, n) => value !== first[n]?.value));
});

for (const every of [1, 2, 7, 31]) {
  Deno.test(`a restart at every ${every}. commit changes nothing, and a crash before a commit neither`, () => {
    const undisturbed = inCommits(new Run(smallNetwork()), 40);
    const run = new Run(smallNetwork());
    const disturbed = inCommits(run, 40, (commit) => {
      if (commit % every !== 0) return;
      if (commit % 2 === 0) run.restart();
      else run.crashAfterTaking(33);
    });
    deepEqual(disturbed, undisturbed);
  });
}

function onSale(run: Run): string[] {
  return [...run.simulation.onSale()].map(({ flightId }) => flightId).sort();
}

Deno.test("a restart keeps the promotions and when they began", () => {
  const promoteSome = (run: Run, commit: number) => {
    if (commit % 5 !== 0) return;
    for (const flightId of onSale(run).slice(0, 3)) run.promote(flightId);
  };
  const first = new Run(smallNetwork());
  const undisturbed = inCommits(first, 60, (commit) => promoteSome(first, commit));
  const second = new Run(smallNetwork());
  const disturbed = inCommits(second, 60, (commit) => {
    promoteSome(second, commit);
    second.restart();
  });
  deepEqual(disturbed, undisturbed);
  const plain = inCommits(new Run(smallNetwork()), 60);
  ok(undisturbed.length > plain.length, "promotions sell more");
});

Deno.test("wherever runs end by a limit, be it in the middle of a millisecond, the next goes on there", () => {
  const network = smallNetwork({ flightsPerDay: 100 });
  const whole: EventRecord[] = [];
  const simulation = new Simulation(network);
  simulation.takeHistory(whole, Infinity);
  simulation.takeLive(whole, START_MS + 6 * HOUR_MS, Infinity);
  const times = whole.map(({ value }) => value.slice(0, 200).match(/"event_time":"([^"]+)"/)![1]);
  const history = new Simulation(network);
  const past: EventRecord[] = [];
  history.takeHistory(past, Infinity);
  const ties = times.findIndex((time, n) => n > past.length && time === times[n + 1]);
  ok(ties > 0, "some events happen at the same millisecond");
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(ties + 1 - past.length)), {
        minLength: 1,
        maxLength: 6,
      }),
      (limits) => {
        const run = new Run({ ...network, cursor: history.cursor });
        for (const limit of limits) {
          run.commit((simulation, out) => simulation.takeLive(out, Infinity, limit, limit));
          run.restart();
        }
        equal(run.sent.length, limits.reduce((sum, limit) => sum + limit, 0));
        deepEqual(
          run.sent.slice(0, whole.length - past.length),
          whole.slice(past.length, past.length + run.sent.length),
        );
      },
    ),
    { numRuns: 10 },
  );
});

Deno.test("each flight's events are in event-time order whenever its history was sent", () => {
  const sequences = byFlight(inCommits(new Run(smallNetwork()), 25));
  const other = byFlight(inCommits(new Run(smallNetwork()), 5000));
  equal(sequences.size, other.size);
  for (const [flightId, values] of sequences) {
    deepEqual(values, other.get(flightId), flightId);
    const times = values.map((value) => (JSON.parse(value) as { event_time: string }).event_time);
    deepEqual(times, times.toSorted(), flightId);
  }
});

Deno.test("live events come in event-time order", () => {
  const simulation = new Simulation(smallNetwork());
  simulation.takeHistory([], Infinity);
  const out: EventRecord[] = [];
  simulation.takeLive(out, UNTIL_MS, Infinity);
  const times = out.map(({ value }) => (JSON.parse(value) as { event_time: string }).event_time);
  deepEqual(times, times.toSorted());
  ok(times[0]! >= new Date(START_MS).toISOString() && times.at(-1)! < new Date(UNTIL_MS).toISOString());
});

Deno.test("each group's events are in event-time order, history and live events together", () => {
  const network = smallNetwork();
  const events = inCommits(new Run(network), 25);
  const groups = Map.groupBy(events, ({ key }) => network.groupOf(key));
  deepEqual([...groups.keys()].sort(), [0, 1, 2]);
  for (const [group, records] of groups) {
    const times = records.map(({ value }) => (JSON.parse(value) as { event_time: string }).event_time);
    deepEqual(times, times.toSorted(), `group ${group}`);
  }
});

Deno.test("a group is live as soon as its own history is out", () => {
  const network = smallNetwork();
  const simulation = new Simulation(network);
  const history: EventRecord[] = [];
  while (simulation.cursor.history.group === 0) simulation.takeHistory(history, 50);
  const live: EventRecord[] = [];
  simulation.takeLive(live, START_MS + HOUR_MS, Infinity);
  ok(live.length > 0);
  deepEqual([...new Set(live.map(({ key }) => network.groupOf(key)))], [0]);
});

Deno.test("history waits in pieces of any size and leaves live events alone", () => {
  const simulation = new Simulation(smallNetwork());
  const out: EventRecord[] = [];
  while (simulation.history.done < simulation.history.total) {
    const before = out.length;
    simulation.takeHistory(out, 17);
    ok(out.length - before <= 17);
  }
  const whole: EventRecord[] = [];
  new Simulation(smallNetwork()).takeHistory(whole, Infinity);
  deepEqual(out, whole);
});

Deno.test("promote() takes flights on sale only", () => {
  const run = new Run(smallNetwork());
  const live: EventRecord[] = [];
  run.simulation.takeLive(live, START_MS + HOUR_MS, Infinity);
  const { source } = smallNetwork();
  const departed = source.openingBetween(START_MS - 5 * DAY_MS, START_MS - 3 * DAY_MS)[0]!;
  const open = source.openingBetween(START_MS - DAY_MS, START_MS)[0]!;
  const later = source.openingBetween(START_MS + DAY_MS, START_MS + 2 * DAY_MS)[0]!;
  const never = source.openingBetween(START_MS - 30 * DAY_MS, START_MS - 5 * DAY_MS);
  deepEqual(never, []);
  equal(run.promote(departed.flightId), "flight_closed");
  equal(run.promote(later.flightId), "unknown_flight");
  equal(run.promote("BA210_2025-11-28"), "unknown_flight");
  equal(run.promote(open.flightId), "applied");
  equal(run.promote(open.flightId), "unchanged");
  for (let n = 0; n < 99; n++) {
    equal(run.simulation.promote(open.flightId, 10 + n % 2, "K").effect, "applied");
  }
  equal(run.simulation.promote(open.flightId, 50, "K").effect, "too_many");
});

Deno.test("a promotion for the flight whose history is half sent changes none of what follows of the past", () => {
  const network = smallNetwork();
  const plain: EventRecord[] = [];
  new Simulation(network).takeHistory(plain, Infinity);
  const first = plain.findIndex(({ key }) => network.source.find(key)!.times.closesMs > START_MS);
  const flightId = plain[first]!.key;
  const simulation = new Simulation(network);
  const out: EventRecord[] = [];
  simulation.takeHistory(out, first + 10);
  equal(simulation.promote(flightId, 25, "K").effect, "applied");
  simulation.takeHistory(out, Infinity);
  deepEqual(out, plain);
  ok(
    [...simulation.onSale()].some((flight) =>
      flight.flightId === flightId && flight.promotion?.discountPercentage === 25
    ),
  );
});

Deno.test("promote() refuses while a millisecond is half sent", () => {
  const network = smallNetwork({ flightsPerDay: 100 });
  const simulation = new Simulation(network);
  simulation.takeHistory([], Infinity);
  while (simulation.takesPromotions) simulation.takeLive([], Infinity, 1, 1);
  throws(() => simulation.promote("x", 25, "K"), /middle of a millisecond/);
});

Deno.test("takeEnded() names promoted flights once they are over, and nothing else", () => {
  const run = new Run(smallNetwork());
  run.simulation.takeHistory([], Infinity);
  run.simulation.takeLive([], START_MS + HOUR_MS, Infinity);
  const next = [...run.simulation.onSale()].map(({ flightId }) => smallNetwork().source.find(flightId)!)
    .sort((a, b) => a.times.endsMs - b.times.endsMs)[0]!;
  equal(run.promote(next.flightId), "applied");
  run.simulation.takeLive([], next.times.endsMs, Infinity);
  deepEqual(run.simulation.takeEnded(), []);
  run.simulation.takeLive([], next.times.endsMs + 1, Infinity);
  deepEqual(run.simulation.takeEnded(), [next.flightId]);
  deepEqual(run.simulation.takeEnded(), []);
});

Deno.test("a simulation that runs for a month can be taken up at any time, and only keeps live flights", () => {
  const network = smallNetwork({ flightsPerDay: 3 });
  const whole = new Simulation(network);
  whole.takeHistory([], Infinity);
  for (let day = 1; day <= 30; day++) {
    whole.takeLive([], START_MS + day * DAY_MS, Infinity);
    // Three days of sale, at most three on the way, three flights a day.
    ok(whole.liveFlights <= 18, `${whole.liveFlights} live flights`);
  }
  const restarted = new Simulation({ ...network, cursor: whole.cursor });
  equal(restarted.liveFlights, whole.liveFlights);
  const [a, b]: EventRecord[][] = [[], []];
  whole.takeLive(a!, START_MS + 33 * DAY_MS, Infinity);
  restarted.takeLive(b!, START_MS + 33 * DAY_MS, Infinity);
  deepEqual(b, a);
});

Deno.test("the published profile restarts the same way, promotions included", () => {
  const options = (): SimulationOptions => ({
    source: new PublishedFlights({ seed: 1, profile: "iteration-2", startMs: START_MS }),
    startMs: START_MS,
    historyFromMs: START_MS,
  });
  const play = (restart: boolean) => {
    const run = new Run(options());
    for (let minute = 5; minute <= 120; minute += 5) {
      run.commit((simulation, out) => simulation.takeLive(out, START_MS + minute * 60_000, Infinity));
      if (minute === 60) {
        for (const flightId of onSale(run).slice(0, 20)) run.promote(flightId);
      }
      if (restart) run.restart();
    }
    return run.sent;
  };
  const events = play(false);
  ok(events.length > 3000, `${events.length} events`);
  deepEqual(play(true), events);
});
