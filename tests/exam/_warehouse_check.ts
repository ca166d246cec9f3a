/** Compares what a warehouse holds with the steps of a lake: each table whole, up to the watermark of its topic. */

import type { Sql } from "../../warehouse/connect.ts";
import { CHECKED_TABLES } from "./_lake_steps.ts";
import type { Digest, LakeSteps } from "./_lake_steps.ts";

/** What a warehouse held at one moment. */
export interface WarehouseState {
  /** By topic: the next offset to be loaded. */
  loadedTo: Map<string, number>;
  /** By table. */
  digests: Map<string, Digest>;
  /** Rows by table whose last change was not made by a transaction that also noted a run. */
  outside: Map<string, number>;
}

/** Reads everything as of one moment. */
export async function readState(sql: Sql): Promise<WarehouseState> {
  const state: WarehouseState = { loadedTo: new Map(), digests: new Map(), outside: new Map() };
  await sql.begin("isolation level repeatable read read only", async (tx) => {
    const marks = await tx<{ topic: string; next_offset: number }[]>`
      select topic, next_offset from public.etl_watermark`;
    for (const { topic, next_offset } of marks) state.loadedTo.set(topic, next_offset);
    for (const { name, line } of CHECKED_TABLES) {
      const [row] = await tx.unsafe(`
        select count(*)::int as rows, coalesce(md5(string_agg(line, e'\\n' order by line collate "C")), '') as hash,
          count(*) filter (where outside)::int as outside
        from (select ${line} as line, xmin::text not in (select xmin::text from public.etl_run) as outside
          from public.${name}) as rows`);
      const { rows, hash, outside } = row as unknown as { rows: number; hash: string; outside: number };
      state.digests.set(name, { rows, hash });
      if (outside > 0) state.outside.set(name, outside);
    }
  });
  return state;
}

/** Whether everything that the lake holds has been loaded. */
export function isLoaded(state: WarehouseState, lake: LakeSteps): boolean {
  return CHECKED_TABLES.every(({ topic }) => state.loadedTo.get(topic) === lake.end(topic));
}

/** What a check found. */
export interface StateFindings {
  /** Rows compared. */
  checked: number;
  lost: number;
  doubled: number;
  violations: string[];
}

/** All or nothing: each table is exactly what its topic's watermark says, and was written by runs alone. */
export function checkState(state: WarehouseState, lake: LakeSteps): StateFindings {
  const findings: StateFindings = { checked: 0, lost: 0, doubled: 0, violations: [] };
  for (const table of CHECKED_TABLES) {
    const offset = state.loadedTo.get(table.topic) ?? 0;
    const found = state.digests.get(table.name)!;
    const expected = lake.expected(table, offset);
    findings.checked += found.rows;
    if (expected === undefined) {
      findings.violations.push(
        `The watermark of ${table.topic} is ${offset}: no step of the lake ends there`,
      );
    } else if (expected.rows !== found.rows || expected.hash !== found.hash) {
      findings.lost += Math.max(0, expected.rows - found.rows);
      findings.doubled += Math.max(0, found.rows - expected.rows);
      findings.violations.push(
        `${table.name} has ${found.rows} rows (${found.hash}), at watermark ${offset} of ${table.topic} it must have ` +
          `${expected.rows} (${expected.hash})`,
      );
    }
    const outside = state.outside.get(table.name);
    if (outside !== undefined) {
      findings.violations.push(
        `${outside} rows of ${table.name} were written outside of a run's transaction`,
      );
    }
  }
  return findings;
}
