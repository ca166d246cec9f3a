/**
 * The log against a model of arrays: appends, transactions, fencing, offsets of groups, reading from anywhere, and
 * crashes. Each sequence is seeded; the engine of the log may leave gaps between offsets, and nothing else may differ.
 *
 * @module
 */

import fc from "fast-check";
import type { EventLog, LogRecord, NewRecord, Transactor } from "../../event_log/event_log.ts";
import { partitionOf } from "../../event_log/partitioner.ts";
import { differenceOf } from "./_model_engine.ts";
import {
  type Command,
  command,
  type DrawnPosition,
  type DrawnRecord,
  PARTITIONS,
} from "./_model_log_commands.ts";

/** A log that can be opened again, as another process would, with what a crash would have left. */
export interface LogUnderTest {
  log: EventLog;
  /** Topics of the sequence's own, empty, with {@link PARTITIONS} partitions. */
  topics: readonly [string, string];
  /** Puts names of the sequence's own in front of groups and transactors. */
  prefix: string;
  /** Closes it in order and opens it again. */
  reopen(): Promise<void>;
  /** Leaves it as a process that is killed does, and opens what is stored. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

/** A record as the model keeps it. */
type Kept = Pick<LogRecord, "key" | "value" | "headers">;

/** A transactor, and whether the model says that it may still commit. */
interface Handle {
  id: number;
  transactor: Transactor;
  usable: boolean;
}

/** One sequence on one log. */
class Sequence {
  readonly #test: LogUnderTest;
  readonly #kept = new Map<string, Kept[]>();
  readonly #offsets = new Map<string, number>();
  #handles: Handle[] = [];
  compared = 0;

  constructor(test: LogUnderTest) {
    this.#test = test;
  }

  async run(commands: readonly Command[]): Promise<void> {
    for (const one of commands) await this.#do(one);
    await this.#readAll();
    await this.#checkOffsets();
  }

  async #do(command: Command): Promise<void> {
    switch (command.do) {
      case "append":
        return await this.#append(command.records);
      case "open":
        await this.#open(command.id);
        return;
      case "commit":
        return await this.#commit(command);
      case "race":
        return await this.#race(command.id, command.records);
      case "offsets":
        return await this.#storeOffsets(command.group, command.positions);
      case "spoil":
        return await this.#spoil(command.handle, command.records);
      case "read":
        return await this.#read(command.topic, command.from);
      case "reopen":
      case "crash":
        await this.#test[command.do]();
        this.#handles = [];
        return await this.#checkOffsets();
    }
  }

