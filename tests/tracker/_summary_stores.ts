/** Stores of summaries for tests: a file always, and a database of its own on the Postgres of DATABASE_URL. */

import { openWarehouse } from "../../warehouse/connect.ts";
import type { Sql } from "../../warehouse/connect.ts";
import { parseDatabaseUrl } from "../../warehouse/database_address.ts";
import { PostgresSummaryStore } from "../../tracker/postgres_summary_store.ts";
import { SqliteSummaryStore } from "../../tracker/sqlite_summary_store.ts";
import type { SummaryStore } from "../../tracker/summary_store.ts";

/** A place for summaries that is empty, and gone afterwards. */
export interface TestStore {
  /** A further opening of the same store; all are closed at the end. */
  open(): Promise<SummaryStore>;
  /** The settings by which a process opens it. */
  env: Record<string, string>;
  /** A connection to the database; undefined for a file. */
  sql?: Sql;
}

/** Runs `body` with a file. */
export async function withSqliteStore(body: (store: TestStore) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "airline-summaries-" });
  const file = `${folder}/tracker/summaries.sqlite`;
  try {
    await withStores(() => SqliteSummaryStore.open(file), { env: { TRACKER_SUMMARIES_FILE: file } }, body);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Whether there is a Postgres. */
export const POSTGRES_GIVEN = (Deno.env.get("DATABASE_URL") ?? "") !== "";

/** Runs `body` with a database of a user who may do nothing but own it, as an operator makes it. */
export async function withPostgresStore(body: (store: TestStore) => Promise<void>): Promise<void> {
  const given = Deno.env.get("DATABASE_URL")!;
  const { host, port } = parseDatabaseUrl(given);
  if (!["127.0.0.1", "localhost", "::1"].includes(host)) {
    throw new Error(`Tests only use a Postgres on loopback, DATABASE_URL names ${host}`);
  }
  const name = `airline_tracker_${crypto.randomUUID().slice(0, 8)}`;
  const admin = await openWarehouse({ url: given, embedded: false, applicationName: "airline-test", max: 1 });
  try {
    await admin.sql.unsafe(`create role ${name} login password 'tracker'`);
    await admin.sql.unsafe(`create database ${name} owner ${name}`);
    const url = `postgres://${name}:tracker@${host}:${port}/${name}`;
    const own = await openWarehouse({ url, embedded: false, applicationName: "airline-test", max: 1 });
    try {
      const open = () => PostgresSummaryStore.open({ url, schema: "public" });
      await withStores(open, { env: { TRACKER_DATABASE_URL: url }, sql: own.sql }, body);
    } finally {
      await own.close();
    }
  } finally {
    await admin.sql.unsafe(`drop database if exists ${name} with (force)`);
    await admin.sql.unsafe(`drop role if exists ${name}`);
    await admin.close();
  }
}

async function withStores(
  open: () => Promise<SummaryStore>,
  more: Omit<TestStore, "open">,
  body: (store: TestStore) => Promise<void>,
): Promise<void> {
  const opened: SummaryStore[] = [];
  try {
    await body({
      ...more,
      async open() {
        const store = await open();
        opened.push(store);
        return store;
      },
    });
  } finally {
    for (const store of opened) await store.close();
  }
}

/** One test on each kind of store. */
export function storeTest(name: string, body: (store: TestStore) => Promise<void>): void {
  Deno.test(`${name} (a file)`, () => withSqliteStore(body));
  Deno.test({ name: `${name} (Postgres)`, ignore: !POSTGRES_GIVEN, fn: () => withPostgresStore(body) });
}
