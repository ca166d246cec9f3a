/** What `deno task stop no` deletes in a database: all that is ours, and nothing else. */

import { deepEqual } from "node:assert/strict";
import { prepareWarehouse } from "../../warehouse/migrate.ts";
import { dropWarehouse } from "../../warehouse/our_objects.ts";
import { prepareRealtime } from "../../warehouse/realtime.ts";
import { prepareTracker } from "../../warehouse/tracker_schema.ts";
import { onEachWarehouse } from "../warehouse/_warehouse_support.ts";

onEachWarehouse(
  "every table, view and function of ours goes, what is not ours stays, and all can be made anew",
  async (given) => {
    const warehouse = await given.open();
    const objects = async () =>
      (await warehouse.sql<{ name: string }[]>`
      select relname::text as name from pg_catalog.pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')
      union all
      select proname::text from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace
      order by 1`).map(({ name }) => name);
    try {
      await prepareWarehouse(warehouse.sql);
      const ours = await objects();
      await warehouse.sql.unsafe("create table public.not_ours (id integer)");
      for (const statement of dropWarehouse()) await warehouse.sql.unsafe(statement);
      deepEqual(await objects(), ["not_ours"]);
      await prepareWarehouse(warehouse.sql);
      deepEqual(await objects(), [...ours, "not_ours"].sort());
    } finally {
      await warehouse.close();
    }
  },
);

onEachWarehouse(
  "schemas realtime and tracker go with what is ours in them, and stay where there is more",
  async (given) => {
    const warehouse = await given.open();
    const objects = async () =>
      (await warehouse.sql<{ name: string }[]>`
        select schemaname || '.' || tablename as name from pg_catalog.pg_tables
        where schemaname in ('realtime', 'tracker')
        union all
        select nspname::text from pg_catalog.pg_namespace where nspname in ('realtime', 'tracker')
        order by 1`).map(({ name }) => name);
    const prepare = async () => {
      await prepareRealtime(warehouse.sql, "realtime");
      await prepareTracker(warehouse.sql, "tracker");
    };
    try {
      await prepare();
      await warehouse.sql.unsafe("create table realtime.prices (id integer)");
      for (const statement of dropWarehouse()) await warehouse.sql.unsafe(statement);
      deepEqual(await objects(), ["realtime", "realtime.prices"]);
      await prepare();
      await warehouse.sql.unsafe("drop table realtime.prices");
      for (const statement of dropWarehouse()) await warehouse.sql.unsafe(statement);
      deepEqual(await objects(), []);
    } finally {
      await warehouse.close();
    }
  },
);
