/**
 * What the permission sets of deno.json let through, tried under each set as it stands, with the default engines.
 * Paths are tried without changing anything of the project: writing is tried below folders that do not exist.
 */

import { deepEqual, equal } from "node:assert/strict";
import { PROJECT_DIR } from "./_support.ts";

const LOG = ["data/event_log.sqlite", "data/event_log.sqlite-wal"];
const KAFKA_SECRET = "env:KAFKA_SASL_PASSWORD";
const FOREIGN = "env:AWS_SECRET_ACCESS_KEY";

/** What every part is denied. */
const NEVER = [
  "run:deno",
  "sys:osRelease",
  "read:.env",
  "read:deno.json",
  "read:/etc/passwd",
  "write:.probe",
  "write:producer/.probe",
  "write:node_modules/.probe",
  "connect:192.0.2.1:443",
  "connect:127.0.0.1:22",
  "listen:0.0.0.0:8001",
  FOREIGN,
];
const FFI = "ffi:node_modules/x.node";
const NO_FFI = [FFI, "ffi:x.node"];
const NO_LAKE = [
  "read:lake/raw/bookings",
  "write:lake/raw/none/.probe",
  "read:lake/gold",
  "write:lake/gold/none/.probe",
];
const NO_WAREHOUSE = [
  "read:data/warehouse",
  "write:data/warehouse/none/.probe",
  "connect:127.0.0.1:5433",
  "env:DATABASE_URL",
];
const NO_LOG = ["read:data/event_log.sqlite", "write:data/none/.probe", KAFKA_SECRET];
const USES_LOG = [...LOG.map((file) => `read:${file}`), "write:data/none/.probe", KAFKA_SECRET];

