/** Long-running parts as `deno task start` keeps them: started again by its own rules, and asked whether they are ready. */

import { RestartPolicy } from "../../scripts/_restart_policy.ts";
import type { PartName } from "../../scripts/launcher.ts";
import { freePort } from "../pipeline/_pipeline.ts";
import type { ExamPipeline, Part } from "./_exam_pipeline.ts";

const REQUEST_MS_MAX = 5000;

/** One part that is kept running. */
export class SupervisedPart {
  readonly name: PartName;
  /** Set once `deno task start` would have ended everything. */
  gaveUp = false;
  readonly #pipeline: ExamPipeline;
  readonly #args: readonly string[];
  readonly #port = freePort();
  readonly #policy = new RestartPolicy();
  #part: Part;
  #stopping = false;
  #over: Promise<void>;

  constructor(pipeline: ExamPipeline, name: PartName, args: readonly string[]) {
    this.#pipeline = pipeline;
    this.name = name;
    this.#args = [...args, "--metrics-port", String(this.#port)];
    this.#part = this.#start();
    this.#over = this.#keep();
  }

  /** What the running one has printed. */
  get output(): string {
    return this.#part.output;
  }

  #start(): Part {
    return this.#pipeline.start(this.name, [...this.#args]);
  }

  async #keep(): Promise<void> {
    for (;;) {
      const startedMs = performance.now();
      const code = await this.#part.exited();
      if (this.#stopping) return;
      const verdict = this.#policy.ended(performance.now() - startedMs, code);
      if ("giveUp" in verdict) {
        this.gaveUp = true;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, verdict.restartAfterMs));
      if (this.#stopping || this.#pipeline.closed) return;
      this.#part = this.#start();
    }
  }

  /** Whether `/readyz` says so; not while the process is away. */
  async isReady(): Promise<boolean> {
    const response = await this.#get("readyz");
    return response?.status === 200;
  }

  /** A sample of `/metrics`; `undefined` while it cannot be had. */
  async metric(name: string): Promise<number | undefined> {
    const response = await this.#get("metrics");
    const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(response?.text ?? "")?.[1];
    return value === undefined ? undefined : Number(value);
  }

  async #get(page: string): Promise<{ status: number; text: string } | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#port}/${page}`, {
        signal: AbortSignal.timeout(REQUEST_MS_MAX),
      });
      return { status: response.status, text: await response.text() };
    } catch {
      return undefined;
    }
  }

  /** Lets it be: once it is killed it is not started again. */
  abandon(): void {
    this.#stopping = true;
  }

  /** Asks it to drain; returns its exit code, `undefined` where it had ended before. */
  async stop(): Promise<number | undefined> {
    this.#stopping = true;
    const code = this.gaveUp ? undefined : await this.#part.stop();
    await this.#over;
    return code;
  }
}
