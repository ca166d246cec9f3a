/** compose.yaml against the Compose Specification, and what it starts. How its services run: compose_services_test.ts. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { Ajv } from "ajv";
import { composeFile, overrides } from "./_compose.ts";
import { PROJECT_DIR } from "./_support.ts";

const { $schema: _draft, ...schema } = JSON.parse(
  Deno.readTextFileSync(`${PROJECT_DIR}/tests/fixtures/compose_spec/compose_spec.json`),
);
const fits = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);

function problems(file: unknown): string[] {
  fits(file);
  return (fits.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

Deno.test("compose.yaml is what the Compose Specification allows", () => {
  deepEqual(problems(composeFile()), []);
});

Deno.test("the specification's schema finds a key that there is not, and a value of the wrong kind", () => {
  const file = composeFile();
  Object.assign(file.services.kafka!, { restrat: "always" });
  Object.assign(file.services.redis!, { cap_drop: "ALL" });
  const found = problems(file);
  ok(found.includes("/services/kafka must NOT have additional properties"), found.join());
  ok(found.includes("/services/redis/cap_drop must be array"), found.join());
});

Deno.test("compose.override.yaml takes away the profiles, all of them and nothing else", () => {
  const { services } = composeFile();
  const withProfiles = Object.keys(services).filter((name) => services[name]!.profiles !== undefined);
  deepEqual(overrides(), Object.fromEntries(withProfiles.map((name) => [name, ["profiles"]])));
});

/** The services that are started: all, or those of a profile and those without one. */
function started(profile: string): string[] {
  const { services } = composeFile();
  return Object.keys(services).filter((name) =>
    profile === "all" || (services[name]!.profiles ?? [profile]).includes(profile)
  );
}

for (const profile of ["all", "pipeline", "viewers", "tracker"]) {
  Deno.test(`docker compose up --wait comes to a good end with ${profile}`, () => {
    const { services } = composeFile();
    const names = started(profile);
    const running = names.filter((name) => services[name]!.restart !== "no");
    for (const name of names) {
      const needs = Object.keys(services[name]!.depends_on ?? {});
      deepEqual(needs.filter((needed) => !names.includes(needed)), [], `${name} needs what is not started`);
      if (running.includes(name)) continue;
      // Compose takes a container that ended for a failure unless one that runs on waited for its success.
      const waits = running.filter((other) =>
        services[other]!.depends_on?.[name]?.condition === "service_completed_successfully"
      );
      ok(waits.length > 0, `nobody waits for ${name}`);
    }
    ok(names.includes("prometheus") && names.includes("grafana"));
  });
}

Deno.test("the three profiles share engines and monitoring, and each has its own processes", () => {
  const own = (profile: string) => started(profile).filter((name) => composeFile().services[name]!.profiles);
  equal(new Set(["pipeline", "viewers", "tracker"].flatMap(own)).size, Object.keys(overrides()).length);
  deepEqual(own("tracker"), ["service-registry", "flightdata-service", "llm-summary-service", "api-gateway"]);
  deepEqual(own("viewers"), ["migrate", "producer", "viewer-metrics", "api"]);
});

Deno.test("Grafana gets its data sources and dashboards, and every variable that they name", () => {
  const { volumes, environment } = composeFile().services.grafana as unknown as {
    volumes: string[];
    environment: Record<string, string>;
  };
  const read = (path: string) => Deno.readTextFileSync(`${PROJECT_DIR}/monitoring/grafana/${path}`);
  ok(volumes.includes("./monitoring/grafana/provisioning:/etc/grafana/provisioning:ro"));
  const path = /path: (\S+)/.exec(read("provisioning/dashboards/airline.yml"))![1]!;
  ok(volumes.includes(`./monitoring/grafana/dashboards:${path}:ro`));
  const named = [...read("provisioning/datasources/airline.yml").matchAll(/\$(\w+)/g)].map(([, name]) =>
    name!
  );
  deepEqual(named.filter((name) => environment[name] === undefined), []);
});
