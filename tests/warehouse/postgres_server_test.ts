import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Sql } from "../../warehouse/connect.ts";
import { message, SYNC } from "../../warehouse/_postgres_messages.ts";
import { execute, parse, query, RawClient, types, values } from "./_raw_client.ts";
import { startEmbedded } from "./_warehouse_support.ts";

type Embedded = Awaited<ReturnType<typeof startEmbedded>>;

function onServer(
  name: string,
  test: (embedded: Embedded) => Promise<void>,
  options: Parameters<typeof startEmbedded>[0] = {},
): void {
  Deno.test(`the embedded warehouse: ${name}`, async () => {
    const fatal: unknown[] = [];
    const embedded = await startEmbedded({ onFatal: (error) => fatal.push(error), ...options });
    try {
      await test(embedded);
      deepEqual(fatal, []);
    } finally {
      await embedded.stop();
    }
  });
}

onServer("clients take turns by whole batches, never by messages", async ({ open }) => {
  // Unnamed statements of different shape: taken apart, one client's would be executed with the other's parameters.
  const [one, other] = [await open(1), await open(1)];
  const askOne = async (sql: Sql, n: number) => {
    const rows = await sql.unsafe("select $1::int as n, $2::text as who", [n, "one"]);
    deepEqual([...rows], [{ n, who: "one" }]);
  };
  const askOther = async (sql: Sql, n: number) => {
    if (n % 3 === 0) await rejects(sql.unsafe("select $1::int / 0", [n]).execute(), /division by zero/);
    const rows = await sql.unsafe("select $1::text || $2::text || $3::text as text", [`${n}`, "-", "other"]);
    equal(rows[0]!.text, `${n}-other`);
  };
  await Promise.all([
    (async () => {
      for (let n = 0; n < 100; n++) await askOne(one.sql, n);
    })(),
    (async () => {
      for (let n = 0; n < 100; n++) await askOther(other.sql, n);
    })(),
  ]);
  await one.close();
  await other.close();
});

onServer("a batch that comes in pieces is not broken into by another client", async ({ server }) => {
  const slow = await RawClient.begin(server.port);
  const quick = await RawClient.begin(server.port);
  await slow.send(parse("", "select 'slow'"), message("H"));
  deepEqual(types(await slow.until("1")), "1");
  await quick.send(parse("", "select 'quick'"), execute(""), SYNC);
  await slow.send(execute(""), SYNC);
  deepEqual(values(await slow.until("Z")), ["slow"]);
  deepEqual(values(await quick.until("Z")), ["quick"]);
  slow.close();
  quick.close();
});

onServer("clients may name their statements alike", async ({ server }) => {
  const one = await RawClient.begin(server.port);
  const other = await RawClient.begin(server.port);
  await one.send(parse("S_1", "select 'one'"), SYNC);
  equal(types(await one.until("Z")), "1Z");
  await other.send(parse("S_1", "select 'other'"), SYNC);
  equal(types(await other.until("Z")), "1Z");
  await one.send(message("D", [83], "S_1"), execute("S_1"), SYNC);
  await other.send(message("D", [83], "S_1"), execute("S_1"), SYNC);
  deepEqual(values(await one.until("Z")), ["one"]);
  deepEqual(values(await other.until("Z")), ["other"]);
  // Closed, or its client gone, a name is free and nothing is left of it.
  await other.send(message("C", [83], "S_1"), SYNC);
  equal(types(await other.until("Z")), "3Z");
  one.close();
  await other.send(query("select 1"));
  await other.until("Z");
  let left = ["?"];
  while (left.length > 0) {
    await other.send(query("select name from pg_prepared_statements"));
    left = values(await other.until("Z"));
  }
  other.close();
});

