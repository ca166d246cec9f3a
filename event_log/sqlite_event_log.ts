/**
 * The embedded event log: one SQLite file, shared by all processes of one machine.
 *
 * An append or a transaction is one SQLite transaction, durable when it returns (`synchronous=FULL`). Records are
 * stored a batch a row. Readers look at the file's version, so that waiting costs nothing.
 *
 * The order of a commit:
 * 1. Lay out: check the records, choose partitions, pack batches. Nobody waits for this.
 * 2. Get the write lock.
 * 3. Check that the transactor is still the newest owner of its id.
 * 4. Take offsets, store batches, store the group's offsets.
 * 5. Commit; then wake the readers.
 *
 * @module
 */

import { Catalog, storeOffsets } from "./_sqlite_catalog.ts";
import { ChangeWatch } from "./_sqlite_change_watch.ts";
import { type Connection, type Database, explain, openDatabase } from "./_sqlite_database.ts";
import { createMember } from "./_sqlite_member.ts";
import { createReader } from "./_sqlite_reader.ts";
import { layOut, type PartitionBatches, StalePartitionError, storeBatches } from "./_sqlite_records.ts";
import { Upkeep } from "./_sqlite_upkeep.ts";
import { WriteQueue } from "./_sqlite_write_queue.ts";
import type {
  Appender,
  EventLog,
  GroupMember,
  GroupOptions,
  NewRecord,
  PartitionOffset,
  PartitionRange,
  Reader,
  ReaderOptions,
  TopicDescription,
  TopicSettings,
  TopicSpec,
  Transaction,
  Transactor,
} from "./event_log.ts";
import { FencedError } from "./event_log.ts";

/** As much as a Kafka broker takes unless told otherwise. */
const MAX_RECORD_BYTES = 1024 * 1024;

/** Where the embedded log lives, and its limit. */
export interface SqliteEventLogOptions {
  /** The database file; its folder is made if it is missing. On a disk of this machine, not on a network. */
  file: string;
  /** Bytes of key, value and headers of one record. Default 1 MiB. */
  maxRecordBytes?: number;
  /** Only read: the file must be there, and every change is refused. Default false. */
  readOnly?: boolean;
}

/**
 * Opens the embedded event log, and creates it where there is none.
 *
 * @throws {LogUnavailableError} when the file cannot be opened, is something else, or has a newer format
 */
export async function openSqliteEventLog(options: SqliteEventLogOptions): Promise<EventLog> {
  const { file, maxRecordBytes = MAX_RECORD_BYTES, readOnly = false } = options;
  return new SqliteEventLog(await openDatabase(file, { readOnly }), maxRecordBytes);
}

class SqliteEventLog implements EventLog {
  readonly engine = "sqlite";
  readonly logId: string;
  readonly #database: Database;
  readonly #maxRecordBytes: number;
  readonly #queue: WriteQueue;
  readonly #watch: ChangeWatch;
  readonly #catalog: Catalog;
  readonly #upkeep: Upkeep;
  readonly #closing = new AbortController();
  readonly #members = new Set<GroupMember>();
  #closed: Promise<void> | undefined;

  constructor(database: Database, maxRecordBytes: number) {
    this.#database = database;
    this.#maxRecordBytes = maxRecordBytes;
    this.logId = database.logId;
    this.#watch = new ChangeWatch(database);
    this.#queue = new WriteQueue(database, () => this.#watch.look());
    this.#catalog = new Catalog(database, this.#queue);
    this.#upkeep = new Upkeep(database, this.#queue);
  }

  createTopics(specs: TopicSpec[]): Promise<string[]> {
    return this.#catalog.create(specs);
  }

  listTopics(): Promise<TopicDescription[]> {
    return this.#catalog.list();
  }

  deleteTopics(names: string[]): Promise<void> {
    return this.#catalog.delete(names);
  }

  topicSettings(specs: TopicSpec[]): Promise<TopicSettings[]> {
    return this.#catalog.settings(specs);
  }

