/** Processes of the tracker, each under its own permission set, in a folder of their own. */

import { SETTINGS } from "../../process/settings.ts";
import { commandFor, PROJECT_DIR, stoppable } from "../../scripts/launcher.ts";
import type { PartName } from "../../scripts/launcher.ts";

/** A running process. */
export class TrackerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  output = "";

  constructor(name: PartName, args: readonly string[], env: Record<string, string>) {
    const without = Object.fromEntries(
      Object.entries(Deno.env.toObject()).filter(([name]) => !Object.hasOwn(SETTINGS, name)),
    );
    const command = commandFor(name, args, { ...without, ...env });
    this.#child = new Deno.Command(Deno.execPath(), {
      args: command.args,
      env: stoppable(command.env),
      clearEnv: true,
      cwd: PROJECT_DIR,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const collect = async (stream: ReadableStream<Uint8Array>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) this.output += text;
    };
    this.#read = Promise.all([collect(this.#child.stdout), collect(this.#child.stderr)]);
  }

  /** Waits for a text in what it prints. */
  async says(text: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = text.exec(this.output);
      if (found !== null) return found;
      const ended = await Promise.race([
        this.#child.status.then(() => true),
        new Promise<false>((resolve) => setTimeout(() => resolve(false), 20)),
      ]);
      if (ended) {
        await this.#read;
        const last = text.exec(this.output);
        if (last !== null) return last;
        throw new Error(`It ended without saying ${text}:\n${this.output}`);
      }
    }
  }

  /** Lets it drain and end; returns its exit code. */
  async stop(): Promise<number> {
    await this.#child.stdin.close().catch(() => {});
    return await this.#ended();
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended();
    await this.#child.stdin.close().catch(() => {});
  }

  async #ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#read;
    return code;
  }
}
