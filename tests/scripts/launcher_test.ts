import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { resolve } from "node:path";
import { commandFor, PARTS } from "../../scripts/launcher.ts";
import type { PartName } from "../../scripts/launcher.ts";
import { withFolder } from "./_support.ts";

/** The list that a flag such as `--allow-net` gets. */
function list(
  name: PartName,
  flag: string,
  env: Record<string, string> = {},
  args: string[] = [],
): string[] | undefined {
  const { args: command } = commandFor(name, args, env);
  ok(!command.includes(`--${flag}`), `--${flag} allows everything`);
  return command.find((arg) => arg.startsWith(`--${flag}=`))?.slice(flag.length + 3).split(",");
}

const LOOPBACK_BROKER = ["127.0.0.1:9092", "localhost:9092", "[::1]:9092"];
const DATABASE = {
  DATABASE_URL: "postgres://u:p%40@db.example.com/airline_dw?sslmode=require&sslrootcert=/etc/ca.pem",
};

// what it shows, part, flag, environment, arguments, list
const CASES: [string, PartName, string, Record<string, string>, string[], string[] | undefined][] = [
  ["the defaults", "producer", "allow-net", {}, [], ["127.0.0.1:8001", "127.0.0.1:0"]],
  ["the defaults", "producer", "allow-read", {}, [], ["data", "producer/data"]],
  ["the defaults", "producer", "deny-read", {}, [], ["data/warehouse"]],
  ["the defaults", "lake", "allow-write", {}, [], ["data", "lake/raw"]],
  ["empty settings count as not given", "lake", "allow-write", { LAKE_DIR: "", KAFKA_BROKERS: "" }, [], [
    "data",
    "lake/raw",
  ]],
  ["the defaults", "etl", "allow-write", {}, [], ["data", "lake/gold", "lake/rejected"]],
  ["the defaults", "etl", "allow-ffi", {}, [], ["node_modules"]],
  ["the defaults", "sql", "allow-net", {}, [], ["127.0.0.1:5433"]],
  ["the defaults", "topics", "allow-net", {}, [], undefined],
  ["a broker", "topics", "allow-net", { KAFKA_BROKERS: "k1:9092,k2:9093" }, [], ["k1:9092", "k2:9093"]],
  [
    "a broker on loopback, by all its names",
    "tail",
    "allow-net",
    { KAFKA_BROKERS: "localhost:9092" },
    [],
    LOOPBACK_BROKER,
  ],
  [
    "hosts that brokers advertise",
    "topics",
    "allow-net",
    { KAFKA_BROKERS: "k1:9092", KAFKA_ALLOWED_HOSTS: "b1.internal, b2.internal:9094" },
    [],
    ["k1:9092", "b1.internal", "b2.internal:9094"],
  ],
  ["the defaults", "viewer-metrics", "allow-net", {}, [], [
    "127.0.0.1:5433",
    "127.0.0.1:8005",
    "127.0.0.1:0",
  ]],
  ["the defaults", "flightdata-service", "allow-net", {}, [], ["127.0.0.1:8081", "127.0.0.1:8761"]],
  [
    "Redis, AeroAPI, another port and no registry",
    "flightdata-service",
    "allow-net",
    {
      REDIS_URL: "redis://user:secret@r.example.com/1",
      FLIGHTAWARE_API_KEY: "k",
      SERVICE_REGISTRY_URL: "none",
    },
    ["--port", "0"],
    ["127.0.0.1:0", "r.example.com:6379", "aeroapi.flightaware.com:443"],
  ],
  ["the defaults", "llm-summary-service", "allow-net", {}, [], ["127.0.0.1:8082", "127.0.0.1:8761"]],
  ["the defaults", "llm-summary-service", "allow-write", {}, [], ["data", "data/tracker"]],
  [
    "a database and a model of a key",
    "llm-summary-service",
    "allow-net",
    {
      TRACKER_DATABASE_URL: "postgres://t:secret@t.example.com/airline_tracker",
      OPENAI_API_KEY: "k",
      SERVICE_REGISTRY_URL: "none",
    },
    [],
    ["127.0.0.1:8082", "api.openai.com:443", "t.example.com:5432"],
  ],
  [
    "a model without a key, and summaries beside the warehouse",
    "llm-summary-service",
    "allow-net",
    { ...DATABASE, OPENAI_BASE_URL: "http://127.0.0.1:11434/v1", SERVICE_REGISTRY_URL: "none" },
    [],
    ["127.0.0.1:8082", "127.0.0.1:11434", "db.example.com:5432"],
  ],
  [
    "no file of summaries where a database has them",
    "llm-summary-service",
    "allow-write",
    { ...DATABASE, KAFKA_BROKERS: "k1:9092" },
    [],
    undefined,
  ],
  [
    "summaries elsewhere",
    "llm-summary-service",
    "allow-write",
    { KAFKA_BROKERS: "k1:9092", TRACKER_SUMMARIES_FILE: "/srv/t/s.sqlite" },
    [],
    ["/srv/t"],
  ],
  [
    "the tracker that the API asks",
    "api",
    "allow-net",
    { TRACKER_URL: "https://tracker.example.com", PIPELINE_PROCESSES: "none" },
    [],
    ["127.0.0.1:8000", "tracker.example.com:443", "127.0.0.1:5433"],
  ],
  [
    "no tracker",
    "api",
    "allow-net",
    { TRACKER_URL: "none", PIPELINE_PROCESSES: "none" },
    [],
    ["127.0.0.1:8000", "127.0.0.1:5433"],
  ],
  [
    "the instances that the gateway may reach",
    "api-gateway",
    "allow-net",
    { TRACKER_INSTANCES: "f1:8081, f2:9000", SERVICE_REGISTRY_URL: "http://r:8761/eureka" },
    ["--port=9080", "--host", "0.0.0.0"],
    ["0.0.0.0:9080", "r:8761", "f1:8081", "f2:9000"],
  ],
  [
    "a database of their own for the minute windows",
    "viewer-metrics",
    "allow-net",
    { ...DATABASE, REALTIME_DATABASE_URL: "postgres://rt:rt@rt.example.com/realtime" },
    [],
    ["db.example.com:5432", "rt.example.com:5432", "127.0.0.1:8005", "127.0.0.1:0"],
  ],
  [
    "the certificates of that database",
    "viewer-metrics",
    "allow-read",
    { REALTIME_DATABASE_URL: "postgres://rt:rt@rt.example.com/realtime?sslrootcert=/etc/rt.pem" },
    [],
    ["data", "/etc/rt.pem"],
  ],
  ["no log file with Kafka", "consumer", "allow-write", { KAFKA_BROKERS: "k1:9092" }, [], undefined],
  ["the ETL publishes booking curves", "etl", "allow-net", { KAFKA_BROKERS: "k1:9092" }, [
    "--metrics-port",
    "9000",
  ], ["127.0.0.1:5433", "127.0.0.1:9000", "k1:9092"]],
  ["no broker for who needs none", "sql", "allow-net", { KAFKA_BROKERS: "k1:9092" }, [], ["127.0.0.1:5433"]],
  [
    "certificates of the broker",
    "tail",
    "allow-read",
    { KAFKA_BROKERS: "k1:9092", KAFKA_SSL_CA_FILE: "/etc/k.pem" },
    [],
    ["/etc/k.pem"],
  ],
  ["a log elsewhere", "consumer", "allow-write", { EVENT_LOG_FILE: "/srv/log/events.sqlite" }, [], [
    "/srv/log",
  ]],
  ["a lake elsewhere", "lake", "allow-write", { LAKE_DIR: "/srv/lake" }, [], ["data", "/srv/lake/raw"]],
  ["a lake elsewhere", "etl", "allow-write", { LAKE_DIR: "/srv/lake" }, [], [
    "data",
    "/srv/lake/gold",
    "/srv/lake/rejected",
  ]],
  ["a warehouse elsewhere", "warehouse", "allow-write", { WAREHOUSE_DIR: "/srv/dw" }, [], ["/srv/dw"]],
  [
    "a warehouse beside the log is denied",
    "lake",
    "deny-write",
    { EVENT_LOG_FILE: "/srv/log", WAREHOUSE_DIR: "/srv/dw" },
    [],
    ["/srv/dw"],
  ],
  [
    "a warehouse around the log cannot be",
    "lake",
    "deny-write",
    { EVENT_LOG_FILE: "/srv/dw/log/l", WAREHOUSE_DIR: "/srv/dw" },
    [],
    undefined,
  ],
  ["another port of the warehouse", "warehouse", "allow-net", { WAREHOUSE_PORT: "6000" }, [], [
    "127.0.0.1:6000",
    "127.0.0.1:0",
  ]],
  ["a real Postgres to bring up to date", "warehouse", "allow-net", DATABASE, [], [
    "db.example.com:5432",
    "127.0.0.1:0",
  ]],
  ["a real Postgres, default port", "sql", "allow-net", DATABASE, [], ["db.example.com:5432"]],
  ["a real Postgres's certificates", "sql", "allow-read", DATABASE, [], ["/etc/ca.pem"]],
  ["a port for the metrics", "consumer", "allow-net", {}, ["--metrics-port", "9002"], ["127.0.0.1:9002"]],
  ["a port for the metrics", "consumer", "allow-net", {}, ["--metrics-port=0"], ["127.0.0.1:0"]],
  ["a port that is none: the part says so itself", "consumer", "allow-net", {}, ["--metrics-port", "a,b"], [
    "127.0.0.1:8002",
    "127.0.0.1:0",
  ]],
  ["metrics on every address", "lake", "allow-net", { METRICS_HOST: "0.0.0.0" }, [], [
    "0.0.0.0:8003",
    "0.0.0.0:0",
  ]],
  ["metrics on IPv6", "lake", "allow-net", { METRICS_HOST: "::1" }, ["--metrics-port", "1"], ["[::1]:1"]],
];

