/** A part of the pipeline run as a process and measured from outside. */

import { commandFor, PROJECT_DIR, stoppable } from "../scripts/launcher.ts";
import type { PartName } from "../scripts/launcher.ts";

/** A figure's process: what it used while it ran. */
export interface Usage {
  /** Largest resident memory, bytes; 0 where the platform does not tell. */
  residentBytesMax: number;
  /** Processor time of user and system, seconds; 0 where the platform does not tell. */
  cpuSeconds: number;
}

const CLOCK_TICKS_PER_SECOND = 100;

/** What Linux knows of a process; elsewhere all zero. */
function usageOf(pid: number): Usage {
  try {
    const peak = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      residentBytesMax: Number(peak?.[1] ?? 0) * 1024,
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND,
    };
  } catch {
    return { residentBytesMax: 0, cpuSeconds: 0 };
  }
}

/** A running part. */
export class MeasuredProcess {
  readonly #child: Deno.ChildProcess;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #output: Promise<string>;
  #usage: Usage = { residentBytesMax: 0, cpuSeconds: 0 };

  constructor(name: PartName, args: string[], env: Record<string, string>) {
    const command = commandFor(name, args, stoppable(env));
    this.#child = new Deno.Command(Deno.execPath(), {
      args: command.args,
      env: command.env,
      clearEnv: true,
      cwd: PROJECT_DIR,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#output = new Response(this.#child.stdout).text();
    this.#timer = setInterval(() => this.#sample(), 50);
  }

  #sample(): void {
    const usage = usageOf(this.#child.pid);
    if (usage.residentBytesMax > 0) this.#usage = usage;
  }

  /** Waits until it ends; fails where it failed. */
  async exited(): Promise<{ usage: Usage; output: string }> {
    const { code } = await this.#child.status;
    clearInterval(this.#timer);
    const output = await this.#output;
    if (code !== 0) throw new Error(`A measured process ended with exit code ${code}:\n${output}`);
    return { usage: this.#usage, output };
  }

  /** Asks it to drain, waits for its end. */
  async stop(): Promise<Usage> {
    this.#sample();
    await this.#child.stdin.close();
    return (await this.exited()).usage;
  }
}

/** A metric's sum over its labels, or 0 while nothing answers. */
async function metricSum(port: number, name: string): Promise<number> {
  let text: string;
  try {
    text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  } catch {
    return 0;
  }
  let sum = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) {
      sum += Number(line.slice(line.lastIndexOf(" ")));
    }
  }
  return sum;
}

/** Seconds from the first to the last event counted by a metric, until `target` is reached. */
export async function secondsUntil(port: number, metric: string, target: number): Promise<number> {
  const deadlineMs = performance.now() + 600_000;
  let firstMs: number | undefined;
  for (;;) {
    const count = await metricSum(port, metric);
    const nowMs = performance.now();
    if (count > 0) firstMs ??= nowMs - 25;
    if (count >= target) return (nowMs - firstMs!) / 1000;
    if (nowMs > deadlineMs) throw new Error(`${metric} is ${count} after 600 s, expected ${target}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