onServer("each client keeps its own settings", async ({ open, server }) => {
  const [one, other] = [await open(1), await open(1)];
  await one.sql`set timezone to 'Europe/Paris'`;
  await one.sql`set default_transaction_read_only to on`;
  await one.sql`set search_path to nowhere`;
  const settings = async (sql: Sql) => [
    (await sql`show timezone`)[0]!.TimeZone,
    (await sql`show search_path`)[0]!.search_path,
    (await sql`show default_transaction_read_only`)[0]!.default_transaction_read_only,
  ];
  deepEqual(await settings(other.sql), ["UTC", "public", "off"]);
  await other.sql`create table made (a int)`;
  deepEqual(await settings(one.sql), ["Europe/Paris", "nowhere", "on"]);
  // A setting within a transaction that fails is gone with it.
  await rejects(other.sql.begin(async (tx) => {
    await tx`set timezone to 'Asia/Tokyo'`;
    throw new Error("no");
  }));
  deepEqual(await settings(other.sql), ["UTC", "public", "off"]);
  // They may also come with the greeting, as drivers do it.
  const third = await RawClient.begin(server.port, {
    TimeZone: "america/new_york",
    options: "-c search_path=realtime,\\ public",
  });
  await third.send(query("select current_setting('TimeZone') || ' ' || current_setting('search_path')"));
  deepEqual(values(await third.until("Z")), ["America/New_York realtime, public"]);
  const wrong = await RawClient.begin(server.port, { TimeZone: "Nowhere/Land" });
  await wrong.send(query("select 1"));
  match((await wrong.until("E")).at(-1)!.text, /invalid value for parameter "TimeZone"/);
  deepEqual(await settings(other.sql), ["UTC", "public", "off"]);
  third.close();
  wrong.close();
  await one.close();
  await other.close();
});

onServer("a transaction is its client's alone, and ends with its connection", async ({ open, server }) => {
  const { sql, close } = await open(1);
  await sql`create table seen (a int)`;
  const client = await RawClient.begin(server.port);
  await client.send(query("begin; insert into seen values (1)"));
  equal((await client.until("Z")).at(-1)!.text, "T");
  const count = sql`select count(*) from seen`.execute();
  await client.send(query("insert into seen values (2)"));
  await client.until("Z");
  client.close();
  equal((await count)[0]!.count, 0);
  // A client that goes away in the middle of a batch that has failed leaves no trace either.
  const failing = await RawClient.begin(server.port);
  await failing.send(parse("", "select nonsense"), message("H"));
  equal(types(await failing.until("E")), "E");
  failing.close();
  equal((await sql`select 1 as one`)[0]!.one, 1);
  await close();
});

onServer("a client that does nothing in an open transaction is cut off", async ({ open, server }) => {
  const { sql, close } = await open(1);
  await sql`create table seen (a int)`;
  const client = await RawClient.begin(server.port);
  await client.send(query("begin; insert into seen values (1)"));
  await client.until("Z");
  const count = sql`select count(*) from seen`.execute();
  match((await client.until("E")).at(-1)!.text, /25P03.*idle-in-transaction timeout/s);
  equal((await count)[0]!.count, 0);
  equal(server.statistics.idleTransactionsEndedTotal, 1);
  client.close();
  await close();
}, { idleInTransactionTimeoutMs: 100 });

onServer("others who wait do not lengthen the time of an open transaction", async ({ open, server }) => {
  const { sql, close } = await open(1);
  await sql`create table seen (a int)`;
  const client = await RawClient.begin(server.port);
  await client.send(query("begin; insert into seen values (1)"));
  await client.until("Z");
  // Each of them asks anew more often than the time-out is long.
  let cutOff = false;
  const askers = Array.from({ length: 5 }, async () => {
    while (!cutOff) {
      const other = await RawClient.begin(server.port);
      await other.send(query("select 1"));
      await new Promise((resolve) => setTimeout(resolve, 20));
      other.close();
    }
  });
  const timer = setTimeout(() => cutOff = true, 20_000);
  match((await client.until("E")).at(-1)!.text, /25P03/);
  equal(cutOff, false);
  cutOff = true;
  clearTimeout(timer);
  await Promise.all(askers);
  equal((await sql`select count(*) from seen`)[0]!.count, 0);
  client.close();
  await close();
}, { idleInTransactionTimeoutMs: 300 });