for (const [shows, name, flag, env, args, expected] of CASES) {
  const given = [...Object.entries(env).map((pair) => pair.join("=")), ...args].join(" ");
  Deno.test(`commandFor() gives ${name} as --${flag}: ${shows} (${given})`, () => {
    const { platform } = { platform: Deno.build.os };
    const wanted = platform === "windows"
      ? expected?.map((path) => path.startsWith("/") ? resolve(path) : path)
      : expected;
    deepEqual(list(name, flag, env, args), wanted);
  });
}

Deno.test("commandFor() lets each part read only its own names, and all others seem not to be set", () => {
  const environment = (name: PartName) => list(name, "allow-env");
  ok(environment("producer")?.includes("KAFKA_SASL_PASSWORD"));
  ok(!environment("producer")?.includes("DATABASE_URL"));
  ok(!environment("consumer")?.includes("LAKE_DIR"));
  ok(!environment("warehouse")?.includes("KAFKA_SASL_PASSWORD"));
  deepEqual(environment("sql"), ["DATABASE_URL", "WAREHOUSE_PORT", "NO_COLOR"]);
  ok(commandFor("sql", [], {}).args.includes("--ignore-env"));
});

Deno.test("commandFor() lets only the ETL load native code and only supervisors run programs", () => {
  for (const name of Object.keys(PARTS) as PartName[]) {
    const { args } = commandFor(name, [], {});
    const flags = args.slice(0, args.indexOf(PARTS[name].script));
    equal(
      flags.some((flag) => flag.startsWith("--allow-ffi")),
      name === "etl" || name === "etl-runner",
      name,
    );
    equal(flags.some((flag) => flag.startsWith("--allow-run")), name === "start" || name === "tracker", name);
    ok(
      !flags.some((flag) => flag === "-A" || flag === "--allow-all"),
      name,
    );
    // Polars asks for three when it looks for its native library; the warehouse asks whether the machine was off.
    const sys = flags.find((flag) => flag.startsWith("--allow-sys"));
    const allowed: Partial<Record<PartName, string>> = {
      warehouse: "osUptime",
      etl: "cpus,hostname,networkInterfaces",
      "etl-runner": "cpus,hostname,networkInterfaces",
      // Free space of the disk; the doctor also whether this user may write a folder.
      lake: "statfs",
      doctor: "statfs,uid,gid",
    };
    const expected = allowed[name] === undefined ? undefined : `--allow-sys=${allowed[name]}`;
    equal(sys, expected, name);
    ok(flags.includes("--no-prompt"), name);
  }
});

