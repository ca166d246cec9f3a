/** An API over a log of its own and, where given, a database; asked without a port. */

import { AccessControl } from "../../process/http/access_control.ts";
import { apiParts } from "../../api/api_parts.ts";
import { createApp } from "../../api/app.ts";
import { TrackerLink } from "../../api/tracker_link.ts";
import type { Api, ApiParts } from "../../api/app.ts";
import type { EventLog, NewRecord } from "../../event_log/event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { ALL_TOPICS } from "../../events/topics.ts";
import type { Database } from "../../warehouse/asked_database.ts";
import { WarehouseUnavailableError } from "../../warehouse/connect.ts";
import type { Sql } from "../../warehouse/connect.ts";

/** An API under test. */
export interface TestApi {
  app: Api;
  parts: ApiParts;
  log: EventLog;
  append(records: NewRecord[]): Promise<void>;
  /** Asks by a path. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

/** As where no database answers. */
const DATABASE_AWAY = new WarehouseUnavailableError(
  "Postgres at db.example.com:5432: the connection is refused",
);

/** Runs `test` with an API; the log is read as it grows. Without `sql` the database is away. */
export async function withApi(
  test: (api: TestApi) => Promise<void>,
  options: { sql?: Sql; schema?: string; token?: string; listenersMax?: number; trackerUrl?: string } = {},
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "airline-api-" });
  const file = `${folder}/log.sqlite`;
  const log = await openSqliteEventLog({ file });
  await log.createTopics([...ALL_TOPICS]);
  const stop = new AbortController();
  const { sql } = options;
  const database: Database = {
    ask: (question) => sql === undefined ? Promise.reject(DATABASE_AWAY) : question(sql),
  };
  const { parts, run } = await apiParts({
    openLog: () => openSqliteEventLog({ file, readOnly: true }),
    eventLeadMsMax: 7 * 86_400_000,
    processes: [],
    realtime: database,
    realtimeSchema: options.schema ?? "realtime",
    warehouse: database,
    access: new AccessControl({ token: options.token }),
    tracker: new TrackerLink({ url: options.trackerUrl }),
    listenersMax: options.listenersMax ?? 200,
    warn: () => {},
  }, stop.signal);
  const running = run();
  const app = createApp(parts);
  const get = async (path: string, headers: Record<string, string> = {}) =>
    await app.request(`http://localhost:8000${path}`, { headers: { host: "localhost:8000", ...headers } });
  const append = async (records: NewRecord[]) => {
    const appender = await log.appender();
    await appender.append(records);
    await appender.close();
  };
  try {
    await test({ app, parts, log, get, append });
  } finally {
    stop.abort();
    await running;
    await log.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Waits for a condition. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`Not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