// set, allowed, denied beside NEVER
const SETS: Record<string, { allowed: string[]; denied: string[] }> = {
  producer: {
    allowed: [...USES_LOG, "read:producer/data/flights.csv", "listen:127.0.0.1:0", "connect:127.0.0.1:8001"],
    denied: [...NO_FFI, ...NO_LAKE, ...NO_WAREHOUSE, "connect:127.0.0.1:8002", "env:LAKE_DIR"],
  },
  consumer: {
    allowed: [...USES_LOG, "listen:127.0.0.1:0", "connect:127.0.0.1:8002"],
    denied: [
      ...NO_FFI,
      ...NO_LAKE,
      ...NO_WAREHOUSE,
      "read:producer/data/flights.csv",
      "connect:127.0.0.1:8001",
    ],
  },
  "viewer-metrics": {
    allowed: [
      ...USES_LOG,
      "listen:127.0.0.1:0",
      "connect:127.0.0.1:8005",
      "connect:127.0.0.1:5433",
      "env:DATABASE_URL",
      "env:REALTIME_DATABASE_URL",
    ],
    denied: [
      ...NO_FFI,
      ...NO_LAKE,
      "read:data/warehouse",
      "write:data/warehouse/none/.probe",
      "connect:127.0.0.1:8001",
      "env:LAKE_DIR",
    ],
  },
  "event-generator": {
    allowed: [...USES_LOG, "listen:127.0.0.1:0"],
    denied: [...NO_FFI, ...NO_LAKE, ...NO_WAREHOUSE, "connect:127.0.0.1:8001", "env:LAKE_DIR"],
  },
  lake: {
    allowed: [
      ...USES_LOG,
      "read:lake/raw/bookings",
      "write:lake/raw/none/.probe",
      "statfs:lake/raw",
      "env:LAKE_DIR",
    ],
    denied: [
      ...NO_FFI,
      ...NO_WAREHOUSE,
      "read:lake/gold",
      "write:lake/gold/none/.probe",
      "write:lake/.probe",
    ],
  },
  etl: {
    allowed: [
      ...USES_LOG,
      FFI,
      "read:lake/raw/bookings",
      "read:lake/gold",
      "write:lake/gold/none/.probe",
      "write:lake/rejected/none/.probe",
      "connect:127.0.0.1:5433",
      "env:DATABASE_URL",
    ],
    denied: [
      "ffi:x.node",
      "write:lake/raw/none/.probe",
      "read:data/warehouse",
      "connect:127.0.0.1:8001",
    ],
  },
  warehouse: {
    allowed: [
      "read:data/warehouse",
      "write:data/warehouse/none/.probe",
      "connect:127.0.0.1:5433",
      "env:DATABASE_URL",
    ],
    denied: [...NO_FFI, ...NO_LOG, ...NO_LAKE, "connect:127.0.0.1:8001"],
  },
  topics: { allowed: USES_LOG, denied: [...NO_FFI, ...NO_LAKE, ...NO_WAREHOUSE, "listen:127.0.0.1:0"] },
  tail: { allowed: USES_LOG, denied: [...NO_FFI, ...NO_LAKE, ...NO_WAREHOUSE, "listen:127.0.0.1:0"] },
  "dead-letters": {
    allowed: [...USES_LOG, "env:MAX_EVENT_LEAD"],
    denied: [...NO_FFI, ...NO_LAKE, ...NO_WAREHOUSE, "listen:127.0.0.1:0"],
  },
  explain: {
    allowed: [...LOG.map((file) => `read:${file}`), KAFKA_SECRET],
    denied: [
      ...NO_FFI,
      ...NO_LAKE,
      ...NO_WAREHOUSE,
      ...LOG.map((file) => `write:${file}`),
      "write:data/none/.probe",
      "listen:127.0.0.1:0",
    ],
  },
  lab: {
    allowed: [
      ...LOG.map((file) => `read:${file}`),
      "read:policy_lab/lab.ts",
      "write:data/none/.probe",
      KAFKA_SECRET,
    ],
    denied: [...NO_FFI, ...NO_LAKE, ...NO_WAREHOUSE, "listen:127.0.0.1:0", "write:policy_lab/.probe"],
  },
  replay: {
    allowed: [...LOG.map((file) => `read:${file}`), KAFKA_SECRET, "read:lake/raw/bookings", "env:LAKE_DIR"],
    denied: [
      ...NO_FFI,
      ...NO_WAREHOUSE,
      ...LOG.map((file) => `write:${file}`),
      "write:data/none/.probe",
      "write:lake/raw/none/.probe",
      "read:lake/gold",
      "listen:127.0.0.1:0",
    ],
  },
  api: {
    allowed: [
      ...LOG.map((file) => `read:${file}`),
      KAFKA_SECRET,
      "read:api/dashboard/index.html",
      "connect:127.0.0.1:8000",
      "connect:127.0.0.1:8001",
      "connect:127.0.0.1:8080",
      "connect:127.0.0.1:5433",
      "env:DATABASE_URL",
      "env:API_TOKEN",
      "env:TRACKER_URL",
    ],
    denied: [
      ...NO_FFI,
      ...NO_LAKE,
      "read:data/warehouse",
      "write:data/none/.probe",
      "write:api/dashboard/none/.probe",
      "listen:0.0.0.0:8000",
    ],
  },
  "flightdata-service": {
    allowed: [
      ...USES_LOG,
      "read:producer/data/flights.csv",
      "connect:127.0.0.1:8081",
      "connect:127.0.0.1:8761",
      "env:FLIGHTAWARE_API_KEY",
      "env:REDIS_URL",
      "env:API_TOKEN",
    ],
    denied: [
      ...NO_FFI,
      ...NO_LAKE,
      ...NO_WAREHOUSE,
      "connect:127.0.0.1:6379",
      "connect:127.0.0.1:8001",
      "env:OPENAI_API_KEY",
    ],
  },
  "llm-summary-service": {
    allowed: [
      ...USES_LOG,
      "read:data/tracker/summaries.sqlite",
      "write:data/tracker/none/.probe",
      "connect:127.0.0.1:8082",
      "connect:127.0.0.1:8761",
      "env:OPENAI_API_KEY",
      "env:TRACKER_DATABASE_URL",
      "env:DATABASE_URL",
      "env:API_TOKEN",
    ],
    denied: [
      ...NO_FFI,
      ...NO_LAKE,
      "read:data/warehouse",
      "write:data/warehouse/none/.probe",
      "read:producer/data/flights.csv",
      "connect:127.0.0.1:5433",
      "connect:127.0.0.1:8081",
      "env:FLIGHTAWARE_API_KEY",
      "env:REDIS_URL",
    ],
  },
  "api-gateway": {
    allowed: [
      "connect:127.0.0.1:8080",
      "connect:127.0.0.1:8081",
      "connect:127.0.0.1:8761",
      "env:API_TOKEN",
      "env:TRACKER_INSTANCES",
      "read:tracker/docs/docs.html",
      "read:node_modules/swagger-ui-dist/swagger-ui.css",
    ],
    denied: [...NO_FFI, ...NO_LOG, ...NO_LAKE, ...NO_WAREHOUSE, "connect:127.0.0.1:8000", "env:REDIS_URL"],
  },
  "service-registry": {
    allowed: ["connect:127.0.0.1:8761", "env:API_TOKEN"],
    denied: [...NO_FFI, ...NO_LOG, ...NO_LAKE, ...NO_WAREHOUSE, "connect:127.0.0.1:8081"],
  },
  sql: {
    allowed: ["connect:127.0.0.1:5433", "env:DATABASE_URL"],
    denied: [...NO_FFI, ...NO_LOG, ...NO_LAKE, "read:data/warehouse"],
  },
  status: {
    allowed: [
      "read:data/logs/start.json",
      "connect:127.0.0.1:8001",
      "connect:127.0.0.1:8080",
      "connect:127.0.0.1:5433",
      "env:DATABASE_URL",
      "env:API_TOKEN",
    ],
    denied: [...NO_FFI, ...NO_LOG, ...NO_LAKE, "read:data/warehouse", "write:data/logs/none/.probe"],
  },
  lag: {
    allowed: [
      ...LOG.map((file) => `read:${file}`),
      KAFKA_SECRET,
      "connect:127.0.0.1:5433",
      "env:DATABASE_URL",
    ],
    denied: [
      ...NO_FFI,
      ...NO_LAKE,
      ...LOG.map((file) => `write:${file}`),
      "read:data/warehouse",
      "write:data/none/.probe",
      "connect:127.0.0.1:8001",
    ],
  },
  doctor: {
    allowed: [
      ...LOG.map((file) => `read:${file}`),
      KAFKA_SECRET,
      "read:data/warehouse",
      "read:backups/x.backup.json",
      "read:lake/raw/bookings",
      "statfs:data",
      "connect:127.0.0.1:8001",
      "connect:127.0.0.1:5433",
      "env:REDIS_URL",
    ],
    denied: [
      ...NO_FFI,
      "write:data/none/.probe",
      "write:data/warehouse/none/.probe",
      "write:lake/raw/none/.probe",
      "write:lake/gold/none/.probe",
    ],
  },
  logs: {
    allowed: ["read:data/logs/lake.ndjson"],
    denied: [...NO_FFI, ...NO_LOG, ...NO_LAKE, ...NO_WAREHOUSE, "write:data/logs/none/.probe"],
  },
  cache: {
    allowed: ["env:REDIS_URL"],
    denied: [...NO_FFI, ...NO_LOG, ...NO_LAKE, ...NO_WAREHOUSE, "connect:127.0.0.1:8081"],
  },
  backup: {
    allowed: [
      ...LOG.map((file) => `read:${file}`),
      KAFKA_SECRET,
      "read:lake/raw/bookings",
      "read:data/warehouse",
      "write:backups/none/.probe",
      "connect:127.0.0.1:5433",
      "env:DATABASE_URL",
    ],
    denied: [
      ...NO_FFI,
      ...LOG.map((file) => `write:${file}`),
      "write:data/none/.probe",
      "write:data/warehouse/none/.probe",
      "write:lake/raw/none/.probe",
      "read:lake/gold",
      "run:pg_dump",
      "connect:127.0.0.1:8001",
    ],
  },
  restore: {
    allowed: [
      ...USES_LOG,
      "read:backups/x.backup.json",
      "write:data/warehouse/none/.probe",
      "write:lake/raw/none/.probe",
      "connect:127.0.0.1:8001",
      "env:DATABASE_URL",
    ],
    denied: [...NO_FFI, "write:backups/none/.probe", "run:pg_restore"],
  },
  // It deletes everything when it is told to.
  stop: {
    allowed: [
      ...USES_LOG,
      "write:data/logs/none/.probe",
      "write:data/warehouse/none/.probe",
      "write:lake/raw/none/.probe",
      "write:lake/gold/none/.probe",
      "connect:127.0.0.1:8001",
      "env:DATABASE_URL",
      "env:REDIS_URL",
    ],
    denied: [...NO_FFI, "write:lake.probe", "write:data.probe"],
  },
  verify: {
    allowed: [
      ...USES_LOG,
      "read:lake/raw/bookings",
      "read:lake/gold",
      "connect:127.0.0.1:5433",
      "listen:127.0.0.1:0",
      "env:DATABASE_URL",
    ],
    denied: [
      ...NO_FFI,
      "write:lake/raw/none/.probe",
      "write:lake/gold/none/.probe",
      "read:data/warehouse",
      "statfs:lake/raw",
    ],
  },
};

