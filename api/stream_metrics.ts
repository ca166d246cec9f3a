/** The stored minute windows and stream states, as the contract's endpoints ask for them. */

import type { Database } from "../warehouse/asked_database.ts";
import type { Sql } from "../warehouse/connect.ts";

/** One minute of one stream. */
export interface MinuteWindow {
  window_start: string;
  window_end: string;
  stream_id: string;
  active_viewers: number;
  chat_messages: number;
  donations_usd: number;
}

/** One minute of all streams together. */
export interface MinuteTotal {
  window_start: string;
  window_end: string;
  /** Streams that have a window of this minute. */
  streams: number;
  /** Whether all of them are complete. */
  complete: boolean;
  active_viewers: number;
  chat_messages: number;
  donations_usd: number;
}

/** A stream at present. */
export interface StreamState {
  stream_id: string;
  active_viewers: number;
  updated_at: string;
}

/** Columns that `/metrics` sorts by. */
export const METRICS_ORDER = [
  "window_start",
  "stream_id",
  "active_viewers",
  "chat_messages",
  "donations_usd",
] as const;
export type MetricsOrder = typeof METRICS_ORDER[number];
/** Figures that `/streams/top` ranks by. */
export const TOP_BY = ["active_viewers", "chat_messages", "donations_usd"] as const;
export type TopBy = typeof TOP_BY[number];

/** Streams of a page: those after `after` by their names, at most `limit`. */
export interface StreamPage {
  after: string | undefined;
  limit: number;
}

/** Questions to the database of the minute windows. All values are parameters; columns come from lists of ours. */
export class StreamMetrics {
  readonly #database: Database;
  readonly #windows: string;
  readonly #states: string;

  /** `schema` is where the tables are. */
  constructor(database: Database, schema: string) {
    this.#database = database;
    this.#windows = `${schema}.stream_metrics_minute`;
    this.#states = `${schema}.stream_state`;
  }

  /** @throws where the database is away. */
  async ping(): Promise<void> {
    await this.#database.ask((sql) => sql`select 1`);
  }

