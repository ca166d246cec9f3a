/** Results as they come, in a file, so that a run that was stopped goes on: one JSON line a replication. */

import type { ReplicationResult } from "./replication.ts";

/** Results by replication. */
export class ResultFile {
  readonly results = new Map<number, ReplicationResult>();
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Opens a file and reads what is there; a line that was cut off is left out. */
  static async open(path: string): Promise<ResultFile> {
    const text = await Deno.readTextFile(path).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    });
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole !== text) await Deno.writeTextFile(path, whole);
    const results = new ResultFile(await Deno.open(path, { append: true, create: true }));
    for (const line of whole.split("\n")) {
      if (line === "") continue;
      const result = JSON.parse(line) as ReplicationResult;
      results.results.set(result.replication, result);
    }
    return results;
  }

  /** Keeps a result. */
  add(result: ReplicationResult): void {
    this.results.set(result.replication, result);
    const bytes = new TextEncoder().encode(`${JSON.stringify(result)}\n`);
    for (let written = 0; written < bytes.length;) written += this.#file.writeSync(bytes.subarray(written));
  }

  /** The first `count` replications, in their order; all must be there. */
  first(count: number): ReplicationResult[] {
    return Array.from({ length: count }, (_, replication) => this.results.get(replication)!);
  }

  close(): void {
    this.#file.close();
  }
}
