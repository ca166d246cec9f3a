/** The tables of the minute windows: one owner a partition, all of a commit or nothing. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { FencedError } from "../../event_log/event_log.ts";
import { ViewerStore } from "../../streaming/viewer_store.ts";
import type { ViewerCommit } from "../../streaming/viewer_store.ts";
import type { Sql } from "../../warehouse/connect.ts";
import { prepareRealtime } from "../../warehouse/realtime.ts";
import { AskedDatabase, NoAnswerError } from "../../warehouse/asked_database.ts";
import { TcpProxy } from "../exam/_tcp_proxy.ts";
import { onEachWarehouse, startEmbedded } from "../warehouse/_warehouse_support.ts";

const LOG_ID = "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11";
const MINUTE = Date.UTC(2025, 10, 24, 10) / 60_000;
const PROGRESS = { watermark: { clockMs: 1, passesOn: false, sources: [] }, newestMs: 1, cutMs: null };

function commitOf(activeViewers: number, fields: Partial<ViewerCommit> = {}): ViewerCommit {
  return {
    changes: {
      rows: [{
        streamId: `s'"1`,
        minute: MINUTE,
        activeViewers,
        chatMessages: 2,
        donatedCents: 1234,
        complete: false,
      }],
      emptied: [],
      states: [{ streamId: `s'"1`, activeViewers }],
    },
    nextOffset: 10 * activeViewers,
    repartitionOffset: 0,
    progress: PROGRESS,
    chunk: new Uint8Array([1, activeViewers]),
    sequence: activeViewers,
    compacted: false,
    ...fields,
  };
}

/** All that the tables hold. */
async function contentOf(sql: Sql) {
  const rows = await sql`select * from realtime.stream_metrics_minute order by 1, 3`;
  const states = await sql`select stream_id, active_viewers from realtime.stream_state`;
  const chunks =
    await sql`select sequence, encode(chunk, 'hex') as chunk from realtime.viewer_state order by 1`;
  const places = await sql`select next_offset from realtime.viewer_partition`;
  return JSON.parse(JSON.stringify({ rows, states, chunks, places }));
}

async function withStore(
  database: { open(): Promise<{ sql: Sql; close(): Promise<void> }> },
  body: (store: ViewerStore, sql: Sql) => Promise<void>,
): Promise<void> {
  const warehouse = await database.open();
  try {
    await prepareRealtime(warehouse.sql, "realtime");
    await body(
      new ViewerStore({ ask: (question) => question(warehouse.sql) }, "realtime", LOG_ID),
      warehouse.sql,
    );
  } finally {
    await warehouse.close();
  }
}

onEachWarehouse(
  "a commit stores windows, state and offsets, and the next owner finds them",
  (database) =>
    withStore(database, async (store, sql) => {
      const owner = await store.claim(0, 3);
      deepEqual([owner.epoch, owner.nextOffset, owner.chunks.length], [1, null, 0]);
      await store.commit(owner, commitOf(1));
      await store.commit(owner, commitOf(2));
      const content = await contentOf(sql);
      deepEqual(content, {
        rows: [{
          window_start: "2025-11-24T10:00:00.000Z",
          window_end: "2025-11-24T10:01:00.000Z",
          stream_id: `s'"1`,
          active_viewers: 2,
          chat_messages: 2,
          donations_usd: 12.34,
          complete: false,
        }],
        states: [{ stream_id: `s'"1`, active_viewers: 2 }],
        chunks: [{ sequence: 1, chunk: "0101" }, { sequence: 2, chunk: "0102" }],
        places: [{ next_offset: 20 }],
      });
      const next = await store.claim(0, 3);
      deepEqual(next, {
        partition: 0,
        epoch: 2,
        nextOffset: 20,
        repartitionOffset: 0,
        progress: PROGRESS,
        chunks: next.chunks,
        sequence: 2,
      });
      deepEqual(next.chunks.map((chunk) => [...chunk]), [[1, 1], [1, 2]]);
    }),
);