Deno.test("commandFor() hands arguments on, and makes a file absolute that the caller's folder holds", () => {
  const script = (args: string[]) => args.slice(args.indexOf(PARTS.producer.script) + 1);
  const here = resolve("/home/anna");
  for (const form of [["--flights", "week.csv"], ["--flights=week.csv"]]) {
    const { args } = commandFor("producer", [...form, "--seed", "3"], { INIT_CWD: here });
    ok(script(args).join("=").startsWith(`--flights=${resolve(here, "week.csv")}=--seed=3`), args.join(" "));
    ok(args.find((arg) => arg.startsWith("--allow-read"))!.includes(resolve(here, "week.csv")));
  }
  deepEqual(commandFor("tail", ["bookings", "--max", "3"], {}).args.slice(-3), ["bookings", "--max", "3"]);
});

Deno.test("commandFor() opens the folder of a file that is to be written, and nothing else to be written", () => {
  const here = resolve("/home/anna");
  for (const form of [["--out", "out.jsonl"], ["--out=out.jsonl"]]) {
    const { args } = commandFor("replay", form, { INIT_CWD: here });
    equal(args.find((arg) => arg.startsWith("--allow-write")), `--allow-write=${here}`);
    ok(args.at(-1)!.endsWith(resolve(here, "out.jsonl")));
  }
  for (const form of [[], ["--out", "-"], ["--out=-"]]) {
    const { args } = commandFor("replay", form, { INIT_CWD: here });
    equal(args.some((arg) => arg.startsWith("--allow-write")), false);
    deepEqual(args.slice(args.indexOf(PARTS.replay.script) + 1), form);
  }
});

