/**
 * Kafka behind SASL and TLS, on a broker of the tests' own: runs where `EXAM_KAFKA_LIBS` names the folder of Kafka's jars.
 */

import assert from "node:assert/strict";
import { type EventLog, LogUnavailableError } from "../../event_log/event_log.ts";
import { type KafkaEventLogOptions, openKafkaEventLog } from "../../event_log/kafka_event_log.ts";
import { embedded, launch } from "../scripts/_support.ts";
import { aborted, readAll, until } from "./_contract_support.ts";
import {
  PASSWORD,
  type SecuredKafka,
  securedKafkaMissing,
  startSecuredKafka,
  USER,
} from "./_secured_kafka.ts";

const MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"] as const;

/** Appends, commits and reads as a member: what the log's parts do on connections of their own. */
async function works(options: KafkaEventLogOptions): Promise<void> {
  const log: EventLog = await openKafkaEventLog(options);
  try {
    const topic = "bookings";
    await log.createTopics([{ name: topic, partitions: 1, cleanup: "delete", retentionMs: -1 }]);
    const appender = await log.appender();
    await appender.append([{ topic, partition: 0, key: "k", value: "appended" }]);
    await appender.close();
    const transactor = await log.transactor("owner");
    await transactor.commit({ records: [{ topic, partition: 0, key: "k", value: "committed" }] });
    await transactor.close();
    assert.deepEqual((await readAll(log, topic)).map(({ value }) => value), ["appended", "committed"]);
    const stop = new AbortController();
    const member = await log.member({ group: "readers", topics: [topic] });
    const running = member.run((_assigned, signal) => aborted(signal), { signal: stop.signal });
    await until("it is a member", () => member.assigned().length === 1);
    stop.abort();
    await running;
    await member.close();
    await log.deleteTopics([topic]);
  } finally {
    await log.close();
  }
}

/** The one line that opening in vain gives. */
async function refusal(options: KafkaEventLogOptions): Promise<string> {
  let message = "";
  await assert.rejects(() => openKafkaEventLog(options), (error: Error) => {
    assert.ok(error instanceof LogUnavailableError, String(error));
    message = error.message;
    return true;
  });
  assert.ok(!message.includes("\n") && !message.includes(PASSWORD), message);
  return message;
}

Deno.test({
  name: "Kafka behind SASL and TLS",
  ignore: securedKafkaMissing() !== undefined,
  async fn(test) {
    const folder = await Deno.makeTempDir({ prefix: "airline-secured-kafka-" });
    let kafka: SecuredKafka | undefined;
    try {
      kafka = await startSecuredKafka(folder);
      const { sasl, tls, saslTls, caFile, otherCaFile, certFile, keyFile } = kafka;
      const read = (file: string) => Deno.readTextFileSync(file);
      const common = { clientId: "security-test", topicPrefix: `test-${crypto.randomUUID().slice(0, 8)}.` };
      const ca = [read(caFile)];
      const own = { cert: read(certFile), key: read(keyFile) };
      for (const mechanism of MECHANISMS) {
        const login = { mechanism, username: USER, password: PASSWORD };
        await test.step(`${mechanism} over an open connection`, () =>
          works({ ...common, brokers: [sasl], sasl: login }));
        await test.step(`${mechanism} over TLS`, () =>
          works({ ...common, brokers: [saslTls], sasl: login, ssl: { ca } }));
        await test.step(`${mechanism} with a wrong password is told with what to check`, async () => {
          const wrong = { ...login, password: "wrong" };
          const said = await refusal({ ...common, brokers: [sasl], sasl: wrong });
          assert.match(said, /check user "airline", its password and mechanism/);
        });
      }
      await test.step("TLS with a certificate of the client", () =>
        works({ ...common, brokers: [tls], ssl: { ca, ...own } }));
      await test.step("TLS without the certificate that the broker wants is refused", async () => {
        assert.match(await refusal({ ...common, brokers: [tls], ssl: { ca } }), /^Cannot use Kafka at .*TLS/);
      });
      await test.step("a broker whose authority is not trusted is refused", async () => {
        const untrusted = { ca: [read(otherCaFile)], ...own };
        const said = await refusal({ ...common, brokers: [tls], ssl: untrusted });
        assert.match(said, /speaks TLS with a certificate that is trusted here/);
      });
      await test.step("no login where one is wanted is told in one line", async () => {
        assert.match(await refusal({ ...common, brokers: [sasl] }), /^Cannot use Kafka at /);
      });
      const settings = (env: Record<string, string>) =>
        embedded(folder, { KAFKA_TOPIC_PREFIX: common.topicPrefix, ...env });
      const byLogin = settings({
        KAFKA_BROKERS: saslTls,
        KAFKA_SASL_MECHANISM: "SCRAM-SHA-512",
        KAFKA_SASL_USERNAME: USER,
        KAFKA_SASL_PASSWORD: PASSWORD,
        KAFKA_SSL_CA_FILE: caFile,
      });
      const byCertificate = settings({
        KAFKA_BROKERS: tls,
        KAFKA_SSL: "true",
        KAFKA_SSL_CA_FILE: caFile,
        KAFKA_SSL_CERT_FILE: certFile,
        KAFKA_SSL_KEY_FILE: keyFile,
      });
      await test.step("a task under its permissions, by login and by certificate", async () => {
        const created = await launch(["topics"], byLogin);
        assert.equal(created.code, 0, created.error);
        assert.match(created.out, /^bookings +3 +30 d +0 +created/m);
        const listed = await launch(["topics", "--list"], byCertificate);
        assert.equal(listed.code, 0, listed.error);
        assert.match(listed.out, /^bookings +3 +30 d +0 /m);
      });
      await test.step("a task with a wrong password ends with one line that does not show it", async () => {
        const wrong = await launch(["topics"], { ...byLogin, KAFKA_SASL_PASSWORD: "n0t-the-right-one" });
        assert.equal(wrong.code, 1);
        assert.match(wrong.error, /^✖ Cannot use Kafka at [^\n]*check user "airline"[^\n]*\n$/);
        assert.ok(!wrong.error.includes("n0t-the-right-one"));
      });
    } finally {
      await kafka?.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
