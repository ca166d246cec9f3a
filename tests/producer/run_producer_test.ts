import { equal, ok } from "node:assert/strict";
import { type EventLog, LogUnavailableError, type Transactor } from "../../event_log/event_log.ts";
import { EVENT_LEAD_MS_MAX } from "../../events/parse_event.ts";
import { loadFlights } from "../../producer/load_flights.ts";
import { ProducerMetrics } from "../../producer/producer_metrics.ts";
import { parseProducerOptions } from "../../producer/producer_options.ts";
import { runProducer } from "../../producer/run_producer.ts";
import { engineTest } from "./_engines.ts";

/** A log whose commits fail now and then: before they are stored, or after, so that nobody can tell. */
function failing(log: EventLog, fails: (commit: number) => "before" | "after" | undefined): EventLog {
  let commits = 0;
  return new Proxy(log, {
    get(target, name) {
      if (name === "transactor") {
        return async (id: string): Promise<Transactor> => {
          const transactor = await target.transactor(id);
          return {
            id,
            async commit(transaction) {
              const failure = fails(++commits);
              if (failure !== "before") await transactor.commit(transaction);
              if (failure !== undefined) throw new LogUnavailableError("The log is away");
            },
            close: () => transactor.close(),
          };
        };
      }
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

engineTest(
  "a log that fails is tried again from what it has stored: nothing is lost or doubled",
  async (test) => {
    const args = "--start-date 2025-06-02 --flights-per-day 60 --booking-horizon 5d --backfill 3d --rate 0";
    const options = parseProducerOptions([...args.split(" "), "--limit", "30000"]);
    const metrics = new ProducerMetrics();
    await runProducer({
      log: failing(
        test.log,
        (commit) => commit === 2 ? "before" : commit === 4 || commit === 5 ? "after" : undefined,
      ),
      options,
      flights: await loadFlights(options.choices),
      metrics,
      eventLeadMsMax: EVENT_LEAD_MS_MAX,
      stop: new AbortController().signal,
    });
    let stored = 0;
    const values = new Set<string>();
    for (const topic of ["flight_lifecycle", "bookings", "seat_inventory", "seat_map", "stream.events"]) {
      for (const { value } of await test.records(topic)) {
        stored++;
        values.add(value!);
      }
    }
    equal(values.size, stored, "no event twice");
    // Two commits were stored although they seemed to fail: their events come on top of the limit.
    equal(stored, 40_000);
    const text = await metrics.registry.metrics();
    ok(text.includes("producer_simulated_time_seconds 17"), text);
  },
);

engineTest("promotions and per-flight series show in the metrics", async (test) => {
  const options = parseProducerOptions(
    "--start-date 2025-06-02 --flights-per-day 10 --booking-horizon 2d --backfill 0s --look-to-book none --rate 0 --limit 3000"
      .split(" "),
  );
  const metrics = new ProducerMetrics();
  await runProducer({
    log: test.log,
    options,
    flights: await loadFlights(options.choices),
    metrics,
    eventLeadMsMax: EVENT_LEAD_MS_MAX,
    stop: new AbortController().signal,
  });
  const simulation = metrics.simulation!;
  const open = [...simulation.onSale()];
  const text = () => metrics.registry.metrics();
  const series = (await text()).match(/^producer_booking_probability\{flight_id="[^"]+"\} 0\.\d+$/gm) ?? [];
  ok(
    open.length > 10 && series.length > open.length * 0.9,
    `${series.length} series of ${open.length} flights`,
  );
  ok((await text()).includes("\nproducer_active_promotions 0\n"));
  equal(simulation.promote(open[0]!.flightId, 25, "K").effect, "applied");
  ok((await text()).includes("\nproducer_active_promotions 1\n"));
  const records = await test.records("bookings");
  const bookings = records.filter(({ value }) => value!.includes('"BookingCreated"')).length;
  ok(bookings > 100 && records.length > bookings);
  ok((await text()).includes(`\nproducer_bookings_emitted_total ${bookings}\n`));
  ok((await text()).includes(`\nproducer_cancellations_emitted_total ${records.length - bookings}\n`));
  ok((await text()).includes(`\nproducer_events_emitted_total{topic="bookings"} ${records.length}\n`));
});