  applySettings(specs: TopicSpec[]): Promise<void> {
    return this.#catalog.applySettings(specs);
  }

  /** Nobody but this module makes and deletes topics of the file. */
  checkIdentity(): Promise<void> {
    return Promise.resolve();
  }

  ranges(topics: string[]): Promise<PartitionRange[]> {
    return this.#catalog.ranges(topics);
  }

  committedOffsets(group: string, topics: string[]): Promise<PartitionOffset[]> {
    return this.#catalog.committedOffsets(group, topics);
  }

  async commitOffsets(group: string, positions: PartitionOffset[]): Promise<void> {
    this.#catalog.checkPositions(positions);
    await this.#queue.run((connection) => storeOffsets(connection, group, positions));
  }

  appender(): Promise<Appender> {
    return Promise.resolve({
      append: (records) => this.#store(records),
      close: () => Promise.resolve(),
    });
  }

  async transactor(id: string): Promise<Transactor> {
    const epoch = await this.#queue.run((connection) =>
      connection.row<[number]>(
        `INSERT INTO transactors VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1 RETURNING epoch`,
        id,
      )![0]
    );
    let unusable: string | undefined;
    const commit = async ({ records, offsets }: Transaction) => {
      if (unusable !== undefined) throw new Error(`Cannot commit with transactor "${id}": ${unusable}`);
      try {
        if (offsets !== undefined) this.#catalog.checkPositions(offsets.positions);
        await this.#store(records, (connection) => {
          checkEpoch(connection, id, epoch);
          if (offsets !== undefined) storeOffsets(connection, offsets.group, offsets.positions);
        });
      } catch (error) {
        unusable = "an earlier commit failed. Close it and open a new one";
        throw error;
      }
    };
    const close = () => {
      unusable ??= "it is closed";
      return Promise.resolve();
    };
    return { id, commit, close };
  }

  // deno-lint-ignore require-await -- so that what is wrong with the positions rejects
  async reader(options: ReaderOptions): Promise<Reader> {
    return createReader(this.#context, options.positions, options.maxBytes);
  }

  // deno-lint-ignore require-await -- so that what is wrong with the topics rejects
  async member(options: GroupOptions): Promise<GroupMember> {
    const member = createMember(this.#context, this.#queue, options);
    this.#members.add(member);
    return member;
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#closing.abort();
      for (const member of this.#members) await member.close();
      await this.#upkeep.close();
      await this.#queue.close();
      this.#database.close();
    })();
    return this.#closed;
  }

  get #context() {
    const closing = this.#closing.signal;
    return { database: this.#database, catalog: this.#catalog, watch: this.#watch, closing };
  }

  /** Stores records, and what `alongside` does, as one. */
  async #store(records: NewRecord[], alongside: (connection: Connection) => void = () => {}): Promise<void> {
    for (let attempt = 1;; attempt++) {
      let partitions: PartitionBatches[];
      try {
        partitions = layOut(records, this.#catalog, this.#maxRecordBytes);
      } catch (error) {
        throw explain(error, this.#database.file);
      }
      const bytes = partitions.reduce((sum, partition) => sum + partition.bytes, 0);
      try {
        const due = await this.#queue.run((connection) => {
          alongside(connection);
          return storeBatches(connection, partitions, Date.now());
        }, bytes);
        this.#upkeep.appended(due);
        return;
      } catch (error) {
        if (!(error instanceof StalePartitionError) || attempt > 1) throw error;
        this.#catalog.forget();
      }
    }
  }
}

function checkEpoch(connection: Connection, id: string, epoch: number): void {
  const current = connection.row<[number]>("SELECT epoch FROM transactors WHERE id = ?", id)?.[0];
  if (current !== epoch) {
    throw new FencedError(
      `Cannot commit with transactor "${id}": another owner has opened it since (epoch ${current}, ours ${epoch}). ` +
        "Drop the state that depends on it",
    );
  }
}
