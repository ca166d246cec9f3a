import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { FencedError } from "../../event_log/event_log.ts";
import { OperatorError } from "../../process/run_process.ts";
import { SqliteSummaryStore } from "../../tracker/sqlite_summary_store.ts";
import { ChangedSummaryError } from "../../tracker/summary_store.ts";
import type { NewSummary } from "../../tracker/summary_store.ts";
import { TokenBudget } from "../../tracker/token_budget.ts";
import { PostgresSummaryStore } from "../../tracker/postgres_summary_store.ts";
import { POSTGRES_GIVEN, storeTest, withPostgresStore } from "./_summary_stores.ts";
import { flightData } from "./_summary_support.ts";

const LOG_ID = "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11";
const AT_MS = Date.UTC(2025, 10, 28, 10, 15, 30, 250);

function summary(fields: Partial<NewSummary> = {}, id = "leg-1"): NewSummary {
  return {
    told: flightData({ fa_flight_id: id }),
    ident: "UAL1545",
    text: `It's a "text" \\ 'of' ${id} ✈️`,
    modelUsed: "template",
    tokensUsed: 0,
    generatedMs: AT_MS,
    changesBefore: 0,
    changes: 1,
    ...fields,
  };
}

storeTest("a commit stores summaries and place, and the next owner finds them", async ({ open }) => {
  const store = await open();
  const first = await store.claim(LOG_ID, 0);
  assert.deepEqual([first.epoch, first.nextOffset], [1, null]);
  assert.equal(await store.newest("UAL1545"), undefined);
  await store.commit(first, {
    nextOffset: 7,
    summaries: [summary(), summary({ tokensUsed: null }, "leg-2")],
  });
  await store.commit(first, {
    nextOffset: 9,
    summaries: [
      summary({ text: "Later", changesBefore: 1, changes: 3, modelUsed: "m", generatedMs: AT_MS + 1 }),
    ],
  });
  const other = await open();
  const second = await other.claim(LOG_ID, 0);
  assert.deepEqual([second.epoch, second.nextOffset], [2, 9]);
  assert.deepEqual(
    await other.flights(["leg-1", "leg-2", "leg-3", "'"]),
    new Map([
      ["leg-1", { told: flightData({ fa_flight_id: "leg-1" }), changes: 3 }],
      ["leg-2", { told: flightData({ fa_flight_id: "leg-2" }), changes: 1 }],
    ]),
  );
  assert.deepEqual(await other.newest("UAL1545"), {
    ident: "UAL1545",
    faFlightId: "leg-1",
    text: "Later",
    modelUsed: "m",
    generatedMs: AT_MS + 1,
  });
  assert.equal((await other.claim(LOG_ID, 1)).nextOffset, null);
  assert.equal((await other.claim("another-log", 0)).nextOffset, null);
});

storeTest(
  "of legs that were told of at the same time the one that leaves last is meant",
  async ({ open }) => {
    const store = await open();
    const claim = await store.claim(LOG_ID, 0);
    const leg = (id: string, scheduled_out: string | null, more: Partial<NewSummary> = {}) => ({
      ...summary(more, id),
      told: flightData({ fa_flight_id: id, scheduled_out }),
    });
    await store.commit(claim, {
      nextOffset: 1,
      summaries: [leg("a", "2025-11-29T12:00:00Z"), leg("b", "2025-11-28T12:00:00Z"), leg("c", null)],
    });
    assert.equal((await store.newest("UAL1545"))!.faFlightId, "a");
    await store.commit(claim, {
      nextOffset: 2,
      summaries: [leg("b", "2025-11-28T12:00:00Z", { generatedMs: AT_MS + 1, changesBefore: 1, changes: 2 })],
    });
    assert.equal((await store.newest("UAL1545"))!.faFlightId, "b");
  },
);

