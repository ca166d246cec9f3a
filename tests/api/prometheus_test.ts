/** A real Prometheus scrapes the API as `prometheus.yml` says, where there is one on this machine. */

import { deepEqual, equal } from "node:assert/strict";
import { parse, stringify } from "yaml";
import { freePort } from "../../process/free_port.ts";
import { until, withApi } from "./_api_support.ts";

const PROMETHEUS = "prometheus";

function hasPrometheus(): boolean {
  try {
    return new Deno.Command(PROMETHEUS, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

interface Job {
  job_name: string;
  authorization?: { credentials_file: string };
  file_sd_configs?: unknown;
  static_configs?: { targets: string[] }[];
}

Deno.test({
  name: "Prometheus is let in by the token in its file, and not by another",
  ignore: !hasPrometheus(),
  fn: () =>
    withApi(async ({ app }) => {
      const folder = await Deno.makeTempDir({ prefix: "airline-prometheus-" });
      const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
      const config = parse(await Deno.readTextFile(new URL("../../prometheus.yml", import.meta.url))) as {
        global: { scrape_interval: string; scrape_timeout: string };
        scrape_configs: Job[];
        rule_files?: unknown;
      };
      const job = config.scrape_configs.find(({ job_name }) => job_name === "airline_api")!;
      delete job.file_sd_configs;
      job.static_configs = [{ targets: [`127.0.0.1:${server.addr.port}`] }];
      delete config.rule_files;
      config.scrape_configs = [job];
      config.global = { scrape_interval: "200ms", scrape_timeout: "200ms" };
      const tokenFile = `${folder}/${job.authorization!.credentials_file}`;
      await Deno.mkdir(tokenFile.slice(0, tokenFile.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(tokenFile, "none\n");
      await Deno.writeTextFile(`${folder}/prometheus.yml`, stringify(config));
      const port = freePort();
      const prometheus = new Deno.Command(PROMETHEUS, {
        args: [
          `--config.file=${folder}/prometheus.yml`,
          `--storage.tsdb.path=${folder}/data`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        stdout: "null",
        stderr: "null",
      }).spawn();
      const target = async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/api/v1/targets`).catch(() => undefined);
        // Not before it has read its files.
        if (answer?.ok !== true) return void await answer?.body?.cancel();
        const { data } = await answer.json();
        return data.activeTargets[0] as { health: string; lastError: string } | undefined;
      };
      try {
        await until("the API refuses", async () => (await target())?.health === "down");
        equal((await target())!.lastError, "server returned HTTP status 401 Unauthorized");
        await Deno.writeTextFile(tokenFile, "let-me-in\n");
        await until("the API is scraped", async () => (await target())?.health === "up");
        const asked = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=api_db_ok`);
        deepEqual((await asked.json()).data.result[0].value[1], "0");
      } finally {
        prometheus.kill("SIGKILL");
        await prometheus.status;
        await server.shutdown();
        await Deno.remove(folder, { recursive: true });
      }
    }, { token: "let-me-in" }),
});
