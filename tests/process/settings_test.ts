import { deepEqual, equal, match, throws } from "node:assert/strict";
import {
  databaseUrl,
  kafkaSettings,
  lakeFolders,
  maxEventLeadMs,
  setting,
  SETTINGS,
  warehousePort,
} from "../../process/settings.ts";
import type { SettingName } from "../../process/settings.ts";

/** Runs `body` with exactly these settings in the environment. */
function withSettings(settings: Partial<Record<SettingName, string>>, body: () => void): void {
  const names = Object.keys(SETTINGS) as SettingName[];
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  try {
    for (const name of names) Deno.env.delete(name);
    for (const [name, value] of Object.entries(settings)) Deno.env.set(name, value);
    body();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

Deno.test("setting() gives the default where the name is missing or empty", () => {
  withSettings({}, () => equal(setting("WAREHOUSE_PORT"), "5433"));
  withSettings({ WAREHOUSE_PORT: "" }, () => equal(setting("WAREHOUSE_PORT"), "5433"));
  withSettings({ WAREHOUSE_PORT: "6000" }, () => equal(setting("WAREHOUSE_PORT"), "6000"));
  withSettings({}, () => equal(setting("DATABASE_URL"), undefined));
});

Deno.test("kafkaSettings() is undefined without brokers: the embedded log", () => {
  withSettings({ KAFKA_TOPIC_PREFIX: "x." }, () => equal(kafkaSettings(), undefined));
});

Deno.test("kafkaSettings() reads brokers, prefix, SASL and TLS", () => {
  withSettings({ KAFKA_BROKERS: "a:9092, b:9093,[::1]:9094," }, () => {
    deepEqual(kafkaSettings(), { brokers: ["a:9092", "b:9093", "[::1]:9094"], topicPrefix: "" });
  });
  withSettings({
    KAFKA_BROKERS: "a:9092",
    KAFKA_TOPIC_PREFIX: "mine.",
    KAFKA_SASL_MECHANISM: "SCRAM-SHA-256",
    KAFKA_SASL_USERNAME: "u",
    KAFKA_SASL_PASSWORD: "p",
    KAFKA_SSL: "true",
    KAFKA_SSL_CA_FILE: "ca.pem",
  }, () => {
    deepEqual(kafkaSettings(), {
      brokers: ["a:9092"],
      topicPrefix: "mine.",
      sasl: { mechanism: "scram-sha-256", username: "u", password: "p" },
      ssl: { caFile: "ca.pem" },
    });
  });
});

Deno.test("kafkaSettings() connects by TLS where only a certificate is given", () => {
  withSettings({ KAFKA_BROKERS: "a:1", KAFKA_SSL_CERT_FILE: "c.pem", KAFKA_SSL_KEY_FILE: "k.pem" }, () => {
    deepEqual(kafkaSettings()?.ssl, { certFile: "c.pem", keyFile: "k.pem" });
  });
});

const WRONG: [Partial<Record<SettingName, string>>, RegExp][] = [
  [{ KAFKA_BROKERS: "localhost" }, /KAFKA_BROKERS holds "localhost", expected host:port/],
  [{ KAFKA_BROKERS: "a:9092;b:9092" }, /expected host:port/],
  [{ KAFKA_BROKERS: "http://a:9092" }, /expected host:port/],
  [{ KAFKA_BROKERS: "a:1", KAFKA_TOPIC_PREFIX: "a b" }, /KAFKA_TOPIC_PREFIX is "a b"/],
  [{ KAFKA_BROKERS: "a:1", KAFKA_SASL_MECHANISM: "gssapi" }, /"gssapi", expected plain/],
  [
    { KAFKA_BROKERS: "a:1", KAFKA_SASL_MECHANISM: "plain", KAFKA_SASL_USERNAME: "u" },
    /KAFKA_SASL_PASSWORD is missing/,
  ],
  [{ KAFKA_BROKERS: "a:1", KAFKA_SSL: "yes" }, /KAFKA_SSL is "yes", expected true or false/],
];

for (const brokers of ["user:s3cr3t@a:9092", "a:9092,user:s3c,r3t@b:9092", "kafka://user:s3cr3t@a:9092"]) {
  Deno.test(`kafkaSettings() says where a login belongs and does not show it: ${brokers}`, () => {
    withSettings({ KAFKA_BROKERS: brokers }, () => {
      throws(() => kafkaSettings(), (error: Error) => {
        match(error.message, /^KAFKA_BROKERS holds an "@".*KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD$/);
        return !/s3c|r3t|user:/.test(error.message);
      });
    });
  });
}

for (const [settings, message] of WRONG) {
  Deno.test(`kafkaSettings() refuses ${Object.entries(settings).map((pair) => pair.join("=")).join(" ")}`, () => {
    withSettings(settings, () => throws(() => kafkaSettings(), message));
  });
}

Deno.test("databaseUrl() is the embedded warehouse on loopback unless DATABASE_URL is given", () => {
  withSettings({ WAREHOUSE_PORT: "6001" }, () => {
    deepEqual(databaseUrl(), { url: "postgres://airline:airline@127.0.0.1:6001/airline_dw", embedded: true });
  });
  withSettings({ DATABASE_URL: "postgres://u:p@db/dw" }, () => {
    deepEqual(databaseUrl(), { url: "postgres://u:p@db/dw", embedded: false });
  });
});

for (const port of ["0", "65536", "5433.5", "abc"]) {
  Deno.test(`warehousePort() refuses ${port}`, () => {
    withSettings(
      { WAREHOUSE_PORT: port },
      () => throws(() => warehousePort(), /expected a port from 1 to 65535/),
    );
  });
}

Deno.test("maxEventLeadMs() is 7 days unless MAX_EVENT_LEAD says otherwise", () => {
  withSettings({}, () => equal(maxEventLeadMs(), 7 * 86_400_000));
  withSettings({ MAX_EVENT_LEAD: "36h" }, () => equal(maxEventLeadMs(), 36 * 3_600_000));
  for (const wrong of ["7", "a week", "-1d"]) {
    withSettings({ MAX_EVENT_LEAD: wrong }, () => {
      throws(
        () => maxEventLeadMs(),
        /^UsageError: MAX_EVENT_LEAD is ".*", expected a time such as 12h or 7d$/,
      );
    });
  }
});

Deno.test("lakeFolders() lie below LAKE_DIR", () => {
  withSettings({ LAKE_DIR: "/srv/lake" }, () => {
    deepEqual(lakeFolders(), {
      raw: "/srv/lake/raw",
      gold: "/srv/lake/gold",
      rejected: "/srv/lake/rejected",
    });
  });
});
