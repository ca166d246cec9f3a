import { deepEqual, equal, match } from "node:assert/strict";
import { duration, PipelineStatus, readMetrics, scrape } from "../../scripts/_pipeline_status.ts";

const PAGE = `# HELP consumer_events_processed_total Events
# TYPE consumer_events_processed_total counter
consumer_events_processed_total{topic="bookings"} 100
consumer_events_processed_total{topic="seat_inventory",group="a b"} 50
consumer_flights_tracked 812
consumer_flights_tracked_more 5
consumer_booking_velocity_per_hour{flight_id="X"} 3
etl_last_success_timestamp_seconds 1.7643384e+9
`;

Deno.test("readMetrics() picks the shown ones and adds up the series of a name", () => {
  deepEqual(readMetrics(PAGE), {
    consumer_events_processed_total: 150,
    consumer_flights_tracked: 812,
    etl_last_success_timestamp_seconds: 1_764_338_400,
  });
  deepEqual(readMetrics(""), {});
});

Deno.test("PipelineStatus tells the rate of the last ten seconds", () => {
  const status = new PipelineStatus();
  status.update({ consumer_events_processed_total: 1000 }, 5000);
  match(status.line(0), /^0 events\/s/);
  // 3,000 events in two seconds.
  status.update({ consumer_events_processed_total: 4000 }, 7000);
  match(status.line(0), /^1,500 events\/s/);
  // The consumer does not answer for a second: 3,000 in three.
  status.update({}, 8000);
  match(status.line(0), /^1,000 events\/s/);
  // From 7 s on, the newest scrape that is ten seconds old: 35 events in ten.
  status.update({ consumer_events_processed_total: 4035 }, 17_000);
  match(status.line(0), /^3\.5 events\/s/);
  for (const atMs of [20_000, 27_000]) status.update({ consumer_events_processed_total: 4035 }, atMs);
  match(status.line(0), /^0 events\/s/);
});

Deno.test("PipelineStatus keeps its totals when a process starts anew and counts from zero", () => {
  const status = new PipelineStatus();
  status.update({ consumer_promotions_triggered_total: 10, producer_events_emitted_total: 100 }, 0);
  status.update({ consumer_promotions_triggered_total: 12, producer_events_emitted_total: 150 }, 1000);
  status.update({ consumer_promotions_triggered_total: 3, producer_events_emitted_total: 20 }, 2000);
  status.update({ consumer_promotions_triggered_total: 4, producer_events_emitted_total: 20 }, 3000);
  match(status.line(0), / 16 promotions /);
  equal(
    status.summary(),
    "170 events produced, seat maps and shoppers among them, 0 processed, 16 promotions",
  );
});

Deno.test("PipelineStatus shows flights, lake files and the age of the last ETL run", () => {
  const status = new PipelineStatus();
  equal(status.line(0), "0 events/s · 0 flights · 0 promotions · 0 lake files · ETL not yet");
  status.update({
    consumer_flights_tracked: 1200,
    lake_files: 23,
    etl_last_success_timestamp_seconds: 1000,
  }, 0);
  equal(status.line(1075), "0 events/s · 1,200 flights · 0 promotions · 23 lake files · ETL 1 min 15 s ago");
  match(status.line(990), /ETL 0 s ago$/);
  status.update({ viewer_active_viewers: 1234 }, 0);
  match(status.line(990), / 0 promotions · 1,234 viewers · 23 lake files /);
});

Deno.test("PipelineStatus shows the backfill until it is done", () => {
  const status = new PipelineStatus();
  status.update({ producer_backfill_progress_ratio: 0.5 }, 0);
  match(status.line(0), /^backfill ████████░░░░░░░░ 50 % · 0 events/);
  status.update({ producer_backfill_progress_ratio: 1 }, 1000);
  match(status.line(0), /^0 events/);
});

Deno.test("scrape() leaves out a process that does not answer", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response(PAGE));
  const failing = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("x", { status: 500 }),
  );
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  closed.close();
  try {
    const urls = [server.addr.port, failing.addr.port, closed.addr.port].map((port) =>
      `http://127.0.0.1:${port}/metrics`
    );
    equal((await scrape(urls, new AbortController().signal)).consumer_flights_tracked, 812);
  } finally {
    await server.shutdown();
    await failing.shutdown();
  }
});

for (
  const [seconds, text] of [[0, "0 s"], [59.9, "59 s"], [60, "1 min 0 s"], [3725, "1 h 2 min"], [
    90_000,
    "25 h 0 min",
  ]] as const
) {
  Deno.test(`duration() of ${seconds} s is ${text}`, () => equal(duration(seconds), text));
}