  /** Start of the newest window, `null` where there is none. */
  async latestWindowStart(): Promise<string | null> {
    const [row] = await this.#database.ask((sql) =>
      sql`select max(window_start) as latest from ${sql(this.#windows)}`
    );
    return row?.latest === null || row?.latest === undefined ? null : (row.latest as Date).toISOString();
  }

  /** Windows of the last `minutes`, counted back from the newest. */
  async windows(options: {
    streamId?: string | undefined;
    minutes: number;
    limit: number;
    orderBy: MetricsOrder;
    direction: "asc" | "desc";
  }): Promise<MinuteWindow[]> {
    const { streamId, minutes, limit, orderBy, direction } = options;
    const rows = await this.#database.ask((sql) => {
      const order = direction === "asc" ? sql`asc` : sql`desc`;
      return sql`
        select ${columns(sql)} from ${sql(this.#windows)}
        where ${this.#within(sql, minutes)}
          ${streamId === undefined ? sql`` : sql`and stream_id = ${streamId}`}
        order by ${sql(orderBy)} ${order}, window_start desc, stream_id
        limit ${limit}`;
    });
    return rows.map(windowOf);
  }

  /** The newest complete window of each stream, in the order of their names. */
  async latestOfEachStream({ after, limit }: StreamPage): Promise<MinuteWindow[]> {
    // From stream to stream by the index, and of each only the newest rows: its history is not read.
    const rows = await this.#database.ask((sql) =>
      sql`
        ${this.#streamNames(sql, after)}
        select newest.* from streams cross join lateral (
          select ${columns(sql)} from ${sql(this.#windows)} as own
          where own.stream_id = streams.stream_id and complete
          order by window_start desc limit 1
        ) as newest
        order by stream_id limit ${limit}`
    );
    return rows.map(windowOf);
  }

  /**
   * Windows of the last `minutes`, the newest `limit` of them, oldest first.
   *
   * @param options `before`: only those before this one, by start and name.
   */
  async history(options: {
    minutes: number;
    limit: number;
    before?: { windowStart: string; streamId: string } | undefined;
  }): Promise<MinuteWindow[]> {
    const { minutes, limit, before } = options;
    const rows = await this.#database.ask((sql) =>
      sql`
        select ${columns(sql)} from ${sql(this.#windows)}
        where ${this.#within(sql, minutes)}
          ${
        before === undefined
          ? sql``
          : sql`and (window_start, stream_id) < (${before.windowStart}::timestamptz, ${before.streamId})`
      }
        order by window_start desc, stream_id desc
        limit ${limit}`
    );
    return rows.map(windowOf).reverse();
  }

  /** The last `minutes` of all streams together, oldest first: as many rows as minutes at the most. */
  async totals(minutes: number): Promise<MinuteTotal[]> {
    const rows = await this.#database.ask((sql) =>
      sql`
        select window_start, max(window_end) as window_end, count(*)::integer as streams,
          bool_and(complete) as complete,
          sum(active_viewers) as active_viewers, sum(chat_messages) as chat_messages,
          sum(donations_usd) as donations_usd
        from ${sql(this.#windows)}
        where ${this.#within(sql, minutes)}
        group by window_start order by window_start`
    );
    return rows.map((row) => ({
      window_start: (row.window_start as Date).toISOString(),
      window_end: (row.window_end as Date).toISOString(),
      streams: row.streams as number,
      complete: row.complete as boolean,
      ...figuresOf(row),
    }));
  }

  /** Streams as they are at present, in the order of their names. */
  async states({ after, limit }: StreamPage): Promise<StreamState[]> {
    const rows = await this.#database.ask((sql) =>
      sql`
        select stream_id, active_viewers, updated_at from ${sql(this.#states)}
        ${after === undefined ? sql`` : sql`where stream_id > ${after}`}
        order by stream_id limit ${limit}`
    );
    return rows.map(stateOf);
  }

  /** Streams whose state was stored since then, or all of them. */
  async statesSince(updatedAt: string | undefined): Promise<StreamState[]> {
    const rows = await this.#database.ask((sql) =>
      sql`
        select stream_id, active_viewers, updated_at from ${sql(this.#states)}
        ${updatedAt === undefined ? sql`` : sql`where updated_at >= ${updatedAt}`}`
    );
    return rows.map(stateOf);
  }

  /**
   * Streams in the order of their names, with when the newest window of each began, and how many it has in the last
   * `minutes` before the newest of all.
   */
  async streams(
    { minutes, after, limit }: StreamPage & { minutes: number },
  ): Promise<{ stream_id: string; windows: number; latest_window_start: string }[]> {
    const rows = await this.#database.ask((sql) =>
      sql`
        ${this.#streamNames(sql, after)}
        select streams.stream_id, recent.windows, newest.window_start as latest
        from streams cross join lateral (
          select window_start from ${sql(this.#windows)} as own
          where own.stream_id = streams.stream_id order by window_start desc limit 1
        ) as newest cross join lateral (
          select count(*)::integer as windows from ${sql(this.#windows)} as own
          where own.stream_id = streams.stream_id and ${this.#within(sql, minutes)}
        ) as recent
        order by streams.stream_id limit ${limit}`
    );
    return rows.map(({ stream_id, windows, latest }) => ({
      stream_id: stream_id as string,
      windows: windows as number,
      latest_window_start: (latest as Date).toISOString(),
    }));
  }

  /** The first `n` streams of the last `minutes`: by their greatest viewers, or by the sum of messages or donations. */
  async top(
    options: { minutes: number; n: number; by: TopBy },
  ): Promise<{ stream_id: string; active_viewers: number; chat_messages: number; donations_usd: number }[]> {
    const rows = await this.#database.ask((sql) =>
      sql`
        select stream_id, max(active_viewers) as active_viewers, sum(chat_messages) as chat_messages,
          sum(donations_usd) as donations_usd
        from ${sql(this.#windows)}
        where ${this.#within(sql, options.minutes)}
        group by stream_id
        order by ${sql(options.by)} desc, stream_id
        limit ${options.n}`
    );
    return rows.map((row) => ({ stream_id: row.stream_id as string, ...figuresOf(row) }));
  }

  /** Rows whose window began in the last hour before the newest; for `/prometheus`. */
  async recentRows(): Promise<number> {
    const [row] = await this.#database.ask((sql) =>
      sql`select count(*)::integer as recent from ${sql(this.#windows)} where ${this.#within(sql, 60)}`
    );
    return (row?.recent as number | undefined) ?? 0;
  }

  /** The condition on windows of the last `minutes` before the newest. */
  #within(sql: Sql, minutes: number) {
    return sql`window_start >
      (select max(window_start) from ${sql(this.#windows)}) - make_interval(mins => ${minutes})`;
  }

  /** `with … as streams`: the names of all streams, one step in the index for each, in order. */
  #streamNames(sql: Sql, after: string | undefined) {
    const windows = sql(this.#windows);
    return sql`
      with recursive streams as (
        (select stream_id from ${windows} ${
      after === undefined ? sql`` : sql`where stream_id > ${after}`
    } order by stream_id limit 1)
        union all
        select (select stream_id from ${windows} where stream_id > last.stream_id order by stream_id limit 1)
        from streams as last where last.stream_id is not null
      )`;
  }
}

function columns(sql: Sql) {
  return sql`window_start, window_end, stream_id, active_viewers, chat_messages, donations_usd`;
}

function figuresOf(row: Record<string, unknown>) {
  return {
    active_viewers: Number(row.active_viewers),
    chat_messages: Number(row.chat_messages),
    donations_usd: Number(row.donations_usd),
  };
}

function windowOf(row: Record<string, unknown>): MinuteWindow {
  return {
    window_start: (row.window_start as Date).toISOString(),
    window_end: (row.window_end as Date).toISOString(),
    stream_id: row.stream_id as string,
    ...figuresOf(row),
  };
}

function stateOf(row: Record<string, unknown>): StreamState {
  return {
    stream_id: row.stream_id as string,
    active_viewers: Number(row.active_viewers),
    updated_at: (row.updated_at as Date).toISOString(),
  };
}