onEachWarehouse(
  "a former owner stores nothing, whatever it brings",
  (database) =>
    withStore(database, async (store, sql) => {
      const former = await store.claim(0, 3);
      await store.commit(former, commitOf(1));
      const owner = await store.claim(0, 3);
      const before = await contentOf(sql);
      const emptied = [{ streamId: `s'"1`, minute: MINUTE }];
      for (
        const commit of [
          commitOf(5),
          commitOf(6, { compacted: true }),
          commitOf(7, { changes: { rows: [], emptied, states: [] } }),
        ]
      ) await rejects(store.commit(former, commit), FencedError);
      deepEqual(await contentOf(sql), before);
      await store.commit(owner, commitOf(2));
      equal((await contentOf(sql)).rows[0].active_viewers, 2);
    }),
);

onEachWarehouse(
  "emptied windows go, complete ones stay so, and a whole state replaces its pieces",
  (database) =>
    withStore(database, async (store, sql) => {
      const owner = await store.claim(0, 3);
      const [row] = commitOf(1).changes.rows;
      const next = { ...row!, minute: MINUTE + 1 };
      const rows = [{ ...row!, complete: true }, next];
      await store.commit(owner, commitOf(1, { changes: { rows, emptied: [], states: [] } }));
      const emptied = [{ streamId: next.streamId, minute: next.minute }];
      await store.commit(
        owner,
        commitOf(2, { changes: { rows: [row!], emptied, states: [] }, compacted: true }),
      );
      const content = await contentOf(sql);
      deepEqual(content.rows.map(({ complete }: { complete: boolean }) => complete), [true]);
      deepEqual(content.chunks, [{ sequence: 2, chunk: "0102" }]);
    }),
);

onEachWarehouse(
  "another number of partitions is refused until the log is counted anew",
  (database) =>
    withStore(database, async (store, sql) => {
      const owner = await store.claim(0, 3);
      await store.commit(owner, commitOf(1));
      await rejects(
        store.claim(0, 6),
        /had 3 partitions when the minute windows began, now 6.*--reset-state/,
      );
      await store.reset();
      await rejects(store.commit(owner, commitOf(2)), FencedError);
      deepEqual(await contentOf(sql), { rows: [], states: [], chunks: [], places: [{ next_offset: null }] });
      equal((await store.claim(0, 6)).nextOffset, null);
    }),
);

/** A machine that is busy may take longer than the test's deadline: then it is asked again. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
    }
  }
}

for (const direction of ["toServer", "toClient"] as const) {
  Deno.test(
    `a commit whose connection dies ${
      direction === "toServer" ? "before it arrives" : "before its answer does"
    } is given up, and the next claim tells what became of it`,
    async () => {
      const warehouse = await startEmbedded();
      let silent = false;
      const proxy = await TcpProxy.start(
        { hostname: "127.0.0.1", port: warehouse.server.port },
        { watch: () => ({ [direction]: () => silent ? "stall" : undefined }) },
      );
      // Asked as a real server is: connections to the embedded one are never left.
      const database = new AskedDatabase({
        url: warehouse.url.replace(`:${warehouse.server.port}`, `:${proxy.port}`),
        embedded: false,
        applicationName: "airline-test",
        max: 1,
        answerMs: 500,
      });
      try {
        const direct = await warehouse.open(1);
        await prepareRealtime(direct.sql, "realtime");
        const patient = new ViewerStore({ ask: (question) => question(direct.sql) }, "realtime", LOG_ID);
        const store = new ViewerStore(database, "realtime", LOG_ID);
        const former = await untilAnswered(() => store.claim(0, 3));
        const owner = await patient.claim(0, 3);
        // From here on the connection knows the statement, and sends it whole.
        await untilAnswered(() =>
          store.commit(former, commitOf(1)).catch((error) => {
            if (!(error instanceof FencedError)) throw error;
          })
        );
        await patient.commit(owner, commitOf(1));
        silent = true;
        await rejects(store.commit(owner, commitOf(2)), NoAnswerError);
        silent = false;
        const next = await untilAnswered(() => store.claim(0, 3));
        equal(next.epoch > owner.epoch, true);
        equal(next.nextOffset, direction === "toServer" ? 10 : 20);
        await rejects(patient.commit(owner, commitOf(3)), FencedError);
        await direct.close();
      } finally {
        await database.close();
        await proxy.stop();
        await warehouse.stop();
      }
    },
  );
}
