/**
 * Connects to the warehouse: a real Postgres, or the embedded one, which speaks the same protocol.
 *
 * @module
 */

import { tolerateLateWrites } from "./_late_writes.ts";
import postgres from "postgres";
import { parseDatabaseUrl, shownHost } from "./database_address.ts";
import type { DatabaseAddress } from "./database_address.ts";
import { offersTls, tlsOptions } from "./_tls.ts";
import { unavailable, WarehouseUnavailableError } from "./warehouse_unavailable.ts";

export { WarehouseUnavailableError };

/** Values that come as something else than the driver's own choice. */
type Types = { bigint: number | bigint };

/** A pool of connections: a tagged template that asks, with parameters as values. */
export type Sql = postgres.Sql<Types>;
/** The same within a transaction (`sql.begin`). */
export type SqlTransaction = postgres.TransactionSql<Types>;
/** Either of them: what a function takes that works inside and outside of a transaction. */
export type SqlClient = postgres.ISql<Types>;

/** An open warehouse. */
export interface Warehouse {
  readonly sql: Sql;
  /** Whether it is the embedded one: one session for all clients, no roles, no streaming `COPY`. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

export interface WarehouseOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`; see `databaseUrl()` of the settings. */
  url: string;
  embedded: boolean;
  /** What the server's activity list calls this process. */
  applicationName: string;
  /** Connections at most; 1 for a load that must stay on one. Default 4. */
  max?: number;
  /** Milliseconds that one statement may take on a real Postgres. Default 30 minutes. */
  statementTimeoutMs?: number;
}

const STATEMENT_TIMEOUT_MS = 30 * 60 * 1000;
/** A transaction that its client has forgotten ends after this, and its locks with it. */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_SECONDS = 5;
const LOSS_HEARD_MS = 20;

/**
 * Connects, and asks one question so that a wrong address is known at once. Numbers of type `bigint` come as numbers
 * (as `bigint` above 2^53), `numeric` as text so that money stays exact, times as `Date`.
 *
 * @throws {WarehouseUnavailableError} with one line that says where and what to do; it never shows the password.
 */
export async function openWarehouse(options: WarehouseOptions): Promise<Warehouse> {
  const address = parseDatabaseUrl(options.url);
  let ssl = await tlsOptions(address);
  const needsTls = !["disable", "allow", "prefer"].includes(address.sslMode);
  const offered = typeof ssl !== "object" ||
    await offersTls(address).catch((error) => throwUnavailable(error, address, options));
  if (!offered && !needsTls) ssl = false;
  if (!offered && needsTls) {
    throw new WarehouseUnavailableError(
      `Postgres at ${
        shownHost(address)
      } offers no TLS, and DATABASE_URL has sslmode=${address.sslMode}: switch TLS on there, or use sslmode=disable on a network you trust`,
    );
  }
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS } = options;
  try {
    return await connect(address, ssl, options, {
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    });
  } catch (error) {
    // A pooler between us and Postgres may take no settings at the start; then its own apply.
    if ((error as { code?: string }).code === "08P01" && /startup parameter/.test((error as Error).message)) {
      return await connect(address, ssl, options, {}).catch((second) =>
        throwUnavailable(second, address, options)
      );
    }
    return throwUnavailable(error, address, options);
  }
}

function throwUnavailable(error: unknown, address: DatabaseAddress, options: WarehouseOptions): never {
  throw unavailable(error, address, options.embedded) ?? error;
}

async function connect(
  address: DatabaseAddress,
  ssl: boolean | "prefer" | object,
  options: WarehouseOptions,
  timeouts: Record<string, number>,
): Promise<Warehouse> {
  const { max = 4 } = options;
  const { connectTimeoutMs } = address;
  // Every setting that the driver would else take from PG… variables of the environment is given here: the address is
  // the URL's, whole.
  tolerateLateWrites();
  let lost = false;
  const sql = postgres({
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    ssl,
    sslnegotiation: null,
    max,
    idle_timeout: 0,
    connect_timeout: connectTimeoutMs / 1000,
    max_lifetime: null,
    max_pipeline: 100,
    backoff: (retries: number) => Math.min(3 ** retries / 100, 5),
    keep_alive: 60,
    prepare: true,
    debug: false,
    fetch_types: true,
    publications: "",
    connection: {
      application_name: options.applicationName,
      ...(address.options === undefined ? {} : { options: address.options }),
      ...timeouts,
    },
    onnotice: () => {},
    onclose: () => lost = true,
    types: {
      bigint: {
        to: 20,
        from: [20],
        serialize: (value: number | bigint) => value.toString(),
        parse: (text: string): number | bigint => {
          const number = Number(text);
          return Number.isSafeInteger(number) ? number : BigInt(text);
        },
      },
    },
  } as postgres.Options<{ bigint: postgres.PostgresType<number | bigint> }>) as unknown as Sql;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(timedOut(connectTimeoutMs)), connectTimeoutMs);
  });
  try {
    await Promise.race([sql`select 1`, late]);
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return {
    sql,
    embedded: options.embedded,
    close: async () => {
      // The driver waits in vain for the last answer of a connection that it has lost, of which the pool hears a moment
      // later than the query.
      await new Promise((resolve) => setTimeout(resolve, LOSS_HEARD_MS));
      await sql.end({ timeout: lost ? 0 : CLOSE_TIMEOUT_SECONDS });
    },
  };
}

function timedOut(ms: number): Error {
  return Object.assign(new Error(`No answer within ${ms / 1000} s`), { code: "CONNECT_TIMEOUT" });
}
