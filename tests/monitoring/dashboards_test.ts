/** The dashboards: stable, and each panel has something to show of a system under load. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { parse } from "yaml";
import { freePort } from "../../process/free_port.ts";
import { PROJECT_DIR } from "../../scripts/launcher.ts";
import { openWarehouse } from "../../warehouse/connect.ts";
import { eventually, pipelineTest } from "../pipeline/_pipeline.ts";
import type { Pipeline } from "../pipeline/_pipeline.ts";
import { AEROAPI_FLIGHT, aeroApiAnswer, stubServer } from "../tracker/_tracker_support.ts";
import { dashboards, filledPromQl, filledSql } from "./_dashboards.ts";
import { PROMETHEUS, startPrometheus } from "./_prometheus.ts";

const read = (path: string) => Deno.readTextFileSync(`${PROJECT_DIR}/${path}`);
const RATE_INTERVAL = "20s";

Deno.test("the dashboards keep their addresses, and their panels neither overlap nor share an id", () => {
  deepEqual(dashboards().map(({ file, uid }) => `${file} ${uid}`), [
    "pipeline.json airline-pipeline",
    "revenue.json airline-revenue",
    "tracker.json airline-tracker",
  ]);
  for (const { panels, title } of dashboards()) {
    equal(new Set(panels.map(({ id }) => id)).size, panels.length, title);
    const taken = new Map<string, string>();
    for (const { gridPos: { x, y, w, h }, title: panel } of panels) {
      ok(x + w <= 24, panel);
      for (let row = y; row < y + h; row++) {
        for (let column = x; column < x + w; column++) {
          const place = `${row}/${column}`;
          equal(taken.get(place), undefined, `${panel} lies on ${taken.get(place)}`);
          taken.set(place, panel);
        }
      }
    }
  }
});

Deno.test("every panel and variable asks a data source that is provisioned, under its fixed id", () => {
  const { datasources } = parse(read("monitoring/grafana/provisioning/datasources/airline.yml")) as {
    datasources: { uid: string; type: string }[];
  };
  const known = datasources.map(({ uid, type }) => `${uid} ${type}`);
  deepEqual(known, ["airline-prometheus prometheus", "airline-warehouse grafana-postgresql-datasource"]);
  for (const { panels, templating } of dashboards()) {
    const targets = panels.flatMap(({ targets = [] }) => targets);
    ok(targets.length > 10);
    for (
      const { datasource, expr, rawSql } of [
        ...targets,
        ...templating.list.map((variable) => ({
          ...variable,
          expr: undefined,
          rawSql: variable.query,
        })),
      ]
    ) {
      ok(known.includes(`${datasource.uid} ${datasource.type}`));
      equal(datasource.uid === "airline-prometheus", expr !== undefined);
      equal(datasource.uid === "airline-warehouse", rawSql !== undefined);
    }
  }
});

/** Everything that the dashboards show, as processes; returns where Prometheus finds it. */
async function startEverything(pipeline: Pipeline, aeroApi: string): Promise<{
  targets: Record<string, string>;
  gateway: string;
  api: string;
}> {
  const targets: Record<string, string> = {};
  const port = (job: string) => {
    const free = freePort();
    targets[job] = `127.0.0.1:${free}`;
    return String(free);
  };
  const metrics = (job: string) => ["--metrics-port", port(job)];
  if (pipeline.pair === "real") equal((await pipeline.run("warehouse")).code, 0);
  else await pipeline.start("warehouse").says(pipeline.env.WAREHOUSE_PORT!);
  const small = ["--backfill", "3d", "--flights-per-day", "6", "--speed", "60", "--seed", "3"];
  pipeline.start("producer", [...metrics("airline_producer"), ...small]);
  pipeline.start("consumer", metrics("airline_consumer"));
  pipeline.start("lake", [...metrics("airline_lake_writer"), "--seal-age", "1s"]);
  pipeline.start("viewer-metrics", metrics("airline_viewer_metrics"));
  pipeline.start("etl-runner", [...metrics("airline_etl"), "--first-after", "1s", "--every", "3s"]);
  pipeline.start("api", ["--port", port("airline_api"), "--access-log", "none"], {
    PIPELINE_PROCESSES: "none",
  });
  pipeline.start("verify", [...metrics("airline_verify"), "--every", "5s"]);
  const registry = port("service-registry");
  const service = port("flightdata-service");
  const tracker = {
    SERVICE_REGISTRY_URL: `http://127.0.0.1:${registry}/eureka`,
    TRACKER_INSTANCES: `127.0.0.1:${service}`,
    FLIGHTAWARE_API_KEY: "k",
    FLIGHTAWARE_BASE_URL: aeroApi,
  };
  pipeline.start("service-registry", ["--port", registry], tracker);
  pipeline.start("flightdata-service", ["--port", service], tracker);
  pipeline.start("api-gateway", ["--port", port("api-gateway")], tracker);
  // Something for every part to refuse.
  await pipeline.append([
    { topic: "bookings", key: "UA1_2026-01-01", value: "{" },
    { topic: "stream.events", key: "s", value: "{" },
  ]);
  return { targets, gateway: `http://${targets["api-gateway"]}`, api: `http://${targets.airline_api}` };
}

