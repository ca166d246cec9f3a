/** Sends records that are text by our log, and those that are bytes as another program does. */

import { Buffer } from "node:buffer";
import { Kafka, logLevel } from "kafkajs";
import type { Appender, NewRecord } from "../../event_log/event_log.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import type { SentRecord } from "./_poison_kinds.ts";

/** Sends in order, whoever sends. */
export class PoisonSender {
  readonly #appender: Appender;
  readonly #foreign: ReturnType<Kafka["producer"]> | undefined;
  readonly #prefix: string;

  private constructor(
    appender: Appender,
    foreign: ReturnType<Kafka["producer"]> | undefined,
    prefix: string,
  ) {
    this.#appender = appender;
    this.#foreign = foreign;
    this.#prefix = prefix;
  }

  static async open({ log, pair, env }: ExamPipeline): Promise<PoisonSender> {
    const appender = await log.appender();
    if (pair === "embedded") return new PoisonSender(appender, undefined, "");
    const kafka = new Kafka({
      brokers: env.KAFKA_BROKERS!.split(","),
      clientId: "stranger",
      logLevel: logLevel.NOTHING,
    });
    const foreign = kafka.producer({ createPartitioner: () => ({ message }) => message.partition! });
    await foreign.connect();
    return new PoisonSender(appender, foreign, env.KAFKA_TOPIC_PREFIX!);
  }

  /** In order: a record of bytes waits for the text before it. */
  async send(records: readonly SentRecord[]): Promise<void> {
    let texts: NewRecord[] = [];
    const flush = async () => {
      if (texts.length > 0) await this.#appender.append(texts);
      texts = [];
    };
    for (const { topic, partition, key, value, headers } of records) {
      const isText = [key, value, ...Object.values(headers ?? {})].every((part) =>
        !(part instanceof Uint8Array)
      );
      if (isText) {
        texts.push(
          { topic, partition, key, value, ...(headers === undefined ? {} : { headers }) } as NewRecord,
        );
        continue;
      }
      await flush();
      const bytes = (part: string | Uint8Array) => typeof part === "string" ? part : Buffer.from(part);
      await this.#foreign!.send({
        topic: this.#prefix + topic,
        messages: [{
          partition,
          key: key === null ? null : bytes(key),
          value: value === null ? null : bytes(value),
          headers: Object.fromEntries(
            Object.entries(headers ?? {}).map(([name, part]) => [name, bytes(part)]),
          ),
        }],
      });
    }
    await flush();
  }

  async close(): Promise<void> {
    await this.#appender.close();
    await this.#foreign?.disconnect();
  }
}
