/** The file that a replay writes: it appears whole, or not at all. */

import { basename, dirname, join } from "node:path";
import { OperatorError } from "../process/run_process.ts";

const GATHERED_MAX = 256 * 1024;

/** Lines on their way to a file or to standard output. */
export class ReplayOutput {
  /** `undefined` is standard output. */
  readonly file: string | undefined;
  readonly #temporary: string | undefined;
  readonly #target: { writeSync(bytes: Uint8Array): number };
  readonly #close: () => void;
  readonly #encoder = new TextEncoder();
  #lines: string[] = [];
  #units = 0;
  #read = true;
  #finished = false;

  constructor(
    file: string | undefined,
    temporary: string | undefined,
    target: Deno.FsFile | typeof Deno.stdout,
  ) {
    this.file = file;
    this.#temporary = temporary;
    this.#target = target;
    this.#close = () => temporary === undefined ? undefined : target.close();
  }

  /** Adds one line. */
  write(value: string): void {
    this.#lines.push(value);
    this.#units += value.length;
    if (this.#units >= GATHERED_MAX) this.#flush();
  }

  /** Writes what is left and puts the file in its place. */
  async finish(): Promise<void> {
    this.#flush();
    this.#finished = true;
    if (this.#temporary === undefined) return;
    this.#close();
    await Deno.rename(this.#temporary, this.file!);
  }

  /** Removes what was written, unless it is finished. */
  async discard(): Promise<void> {
    if (this.#finished) return;
    this.#finished = true;
    if (this.#temporary === undefined) return;
    this.#close();
    await Deno.remove(this.#temporary);
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    const bytes = this.#encoder.encode(`${this.#lines.join("\n")}\n`);
    this.#lines = [];
    this.#units = 0;
    try {
      for (let at = 0; this.#read && at < bytes.length;) at += this.#target.writeSync(bytes.subarray(at));
    } catch (error) {
      // A reader that closed its end of the pipe (`| head`) is no fault of ours.
      if (error instanceof Deno.errors.BrokenPipe) this.#read = false;
      else {throw new OperatorError(`Cannot write "${this.file ?? "-"}": ${(error as Error).message}`, {
          cause: error,
        });}
    }
  }
}

/**
 * Opens `file`, or standard output for `-`.
 *
 * @throws {OperatorError} when it cannot be written.
 */
export async function openOutput(file: string): Promise<ReplayOutput> {
  if (file === "-") return new ReplayOutput(undefined, undefined, Deno.stdout);
  const temporary = join(dirname(file), `.${basename(file)}.${crypto.randomUUID().slice(0, 8)}.tmp`);
  try {
    return new ReplayOutput(file, temporary, await Deno.open(temporary, { write: true, createNew: true }));
  } catch (error) {
    throw new OperatorError(`Cannot write --out "${file}": ${(error as Error).message}`, { cause: error });
  }
}
