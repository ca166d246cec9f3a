/** Reads the warehouse's tables, each in one transaction with the watermark that says what it covers. */

import type { SqlTransaction, Warehouse } from "../warehouse/connect.ts";
import { tablesAreOurs } from "../warehouse/ensure_tables.ts";
import type { GoldColumn, GoldTable } from "../warehouse/gold_tables.ts";
import type { WatermarkEntry } from "../warehouse/load_tables.ts";
import { Cut } from "./cut.ts";
import type { TableSnapshot } from "./table_comparison.ts";
import { canonicalJson } from "./table_rows.ts";
import type { Row } from "./table_rows.ts";
import type { Cell } from "./text_hash.ts";

const FETCH_ROWS = 10_000;

/** What of the warehouse cannot be compared: tables that are missing or of another shape. Empty: all is well. */
export async function unusableTables({ sql }: Warehouse): Promise<{ table: string; reason: string }[]> {
  const { missing, foreign } = await tablesAreOurs(sql);
  const [watermark] = await sql<{ there: boolean }[]>`
    select to_regclass('public.etl_watermark') is not null as there`;
  return [
    ...(watermark!.there ? [] : [{ table: "etl_watermark", reason: "it is missing" }]),
    ...missing.map((table) => ({ table, reason: "it is missing" })),
    ...foreign,
  ];
}

/**
 * A table with what it covers. The rows are read at once, in `load`: until then the cut is empty, and what is read
 * again later to name a few rows may be newer.
 */
export class WarehouseSnapshot implements TableSnapshot {
  readonly sink = "warehouse";
  readonly table: GoldTable;
  readonly #warehouse: Warehouse;
  #cut: Cut | undefined;

  constructor(warehouse: Warehouse, table: GoldTable) {
    this.#warehouse = warehouse;
    this.table = table;
  }

  get cut(): Cut {
    if (this.#cut === undefined) throw new Error(`Table ${this.table.name} has not been read yet`);
    return this.#cut;
  }

  async size(): Promise<number> {
    const [row] = await this.#warehouse.sql.unsafe(
      `select count(*)::integer as rows from public.${this.table.name}`,
    );
    return row!.rows as number;
  }

  async rows(take: (row: Row) => void): Promise<void> {
    const { name, columns } = this.table;
    await this.#warehouse.sql.begin("isolation level repeatable read read only", async (tx) => {
      const entries = await tx<WatermarkEntry[]>`
        select log_id, topic, partition, next_offset from public.etl_watermark`;
      this.#cut ??= new Cut(entries);
      // Without a watermark nobody knows what the rows are: the next run fills the tables anew.
      await tx.unsafe(
        `declare verified_rows no scroll cursor for select ${
          columns.map(selected).join(", ")
        } from public.${name}`,
      );
      for (;;) {
        const rows = await fetchRows(tx);
        for (const values of rows) take(columns.map((column, index) => cellOf(column, values[index])));
        if (rows.length < FETCH_ROWS) break;
      }
      await tx.unsafe("close verified_rows");
    });
  }
}

async function fetchRows(tx: SqlTransaction): Promise<unknown[][]> {
  return await tx.unsafe(`fetch ${FETCH_ROWS} from verified_rows`).values() as unknown as unknown[][];
}

/** A column in the form in which it is compared, where the server makes it faster or more exactly than we. */
function selected({ name, type }: GoldColumn): string {
  switch (type) {
    case "numeric(12,2)":
    case "numeric(5,2)":
      return `(${name} * 100)::double precision`;
    case "timestamp with time zone":
      // Whole milliseconds, as everywhere; a time before 1970 would round up otherwise.
      return `floor(extract(epoch from ${name}) * 1000)::double precision`;
    default:
      return name;
  }
}

function cellOf({ type }: GoldColumn, value: unknown): Cell {
  if (value === null || value === undefined) return null;
  return type === "jsonb" ? canonicalJson(value) : value as Cell;
}
