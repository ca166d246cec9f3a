/** A Prometheus of the tests' own, with the project's configuration, looking at what a test runs. */

import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { freePort } from "../../process/free_port.ts";
import { PROJECT_DIR } from "../../scripts/launcher.ts";
import { eventually } from "../pipeline/_pipeline.ts";

/** The program, where `PROMETHEUS` names one; tests that need it run there only. */
export const PROMETHEUS = Deno.env.get("PROMETHEUS") ?? "";

/** A scrape job of prometheus.yml. */
export interface ScrapeJob {
  job_name: string;
  metrics_path?: string;
  authorization?: { credentials_file: string };
  file_sd_configs: { files: string[] }[];
}

/** What prometheus.yml holds, as far as tests look at it. */
export interface PrometheusConfiguration {
  global: Record<string, string>;
  rule_files: string[];
  scrape_configs: ScrapeJob[];
}

/** The project's prometheus.yml. */
export function prometheusConfiguration(): PrometheusConfiguration {
  return parse(Deno.readTextFileSync(join(PROJECT_DIR, "prometheus.yml")));
}

/** Runs promtool, which lies beside Prometheus, in the project's folder. */
export async function promtool(...args: string[]): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command(join(dirname(PROMETHEUS), "promtool"), {
    args,
    cwd: PROJECT_DIR,
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, output: text(stdout) + text(stderr) };
}

/** A label set with its value, as the HTTP API answers an instant query. */
export interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

/** An alert that is not inactive. */
export interface ActiveAlert {
  labels: Record<string, string>;
  state: "pending" | "firing";
}

/** See {@link startPrometheus}. */
export class RunningPrometheus implements AsyncDisposable {
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  constructor(url: string, child: Deno.ChildProcess, folder: string) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
  }

  async #ask<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}`);
    const answer = await response.json();
    if (answer.status !== "success") throw new Error(`${path}: ${answer.error}`);
    return answer.data as T;
  }

  /** The samples of an instant query. */
  async query(expression: string): Promise<Sample[]> {
    const { result } = await this.#ask<{ result: Sample[] }>(`query?query=${encodeURIComponent(expression)}`);
    return result;
  }

  /** Alerts that are pending or firing. */
  async alerts(): Promise<ActiveAlert[]> {
    return (await this.#ask<{ alerts: ActiveAlert[] }>("alerts")).alerts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/**
 * Starts Prometheus and waits until it is ready.
 *
 * @param targets The address of each job that is looked at; the others have none.
 * @param options `everyMs`: time between two looks and two evaluations. `rules`: text of the rules, default the project's.
 */
export async function startPrometheus(
  targets: Readonly<Record<string, string>>,
  options: { everyMs: number; rules?: string },
): Promise<RunningPrometheus> {
  const folder = await Deno.makeTempDir({ prefix: "airline-prometheus-" });
  const configuration = prometheusConfiguration();
  const every = `${options.everyMs}ms`;
  Object.assign(configuration.global, {
    scrape_interval: every,
    scrape_timeout: every,
    evaluation_interval: every,
  });
  const rules = options.rules ?? await Deno.readTextFile(join(PROJECT_DIR, configuration.rule_files[0]!));
  await Deno.writeTextFile(join(folder, "rules.yml"), rules);
  configuration.rule_files = ["rules.yml"];
  for (const job of configuration.scrape_configs) {
    const address = targets[job.job_name];
    const file = join(folder, `${job.job_name}.yml`);
    await Deno.writeTextFile(file, stringify(address === undefined ? [] : [{ targets: [address] }]));
    job.file_sd_configs = [{ files: [file] }];
    if (job.authorization !== undefined) {
      job.authorization.credentials_file = join(PROJECT_DIR, job.authorization.credentials_file);
    }
  }
  await Deno.writeTextFile(join(folder, "prometheus.yml"), stringify(configuration));
  const address = `127.0.0.1:${freePort()}`;
  const child = new Deno.Command(PROMETHEUS, {
    args: [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=${address}`,
      "--log.level=error",
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const running = new RunningPrometheus(`http://${address}`, child, folder);
  try {
    await eventually("Prometheus is ready", async () => {
      const answer = await fetch(`${running.url}/-/ready`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.ok === true;
    });
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  return running;
}
