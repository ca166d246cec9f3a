/**
 * Raw lines that no table can take, kept whole with their reason in `lake/rejected/<topic>.ndjson`, each once:
 * a run appends behind the length that the state names, so what a crashed run left is written over.
 *
 * @module
 */

import { onStorage, syncFolder, writeAll } from "../lake/durable_files.ts";

/** One line of `lake/rejected/<topic>.ndjson`. */
export interface RejectedLine {
  topic: string;
  /** The raw file's name. */
  file: string;
  /** Where the line begins in it. */
  byte: number;
  /** A short stable word to count by; see `events/event_error.ts`. */
  reason: string;
  message: string;
  /** The line as it is; cut off after 64 Ki characters. */
  line: string;
  /** The line's bytes, where they are not UTF-8. */
  line_base64?: string;
}

/** Characters of a rejected line that are kept. */
export const REJECTED_LINE_CHARACTERS = 64 * 1024;

/** Writes the rejected lines of one topic during one run. */
export class RejectedLines {
  /** How many, by reason. */
  readonly counts = new Map<string, number>();
  readonly #folder: string;
  readonly #topic: string;
  #bytes: number;
  #file: Deno.FsFile | undefined;
  #pending: string[] = [];
  #pendingCharacters = 0;

  /** @param bytes Length of the topic's file by the state; a longer tail is dropped. */
  constructor(folder: string, topic: string, bytes: number) {
    this.#folder = folder;
    this.#topic = topic;
    this.#bytes = bytes;
  }

  /** Takes a line; it is on disk after {@link commit}. */
  async add(line: RejectedLine): Promise<void> {
    this.counts.set(line.reason, (this.counts.get(line.reason) ?? 0) + 1);
    const text = JSON.stringify(line);
    this.#pending.push(text);
    this.#pendingCharacters += text.length;
    if (this.#pendingCharacters > 1024 * 1024) await this.#flush();
  }

  /** Where the lines end now, for {@link RejectedLines.rollback}. */
  async mark(): Promise<{ bytes: number; counts: Map<string, number> }> {
    await this.#flush();
    return { bytes: this.#bytes, counts: new Map(this.counts) };
  }

  /** Drops the lines that were taken since `mark`. */
  async rollback(mark: { bytes: number; counts: Map<string, number> }): Promise<void> {
    this.#pending = [];
    this.#pendingCharacters = 0;
    this.counts.clear();
    for (const [reason, count] of mark.counts) this.counts.set(reason, count);
    if (mark.bytes === this.#bytes) return;
    this.#bytes = mark.bytes;
    await this.#stored(async () => {
      await this.#file!.truncate(mark.bytes);
      await this.#file!.seek(mark.bytes, Deno.SeekMode.Start);
    });
  }

  /** Makes all lines durable; returns the file's length, for the state. */
  async commit(): Promise<number> {
    await this.#flush();
    if (this.#file !== undefined || await this.#hasTail()) {
      await this.#stored(async () => {
        await (await this.#opened()).sync();
        await syncFolder(this.#folder);
      });
    }
    return this.#bytes;
  }

  async #flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const bytes = new TextEncoder().encode(`${this.#pending.join("\n")}\n`);
    await this.#stored(async () => writeAll(await this.#opened(), bytes));
    this.#bytes += bytes.length;
    this.#pending = [];
    this.#pendingCharacters = 0;
  }

  /** The file, open at the end of what counts. */
  async #opened(): Promise<Deno.FsFile> {
    if (this.#file === undefined) {
      await Deno.mkdir(this.#folder, { recursive: true });
      this.#file = await Deno.open(this.#path, { write: true, create: true });
      const { size } = await this.#file.stat();
      // Someone may have cleared the file away: then it begins anew.
      this.#bytes = Math.min(this.#bytes, size);
      await this.#file.truncate(this.#bytes);
      await this.#file.seek(this.#bytes, Deno.SeekMode.Start);
    }
    return this.#file;
  }

  /** Whether the file is longer than what counts: a crashed run wrote it, or all is built anew. */
  async #hasTail(): Promise<boolean> {
    try {
      return (await Deno.stat(this.#path)).size > this.#bytes;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  get #path(): string {
    return `${this.#folder}/${this.#topic}.ndjson`;
  }

  #stored<T>(work: () => Promise<T>): Promise<T> {
    return onStorage("write rejected lines to", this.#path, work);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