Deno.test("commandFor() makes --log-format a setting of what runs on, with its name; commands print no log", () => {
  const { args, env } = commandFor("lake", ["--log-format", "json", "--seal-age", "1s"], {});
  deepEqual(args.slice(-2), ["--seal-age", "1s"]);
  deepEqual(env, { AIRLINE_PROCESS: "lake", LOG_FORMAT: "json" });
  ok(list("lake", "allow-env")?.includes("LOG_FORMAT"));
  equal(commandFor("lake", ["--log-format=text"], { LOG_FORMAT: "json" }).env.LOG_FORMAT, "text");
  equal(commandFor("lake", [], { LOG_FORMAT: "json" }).env.LOG_FORMAT, "json");
  ok(!list("tail", "allow-env")?.includes("LOG_FORMAT"));
  throws(
    () => commandFor("lake", ["--log-format", "xml"], {}),
    /--log-format is "xml", expected text or json/,
  );
  throws(() => commandFor("lake", [], { LOG_FORMAT: "xml" }), /LOG_FORMAT is "xml"/);
});

Deno.test("commandFor() names each process to OpenTelemetry, unless it has a name", () => {
  equal(commandFor("lake", [], {}).env.OTEL_SERVICE_NAME, undefined);
  const start = commandFor("start", [], { OTEL_DENO: "true" }).env;
  equal(start.OTEL_SERVICE_NAME, "airline-start");
  equal(commandFor("lake", [], start).env.OTEL_SERVICE_NAME, "airline-lake");
  const named = { OTEL_DENO: "true", OTEL_SERVICE_NAME: "mine" };
  equal(commandFor("lake", [], named).env.OTEL_SERVICE_NAME, "mine");
});

Deno.test("commandFor() lets those who ask the processes go to where these listen", () =>
  withFolder((folder) => {
    Deno.mkdirSync(`${folder}/logs`);
    Deno.writeTextFileSync(
      `${folder}/logs/start.json`,
      JSON.stringify({ parts: [{ address: "127.0.0.1:9001" }, { address: "a,b:1" }] }),
    );
    const env = { EVENT_LOG_FILE: `${folder}/log.sqlite`, PIPELINE_PROCESSES: "lake=l.example.com:1" };
    for (const name of ["status", "doctor", "stop"] as const) {
      const hosts = list(name, "allow-net", env)!;
      ok(hosts.includes("127.0.0.1:9001") && hosts.includes("l.example.com:1") && !hosts.includes("a"));
    }
    ok(!list("lag", "allow-net", env)!.includes("127.0.0.1:9001"));
    deepEqual(list("cache", "allow-net", { REDIS_URL: "redis://r:1" }), ["r:1"]);
    return Promise.resolve();
  }));

Deno.test("commandFor() lets the ETL runner read the log and write backups only where it is to make some", () => {
  const env = { BACKUP_DIR: "/srv/backups", WAREHOUSE_DIR: "/srv/dw" };
  const reads = (args: string[]) => list("etl-runner", "allow-read", env, args)!;
  const writes = (args: string[]) => list("etl-runner", "allow-write", env, args)!;
  const nightly = ["--backup-cron", "0 2 * * *"];
  ok(!reads([]).includes("/srv/backups") && !reads([]).includes("/srv/dw"));
  ok(!writes([]).includes("/srv/backups"));
  ok(reads(nightly).includes("/srv/backups") && reads(nightly).includes("/srv/dw"));
  ok(writes(nightly).includes("/srv/backups") && !writes(nightly).includes("/srv/dw"));
  deepEqual(list("etl-runner", "deny-write", env, nightly), ["/srv/dw"]);
  ok(list("etl-runner", "allow-net", env, nightly)!.includes("127.0.0.1:8004"));
});

