/**
 * Where the minute windows are kept, with their state and how far they are: all of a commit in one statement, which is
 * one transaction.
 *
 * A partition has one owner, told by its epoch. Whoever takes it over raises the epoch; the statement of a commit begins
 * by moving the offsets where the epoch is still the owner's own, and writes nothing where it is not. So a former owner
 * that does not know yet, or that was stopped for an hour, cannot write.
 *
 * @module
 */

import { FencedError } from "../event_log/event_log.ts";
import { OperatorError } from "../process/run_process.ts";
import type { Database } from "../warehouse/asked_database.ts";
import type { Sql } from "../warehouse/connect.ts";
import type { RealtimeSchema } from "../warehouse/realtime.ts";
import type { WatermarkState } from "./partition_watermark.ts";
import { MINUTE_MS } from "./_viewer_table.ts";
import type { WindowChanges } from "./viewer_windows.ts";

/** Clocks and places that are stored beside the offsets. */
export interface StoredProgress {
  watermark: WatermarkState;
  newestMs: number | null;
  cutMs: number | null;
}

/** A partition as its new owner finds it. */
export interface ClaimedPartition {
  partition: number;
  epoch: number;
  /** Where to go on; `null` for a partition that was never read. */
  nextOffset: number | null;
  repartitionOffset: number | null;
  progress: StoredProgress | undefined;
  /** The state, in this order. */
  chunks: Uint8Array[];
  /** Number of the last chunk. */
  sequence: number;
}

/** What one commit stores. */
export interface ViewerCommit {
  changes: WindowChanges;
  nextOffset: number;
  repartitionOffset: number;
  progress: StoredProgress;
  /** Entries that were added, or with `compacted` the whole state; empty where there are none. */
  chunk: Uint8Array;
  sequence: number;
  compacted: boolean;
}

/** The tables of the minute windows. */
export class ViewerStore {
  readonly #database: Database;
  readonly #schema: RealtimeSchema;
  readonly #logId: string;
  readonly #commitStatement: string;

  constructor(database: Database, schema: RealtimeSchema, logId: string) {
    this.#database = database;
    this.#schema = schema;
    this.#logId = logId;
    this.#commitStatement = commitStatement(schema);
  }

  /**
   * Takes a partition over: from here on no former owner can write.
   *
   * @throws {OperatorError} when the topic had another number of partitions: its streams live elsewhere now.
   * @throws what `Database.ask` throws; whoever asks again has a new epoch.
   */
  async claim(partition: number, partitions: number): Promise<ClaimedPartition> {
    return await this.#database.ask((sql) => this.#claim(sql, partition, partitions));
  }

