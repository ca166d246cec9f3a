/** The published endpoints over the minute windows, on each kind of database. */

import assert from "node:assert/strict";
import { migrate } from "../../warehouse/migrate.ts";
import { prepareRealtime } from "../../warehouse/realtime.ts";
import { onEachWarehouse } from "../warehouse/_warehouse_support.ts";
import { withApi } from "./_api_support.ts";
import type { TestApi } from "./_api_support.ts";

const START = Date.parse("2025-12-20T18:00:00.000Z");
const minute = (at: number) => new Date(START + at * 60_000);

/** Two streams: s1 in each of 90 minutes, s2 in the last 5; the newest of s1 is not complete. */
function withWindows(name: string, test: (api: TestApi) => Promise<void>): void {
  onEachWarehouse(name, async (database) => {
    const warehouse = await database.open(4);
    try {
      const { sql } = warehouse;
      await migrate(sql);
      await prepareRealtime(sql, "realtime");
      const rows = [
        ...Array.from(
          { length: 90 },
          (_, at) => ({ stream_id: "s1", at, viewers: at % 7, complete: at < 89 }),
        ),
        ...Array.from(
          { length: 5 },
          (_, at) => ({ stream_id: "s2", at: 84 + at, viewers: 50, complete: true }),
        ),
      ];
      for (const { stream_id, at, viewers, complete } of rows) {
        await sql`insert into realtime.stream_metrics_minute
          (window_start, window_end, stream_id, active_viewers, chat_messages, donations_usd, complete)
          values (${minute(at)}, ${minute(at + 1)}, ${stream_id}, ${viewers}, ${at}, 0.5, ${complete})`;
      }
      await sql`insert into realtime.stream_state (stream_id, active_viewers, updated_at)
        values ('s1', 3, ${minute(90)}), ('s2', 50, ${minute(89)})`;
      await withApi(test, { sql });
    } finally {
      await warehouse.close();
    }
  });
}

const json = async (api: TestApi, path: string) => {
  const response = await api.get(path);
  assert.equal(response.status, 200, path);
  return await response.json();
};

withWindows("/health and /metrics answer as published", async (api) => {
  assert.deepEqual(await json(api, "/health"), { ok: true });
  const all = await json(api, "/metrics");
  // The last 60 minutes before the newest window, 18:30 to 19:29: 60 of s1 and 5 of s2.
  assert.equal(all.rows.length, 65);
  assert.equal(all.latest_window_start, minute(89).toISOString());
  assert.deepEqual(all.rows[0], {
    window_start: minute(89).toISOString(),
    window_end: minute(90).toISOString(),
    stream_id: "s1",
    active_viewers: 5,
    chat_messages: 89,
    donations_usd: 0.5,
  });
  const sorted = await json(
    api,
    "/metrics?stream_id=s1&minutes=10&limit=3&order_by=active_viewers&direction=asc",
  );
  assert.deepEqual(sorted.rows.map(({ active_viewers }: { active_viewers: number }) => active_viewers), [
    0,
    1,
    2,
  ]);
});

withWindows("/metrics/latest gives the newest complete window of each stream", async (api) => {
  const { rows } = await json(api, "/metrics/latest");
  const found = rows.map((row: Record<string, unknown>) => [row.stream_id, row.window_start]);
  assert.deepEqual(found, [["s1", minute(88).toISOString()], ["s2", minute(88).toISOString()]]);
});

withWindows("what the database has not changed is 304 by its ETag", async (api) => {
  const etag = (await api.get("/metrics")).headers.get("etag")!;
  assert.equal((await api.get("/metrics", { "if-none-match": etag })).status, 304);
});

withWindows("/metrics/history, /state, /streams and /streams/top answer as published", async (api) => {
  const { rows } = await json(api, "/metrics/history?minutes=2");
  const found = rows.map((row: Record<string, unknown>) => [row.window_start, row.stream_id]);
  assert.deepEqual(found.toSorted(), [
    [minute(88).toISOString(), "s1"],
    [minute(88).toISOString(), "s2"],
    [minute(89).toISOString(), "s1"],
  ]);
  assert.deepEqual((await json(api, "/state")).rows, [
    { stream_id: "s1", active_viewers: 3, updated_at: minute(90).toISOString() },
    { stream_id: "s2", active_viewers: 50, updated_at: minute(89).toISOString() },
  ]);
  assert.deepEqual(
    (await json(api, "/streams")).rows.map((row: Record<string, unknown>) => [row.stream_id, row.windows]),
    [
      // Of the 60 minutes before the newest window.
      ["s1", 60],
      ["s2", 5],
    ],
  );
  const top = await json(api, "/streams/top?n=1&by=active_viewers&minutes=10");
  // s2's messages in the last 10 minutes: 84 + 85 + 86 + 87 + 88.
  assert.deepEqual(top.rows, [{
    stream_id: "s2",
    active_viewers: 50,
    chat_messages: 430,
    donations_usd: 2.5,
  }]);
});

withWindows("what is beyond the limit comes with the next page, each row once", async (api) => {
  for (const path of ["/metrics/latest", "/state", "/streams"]) {
    const first = await json(api, `${path}?limit=1`);
    assert.deepEqual([first.rows.length, first.rows[0].stream_id, first.next_after], [1, "s1", "s1"], path);
    const second = await json(api, `${path}?limit=1&after=${first.next_after}`);
    assert.deepEqual(
      [second.rows.length, second.rows[0].stream_id, second.next_after],
      [1, "s2", null],
      path,
    );
    assert.equal((await json(api, path)).next_after, null, path);
  }
  const all = (await json(api, "/metrics/history?minutes=7")).rows;
  assert.equal(all.length, 12);
  const seen: unknown[] = [];
  let cursor: string | null = "";
  do {
    const page = await json(
      api,
      `/metrics/history?minutes=7&limit=5${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    seen.unshift(...page.rows);
    cursor = page.next_cursor;
  } while (cursor !== null);
  assert.deepEqual(seen, all);
  assert.equal((await api.get("/metrics/history?cursor=abc")).status, 404);
});

withWindows("/metrics/totals has a row a minute of all streams together", async (api) => {
  const { rows } = await json(api, "/metrics/totals?minutes=2");
  // 88 % 7 = 4 viewers of s1 and 50 of s2; then s1 alone with 89 % 7 = 5.
  assert.deepEqual(rows, [
    {
      window_start: minute(88).toISOString(),
      window_end: minute(89).toISOString(),
      streams: 2,
      complete: true,
      active_viewers: 54,
      chat_messages: 176,
      donations_usd: 1,
    },
    {
      window_start: minute(89).toISOString(),
      window_end: minute(90).toISOString(),
      streams: 1,
      complete: false,
      active_viewers: 5,
      chat_messages: 89,
      donations_usd: 0.5,
    },
  ]);
});

withWindows("a flight that the warehouse does not know has no history", async (api) => {
  const response = await api.get("/flights/BA1_2025-11-28/history");
  assert.ok(response.status === 404 || response.status === 503, String(response.status));
});
