/** A database that falls silent, goes away and comes back. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { AskedDatabase, NoAnswerError } from "../../warehouse/asked_database.ts";
import { WarehouseUnavailableError } from "../../warehouse/connect.ts";
import type { Sql } from "../../warehouse/connect.ts";
import { TcpProxy } from "../exam/_tcp_proxy.ts";
import { startEmbedded } from "./_warehouse_support.ts";

const one = async (sql: Sql) => (await sql`select 1 as one`)[0]!.one;

Deno.test("a database that falls silent is connected to anew, and whoever waited is told", async () => {
  const warehouse = await startEmbedded();
  let silent = false;
  const proxy = await TcpProxy.start(
    { hostname: "127.0.0.1", port: warehouse.server.port },
    { watch: () => ({ toServer: () => silent ? "stall" : undefined }) },
  );
  const url = warehouse.url.replace(`:${warehouse.server.port}`, `:${proxy.port}`);
  // Asked as a real server is: connections to the embedded one are never left.
  const database = new AskedDatabase({
    url,
    embedded: false,
    applicationName: "airline-test",
    max: 1,
    answerMs: 300,
  });
  // A machine that is busy may take longer than the test's deadline: then it is asked again.
  const untilAnswered = async (): Promise<unknown> => {
    for (;;) {
      try {
        return await database.ask(one);
      } catch (error) {
        if (!(error instanceof NoAnswerError)) throw error;
      }
    }
  };
  try {
    equal(await untilAnswered(), 1);
    silent = true;
    const asked = await Promise.allSettled([database.ask(one), database.ask(one)]);
    deepEqual(asked.map(({ status }) => status), ["rejected", "rejected"]);
    await rejects(Promise.reject((asked[0] as PromiseRejectedResult).reason), NoAnswerError);
    silent = false;
    equal(await untilAnswered(), 1);
  } finally {
    await database.close();
    await proxy.stop();
    await warehouse.stop();
  }
});

Deno.test("the embedded database may take its time: the one who asked is told, its connections stay", async () => {
  const warehouse = await startEmbedded();
  const database = new AskedDatabase({
    url: warehouse.url,
    embedded: true,
    applicationName: "airline-test",
    max: 1,
    answerMs: 50,
  });
  try {
    let sql: Sql | undefined;
    await rejects(
      database.ask((given) => {
        sql = given;
        return new Promise<never>(() => {});
      }),
      NoAnswerError,
    );
    equal(await database.ask((given) => Promise.resolve(given === sql)), true);
  } finally {
    await database.close();
    await warehouse.stop();
  }
});

Deno.test("several who ask a database that is away share one attempt, and the next one begins another", async () => {
  const warehouse = await startEmbedded();
  let refused = true;
  const proxy = await TcpProxy.start(
    { hostname: "127.0.0.1", port: warehouse.server.port },
    { watch: () => ({ toServer: () => refused ? "reset" : undefined }) },
  );
  const url = warehouse.url.replace(`:${warehouse.server.port}`, `:${proxy.port}`);
  const database = new AskedDatabase({
    url,
    embedded: true,
    applicationName: "airline-test",
    answerMs: 60_000,
  });
  const pools = new Set<Sql>();
  const ask = () =>
    database.ask((sql) => {
      pools.add(sql);
      return one(sql);
    });
  try {
    const first = ask().catch((error) => {
      refused = false;
      equal(error instanceof WarehouseUnavailableError, true);
      return ask();
    });
    const second = rejects(ask(), WarehouseUnavailableError).then(ask);
    deepEqual(await Promise.all([first, second]), [1, 1]);
    equal(pools.size, 1);
  } finally {
    await database.close();
    await proxy.stop();
    await warehouse.stop();
  }
});
