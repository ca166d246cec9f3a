/**
 * A Kafka broker of a test's own with secured ports: SASL with each mechanism, TLS with a client's certificate, and both.
 * From the jars in `EXAM_KAFKA_LIBS`; certificates by openssl.
 *
 * @module
 */

import { freePort } from "../../process/free_port.ts";

export const USER = "airline";
/** Holds characters that a settings file or an address may trip over. */
export const PASSWORD = "p@ss:w/rd#1% x";

const START_DEADLINE_MS = 60_000;
const LOOK_MS = 100;
const CERTIFICATE_DAYS = "3";

/** Why there can be none here; `undefined` where there can. */
export function securedKafkaMissing(): string | undefined {
  const libraries = Deno.env.get("EXAM_KAFKA_LIBS") ?? "";
  if (libraries === "") return "EXAM_KAFKA_LIBS does not name the folder of Kafka's jars";
  for (const [program, argument] of [["java", "-version"], ["openssl", "version"]] as const) {
    try {
      new Deno.Command(program, { args: [argument], stdout: "null", stderr: "null" }).outputSync();
    } catch {
      return `There is no ${program} here`;
    }
  }
  return undefined;
}

/** A broker that runs, and the files that its clients need. */
export interface SecuredKafka {
  /** `127.0.0.1:port` of each door. */
  sasl: string;
  tls: string;
  saslTls: string;
  /** PEM files: the authority of the broker's certificate, another one, and a client's own certificate and key. */
  caFile: string;
  otherCaFile: string;
  certFile: string;
  keyFile: string;
  stop(): Promise<void>;
}

/** Starts one in a folder that the caller removes. */
export async function startSecuredKafka(folder: string): Promise<SecuredKafka> {
  const [plain, controller, sasl, tls, saslTls] = Array.from({ length: 5 }, freePort) as [
    number,
    number,
    number,
    number,
    number,
  ];
  await makeCertificates(folder);
  const settings = `${folder}/server.properties`;
  await Deno.writeTextFile(settings, properties(folder, { plain, controller, sasl, tls, saslTls }));
  const classPath = `${Deno.env.get("EXAM_KAFKA_LIBS")}/*`;
  const java = (
    main: string,
    ...args: string[]
  ) => ["-Xmx512m", "-XX:+UseSerialGC", "-cp", classPath, main, ...args];
  const scram = ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
    "--add-scram",
    `${mechanism}=[name=${USER},password=${PASSWORD}]`,
  ]);
  await run("java", java("kafka.tools.StorageTool", "format", "-t", clusterId(), "-c", settings, ...scram));
  const child = new Deno.Command("java", {
    args: java("kafka.Kafka", settings),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const stop = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await child.status;
  };
  const deadline = performance.now() + START_DEADLINE_MS;
  for (const port of [plain, sasl, tls, saslTls]) {
    while (!await listens(port)) {
      if (performance.now() > deadline) {
        await stop();
        throw new Error(
          `The Kafka broker in "${folder}" does not answer within ${START_DEADLINE_MS / 1000} s`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
  return {
    sasl: `127.0.0.1:${sasl}`,
    tls: `127.0.0.1:${tls}`,
    saslTls: `127.0.0.1:${saslTls}`,
    caFile: `${folder}/ca.pem`,
    otherCaFile: `${folder}/other-ca.pem`,
    certFile: `${folder}/client.pem`,
    keyFile: `${folder}/client.key`,
    stop,
  };
}

function properties(
  folder: string,
  ports: { plain: number; controller: number; sasl: number; tls: number; saslTls: number },
): string {
  const { plain, controller, sasl, tls, saslTls } = ports;
  const doors =
    `PLAIN://127.0.0.1:${plain},SASL://127.0.0.1:${sasl},TLS://127.0.0.1:${tls},BOTH://127.0.0.1:${saslTls}`;
  const plainLogin =
    `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`;
  const scramLogin = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
  return [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=${doors},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=${doors}`,
    "listener.security.protocol.map=PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,BOTH:SASL_SSL",
    "controller.listener.names=CONTROLLER",
    "inter.broker.listener.name=PLAIN",
    "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    ...["sasl", "both"].flatMap((door) => [
      `listener.name.${door}.plain.sasl.jaas.config=${plainLogin}`,
      `listener.name.${door}.scram-sha-256.sasl.jaas.config=${scramLogin}`,
      `listener.name.${door}.scram-sha-512.sasl.jaas.config=${scramLogin}`,
    ]),
    "ssl.keystore.type=PEM",
    `ssl.keystore.location=${folder}/broker-store.pem`,
    "ssl.truststore.type=PEM",
    `ssl.truststore.location=${folder}/ca.pem`,
    "listener.name.tls.ssl.client.auth=required",
    `log.dirs=${folder}/data`,
    "auto.create.topics.enable=false",
    "offsets.topic.replication.factor=1",
    "offsets.topic.num.partitions=1",
    "transaction.state.log.replication.factor=1",
    "transaction.state.log.min.isr=1",
    "transaction.state.log.num.partitions=1",
    "group.initial.rebalance.delay.ms=0",
    "",
  ].join("\n");
}

/** Two authorities, and certificates of the first for the broker and a client. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) => run("openssl", args);
  for (const name of ["ca", "other-ca"]) {
    await openssl(
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", CERTIFICATE_DAYS, "-subj", `/CN=${name}`],
      ...["-keyout", `${folder}/${name}.key`, "-out", `${folder}/${name}.pem`],
    );
  }
  for (const name of ["broker", "client"]) {
    const [request, extensions] = [`${folder}/${name}.csr`, `${folder}/${name}.ext`];
    await Deno.writeTextFile(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    await openssl(
      ...["req", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`],
      ...["-keyout", `${folder}/${name}.key`, "-out", request],
    );
    await openssl(
      ...["x509", "-req", "-in", request, "-CA", `${folder}/ca.pem`, "-CAkey", `${folder}/ca.key`],
      ...[
        "-CAcreateserial",
        "-days",
        CERTIFICATE_DAYS,
        "-extfile",
        extensions,
        "-out",
        `${folder}/${name}.pem`,
      ],
    );
  }
  const [key, certificate] = await Promise.all(
    ["key", "pem"].map((ending) => Deno.readTextFile(`${folder}/broker.${ending}`)),
  );
  await Deno.writeTextFile(`${folder}/broker-store.pem`, `${key}${certificate}`);
}

async function run(program: string, args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (success) return;
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  throw new Error(`${program} ${args.slice(0, 4).join(" ")} … failed: ${said.slice(-2000)}`);
}

/** As Kafka writes ids: 16 bytes in URL-safe base64 without padding. */
function clusterId(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toBase64({ alphabet: "base64url", omitPadding: true });
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