storeTest("a former owner stores nothing, neither summaries nor place", async ({ open }) => {
  const store = await open();
  const former = await store.claim(LOG_ID, 0);
  await store.commit(former, { nextOffset: 1, summaries: [] });
  const owner = await (await open()).claim(LOG_ID, 0);
  await assert.rejects(store.commit(former, { nextOffset: 2, summaries: [summary()] }), FencedError);
  assert.equal(await store.newest("UAL1545"), undefined);
  await store.commit(owner, { nextOffset: 3, summaries: [summary()] });
  assert.equal((await store.claim(LOG_ID, 0)).nextOffset, 3);
});

storeTest("a row that somebody else has changed undoes the whole commit", async ({ open }) => {
  const store = await open();
  const one = await store.claim(LOG_ID, 0);
  const two = await store.claim(LOG_ID, 1);
  await store.commit(one, { nextOffset: 1, summaries: [summary()] });
  const late = [summary({}, "leg-0"), summary({ text: "of somebody who read too early" })];
  await assert.rejects(store.commit(two, { nextOffset: 5, summaries: late }), ChangedSummaryError);
  const stale = [summary({ changesBefore: 2, changes: 3 })];
  await assert.rejects(store.commit(two, { nextOffset: 5, summaries: stale }), ChangedSummaryError);
  assert.deepEqual([...(await store.flights(["leg-0", "leg-1"])).keys()], ["leg-1"]);
  assert.equal((await store.claim(LOG_ID, 1)).nextOffset, null);
});

storeTest("thousands of summaries are one commit", async ({ open }) => {
  const store = await open();
  const claim = await store.claim(LOG_ID, 0);
  const ids = Array.from({ length: 3000 }, (_, at) => `leg-${at}`);
  await store.commit(claim, { nextOffset: 1, summaries: ids.map((id) => summary({}, id)) });
  const again = ids.map((id) => summary({ changesBefore: 1, changes: 2 }, id));
  await store.commit(claim, { nextOffset: 2, summaries: [...again, summary({}, "new")] });
  const flights = await store.flights([...ids, "new"]);
  assert.equal(flights.size, 3001);
  assert.deepEqual(new Set([...flights.values()].map(({ changes }) => changes)), new Set([2, 1]));
});

storeTest("several that start and claim at once do not get in each other's way", async ({ open }) => {
  const stores = await Promise.all(Array.from({ length: 5 }, open));
  const claims = await Promise.all(stores.map((store) => store.claim(LOG_ID, 0)));
  assert.deepEqual(claims.map(({ epoch }) => epoch).sort(), [1, 2, 3, 4, 5]);
  for (const store of stores) await store.check();
});

storeTest("instances that share the store share the budget, however many ask at once", async ({ open }) => {
  const nowMs = AT_MS;
  const stores = await Promise.all([open(), open(), open()]);
  const budgetOf = (store: typeof stores[number], now: number) =>
    new TokenBudget({ counters: store, perMinute: 1000, perDay: 1500, now: () => now });
  const take = async (now: number, tokens: number, times: number) => {
    const asked = await Promise.allSettled(
      Array.from({ length: times }, (_, at) => budgetOf(stores[at % 3]!, now).take(tokens)),
    );
    return asked.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  };
  const taken = await take(nowMs, 150, 30);
  assert.equal(taken.length, 6);
  // What was not needed is given back, once: 4 × 150 + 2 × 50.
  await Promise.all(taken.slice(0, 2).map((tokens) => tokens.cost(50)));
  assert.equal((await take(nowMs, 100, 9)).length, 3);
  // The next minute is a new one, the day is not: 500 are left of it.
  assert.equal((await take(nowMs + 60_000, 100, 9)).length, 5);
  const refused = await budgetOf(stores[0]!, nowMs + 60_000).take(100).catch((error: Error) => error.message);
  assert.match(String(refused), /1500 tokens of a day/);
  assert.equal((await take(nowMs + 24 * 3600_000, 100, 20)).length, 10);
});

