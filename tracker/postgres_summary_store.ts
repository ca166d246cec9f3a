/**
 * Summaries in a Postgres, shared by whoever reaches it. Every change is one statement, and so one transaction, also where
 * the connection is lost in its midst.
 *
 * @module
 */

import { FencedError } from "../event_log/event_log.ts";
import { AskedDatabase } from "../warehouse/asked_database.ts";
import { openWarehouse } from "../warehouse/connect.ts";
import { prepareTracker } from "../warehouse/tracker_schema.ts";
import type { TrackerSchema } from "../warehouse/tracker_schema.ts";
import type { SummarizedFlight } from "./flight_change.ts";
import { ChangedSummaryError } from "./summary_store.ts";
import type { ClaimedTopicPartition, NewSummary, StoredSummary, SummaryStore } from "./summary_store.ts";
import type { TokenWindow } from "./token_budget.ts";

/** A commit takes a fraction of a second. The server gives up before its client does. */
const STATEMENT_MS = 10_000;
const ANSWER_MS = 15_000;
/** By dividing by zero the statements undo themselves where less was stored than should be. */
const DIVISION_BY_ZERO = "22012";

/** See the module. */
export class PostgresSummaryStore implements SummaryStore {
  readonly #database: AskedDatabase;
  readonly #schema: TrackerSchema;

  private constructor(database: AskedDatabase, schema: TrackerSchema) {
    this.#database = database;
    this.#schema = schema;
  }

  /**
   * Connects and brings the tables up to date.
   *
   * @throws {WarehouseUnavailableError} when it cannot be reached; {OperatorError} as `migrate()` does.
   */
  static async open({ url, schema }: { url: string; schema: TrackerSchema }): Promise<PostgresSummaryStore> {
    const address = { url, embedded: false, applicationName: "airline-llm-summary-service" };
    const warehouse = await openWarehouse({ ...address, max: 1 });
    try {
      await prepareTracker(warehouse.sql, schema);
    } finally {
      await warehouse.close();
    }
    const options = { ...address, statementTimeoutMs: STATEMENT_MS, answerMs: ANSWER_MS };
    return new PostgresSummaryStore(new AskedDatabase(options), schema);
  }

  async claim(logId: string, partition: number): Promise<ClaimedTopicPartition> {
    const [row] = await this.#ask(
      `
      insert into {schema}.summary_partition as old (log_id, partition, epoch) values ($1::text, $2::integer, 1)
      on conflict (log_id, partition) do update set epoch = old.epoch + 1
      returning epoch, next_offset`,
      [logId, partition],
    );
    return { logId, partition, epoch: row!.epoch as number, nextOffset: row!.next_offset as number | null };
  }

  async flights(ids: readonly string[]): Promise<Map<string, SummarizedFlight>> {
    const rows = await this.#ask(
      `
      select fa_flight_id, told, changes from {schema}.flight_summaries
      where fa_flight_id in (select json_array_elements_text($1::text::json))`,
      [JSON.stringify(ids)],
    );
    return new Map(rows.map(({ fa_flight_id, told, changes }) => [fa_flight_id as string, {
      told: told === null ? undefined : JSON.parse(told as string),
      changes: changes as number,
    }]));
  }

  async commit(
    { logId, partition, epoch }: ClaimedTopicPartition,
    { nextOffset, summaries }: { nextOffset: number; summaries: readonly NewSummary[] },
  ): Promise<void> {
    // In one order, so that two who change the same rows wait for each other in one direction only.
    const rows = summaries.map(rowOf).sort((a, b) => a.id < b.id ? -1 : 1);
    let stored: Row | undefined;
    try {
      const values = [logId, partition, epoch, nextOffset, JSON.stringify(rows), rows.length];
      [stored] = await this.#ask(COMMIT, values);
    } catch (error) {
      if ((error as { code?: string }).code !== DIVISION_BY_ZERO) throw error;
      throw new ChangedSummaryError("A summary was changed by another one: nothing is stored");
    }
    if (stored!.owned !== true) {
      throw new FencedError(
        `Another llm-summary-service has taken over partition ${partition}: nothing is stored`,
      );
    }
  }

  async newest(ident: string): Promise<StoredSummary | undefined> {
    const [row] = await this.#ask(
      `
      select flight_ident, fa_flight_id, summary_text, model_used,
        (extract(epoch from generated_at::timestamptz) * 1000)::float8 as generated_ms
      from {schema}.flight_summaries where flight_ident = $1::text
      order by generated_at desc, told::json ->> 'scheduled_out' desc nulls last, id desc limit 1`,
      [ident],
    );
    if (row === undefined) return undefined;
    return {
      ident: row.flight_ident as string,
      faFlightId: row.fa_flight_id as string,
      text: row.summary_text as string,
      modelUsed: row.model_used as string | null,
      generatedMs: Math.round(row.generated_ms as number),
    };
  }

  async takeTokens(tokens: number, windows: readonly TokenWindow[]): Promise<TokenWindow | undefined> {
    try {
      await this.#ask(TAKE_TOKENS, [tokens, JSON.stringify(windows.map(windowOf)), windows.length]);
      return undefined;
    } catch (error) {
      if ((error as { code?: string }).code !== DIVISION_BY_ZERO) throw error;
    }
    const spent = await this.#ask(
      `
      select w.kind from {schema}.summary_tokens as t
      join json_to_recordset($2::text::json) as w (kind text, at timestamptz, most bigint)
      on t.kind = w.kind and t.window_start = w.at where t.spent + $1::bigint > w.most`,
      [tokens, JSON.stringify(windows.map(windowOf))],
    );
    // One that was full may have been given tokens back since.
    return windows.find(({ kind, most }) => tokens > most || spent.some((row) => row.kind === kind)) ??
      windows.at(-1);
  }

  async addTokens(tokens: number, windows: readonly TokenWindow[]): Promise<void> {
    await this.#ask(ADD_TOKENS, [tokens, JSON.stringify(windows.map(windowOf))]);
    await this.#ask(
      "delete from {schema}.summary_tokens where window_start < $1::timestamptz - interval '2 days'",
      [
        windows.map(windowOf)[0]!.at,
      ],
    );
  }

  async check(): Promise<void> {
    await this.#ask("select 1 from {schema}.summary_partition limit 1", []);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  async #ask(statement: string, values: (string | number)[]): Promise<Row[]> {
    const text = statement.replaceAll("{schema}", this.#schema);
    return await this.#database.ask((sql) => sql.unsafe(text, values, { prepare: true }));
  }
}

