/**
 * Configuration by environment: every name that any process reads, in one table. `.env.example` documents each;
 * a test holds the two together. The tasks' launcher reads `.env` and hands the names on.
 *
 * @module
 */

import { parseDuration, UsageError } from "./command_line.ts";

/** What a name means, where it is not obvious, and its default. */
interface SettingSpec {
  default?: string;
  description: string;
  /** Never shown, never logged. */
  secret?: true;
}

/** Every environment name, by subject. */
export const SETTINGS = {
  KAFKA_BROKERS: { description: "Kafka brokers, host:port separated by commas. Empty: the embedded log" },
  KAFKA_TOPIC_PREFIX: {
    default: "",
    description: "Put before topics, groups and transactional ids; lets several set-ups share one broker",
  },
  KAFKA_ALLOWED_HOSTS: {
    description:
      "Further hosts the processes may connect to, where brokers advertise other names; separated by commas",
  },
  KAFKA_SASL_MECHANISM: { description: "plain, scram-sha-256 or scram-sha-512. Empty: no authentication" },
  KAFKA_SASL_USERNAME: { description: "SASL user name" },
  KAFKA_SASL_PASSWORD: { description: "SASL password", secret: true },
  KAFKA_SSL: { default: "false", description: "true: connect to the brokers by TLS" },
  KAFKA_SSL_CA_FILE: { description: "PEM file of the authority that signed the brokers' certificates" },
  KAFKA_SSL_CERT_FILE: { description: "PEM file of the client's certificate" },
  KAFKA_SSL_KEY_FILE: { description: "PEM file of the client's key" },
  EVENT_LOG_FILE: { default: "data/event_log.sqlite", description: "File of the embedded log" },
  LAKE_DIR: { default: "lake", description: "Folder of the lake; raw/ and gold/ are made below it" },
  DATABASE_URL: {
    description:
      "postgres://user:password@host:port/database?sslmode=… of the warehouse. Empty: the embedded one",
    secret: true,
  },
  REALTIME_DATABASE_URL: {
    description:
      "postgres://… of the minute windows. Empty: schema realtime in the database of DATABASE_URL, or the embedded one",
    secret: true,
  },
  TRACKER_DATABASE_URL: {
    description:
      "postgres://… of the flight summaries. Empty: schema tracker in the database of DATABASE_URL, or a file",
    secret: true,
  },
  TRACKER_SUMMARIES_FILE: {
    default: "data/tracker/summaries.sqlite",
    description: "File of the flight summaries where no database is given",
  },
  WAREHOUSE_DIR: { default: "data/warehouse", description: "Folder of the embedded warehouse" },
  WAREHOUSE_PORT: { default: "5433", description: "Port of the embedded warehouse on 127.0.0.1" },
  BACKUP_DIR: {
    default: "backups",
    description: "Folder of the backups; better on another disk than the data",
  },
  POSTGRES_BIN: {
    description:
      "Folders of pg_dump and pg_restore, separated by commas, for backups of a real Postgres. Empty: the usual places",
  },
  AIRLINE_READER_PASSWORD: {
    description:
      "Lets the role airline_reader, which may only read, log in to the Postgres of DATABASE_URL. Empty: as it is",
    secret: true,
  },
  MAX_EVENT_LEAD: {
    default: "7d",
    description: "How far an event time may lie beyond its append time; further ahead it is a dead letter",
  },
  API_TOKEN: {
    description: "Token that callers of the API send as a bearer; needed where it listens beyond loopback",
    secret: true,
  },
  PIPELINE_PROCESSES: {
    default:
      "producer=127.0.0.1:8001,consumer=127.0.0.1:8002,lake=127.0.0.1:8003,etl=127.0.0.1:8004,viewer-metrics=127.0.0.1:8005",
    description:
      "Where the API looks how the processes do: name=host:port, separated by commas; none: nowhere",
  },
  FLIGHTAWARE_API_KEY: {
    description: "Key of FlightAware's AeroAPI. Empty: the tracker tells of our own simulated network",
    secret: true,
  },
  FLIGHTAWARE_BASE_URL: {
    default: "https://aeroapi.flightaware.com/aeroapi",
    description: "Where AeroAPI v4 is",
  },
  OPENAI_API_KEY: {
    description:
      "Key of the model that writes flight summaries. Empty, and OPENAI_BASE_URL as it is: a template",
    secret: true,
  },
  OPENAI_BASE_URL: {
    default: "https://api.openai.com/v1",
    description: "Where the model is: any OpenAI-compatible address",
  },
  OPENAI_MODEL: { default: "gpt-4o-mini", description: "The model's name" },
  REDIS_URL: {
    description:
      "redis://user:password@host:port/database that keeps the tracker's flights. Empty: each process's memory",
    secret: true,
  },
  SERVICE_REGISTRY_URL: {
    default: "http://127.0.0.1:8761/eureka",
    description: "Registry of the tracker's services; none: they are in none",
  },
  TRACKER_INSTANCES: {
    default: "127.0.0.1:8081,127.0.0.1:8082",
    description:
      "Instances of the tracker's services that the gateway may reach, host:port separated by commas",
  },
  TRACKER_URL: {
    default: "http://127.0.0.1:8080",
    description: "The tracker's gateway, which the API asks where flights are; none: there is no tracker",
  },
  METRICS_HOST: { default: "127.0.0.1", description: "Address that the processes serve their metrics on" },
  AIRLINE_ENV_FILE: {
    default: ".env",
    description:
      "File that the tasks read these settings from; none: no file. Itself only from the environment",
  },
  NO_COLOR: { description: "Anything: no colours in the terminal" },
  LOG_FORMAT: {
    default: "text",
    description: "What processes print: text, or json for one object a line",
  },
  OTEL_DENO: {
    description: "true: Deno itself sends traces and metrics of every process by OpenTelemetry (OTLP)",
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    default: "http://localhost:4318",
    description: "Where the collector of OpenTelemetry is, by OTLP over HTTP",
  },
} as const satisfies Record<string, SettingSpec>;