Deno.test("commandFor() lets a backup run pg_dump of the folders that are there, where a real Postgres is to be dumped", () =>
  withFolder((folder) => {
    for (const name of ["pg_dump", "pg_restore"]) {
      Deno.writeTextFileSync(`${folder}/${name}${Deno.build.os === "windows" ? ".exe" : ""}`, "");
    }
    const env = { POSTGRES_BIN: `${folder},/nowhere`, DATABASE_URL: "postgres://u:p@db/x" };
    const programs = list("backup", "allow-run", env)!;
    equal(programs.length, 2);
    ok(programs.every((path) => path.startsWith(folder)));
    equal(commandFor("backup", [], env).env.POSTGRES_BIN, folder);
    equal(list("backup", "allow-run", { POSTGRES_BIN: folder }), undefined);
    equal(list("sql", "allow-run", env), undefined);
    // Its ETL runner makes backups, and it cannot look for the programs itself.
    equal(commandFor("start", [], env).env.POSTGRES_BIN, folder);
    ok(commandFor("start", [], env).args.includes("--allow-run"));
    return Promise.resolve();
  }));

Deno.test("commandFor() lets a restore read the folder of the backup that it is given", () => {
  const { args } = commandFor("restore", ["disk/x.backup.json", "--yes"], {
    INIT_CWD: resolve("/home/anna"),
  });
  const file = resolve("/home/anna/disk/x.backup.json");
  equal(args.at(-2), file);
  ok(args.find((arg) => arg.startsWith("--allow-read="))!.includes(resolve("/home/anna/disk")));
  equal(commandFor("restore", ["latest"], {}).args.at(-1), "latest");
});

Deno.test("commandFor() gives the part the environment that it was given", () => {
  deepEqual(commandFor("tail", ["x"], { KAFKA_TOPIC_PREFIX: "p." }).env, { KAFKA_TOPIC_PREFIX: "p." });
});

// environment, message
const REFUSED: [Record<string, string>, RegExp][] = [
  [{ KAFKA_BROKERS: "http://k1:9092" }, /holds "http:\/\/k1:9092", expected host:port/],
  [{ KAFKA_BROKERS: "k1:9092", KAFKA_ALLOWED_HOSTS: "b 1" }, /holds "b 1"/],
  [{ KAFKA_BROKERS: "u:secret@k1:9092" }, /^UsageError: KAFKA_BROKERS holds an "@"(?!.*secret)/],
  [
    { KAFKA_BROKERS: "k1:9092", KAFKA_ALLOWED_HOSTS: "u:sec,ret@b:1" },
    /^UsageError: KAFKA_ALLOWED_HOSTS holds an "@"(?!.*(sec|ret@))/,
  ],
  [{ KAFKA_BROKERS: "k1;k2" }, /holds "k1;k2", expected host:port/],
  [{ KAFKA_BROKERS: "k1..internal:9092" }, /holds "k1\.\.internal:9092"/],
  [{ DATABASE_URL: "postgres://u:secret@d;b/x" }, /^UsageError: DATABASE_URL names a host(?!.*secret)/],
  [{ LAKE_DIR: "/srv/a,b" }, /holds a comma/],
  [{ DATABASE_URL: "mysql://u:secret@db/x" }, /^UsageError: DATABASE_URL(?!.*secret)/],
  [{ WAREHOUSE_PORT: "x" }, /^UsageError: WAREHOUSE_PORT is "x", expected a port/],
  [{ WAREHOUSE_PORT: "70000" }, /^UsageError: WAREHOUSE_PORT is "70000", expected a port/],
  [{ METRICS_HOST: "a..b" }, /^UsageError: METRICS_HOST is "a\.\.b", expected an address/],
  [{ METRICS_HOST: "bad host" }, /^UsageError: METRICS_HOST is "bad host", expected an address/],
  [{ KAFKA_BROKERS: "127.0.0.1:99999" }, /^UsageError: KAFKA_BROKERS .*"127.0.0.1:99999"/],
];

for (const [env, message] of REFUSED) {
  Deno.test(`commandFor() refuses ${Object.entries(env).map((pair) => pair.join("=")).join(" ")}`, () => {
    throws(() => commandFor("verify", [], env), message);
  });
}