async function probe(set: string, attempts: string[]): Promise<string[]> {
  const env = Object.fromEntries(
    attempts.filter((attempt) => attempt.startsWith("env:")).map((attempt) => [attempt.slice(4), "x"]),
  );
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-prompt", `-P=${set}`, "tests/scripts/_permission_probe.ts", ...attempts],
    env,
    cwd: PROJECT_DIR,
  }).output();
  equal(success, true, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

for (const [set, { allowed, denied }] of Object.entries(SETS)) {
  Deno.test(`the permission set ${set} allows what the part does, and nothing else`, async () => {
    const refused = [...NEVER, ...denied];
    const results = await probe(set, [...allowed, ...refused]);
    const shown = (attempts: string[], values: string[]) =>
      attempts.map((attempt, at) => `${attempt} ${values[at]}`);
    deepEqual(
      shown(allowed, results.slice(0, allowed.length)),
      allowed.map((attempt) => `${attempt} allowed`),
    );
    deepEqual(shown(refused, results.slice(allowed.length)), refused.map((attempt) => `${attempt} denied`));
  });
}

// They run the parts, under the parts' own sets; beside that they see to folders, ports and health.
const SUPERVISORS: Record<string, { allowed: string[]; denied: string[] }> = {
  start: {
    allowed: [
      "run:deno",
      "read:deno.json",
      "read:lake/raw",
      "write:data/none/.probe",
      "connect:127.0.0.1:8001",
    ],
    denied: [
      ...NO_FFI,
      "read:.env",
      "read:/etc/passwd",
      "write:.probe",
      "connect:192.0.2.1:443",
      "sys:osRelease",
    ],
  },
  tracker: {
    allowed: ["run:deno", "read:deno.json", "write:data/none/.probe", "connect:127.0.0.1:8080"],
    denied: [
      ...NO_FFI,
      ...NO_LAKE,
      "read:.env",
      "read:/etc/passwd",
      "write:.probe",
      "connect:192.0.2.1:443",
      "sys:osRelease",
    ],
  },
};

for (const [set, { allowed, denied }] of Object.entries(SUPERVISORS)) {
  Deno.test(`the permission set ${set} lets the supervisor run parts, and touch nothing else`, async () => {
    const results = await probe(set, [...allowed, ...denied]);
    deepEqual(results, [...allowed.map(() => "allowed"), ...denied.map(() => "denied")]);
  });
}

Deno.test("every permission set of a part is among those that are tried", () => {
  const declared = Object.keys(JSON.parse(Deno.readTextFileSync(`${PROJECT_DIR}/deno.json`)).permissions);
  const tools = ["launcher", "test", "containers"];
  const tried = [...Object.keys(SETS), ...Object.keys(SUPERVISORS)];
  deepEqual(declared.filter((set) => !tools.includes(set)).sort(), tried.sort());
});
