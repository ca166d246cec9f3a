import assert from "node:assert/strict";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import type { NewRecord } from "../../event_log/event_log.ts";
import { FLIGHT_DATA_TOPIC, PUBLIC_TOPICS } from "../../events/topics.ts";
import { FlightOutbox } from "../../tracker/flight_outbox.ts";
import { LogLink } from "../../tracker/log_link.ts";
import { FLIGHT } from "./_tracker_support.ts";

const leg = (id: string, status = "Scheduled") => ({ ...FLIGHT, fa_flight_id: id, status });
const until = async (done: () => boolean) => {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 1));
};

Deno.test("while the log is away the newest state of each leg waits, and is sent once it is back", async () => {
  const taken: NewRecord[] = [];
  let away = true;
  let errors = 0;
  const outbox = new FlightOutbox({
    append(records) {
      if (away) return Promise.reject(new Error("away"));
      taken.push(...records);
      return Promise.resolve();
    },
    onError: () => errors++,
    retryMs: 1,
  });
  outbox.put(leg("a"));
  outbox.put(leg("b"));
  await until(() => errors >= 2);
  outbox.put(leg("a", "En Route"));
  assert.equal(outbox.waiting, 2);
  away = false;
  await until(() => outbox.waiting === 0);
  assert.deepEqual(
    taken.map(({ topic, key, value }) => [topic, key, JSON.parse(value!).status]),
    [[FLIGHT_DATA_TOPIC, "b", "Scheduled"], [FLIGHT_DATA_TOPIC, "a", "En Route"]],
  );
  assert.equal(await outbox.close(1000), 0);
});

Deno.test("no more legs wait than may, the oldest leave and are counted", async () => {
  const outbox = new FlightOutbox({
    append: () => Promise.reject(new Error("away")),
    legsMax: 3,
    retryMs: 1,
  });
  for (const id of ["a", "b", "c", "d", "e"]) outbox.put(leg(id));
  assert.equal(outbox.waiting, 3);
  assert.equal(outbox.dropped, 2);
  assert.equal(await outbox.close(1000), 3);
});

Deno.test("a state that comes while the one before is sent is sent too", async () => {
  const taken: string[] = [];
  let release = () => {};
  const outbox = new FlightOutbox({
    async append(records) {
      await new Promise<void>((resolve) => release = resolve);
      taken.push(...records.map(({ value }) => JSON.parse(value!).status));
    },
  });
  outbox.put(leg("a", "Scheduled"));
  outbox.put(leg("a", "En Route"));
  release();
  await until(() => taken.length === 1);
  await until(() => {
    release();
    return outbox.waiting === 0;
  });
  assert.deepEqual(taken, ["Scheduled", "En Route"]);
  await outbox.close(1000);
});

Deno.test("the log is opened again after it was away, and gets its topic", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/log.sqlite`;
  let opened = 0;
  const link = new LogLink(
    () => ++opened === 1 ? Promise.reject(new Error("away")) : openSqliteEventLog({ file }),
    PUBLIC_TOPICS.filter(({ name }) => name === FLIGHT_DATA_TOPIC),
  );
  const record = { topic: FLIGHT_DATA_TOPIC, key: "a", value: "{}" };
  await assert.rejects(link.append([record]), /away/);
  await link.append([record]);
  await link.append([record]);
  assert.equal(opened, 2);
  await link.close();
  const log = await openSqliteEventLog({ file, readOnly: true });
  const ranges = await log.ranges([FLIGHT_DATA_TOPIC]);
  assert.equal(ranges.reduce((sum, { start, end }) => sum + end - start, 0), 2);
  await log.close();
  await Deno.remove(folder, { recursive: true });
});