/** Asks now and then until told to stop; what is not there yet does not matter. */
function askFor(urls: (count: number) => readonly string[]): { stop(): Promise<void> } {
  let stopped = false;
  let count = 0;
  const running = (async () => {
    while (!stopped) {
      await Promise.all(
        urls(count++).map(async (url) => await (await fetch(url)).body?.cancel()).map((asked) =>
          asked.catch(() => {})
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await running;
    },
  };
}

if (PROMETHEUS !== "") {
  pipelineTest("every question of every panel is answered with data, under load", async (pipeline) => {
    await using aeroApi = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
    const { targets, gateway, api } = await startEverything(pipeline, aeroApi.url);
    await using prometheus = await startPrometheus(targets, { everyMs: 1000 });
    // Each flight twice, so that one answer is from the cache.
    const load = askFor((count) => [
      `${gateway}/api/v1/flight/UA${1000 + Math.floor(count / 2)}`,
      `${api}/flights?limit=5`,
    ]);
    const embedded = pipeline.pair === "embedded";
    const url = pipeline.env.DATABASE_URL ||
      `postgres://airline:airline@127.0.0.1:${pipeline.env.WAREHOUSE_PORT}/airline_dw`;
    const warehouse = await openWarehouse({
      url,
      embedded,
      applicationName: "airline-dashboards-test",
      max: 1,
    });
    const rows = async (text: string) => await warehouse.sql.unsafe(text) as Record<string, unknown>[];
    try {
      const questions = dashboards().flatMap(({ title, time, panels, templating }) =>
        panels.flatMap((panel) =>
          (panel.targets ?? []).map((target) => ({ title, time, panel, target, templating }))
        )
      );
      let missing = questions;
      await eventually(
        "all panels have data",
        async () => {
          const still = [];
          for (const question of missing) {
            const { time, target, templating } = question;
            if (target.expr !== undefined) {
              const samples = await prometheus.query(filledPromQl(target.expr, RATE_INTERVAL));
              // What is divided by nothing is no data.
              if (!samples.some(({ value }) => Number.isFinite(Number(value[1])))) still.push(question);
              continue;
            }
            const variables: Record<string, string> = {};
            for (const { name, query } of templating.list) {
              variables[name] = String(Object.values((await rows(query))[0] ?? {})[0] ?? "");
            }
            const found = await rows(filledSql(target.rawSql!, time.from, variables));
            if (!found.some((row) => Object.values(row).some((value) => value !== null))) {
              still.push(question);
            }
          }
          missing = still;
          return missing.length === 0;
        },
        150_000,
        () =>
          missing.map(({ title, panel, target }) =>
            `${title}: ${panel.title} ${target.expr ?? target.rawSql}`
          )
            .join("\n") + `\n${pipeline.output()}`,
      );
    } finally {
      await warehouse.close();
      await load.stop();
    }
  });
}