Deno.test("a file of something else is refused, and left as it is", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/other.sqlite`;
  const other = new DatabaseSync(file);
  other.exec("CREATE TABLE guests (name TEXT)");
  other.close();
  await assert.rejects(SqliteSummaryStore.open(file), OperatorError);
  await Deno.writeTextFile(`${folder}/text`, "Hello, this is no database at all, only a text. ".repeat(100));
  await assert.rejects(SqliteSummaryStore.open(`${folder}/text`), OperatorError);
  await assert.rejects(SqliteSummaryStore.open(`${folder}/text/s.sqlite`), OperatorError);
  const left = new DatabaseSync(file);
  assert.equal(left.prepare("SELECT count(*) AS n FROM sqlite_schema").get()!.n, 1);
  left.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test({
  name: "flight_summaries on Postgres is as published; one that another program made is taken as it is",
  ignore: !POSTGRES_GIVEN,
  fn: () =>
    withPostgresStore(async ({ open, sql }) => {
      await sql!.unsafe(`
        create table flight_summaries (
          id bigserial primary key, flight_ident varchar(8) not null, fa_flight_id varchar(100) not null unique,
          summary_text varchar(200) not null, model_used varchar(50), tokens_used integer,
          generated_at timestamptz not null, created_at timestamptz not null, updated_at timestamptz not null)`);
      await sql!.unsafe(`
        insert into flight_summaries (flight_ident, fa_flight_id, summary_text, generated_at, created_at, updated_at)
        values ('UAL1545', 'leg-1', 'Theirs', '2025-11-28T10:00:00Z', '2025-11-28T10:00:00Z', '2025-11-28T10:00:00Z')`);
      const store = await open();
      assert.deepEqual(await store.newest("UAL1545"), {
        ident: "UAL1545",
        faFlightId: "leg-1",
        text: "Theirs",
        modelUsed: null,
        generatedMs: Date.UTC(2025, 10, 28, 10),
      });
      assert.deepEqual((await store.flights(["leg-1"])).get("leg-1"), { told: undefined, changes: 0 });
      const claim = await store.claim(LOG_ID, 0);
      await store.commit(claim, {
        nextOffset: 1,
        summaries: [summary(), summary({ tokensUsed: 7 }, "leg-2")],
      });
      const long = summary({ ident: "N12345678-AB", modelUsed: "m".repeat(60) }, "leg-".padEnd(200, "x"));
      await store.commit(claim, { nextOffset: 2, summaries: [{ ...long, text: "long ".repeat(100) }] });
      const rows = await sql!`
        select id, flight_ident, fa_flight_id, summary_text, model_used, tokens_used, generated_at, created_at, updated_at
        from flight_summaries where id < 3 order by id`;
      assert.deepEqual(JSON.parse(JSON.stringify(rows)), [
        {
          id: 1,
          flight_ident: "UAL1545",
          fa_flight_id: "leg-1",
          summary_text: summary().text,
          model_used: "template",
          tokens_used: 0,
          generated_at: "2025-11-28T10:15:30.250Z",
          created_at: "2025-11-28T10:00:00.000Z",
          updated_at: "2025-11-28T10:15:30.250Z",
        },
        {
          id: 2,
          flight_ident: "UAL1545",
          fa_flight_id: "leg-2",
          summary_text: summary({}, "leg-2").text,
          model_used: "template",
          tokens_used: 7,
          generated_at: "2025-11-28T10:15:30.250Z",
          created_at: "2025-11-28T10:15:30.250Z",
          updated_at: "2025-11-28T10:15:30.250Z",
        },
      ]);
    }),
});

Deno.test({
  name: "beside a warehouse the tables are in a schema of their own",
  ignore: !POSTGRES_GIVEN,
  fn: () =>
    withPostgresStore(async ({ env, sql }) => {
      const store = await PostgresSummaryStore.open({ url: env.TRACKER_DATABASE_URL!, schema: "tracker" });
      await store.commit(await store.claim(LOG_ID, 0), { nextOffset: 1, summaries: [summary()] });
      await store.close();
      const tables = await sql!`select table_schema, table_name from information_schema.tables
        where table_schema in ('public', 'tracker') order by 2`;
      assert.deepEqual(tables.map(({ table_schema, table_name }) => `${table_schema}.${table_name}`), [
        "tracker.flight_summaries",
        "tracker.summary_partition",
        "tracker.summary_tokens",
        "tracker.tracker_migrations",
      ]);
    }),
});