  async #claim(sql: Sql, partition: number, partitions: number): Promise<ClaimedPartition> {
    const schema = this.#schema;
    const [row] = await sql<Record<string, unknown>[]>`
      insert into ${sql(schema)}.viewer_partition as old (log_id, partition, partitions, epoch)
      values (${this.#logId}, ${partition}, ${partitions}, 1)
      on conflict (log_id, partition) do update
      set epoch = old.epoch + 1, partitions = case when old.next_offset is null then excluded.partitions else old.partitions end
      returning partitions, epoch, next_offset, repartition_offset, progress`;
    if (row!.partitions !== partitions) {
      throw new OperatorError(
        `stream.events had ${
          row!.partitions
        } partitions when the minute windows began, now ${partitions}: its streams are in other partitions. Count the log anew: deno task viewer-metrics --reset-state`,
      );
    }
    const chunks = await sql<{ sequence: number; chunk: Uint8Array }[]>`
      select sequence, chunk from ${sql(schema)}.viewer_state
      where log_id = ${this.#logId} and partition = ${partition} order by sequence`;
    return {
      partition,
      epoch: row!.epoch as number,
      nextOffset: row!.next_offset as number | null,
      repartitionOffset: row!.repartition_offset as number | null,
      progress: row!.next_offset === null ? undefined : JSON.parse(row!.progress as string),
      chunks: chunks.map(({ chunk }) => chunk),
      sequence: chunks.at(-1)?.sequence ?? 0,
    };
  }

  /**
   * Stores windows, state and offsets as one.
   *
   * Where no answer comes, whether it is stored is not known: claim the partition again. A statement that is still being
   * carried out holds the partition's row, so the claim waits for it and then finds what it has stored.
   *
   * @throws {FencedError} when another owner has the partition now; nothing is stored.
   * @throws what `Database.ask` throws.
   */
  async commit({ partition, epoch }: ClaimedPartition, commit: ViewerCommit): Promise<void> {
    const { changes: { rows, emptied, states }, chunk, compacted } = commit;
    const [answer] = await this.#database.ask((sql) =>
      sql.unsafe(this.#commitStatement, [
        this.#logId,
        partition,
        epoch,
        commit.nextOffset,
        commit.repartitionOffset,
        JSON.stringify(commit.progress),
        JSON.stringify(rows.map((row) => ({
          s: row.streamId,
          m: row.minute * (MINUTE_MS / 1000),
          v: row.activeViewers,
          c: row.chatMessages,
          d: row.donatedCents / 100,
          f: row.complete,
        }))),
        JSON.stringify(
          emptied.map(({ streamId, minute }) => ({ s: streamId, m: minute * (MINUTE_MS / 1000) })),
        ),
        JSON.stringify(states.map(({ streamId, activeViewers }) => ({ s: streamId, v: activeViewers }))),
        chunk,
        commit.sequence,
        compacted,
      ], { prepare: true })
    );
    if (answer!.owned === true) return;
    throw new FencedError(
      `Another viewer-metrics has taken over partition ${partition} (epoch ${epoch} is over): nothing is stored`,
    );
  }

  /** Forgets windows, state and offsets, so that the log is counted anew; owners of before cannot write. */
  async reset(): Promise<void> {
    await this.#database.ask((sql) =>
      sql.begin(async (tx) => {
        const schema = tx(this.#schema);
        await tx`
        update ${schema}.viewer_partition
        set epoch = epoch + 1, next_offset = null, repartition_offset = null, progress = '{}'
        where log_id = ${this.#logId}`;
        await tx`delete from ${schema}.viewer_state where log_id = ${this.#logId}`;
        await tx`delete from ${schema}.stream_metrics_minute`;
        await tx`delete from ${schema}.stream_state`;
      })
    );
  }
}

/** Every part after the first takes its rows only where that found its epoch. */
function commitStatement(schema: RealtimeSchema): string {
  return `
    with owned as (
      update ${schema}.viewer_partition
      set next_offset = $4::bigint, repartition_offset = $5::bigint, progress = $6::text, updated_at = clock_timestamp()
      where log_id = $1::text and partition = $2::integer and epoch = $3::bigint
      returning 1
    ), stored as (
      insert into ${schema}.stream_metrics_minute as old
        (window_start, window_end, stream_id, active_viewers, chat_messages, donations_usd, complete)
      select to_timestamp(w.m), to_timestamp(w.m + 60), w.s, w.v, w.c, w.d, w.f
      from owned, json_to_recordset($7::text::json)
        as w (s text, m bigint, v integer, c integer, d double precision, f boolean)
      on conflict (window_start, stream_id) do update set
        window_end = excluded.window_end, active_viewers = excluded.active_viewers,
        chat_messages = excluded.chat_messages, donations_usd = excluded.donations_usd,
        complete = old.complete or excluded.complete
    ), emptied as (
      delete from ${schema}.stream_metrics_minute as old
      using owned, json_to_recordset($8::text::json) as w (s text, m bigint)
      where old.window_start = to_timestamp(w.m) and old.stream_id = w.s
    ), present as (
      insert into ${schema}.stream_state (stream_id, active_viewers, updated_at)
      select w.s, w.v, clock_timestamp()
      from owned, json_to_recordset($9::text::json) as w (s text, v integer)
      on conflict (stream_id) do update set
        active_viewers = excluded.active_viewers, updated_at = excluded.updated_at
    ), added as (
      insert into ${schema}.viewer_state (log_id, partition, sequence, chunk)
      select $1::text, $2::integer, $11::bigint, $10::bytea from owned where length($10::bytea) > 0
    ), compacted as (
      delete from ${schema}.viewer_state as old using owned
      where $12::boolean and old.log_id = $1::text and old.partition = $2::integer and old.sequence < $11::bigint
    )
    select exists (select from owned) as owned`;
}
