/** What drops everything of this system's in a database, and nothing of anybody else's. */

import { GOLD_TABLES } from "./gold_tables.ts";
import { MIGRATIONS } from "./migrations.ts";
import type { RealtimeSchema } from "./realtime.ts";
import type { TrackerSchema } from "./tracker_schema.ts";

const REALTIME_TABLES = [
  "stream_metrics_minute",
  "stream_state",
  "viewer_partition",
  "viewer_state",
  "realtime_migrations",
];
const TRACKER_TABLES = ["flight_summaries", "summary_partition", "summary_tokens", "tracker_migrations"];

/** Objects of the warehouse beside the gold tables: what its migrations create, and where they note that they did. */
const VIEWS = created("view");
const OTHER_TABLES = [...created("table"), "schema_migrations"];

/** Statements that drop the warehouse's objects, with the minute windows and flight summaries beside it. */
export function dropWarehouse(): string[] {
  return [
    ...VIEWS.flatMap((name) => [
      `drop view if exists public.${name}`,
      `drop function if exists public.${name}_rows()`,
    ]),
    ...dropTables("public", [...GOLD_TABLES.map(({ name }) => name), ...OTHER_TABLES]),
    ...dropRealtime("realtime"),
    ...dropTracker("tracker"),
  ];
}

/** Statements that drop the minute windows. */
export function dropRealtime(schema: RealtimeSchema): string[] {
  return [...dropTables(schema, REALTIME_TABLES), ...dropEmptySchema(schema)];
}

/** Statements that drop the flight summaries. */
export function dropTracker(schema: TrackerSchema): string[] {
  return [...dropTables(schema, TRACKER_TABLES), ...dropEmptySchema(schema)];
}

function created(kind: "table" | "view"): string[] {
  const statement = new RegExp(`^create ${kind} public\\.(\\w+)`, "gm");
  return MIGRATIONS.flatMap(({ statements }) => [...statements.matchAll(statement)].map(([, name]) => name!));
}

/** Without "cascade": a view that somebody made of a table is theirs, and is told rather than dropped. */
function dropTables(schema: string, names: readonly string[]): string[] {
  return names.map((name) => `drop table if exists ${schema}.${name}`);
}

/** A schema's name is a common word: one that holds more than was ours stays. */
function dropEmptySchema(schema: string): string[] {
  if (schema === "public") return [];
  return [`do $$ begin
    drop schema if exists ${schema};
  exception when dependent_objects_still_exist or insufficient_privilege then null;
  end $$`];
}