export type SettingName = keyof typeof SETTINGS;

/** A name's value: from the environment, else its default; empty text counts as not given. */
export function setting(name: SettingName): string | undefined {
  const value = Deno.env.get(name);
  if (value !== undefined && value !== "") return value;
  return (SETTINGS[name] as SettingSpec).default;
}

/** Kafka's settings, or `undefined` where the embedded log is used. */
export interface KafkaSettings {
  brokers: string[];
  topicPrefix: string;
  sasl?: { mechanism: "plain" | "scram-sha-256" | "scram-sha-512"; username: string; password: string };
  ssl?: { caFile?: string; certFile?: string; keyFile?: string };
}

/**
 * Where the log is: Kafka where `KAFKA_BROKERS` is given.
 *
 * @throws {UsageError} for a broker without a port, an unknown mechanism, a user without a password.
 */
export function kafkaSettings(): KafkaSettings | undefined {
  const list = setting("KAFKA_BROKERS");
  if (list === undefined) return undefined;
  refuseLogin("KAFKA_BROKERS", list);
  const brokers = list.split(",").map((broker) => broker.trim()).filter((broker) => broker !== "");
  for (const broker of brokers) {
    if (!/^(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}$/.test(broker)) {
      throw new UsageError(`KAFKA_BROKERS holds "${broker}", expected host:port such as 127.0.0.1:9092`);
    }
  }
  const topicPrefix = setting("KAFKA_TOPIC_PREFIX") ?? "";
  if (!/^[a-zA-Z0-9._-]{0,100}$/.test(topicPrefix)) {
    throw new UsageError(
      `KAFKA_TOPIC_PREFIX is "${topicPrefix}", expected letters, digits, ".", "_" and "-"`,
    );
  }
  const kafka: KafkaSettings = { brokers, topicPrefix };
  const mechanism = setting("KAFKA_SASL_MECHANISM")?.toLowerCase();
  if (mechanism !== undefined) {
    if (mechanism !== "plain" && mechanism !== "scram-sha-256" && mechanism !== "scram-sha-512") {
      throw new UsageError(
        `KAFKA_SASL_MECHANISM is "${mechanism}", expected plain, scram-sha-256 or scram-sha-512`,
      );
    }
    const username = setting("KAFKA_SASL_USERNAME");
    const password = setting("KAFKA_SASL_PASSWORD");
    if (username === undefined || password === undefined) {
      throw new UsageError(
        "KAFKA_SASL_MECHANISM is set, but KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is missing",
      );
    }
    kafka.sasl = { mechanism, username, password };
  }
  const caFile = setting("KAFKA_SSL_CA_FILE");
  const certFile = setting("KAFKA_SSL_CERT_FILE");
  const keyFile = setting("KAFKA_SSL_KEY_FILE");
  const ssl = setting("KAFKA_SSL");
  if (ssl !== "true" && ssl !== "false") {
    throw new UsageError(`KAFKA_SSL is "${ssl}", expected true or false`);
  }
  if (ssl === "true" || caFile !== undefined || certFile !== undefined) {
    kafka.ssl = {
      ...(caFile === undefined ? {} : { caFile }),
      ...(certFile === undefined ? {} : { certFile }),
      ...(keyFile === undefined ? {} : { keyFile }),
    };
  }
  return kafka;
}

