/** Summaries in a Postgres, shared by whoever reaches it. */

import { FencedError } from "../event_log/event_log.ts";
import { openWarehouse } from "../warehouse/connect.ts";
import type { Sql, Warehouse } from "../warehouse/connect.ts";
import { prepareTracker } from "../warehouse/tracker_schema.ts";
import type { TrackerSchema } from "../warehouse/tracker_schema.ts";
import type { SummarizedFlight } from "./flight_change.ts";
import { ChangedSummaryError } from "./summary_store.ts";
import type { ClaimedTopicPartition, NewSummary, StoredSummary, SummaryStore } from "./summary_store.ts";
import type { TokenWindow } from "./token_budget.ts";

const STATEMENT_TIMEOUT_MS = 10_000;

/** Thrown within a transaction to undo it. */
class WindowFullError extends Error {
  readonly window: TokenWindow;

  constructor(window: TokenWindow) {
    super(window.kind);
    this.window = window;
  }
}

/** See the module. */
export class PostgresSummaryStore implements SummaryStore {
  readonly #warehouse: Warehouse;
  readonly #sql: Sql;
  readonly #schema: TrackerSchema;

  private constructor(warehouse: Warehouse, schema: TrackerSchema) {
    this.#warehouse = warehouse;
    this.#sql = warehouse.sql;
    this.#schema = schema;
  }