type Row = Record<string, unknown>;

/** Every part after the first takes its rows only where that found its epoch. */
const COMMIT = `
  with owned as (
    update {schema}.summary_partition set next_offset = $4::bigint, updated_at = clock_timestamp()
    where log_id = $1::text and partition = $2::integer and epoch = $3::bigint
    returning 1
  ), given as materialized (
    select r.* from owned, json_to_recordset($5::text::json) as r (ident text, id text, text text, model text,
      tokens integer, at timestamptz, told text, before bigint, changes bigint)
  ), updated as (
    update {schema}.flight_summaries as old set
      flight_ident = r.ident, summary_text = r.text, model_used = r.model, tokens_used = r.tokens,
      generated_at = r.at, updated_at = r.at, told = r.told, changes = r.changes
    from given as r where old.fa_flight_id = r.id and old.changes = r.before
    returning r.id
  ), inserted as (
    insert into {schema}.flight_summaries (flight_ident, fa_flight_id, summary_text, model_used, tokens_used,
      generated_at, created_at, updated_at, told, changes)
    select r.ident, r.id, r.text, r.model, r.tokens, r.at, r.at, r.at, r.told, r.changes
    from given as r where r.before = 0 and r.id not in (select id from updated)
    on conflict (fa_flight_id) do nothing
    returning 1
  )
  select owned, 1 / (case when owned and stored <> $6::bigint then 0 else 1 end) as whole
  from (
    select exists (select from owned) as owned,
      (select count(*) from updated) + (select count(*) from inserted) as stored
  ) as done`;

const WINDOWS = "json_to_recordset($2::text::json) as w (kind text, at timestamptz, most bigint)";

const TAKE_TOKENS = `
  with taken as (
    insert into {schema}.summary_tokens as old (kind, window_start, spent)
    select w.kind, w.at, $1::bigint from ${WINDOWS} where $1::bigint <= w.most order by w.kind
    on conflict (kind, window_start) do update set spent = old.spent + excluded.spent
    where old.spent + excluded.spent <= (select w.most from ${WINDOWS} where w.kind = excluded.kind)
    returning 1
  )
  select 1 / (case when count(*) = $3::bigint then 1 else 0 end) as whole from taken`;

const ADD_TOKENS = `
  insert into {schema}.summary_tokens as old (kind, window_start, spent)
  select w.kind, w.at, $1::bigint from ${WINDOWS} order by w.kind
  on conflict (kind, window_start) do update set spent = old.spent + excluded.spent`;

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

function windowOf({ kind, startMs, most }: TokenWindow) {
  return { kind, at: new Date(startMs).toISOString(), most };
}
