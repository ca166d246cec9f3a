/**
 * What the processes below `start` and `tracker` print, kept: `data/logs/<process>.ndjson`, a JSON object a line, and
 * the part before it in `<process>.1.ndjson`. Both together stay bounded.
 *
 * @module
 */

import { join } from "node:path";
import { jsonLine, parseJsonLine } from "../process/log_line.ts";
import type { LogMessage } from "../process/log_line.ts";

/** Bytes of one file; a process has two. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

interface OpenFile {
  file: Deno.FsFile;
  bytes: number;
}

function fileName(process: string): string {
  return `${process}.ndjson`;
}

function olderName(process: string): string {
  return `${process}.1.ndjson`;
}

/** Writes the files. One writer per process's name. */
export class LogFiles {
  readonly #folder: string;
  readonly #bytesMax: number;
  readonly #onError: (error: Error) => void;
  readonly #files = new Map<string, OpenFile>();
  #failing = false;

  constructor(folder: string, options: { bytesMax?: number; onError?: (error: Error) => void } = {}) {
    this.#folder = folder;
    this.#bytesMax = options.bytesMax ?? FILE_BYTES_MAX;
    this.#onError = options.onError ?? (() => {});
  }

  /** Writes a message. A disk that fails is told once, and never stops the work. */
  write(message: LogMessage): void {
    try {
      const bytes = new TextEncoder().encode(jsonLine(message));
      let open = this.#files.get(message.process) ?? this.#open(message.process);
      if (open.bytes > 0 && open.bytes + bytes.length > this.#bytesMax) {
        open.file.close();
        this.#files.delete(message.process);
        Deno.renameSync(this.#path(fileName(message.process)), this.#path(olderName(message.process)));
        open = this.#open(message.process);
      }
      for (let at = 0; at < bytes.length;) at += open.file.writeSync(bytes.subarray(at));
      open.bytes += bytes.length;
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#onError(error as Error);
      this.#failing = true;
    }
  }

  close(): void {
    for (const { file } of this.#files.values()) file.close();
    this.#files.clear();
  }

  #open(process: string): OpenFile {
    const file = Deno.openSync(this.#path(fileName(process)), { append: true, create: true });
    const open = { file, bytes: file.statSync().size };
    this.#files.set(process, open);
    return open;
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

const KEPT = /^(.+?)(?:\.1)?\.ndjson$/;

/** The processes that a folder holds messages of, sorted; none where there is no such folder. */
export async function loggedProcesses(folder: string): Promise<string[]> {
  const names = new Set<string>();
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      const process = KEPT.exec(name)?.[1];
      if (isFile && process !== undefined) names.add(process);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return [...names].sort();
}

/** Reads what was written since the last call; the first reads all that is kept. */
export class LogFileReader {
  readonly #folder: string;
  readonly #process: string;
  #inode: number | null | undefined;
  #offset = 0;
  #rest = "";

  constructor(folder: string, process: string) {
    this.#folder = folder;
    this.#process = process;
  }

  async read(): Promise<LogMessage[]> {
    const path = join(this.#folder, fileName(this.#process));
    const older = join(this.#folder, olderName(this.#process));
    let text = "";
    const current = await Deno.stat(path).catch(() => undefined);
    if (this.#inode === undefined) text += await textFrom(older, 0);
    else if (current?.ino !== this.#inode || current.size < this.#offset) {
      // The file that was read has become the older one: its end first.
      text += await textFrom(older, this.#offset);
      this.#offset = 0;
    }
    this.#inode = current?.ino ?? null;
    const news = await bytesFrom(path, this.#offset);
    this.#offset += news.length;
    text = this.#rest + text + new TextDecoder().decode(news);
    const lines = text.split("\n");
    this.#rest = lines.pop()!;
    return lines.map(parseJsonLine).filter((message) => message !== undefined);
  }
}

async function textFrom(path: string, offset: number): Promise<string> {
  return new TextDecoder().decode(await bytesFrom(path, offset));
}

async function bytesFrom(path: string, offset: number): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path, { read: true });
    const { size } = await file.stat();
    if (size <= offset) return new Uint8Array();
    await file.seek(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(size - offset);
    let at = 0;
    while (at < bytes.length) {
      const count = await file.read(bytes.subarray(at));
      if (count === null) break;
      at += count;
    }
    return bytes.subarray(0, at);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}