/**
 * A list of hosts has no place for a login: what stands before an "@" may be a password, and is never shown.
 *
 * @throws {UsageError} that says where the login belongs.
 */
export function refuseLogin(name: SettingName, hosts: string): void {
  if (!hosts.includes("@")) return;
  throw new UsageError(
    `${name} holds an "@", as if a user and password stood before a host: give the hosts alone, and the login by ` +
      "KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
  );
}

/** Where the lake's raw events, gold tables and refused lines are. */
export interface LakeFolders {
  raw: string;
  gold: string;
  rejected: string;
}

/** The lake's folders below `LAKE_DIR`. */
export function lakeFolders(): LakeFolders {
  const root = setting("LAKE_DIR")!;
  return { raw: `${root}/raw`, gold: `${root}/gold`, rejected: `${root}/rejected` };
}

/**
 * How far an event time may lie beyond its append time, in milliseconds. All parts read the same setting: what one of
 * them refuses the others must not count.
 *
 * @throws {UsageError} where it is no length of time.
 */
export function maxEventLeadMs(): number {
  const text = setting("MAX_EVENT_LEAD")!;
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new UsageError(`MAX_EVENT_LEAD is "${text}", expected a time such as 12h or 7d`);
  }
  return ms;
}

/** Port of the embedded warehouse. */
export function warehousePort(): number {
  const text = setting("WAREHOUSE_PORT")!;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new UsageError(`WAREHOUSE_PORT is "${text}", expected a port from 1 to 65535`);
  }
  return port;
}

/** The warehouse's address: `DATABASE_URL`, else the embedded one on loopback. */
export function databaseUrl(): { url: string; embedded: boolean } {
  const url = setting("DATABASE_URL");
  if (url !== undefined) return { url, embedded: false };
  return { url: `postgres://airline:airline@127.0.0.1:${warehousePort()}/airline_dw`, embedded: true };
}

/** Where the minute windows are kept. */
export interface RealtimeDatabase {
  url: string;
  embedded: boolean;
  /** `public` in a database of their own, else `realtime` beside the warehouse. */
  schema: "public" | "realtime";
}

/** The database of the minute windows: `REALTIME_DATABASE_URL`, else a schema of the warehouse's. */
export function realtimeDatabase(): RealtimeDatabase {
  const url = setting("REALTIME_DATABASE_URL");
  return url === undefined
    ? { ...databaseUrl(), schema: "realtime" }
    : { url, embedded: false, schema: "public" };
}

/**
 * The processes that the API looks after, by `PIPELINE_PROCESSES`.
 *
 * @throws {UsageError} for an entry that is not `name=host:port`.
 */
export function watchedProcesses(
  text: string = setting("PIPELINE_PROCESSES")!,
): { name: string; address: string }[] {
  if (text.trim() === "none") return [];
  return text.split(",").map((entry) => {
    const match = /^\s*([a-zA-Z0-9_-]+)=((?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9_.-]+):\d{1,5})\s*$/.exec(entry);
    if (match === null) {
      throw new UsageError(
        `PIPELINE_PROCESSES holds "${entry.trim()}", expected name=host:port such as producer=127.0.0.1:8001`,
      );
    }
    return { name: match[1]!, address: match[2]! };
  });
}

/**
 * The tracker's gateway; undefined: there is none.
 *
 * @throws {UsageError} where it is no address.
 */
export function trackerUrl(): string | undefined {
  const text = setting("TRACKER_URL")!;
  if (text === "none") return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "") {
    throw new UsageError("TRACKER_URL is no address of a gateway, expected http://127.0.0.1:8080 or none");
  }
  return text.replace(/\/+$/, "");
}