  /**
   * Connects and brings the tables up to date.
   *
   * @throws {WarehouseUnavailableError} when it cannot be reached; {OperatorError} as `migrate()` does.
   */
  static async open({ url, schema }: { url: string; schema: TrackerSchema }): Promise<PostgresSummaryStore> {
    const warehouse = await openWarehouse({
      url,
      embedded: false,
      applicationName: "airline-llm-summary-service",
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    try {
      await prepareTracker(warehouse.sql, schema);
      return new PostgresSummaryStore(warehouse, schema);
    } catch (error) {
      await warehouse.close();
      throw error;
    }
  }

  async claim(logId: string, partition: number): Promise<ClaimedTopicPartition> {
    const sql = this.#sql;
    const [row] = await sql`
      insert into ${sql(this.#schema)}.summary_partition as old (log_id, partition, epoch)
      values (${logId}, ${partition}, 1)
      on conflict (log_id, partition) do update set epoch = old.epoch + 1
      returning epoch, next_offset`;
    return { logId, partition, epoch: row!.epoch, nextOffset: row!.next_offset };
  }

  async flights(ids: readonly string[]): Promise<Map<string, SummarizedFlight>> {
    const sql = this.#sql;
    const rows = await sql<{ fa_flight_id: string; told: string | null; changes: number }[]>`
      select fa_flight_id, told, changes from ${sql(this.#schema)}.flight_summaries
      where fa_flight_id in (select json_array_elements_text(${JSON.stringify(ids)}::text::json))`;
    return new Map(rows.map(({ fa_flight_id, told, changes }) => [fa_flight_id, {
      told: told === null ? undefined : JSON.parse(told),
      changes,
    }]));
  }

  async commit(
    { logId, partition, epoch }: ClaimedTopicPartition,
    { nextOffset, summaries }: { nextOffset: number; summaries: readonly NewSummary[] },
  ): Promise<void> {
    // In one order, so that two who change the same rows wait for each other in one direction only.
    const rows = [...summaries].sort((a, b) => a.told.fa_flight_id < b.told.fa_flight_id ? -1 : 1).map(rowOf);
    await this.#sql.begin(async (tx) => {
      const schema = tx(this.#schema);
      const { count } = await tx`
        update ${schema}.summary_partition set next_offset = ${nextOffset}, updated_at = clock_timestamp()
        where log_id = ${logId} and partition = ${partition} and epoch = ${epoch}`;
      if (count === 0) {
        throw new FencedError(
          `Another llm-summary-service has taken over partition ${partition}: nothing is stored`,
        );
      }
      if (rows.length === 0) return;
      const updated = await tx<{ id: string }[]>`
        update ${schema}.flight_summaries as old set
          flight_ident = r.ident, summary_text = r.text, model_used = r.model, tokens_used = r.tokens,
          generated_at = r.at, updated_at = r.at, told = r.told, changes = r.changes
        from json_to_recordset(${JSON.stringify(rows)}::text::json) as r
          (ident text, id text, text text, model text, tokens integer, at timestamptz, told text, before bigint, changes bigint)
        where old.fa_flight_id = r.id and old.changes = r.before
        returning r.id`;
      const known = new Set(updated.map(({ id }) => id));
      const others = rows.filter(({ id, before }) => !known.has(id) && before === 0);
      const inserted = others.length === 0 ? { count: 0 } : await tx`
        insert into ${schema}.flight_summaries
          (flight_ident, fa_flight_id, summary_text, model_used, tokens_used, generated_at, created_at, updated_at, told, changes)
        select r.ident, r.id, r.text, r.model, r.tokens, r.at, r.at, r.at, r.told, r.changes
        from json_to_recordset(${JSON.stringify(others)}::text::json) as r
          (ident text, id text, text text, model text, tokens integer, at timestamptz, told text, changes bigint)
        on conflict (fa_flight_id) do nothing`;
      if (known.size + inserted.count !== rows.length) {
        throw new ChangedSummaryError("A summary was changed by another one: nothing is stored");
      }
    });
  }

  async newest(ident: string): Promise<StoredSummary | undefined> {
    const sql = this.#sql;
    const [row] = await sql`
      select flight_ident, fa_flight_id, summary_text, model_used, generated_at
      from ${sql(this.#schema)}.flight_summaries
      where flight_ident = ${ident} order by generated_at desc, id desc limit 1`;
    if (row === undefined) return undefined;
    return {
      ident: row.flight_ident,
      faFlightId: row.fa_flight_id,
      text: row.summary_text,
      modelUsed: row.model_used,
      generatedMs: (row.generated_at as Date).getTime(),
    };
  }

  async takeTokens(tokens: number, windows: readonly TokenWindow[]): Promise<TokenWindow | undefined> {
    const full = windows.find(({ most }) => tokens > most);
    if (full !== undefined) return full;
    try {
      await this.#sql.begin(async (tx) => {
        for (const window of windows) {
          const { kind, startMs, most } = window;
          const { count } = await tx`
            insert into ${tx(this.#schema)}.summary_tokens as old (kind, window_start, spent)
            values (${kind}, ${new Date(startMs)}, ${tokens})
            on conflict (kind, window_start) do update set spent = old.spent + excluded.spent
            where old.spent + excluded.spent <= ${most}`;
          if (count === 0) throw new WindowFullError(window);
        }
      });
      return undefined;
    } catch (error) {
      if (error instanceof WindowFullError) return error.window;
      throw error;
    }
  }

  async addTokens(tokens: number, windows: readonly TokenWindow[]): Promise<void> {
    await this.#sql.begin(async (tx) => {
      const schema = tx(this.#schema);
      for (const { kind, startMs } of windows) {
        await tx`
          insert into ${schema}.summary_tokens as old (kind, window_start, spent)
          values (${kind}, ${new Date(startMs)}, ${tokens})
          on conflict (kind, window_start) do update set spent = old.spent + excluded.spent`;
      }
      const newest = new Date(Math.max(...windows.map(({ startMs }) => startMs)));
      await tx`delete from ${schema}.summary_tokens where window_start < ${newest}::timestamptz - interval '2 days'`;
    });
  }

  async check(): Promise<void> {
    const sql = this.#sql;
    await sql`select 1 from ${sql(this.#schema)}.summary_partition limit 1`;
  }

  async close(): Promise<void> {
    await this.#warehouse.close();
  }
}

/** A summary as the statements take it. */
function rowOf(summary: NewSummary) {
  return {
    ident: summary.ident,
    id: summary.told.fa_flight_id,
    text: summary.text,
    model: summary.modelUsed,
    tokens: summary.tokensUsed,
    at: new Date(summary.generatedMs).toISOString(),
    told: JSON.stringify(summary.told),
    before: summary.changesBefore,
    changes: summary.changes,
  };
}
