/** The files beside the code that name the same things: .env.example, compose.yaml, Dockerfile, prometheus.yml. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parse } from "yaml";
import { SETTINGS } from "../../process/settings.ts";
import { PARTS } from "../../scripts/launcher.ts";
import { parseSettings } from "../../scripts/env_file.ts";
import { PROJECT_DIR } from "./_support.ts";

const read = (path: string) => Deno.readTextFileSync(`${PROJECT_DIR}/${path}`);

/** Names that only compose.yaml reads. */
const COMPOSE_NAMES = ["GRAFANA_PASSWORD", "POSTGRES_PASSWORD", "KAFKA_PORT", "POSTGRES_PORT", "REDIS_PORT"];
/** Made and built by compose itself. */
const OWN_IMAGE = "airline-analytics:local";

interface Service {
  image: string;
  command?: string[];
  profiles?: string[];
  ports?: string[];
  user?: string;
  read_only?: boolean;
  restart?: string;
  cap_drop?: string[];
  security_opt?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  deploy?: { resources: { limits: { cpus: string; memory: string } } };
}
const compose = parse(read("compose.yaml"), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, null>;
};
const services = Object.entries(compose.services);

Deno.test(".env.example documents every setting, each with a comment above and all commented out", () => {
  const text = read(".env.example");
  deepEqual({ ...parseSettings(text, ".env.example") }, {});
  const names = [...text.matchAll(/^#([A-Z_]+)=/gm)].map((found) => found[1]!);
  deepEqual(names.toSorted(), [...Object.keys(SETTINGS), ...COMPOSE_NAMES].sort());
  for (const block of text.split("\n\n")) {
    if (/^#[A-Z_]+=/m.test(block)) match(block, /^# [A-Z]/, `without a comment: ${block}`);
  }
});

Deno.test(".env.example shows the defaults", () => {
  const shown = new Map(
    [...read(".env.example").matchAll(/^#([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
  for (const [name, spec] of Object.entries(SETTINGS)) {
    if ("default" in spec) equal(shown.get(name), spec.default, name);
  }
});

for (const [name, service] of services) {
  Deno.test(`compose.yaml runs ${name} pinned, limited, on loopback and without privileges`, () => {
    match(service.image, /^[\w./-]+:(\d+\.\d+|v\d+\.\d+\.\d+|local)/);
    ok(!service.image.endsWith(":latest"));
    for (const port of service.ports ?? []) match(port, /^127\.0\.0\.1:/);
    ok(service.deploy?.resources.limits.memory && service.deploy.resources.limits.cpus);
    deepEqual(service.cap_drop, ["ALL"]);
    deepEqual(service.security_opt, ["no-new-privileges:true"]);
    for (const volume of service.volumes ?? []) {
      const [source] = volume.split(":", 1);
      ok(source!.startsWith("./") || source! in compose.volumes, volume);
    }
    if (service.restart === "no") return;
    ok(service.healthcheck !== undefined, "runs on without a health check");
  });

  Deno.test(`compose.yaml starts ${name} once what it needs is ready`, () => {
    for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
      const runsOnce = compose.services[needed]!.restart === "no";
      equal(condition, runsOnce ? "service_completed_successfully" : "service_healthy", needed);
    }
  });

  if (service.image === OWN_IMAGE) {
    Deno.test(`compose.yaml gives ${name} a known part, known settings and a read-only root`, () => {
      ok(service.command!.length >= 1 && Object.hasOwn(PARTS, service.command![0]!));
      equal(service.read_only, true);
      deepEqual(Object.keys(service.environment!).filter((setting) => !Object.hasOwn(SETTINGS, setting)), []);
    });
  }
}

Deno.test("compose.yaml lets the ETL read the raw events and not write them", () => {
  ok(compose.services["etl-runner"]!.volumes!.includes("lake-raw:/app/lake/raw:ro"));
});

Deno.test("compose.yaml has no secret but the documented local defaults", () => {
  const text = read("compose.yaml").replaceAll(/\$\{[A-Z_]+:-(airline)?\}/g, "");
  deepEqual([...text.matchAll(/(?:PASSWORD|SECRET|KEY): *(\S+)/g)].map((found) => found[1]), []);
});

Deno.test("the Dockerfile is pinned, not root, installs as locked and prepares every part's script", () => {
  const text = read("Dockerfile");
  match(text, /^FROM denoland\/deno:2\.9\.6$/m);
  match(text, /^USER deno$/m);
  match(text, /deno install --frozen/);
  const scripts = services.filter(([, { image }]) => image === OWN_IMAGE)
    .map(([, { command }]) => PARTS[command![0] as keyof typeof PARTS].script);
  const prepared = (script: string) =>
    text.includes(/^scripts\/\w+\.ts$/.test(script) ? "scripts/*.ts" : script);
  for (const script of scripts) ok(prepared(script), script);
  match(read(".dockerignore"), /^\.env$/m);
});

const JOBS: [string, string, string][] = [
  ["airline_producer", "producer", "8001"],
  ["airline_consumer", "consumer", "8002"],
  ["airline_lake_writer", "lake", "8003"],
  ["airline_etl", "etl-runner", "8004"],
  ["airline_viewer_metrics", "viewer-metrics", "8005"],
  ["airline_api", "api", "8000"],
  ["airline_verify", "verify", "8006"],
  ["api-gateway", "api-gateway", "8080"],
  ["flightdata-service", "flightdata-service", "8081"],
  ["llm-summary-service", "llm-summary-service", "8082"],
  ["service-registry", "service-registry", "8761"],
];

for (const [job, service, port] of JOBS) {
  Deno.test(`prometheus.yml scrapes ${job} on the laptop and in compose`, () => {
    const jobs = parse(read("prometheus.yml")).scrape_configs as {
      job_name: string;
      file_sd_configs: { files: string[] }[];
    }[];
    const file = jobs.find(({ job_name }) => job_name === job)!.file_sd_configs[0]!.files[0]!;
    deepEqual(parse(read(file)), [{ targets: [`127.0.0.1:${port}`] }]);
    deepEqual(parse(read(file.replace("laptop", "compose"))), [{ targets: [`${service}:${port}`] }]);
    ok(compose.services[service]!.ports!.includes(`127.0.0.1:${port}:${port}`));
    const mounted = compose.services.prometheus!.volumes!;
    ok(mounted.includes("./monitoring/targets/compose:/etc/prometheus/monitoring/targets/laptop:ro"));
  });
}

Deno.test("compose.yaml starts the tracker on demand: each service listens, is found and is asked where the others look", () => {
  for (
    const name of ["service-registry", "flightdata-service", "llm-summary-service", "api-gateway"] as const
  ) {
    const { profiles, command, environment, ports, healthcheck } = compose.services[name]!;
    deepEqual(profiles, ["tracker"]);
    deepEqual(command!.slice(0, 4), [name, "--host", "0.0.0.0", "--insecure"]);
    const port = PARTS[name].servicePort;
    deepEqual(ports, [`127.0.0.1:${port}:${port}`]);
    ok(healthcheck!.test.join(" ").includes(`http://127.0.0.1:${port}/actuator/health`));
    // Others ask by the container's name, which the registry gives them.
    equal(command![command!.indexOf("--allow-host") + 1], name);
    if (name !== "service-registry") equal(command![command!.indexOf("--advertise") + 1], name);
    const { port: registryPort } = new URL(environment!.SERVICE_REGISTRY_URL!);
    equal(registryPort, String(PARTS["service-registry"].servicePort));
  }
  const { TRACKER_INSTANCES } = compose.services["api-gateway"]!.environment!;
  deepEqual(TRACKER_INSTANCES!.split(","), ["flightdata-service:8081", "llm-summary-service:8082"]);
  equal(compose.services.api!.environment!.TRACKER_URL, "http://api-gateway:8080");
  const jobs = parse(read("prometheus.yml")).scrape_configs as { job_name: string; metrics_path?: string }[];
  for (const job of ["api-gateway", "flightdata-service", "llm-summary-service", "service-registry"]) {
    equal(jobs.find(({ job_name }) => job_name === job)!.metrics_path, "/actuator/prometheus");
  }
});

Deno.test("every task has a description, and every part has a task", () => {
  const { tasks } = JSON.parse(read("deno.json")) as {
    tasks: Record<string, { description: string; command: string }>;
  };
  for (const [name, task] of Object.entries(tasks)) ok(task.description.length > 10, name);
  for (const part of Object.keys(PARTS)) {
    match(tasks[part]!.command, new RegExp(`scripts/launch\\.ts ${part}$`));
  }
});