  /** As the log takes them: without a partition the key decides, and without both it would be anyone's guess. */
  #drawn(drawn: readonly DrawnRecord[]): NewRecord[] {
    return drawn.map(({ topic, partition, key, value, headers }) => ({
      topic: this.#test.topics[topic]!,
      key,
      value,
      ...(partition < 0 && key !== null ? {} : { partition: Math.max(partition, 0) }),
      ...(headers === null ? {} : { headers }),
    }));
  }

  #keep(records: readonly NewRecord[]): void {
    for (const { topic, partition, key, value, headers } of records) {
      const place = `${topic}/${partition ?? partitionOf(key!, PARTITIONS)}`;
      const kept = this.#kept.get(place) ?? [];
      this.#kept.set(place, kept);
      const own = headers !== undefined && Object.keys(headers).length > 0 ? { headers } : {};
      kept.push({ key, value, ...own });
    }
  }

  #positions(drawn: readonly DrawnPosition[]) {
    const positions = drawn.map(({ topic, partition, offset }) => ({
      topic: this.#test.topics[topic]!,
      partition,
      offset,
    }));
    // Of one place only one position can be meant.
    return [...new Map(positions.map((one) => [`${one.topic}/${one.partition}`, one])).values()];
  }

  async #append(drawn: readonly DrawnRecord[]): Promise<void> {
    const records = this.#drawn(drawn);
    const appender = await this.#test.log.appender();
    await appender.append(records);
    await appender.close();
    this.#keep(records);
  }

  async #open(id: number): Promise<Handle> {
    const transactor = await this.#test.log.transactor(`${this.#test.prefix}t${id}`);
    for (const handle of this.#handles) if (handle.id === id) handle.usable = false;
    const handle = { id, transactor, usable: true };
    this.#handles.push(handle);
    return handle;
  }

  async #commit(
    command: {
      handle: number;
      records: readonly DrawnRecord[];
      group: number;
      positions: readonly DrawnPosition[];
    },
  ): Promise<void> {
    if (this.#handles.length === 0) return;
    const handle = this.#handles[command.handle % this.#handles.length]!;
    const records = this.#drawn(command.records);
    const positions = this.#positions(command.positions);
    const group = `${this.#test.prefix}g${command.group}`;
    // Nothing to store is nothing to be refused.
    if (records.length === 0 && positions.length === 0) return;
    const stored = await handle.transactor.commit({ records, offsets: { group, positions } }).then(
      () => true,
      () => false,
    );
    if (stored !== handle.usable) {
      throw new Error(`A commit ${stored ? "was stored" : "was refused"}, the model says otherwise`);
    }
    handle.usable = stored;
    if (!stored) return;
    this.#keep(records);
    this.#note(group, positions);
  }

  /** A commit while another owner opens the same id: it counts whole or not at all. */
  async #race(id: number, drawn: readonly DrawnRecord[]): Promise<void> {
    const records = this.#drawn(drawn);
    if (records.length === 0) return;
    const old = await this.#open(id);
    const [committed] = await Promise.allSettled([old.transactor.commit({ records }), this.#open(id)]);
    if (committed.status === "fulfilled") this.#keep(records);
    // One more, by the loser: refused in any case.
    const again = await old.transactor.commit({ records }).then(() => true, () => false);
    if (again) throw new Error("A fenced owner could commit");
  }

  async #storeOffsets(group: number, drawn: readonly DrawnPosition[]): Promise<void> {
    const positions = this.#positions(drawn);
    await this.#test.log.commitOffsets(`${this.#test.prefix}g${group}`, positions);
    this.#note(`${this.#test.prefix}g${group}`, positions);
  }

  /** A commit of which one record cannot be stored: nothing of it is, and its owner is of no use any more. */
  async #spoil(index: number, drawn: readonly DrawnRecord[]): Promise<void> {
    if (this.#handles.length === 0) return;
    const handle = this.#handles[index % this.#handles.length]!;
    const bad = { topic: this.#test.topics[0], partition: 0, key: null, value: "x".repeat(2_000_000) };
    const stored = await handle.transactor.commit({ records: [...this.#drawn(drawn), bad] }).then(
      () => true,
      () => false,
    );
    if (stored) throw new Error("A record above every limit was stored");
    handle.usable = false;
  }

  #note(group: string, positions: readonly { topic: string; partition: number; offset: number }[]): void {
    for (const { topic, partition, offset } of positions) {
      this.#offsets.set(`${group} ${topic}/${partition}`, offset);
    }
  }

  async #checkOffsets(): Promise<void> {
    const found = new Map<string, number>();
    for (const id of [0, 1]) {
      const group = `${this.#test.prefix}g${id}`;
      for (
        const { topic, partition, offset } of await this.#test.log.committedOffsets(group, [
          ...this.#test.topics,
        ])
      ) {
        found.set(`${group} ${topic}/${partition}`, offset);
      }
    }
    this.#same("offsets of groups", [...this.#offsets].sort(), [...found].sort());
  }

  async #readAll(): Promise<void> {
    for (const topic of [0, 1]) await this.#read(topic, 0);
  }

  /** Reads a topic from its start, and again from one of its records on. */
  async #read(topic: number, from: number): Promise<void> {
    const name = this.#test.topics[topic]!;
    const ranges = await this.#test.log.ranges([name]);
    const starts = new Map(ranges.map(({ partition, start }) => [partition, start]));
    const whole = await this.#recordsFrom(name, starts);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const kept = this.#kept.get(`${name}/${partition}`) ?? [];
      const found = whole.filter((record) => record.partition === partition);
      this.#same(`records of ${topic}/${partition}`, kept, found.map(contentOf));
      if (found.some(({ offset }, at) => at > 0 && offset <= found[at - 1]!.offset)) {
        throw new Error(`Offsets do not rise: ${found.map(({ offset }) => offset)}`);
      }
      if (found.length === 0) continue;
      const skip = from % found.length;
      const rest = await this.#recordsFrom(name, new Map([[partition, found[skip]!.offset]]));
      this.#same(
        `records of ${topic}/${partition} from the ${skip}th on`,
        kept.slice(skip),
        rest.map(contentOf),
      );
    }
  }

  async #recordsFrom(topic: string, from: ReadonlyMap<number, number>): Promise<LogRecord[]> {
    const positions = Array.from(from, ([partition, offset]) => ({ topic, partition, offset }));
    const reader = await this.#test.log.reader({ positions });
    const records: LogRecord[] = [];
    try {
      const sinceMs = performance.now();
      for (;;) {
        for (const batch of await reader.poll({ maxWaitMs: 5 })) records.push(...batch.records);
        if ((reader.endSeenMs(topic) ?? -Infinity) >= sinceMs) return records;
      }
    } finally {
      await reader.close();
    }
  }

  #same(what: string, expected: unknown, found: unknown): void {
    const [a, b] = [JSON.stringify(expected), JSON.stringify(found)];
    if (a !== b) throw new Error(`${what} are ${b.slice(0, 800)}, the model says ${a.slice(0, 800)}`);
    this.compared += Array.isArray(expected) ? expected.length : 1;
  }
}

function contentOf({ key, value, headers }: LogRecord): Kept {
  return { key, value, ...(headers === undefined || Object.keys(headers).length === 0 ? {} : { headers }) };
}

/** Runs sequences, each on a log that `open` gives, until one shows a difference. */
export async function checkLogModel(
  open: () => Promise<LogUnderTest>,
  options: { runs: number; seed: number; onRun: () => void; signal: AbortSignal },
): Promise<{ compared: number; difference: string | undefined }> {
  let compared = 0;
  const commands = fc.array(command, { minLength: 1, maxLength: 24, size: "max" });
  const property = fc.asyncProperty(commands, async (drawn) => {
    options.signal.throwIfAborted();
    options.onRun();
    const test = await open();
    try {
      const sequence = new Sequence(test);
      await sequence.run(drawn);
      compared += sequence.compared;
    } finally {
      await test.close();
    }
  });
  // A shorter counterexample would take minutes to find; the seed leads back here.
  const details = await fc.check(property, { numRuns: options.runs, seed: options.seed, endOnFailure: true });
  options.signal.throwIfAborted();
  return { compared, difference: differenceOf("log", details) };
}
