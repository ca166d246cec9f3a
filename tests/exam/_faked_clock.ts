/** A wall clock of a process that can be set while it runs, by libfaketime; its steady clock stays as it is. */

/** Where Debian's and other packages put the library. */
const LIBRARIES = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
  "/usr/lib/faketime/libfaketimeMT.so.1",
  "/usr/local/lib/faketime/libfaketimeMT.so.1",
];
/** The library looks for a new setting so often. */
const CACHE_SECONDS = 1;

/** A clock that processes can be started under. */
export class FakedClock {
  readonly #file: string;
  readonly #library: string;

  private constructor(file: string, library: string) {
    this.#file = file;
    this.#library = library;
  }

  /** @param file Holds the setting; the processes read it. */
  static async create(file: string): Promise<FakedClock> {
    for (const library of LIBRARIES) {
      const { isFile } = await Deno.stat(library).catch(() => ({ isFile: false }));
      if (!isFile) continue;
      const clock = new FakedClock(file, library);
      await clock.set(0);
      return clock;
    }
    throw new Error(`libfaketimeMT.so.1 is at none of ${LIBRARIES.join(", ")}`);
  }

  /** The environment of a process that lives by this clock. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: String(CACHE_SECONDS),
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      // What the library shares between processes by default would outlive those that are killed.
      FAKETIME_DISABLE_SHM: "1",
    };
  }

  /** Sets the clock against the true one. Processes that run go by it soon. */
  async set(shiftSeconds: number): Promise<void> {
    await Deno.writeTextFile(`${this.#file}.part`, `${shiftSeconds < 0 ? "" : "+"}${shiftSeconds}\n`);
    await Deno.rename(`${this.#file}.part`, this.#file);
  }

  /** Waits until every process has read the last setting. */
  async taken(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, CACHE_SECONDS * 1000 + 500));
  }
}
