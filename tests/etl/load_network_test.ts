/** Loads over a network that fails; only on a real Postgres, for the embedded one is on this machine. */

import { deepEqual, match, ok, rejects } from "node:assert/strict";
import { openWarehouse } from "../../warehouse/connect.ts";
import { FACT_BOOKING_CANCELLATION } from "../../warehouse/gold_tables.ts";
import { acquireLease } from "../../warehouse/lease.ts";
import { loadTables } from "../../warehouse/load_tables.ts";
import { prepareWarehouse } from "../../warehouse/migrate.ts";

/** Passes bytes on to a server until so many went there; then it `stalls` or `cuts` the connection, if either. */
class FailingProxy {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.Conn>();
  readonly #done: Promise<void>;

  constructor(target: { hostname: string; port: number }, bytesMax: number, failure: string) {
    this.#done = this.#accept(target, bytesMax, failure);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(
    target: { hostname: string; port: number },
    bytesMax: number,
    failure: string,
  ): Promise<void> {
    const pipes: Promise<void>[] = [];
    for await (const client of this.#listener) {
      const server = await Deno.connect(target);
      this.#connections.add(client).add(server);
      const forward = async () => {
        let bytes = 0;
        for await (const chunk of client.readable) {
          if ((bytes += chunk.length) > bytesMax && failure !== "the server ends") {
            if (failure === "cuts") break;
            await new Promise<void>((resolve) => this.#closing.push(resolve));
            break;
          }
          for (let at = 0; at < chunk.length;) at += await server.write(chunk.subarray(at));
        }
        close(server);
      };
      const back = async () => {
        for await (const chunk of server.readable) {
          for (let at = 0; at < chunk.length;) at += await client.write(chunk.subarray(at));
        }
        close(client);
      };
      pipes.push(forward().catch(() => close(server)), back().catch(() => close(client)));
    }
    await Promise.all(pipes);
  }

  readonly #closing: (() => void)[] = [];

  async stop(): Promise<void> {
    this.#listener.close();
    for (const resolve of this.#closing) resolve();
    for (const connection of this.#connections) close(connection);
    await this.#done;
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}

/** A database of its own on the Postgres of DATABASE_URL. */
async function startReal(given: string): Promise<{ url: URL; stop(): Promise<void> }> {
  const url = new URL(given);
  if (!["127.0.0.1", "localhost", "[::1]"].includes(url.hostname)) {
    throw new Error(`Tests only use a Postgres on loopback, DATABASE_URL names ${url.hostname}`);
  }
  const admin = await openWarehouse({ url: given, embedded: false, applicationName: "airline-test", max: 1 });
  const name = `airline_test_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
  await admin.sql.unsafe(`create database ${name}`);
  url.pathname = `/${name}`;
  return {
    url,
    async stop() {
      await admin.sql.unsafe(`drop database if exists ${name} with (force)`);
      await admin.close();
    },
  };
}

/** Has the server end the load's backend once its transaction is open. */
async function endBackend(url: string): Promise<void> {
  const admin = await openWarehouse({ url, embedded: false, applicationName: "airline-test-admin", max: 1 });
  try {
    for (let ended = 0; ended === 0;) {
      const rows = await admin.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query like 'copy %' and state = 'active'`;
      ended = rows.length;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    await admin.close();
  }
}

const FAILURES = [["stalls", /took no rows of fact_booking_cancellation for 1 s/], [
  "cuts",
  /The connection to the warehouse broke/,
], ["the server ends", /The connection to the warehouse broke/]] as const;

for (const [failure, message] of FAILURES) {
  Deno.test({
    name: `a connection that ${failure} in the middle of a load fails it, and nothing is stored`,
    ignore: (Deno.env.get("DATABASE_URL") ?? "") === "",
    async fn() {
      const target = await startReal(Deno.env.get("DATABASE_URL")!);
      const { hostname, port } = target.url;
      const proxy = new FailingProxy({ hostname, port: Number(port || 5432) }, 2_000_000, failure);
      const csv = await Deno.makeTempFile();
      const open = (url: URL) =>
        openWarehouse({ url: url.href, embedded: false, applicationName: "airline-test", max: 1 });
      const direct = await open(target.url);
      const proxied = new URL(target.url);
      proxied.port = String(proxy.port);
      try {
        await prepareWarehouse(direct.sql);
        const attempt = await acquireLease(direct.sql, "etl", { ttlMs: 60_000, holder: "test" });
        ok(attempt.acquired);
        const lines = Array.from(
          { length: 300_000 },
          (_, at) => `B${at},2025-11-24T10:15:30Z,BA210_2025-11-28\n`,
        );
        await Deno.writeTextFile(csv, lines.join(""));
        const warehouse = await open(proxied);
        const ended = failure === "the server ends" ? endBackend(target.url.href) : undefined;
        await rejects(
          loadTables(warehouse, {
            lease: attempt.lease,
            tables: [{
              table: FACT_BOOKING_CANCELLATION,
              rows: lines.length,
              csvFile: () => Promise.resolve(csv),
              jsonSlices: async function* () {},
            }],
            watermark: [{ log_id: "1f3a9c2e", topic: "bookings", partition: 0, next_offset: lines.length }],
            full: false,
            run: { runId: crypto.randomUUID(), startedAt: new Date(), rowsRead: 0, rowsRejected: 0 },
            copyStallMs: 1000,
          }),
          (error: Error) => {
            match(error.message, message);
            return true;
          },
        );
        await ended;
        await warehouse.close();
        await proxy.stop();
        const [found] = await direct.sql`
          select (select count(*) from fact_booking_cancellation) as rows, (select count(*) from etl_watermark) as marks`;
        deepEqual({ ...found }, { rows: 0, marks: 0 });
      } finally {
        await direct.close();
        await proxy.stop().catch(() => {});
        await target.stop();
        await Deno.remove(csv);
      }
    },
  });
}
