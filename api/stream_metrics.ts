/** The stored minute windows and stream states, as the contract's endpoints ask for them. */

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

const ROWS_MAX = 10_000;

/** Questions to the database of the minute windows. All values are parameters; columns come from lists of ours. */
export class StreamMetrics {
  readonly #sql: () => Promise<Sql>;
  readonly #windows: string;
  readonly #states: string;

  /** `sql` gives the open database, or throws why it is away; `schema` is where the tables are. */
  constructor(sql: () => Promise<Sql>, schema: string) {
    this.#sql = sql;
    this.#windows = `${schema}.stream_metrics_minute`;
    this.#states = `${schema}.stream_state`;
  }

  /** @throws where the database is away. */
  async ping(): Promise<void> {
    const sql = await this.#sql();
    await sql`select 1`;
  }

  /** Start of the newest window, `null` where there is none. */
  async latestWindowStart(): Promise<string | null> {
    const sql = await this.#sql();
    const [row] = await sql`select max(window_start) as latest from ${sql(this.#windows)}`;
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
    const sql = await this.#sql();
    const { streamId, minutes, limit, orderBy, direction } = options;
    const order = direction === "asc" ? sql`asc` : sql`desc`;
    const rows = await sql`
      select window_start, window_end, stream_id, active_viewers, chat_messages, donations_usd
      from ${sql(this.#windows)}
      where window_start > (select max(window_start) from ${
      sql(this.#windows)
    }) - make_interval(mins => ${minutes})
        ${streamId === undefined ? sql`` : sql`and stream_id = ${streamId}`}
      order by ${sql(orderBy)} ${order}, window_start desc, stream_id
      limit ${limit}`;
    return rows.map(windowOf);
  }

  /** The newest complete window of each stream. */
  async latestOfEachStream(): Promise<MinuteWindow[]> {
    const sql = await this.#sql();
    const windows = sql(this.#windows);
    // From stream to stream by the index, and of each only the newest rows: its history is not read.
    const rows = await sql`
      with recursive streams as (
        (select stream_id from ${windows} order by stream_id limit 1)
        union all
        select (select stream_id from ${windows} where stream_id > last.stream_id order by stream_id limit 1)
        from streams as last where last.stream_id is not null
      )
      select newest.* from streams cross join lateral (
        select window_start, window_end, stream_id, active_viewers, chat_messages, donations_usd
        from ${windows} as own
        where own.stream_id = streams.stream_id and complete
        order by window_start desc limit 1
      ) as newest
      order by stream_id
      limit ${ROWS_MAX}`;
    return rows.map(windowOf);
  }

  /** All windows of the last `minutes`, oldest first. */
  async history(minutes: number): Promise<MinuteWindow[]> {
    const windows = await this.windows({
      minutes,
      limit: ROWS_MAX,
      orderBy: "window_start",
      direction: "desc",
    });
    return windows.reverse();
  }

  async states(): Promise<StreamState[]> {
    const sql = await this.#sql();
    const rows = await sql`
      select stream_id, active_viewers, updated_at from ${
      sql(this.#states)
    } order by stream_id limit ${ROWS_MAX}`;
    return rows.map(({ stream_id, active_viewers, updated_at }) => ({
      stream_id: stream_id as string,
      active_viewers: Number(active_viewers),
      updated_at: (updated_at as Date).toISOString(),
    }));
  }

  /** Streams with how many windows they have and when the newest began. */
  async streams(): Promise<{ stream_id: string; windows: number; latest_window_start: string }[]> {
    const sql = await this.#sql();
    const rows = await sql`
      select stream_id, count(*)::integer as windows, max(window_start) as latest
      from ${sql(this.#windows)} group by stream_id order by stream_id limit ${ROWS_MAX}`;
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
    const sql = await this.#sql();
    const rows = await sql`
      select stream_id, max(active_viewers) as active_viewers, sum(chat_messages) as chat_messages,
        sum(donations_usd) as donations_usd
      from ${sql(this.#windows)}
      where window_start >
        (select max(window_start) from ${sql(this.#windows)}) - make_interval(mins => ${options.minutes})
      group by stream_id
      order by ${sql(options.by)} desc, stream_id
      limit ${options.n}`;
    return rows.map(({ stream_id, active_viewers, chat_messages, donations_usd }) => ({
      stream_id: stream_id as string,
      active_viewers: Number(active_viewers),
      chat_messages: Number(chat_messages),
      donations_usd: Number(donations_usd),
    }));
  }

  /** Rows whose window began in the last hour before the newest; for `/prometheus`. */
  async recentRows(): Promise<number> {
    const sql = await this.#sql();
    const [row] = await sql`
      select count(*)::integer as recent from ${sql(this.#windows)}
      where window_start > (select max(window_start) from ${sql(this.#windows)}) - interval '60 minutes'`;
    return (row?.recent as number | undefined) ?? 0;
  }
}

function windowOf(row: Record<string, unknown>): MinuteWindow {
  return {
    window_start: (row.window_start as Date).toISOString(),
    window_end: (row.window_end as Date).toISOString(),
    stream_id: row.stream_id as string,
    active_viewers: Number(row.active_viewers),
    chat_messages: Number(row.chat_messages),
    donations_usd: Number(row.donations_usd),
  };
}
