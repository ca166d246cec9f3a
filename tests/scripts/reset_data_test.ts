/** What `deno task stop no` deletes in a database: all that is ours, and nothing else. */

import { deepEqual } from "node:assert/strict";
import { warehouseStatements } from "../../scripts/_reset_data.ts";
import { prepareWarehouse } from "../../warehouse/migrate.ts";
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
      for (const statement of warehouseStatements()) await warehouse.sql.unsafe(statement);
      deepEqual(await objects(), ["not_ours"]);
      await prepareWarehouse(warehouse.sql);
      deepEqual(await objects(), [...ours, "not_ours"].sort());
    } finally {
      await warehouse.close();
    }
  },
);