onServer(
  "COPY goes through, its errors too, and none of its forms ends the engine",
  async ({ open, server }) => {
    const { sql, close } = await open(1);
    await sql`create table copied (a int primary key, b text)`;
    await pipeline(Readable.from(["1\tone\n2\t", "two\n"]), await sql`copy copied from stdin`.writable());
    await sql.begin(async (tx) => {
      await pipeline(
        Readable.from(["3,three\n"]),
        await tx`copy copied from stdin with (format csv)`.writable(),
      );
    });
    deepEqual((await sql`select b from copied order by a`).map(({ b }) => b), ["one", "two", "three"]);
    const out: string[] = [];
    for await (const chunk of await sql`copy copied to stdout`.readable()) out.push(String(chunk));
    equal(out.join(""), "1\tone\n2\ttwo\n3\tthree\n");
    const refused = /takes COPY FROM STDIN only as a simple statement on its own/;
    await rejects(sql.unsafe("select 1; copy copied from stdin").execute(), refused);
    await rejects(sql.unsafe("copy copied from stdin", [], { simple: false } as never).execute(), refused);
    await sql`insert into copied values (4, 'copy copied from stdin')`;

    const client = await RawClient.begin(server.port);
    await client.send(
      query("/* rows */ copy copied from stdin"),
      message("d", new TextEncoder().encode("1\tagain\n")),
    );
    equal(types(await client.until("G")), "G");
    await client.send(message("c"));
    match((await client.until("Z")).map(({ text }) => text).join(), /duplicate key value/);
    await client.send(query("copy nothing from stdin"), message("c"));
    match((await client.until("Z")).map(({ text }) => text).join(), /relation "nothing" does not exist/);
    await client.send(query("copy copied from stdin"));
    await client.until("G");
    client.close();
    equal((await sql`select count(*) from copied`)[0]!.count, 4);
    await close();
  },
);

onServer("what is no protocol ends one connection and no other", async ({ open, server }) => {
  const { sql, close } = await open(1);
  const browser = await RawClient.connect(server.port);
  await browser.bytes(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  match((await browser.until("-")).at(-1)!.text, /invalid length of message/);
  const odd = await RawClient.begin(server.port);
  await odd.send(message("y", [1, 2, 3]));
  match((await odd.until("-")).at(-1)!.text, /invalid frontend message type 121/);
  const endless = await RawClient.begin(server.port);
  await endless.send(new Uint8Array([81, 0, 0, 0, 8, 65, 65, 65, 65]));
  match((await endless.until("-")).at(-1)!.text, /a text of a message has no end/);
  const elsewhere = await RawClient.connect(server.port);
  await elsewhere.startup({ user: "airline", database: "postgres" });
  match((await elsewhere.until("-")).at(-1)!.text, /3D000.*database "postgres" does not exist/s);
  const encrypted = await RawClient.connect(server.port);
  await encrypted.bytes(new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]));
  const newer = await RawClient.connect(server.port);
  await newer.startup({ user: "airline", database: "airline_dw", "_pq_.wish": "on" }, (3 << 16) + 2);
  const greeting = await newer.until("Z");
  equal(types(greeting), "vRKZ");
  match(greeting[0]!.text, /_pq_\.wish/);
  for (const client of [browser, odd, endless, elsewhere, encrypted, newer]) client.close();
  equal((await sql`select 1 as one`)[0]!.one, 1);
  await close();
});

onServer("more clients than it takes are told so", async ({ server }) => {
  const clients = [await RawClient.begin(server.port), await RawClient.begin(server.port)];
  const third = await RawClient.connect(server.port);
  await third.startup({ user: "airline", database: "airline_dw" });
  match((await third.until("-")).at(-1)!.text, /53300.*too many clients/s);
  for (const client of [...clients, third]) client.close();
}, { connectionsMax: 2 });

onServer("a client that reads slowly holds up nobody", async ({ open, server }) => {
  const slow = await RawClient.begin(server.port);
  // 60 MB that it does not read, and another question behind them.
  await slow.send(query("select repeat('x', 1000) from generate_series(1, 60000)"), query("select 'after'"));
  const { sql, close } = await open(1);
  for (let n = 0; n < 20; n++) equal((await sql`select ${n}::int as n`)[0]!.n, n);
  equal(values(await slow.until("Z")).length, 60_000);
  deepEqual(values(await slow.until("Z")), ["after"]);
  slow.close();
  await close();
});

Deno.test("the embedded warehouse ends open transactions and connections when it stops", async () => {
  const embedded = await startEmbedded();
  const client = await RawClient.begin(embedded.server.port);
  await client.send(query("begin; create table half (a int)"));
  await client.until("Z");
  await embedded.stop();
  match((await client.until("-")).at(-1)!.text, /57P01.*administrator command/s);
  client.close();
});

Deno.test("the embedded warehouse: a stop does not wait for an open transaction, nor for what waits behind it", async () => {
  const { server, stop } = await startEmbedded();
  const client = await RawClient.begin(server.port);
  await client.send(query("begin"));
  await client.until("Z");
  const waiting = server.exclusively((engine) => engine.query("select 1 as one"));
  await stop();
  deepEqual((await waiting).rows, [{ one: 1 }]);
  client.close();
});
