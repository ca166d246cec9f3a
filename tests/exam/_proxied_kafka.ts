/** A Kafka broker of a round's own with a proxy before it, and a pipeline whose parts may go through either. */

import { join } from "node:path";
import { openExamPipeline } from "./_exam_pipeline.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import { KafkaBroker } from "./_kafka_broker.ts";
import { watchKafka } from "./_kafka_watch.ts";
import type { KafkaAnswer } from "./_kafka_watch.ts";
import { TcpProxy } from "./_tcp_proxy.ts";
import type { ConnectionFault } from "./_tcp_proxy.ts";
import type { Round } from "./experiment.ts";

/** See {@link openProxiedKafka}. */
export interface ProxiedKafka {
  /** Past the proxy. */
  pipeline: ExamPipeline;
  proxy: TcpProxy;
  /** What goes through the proxy connects to this; the broker tells no other address there. */
  brokers: string[];
  close(): Promise<void>;
}

/** Starts broker and proxy. `onAnswer` is told of each answer that goes through the proxy, and may strike. */
export async function openProxiedKafka(
  round: Round,
  onAnswer: (answer: KafkaAnswer) => ConnectionFault | undefined = () => undefined,
): Promise<ProxiedKafka> {
  const unknown = { hostname: "127.0.0.1", port: 0 };
  const proxy = await TcpProxy.start(unknown, { watch: () => watchKafka(onAnswer), random: round.random });
  let broker: KafkaBroker | undefined;
  let pipeline: ExamPipeline | undefined;
  const close = async () => {
    await pipeline?.close();
    await proxy.stop();
    await broker?.kill();
  };
  try {
    broker = await KafkaBroker.start({ folder: join(round.folder, "broker"), proxyPort: proxy.port });
    proxy.target = { hostname: "127.0.0.1", port: broker.proxiedPort };
    pipeline = await openExamPipeline(round, { brokers: [broker.address] });
    return { pipeline, proxy, brokers: [`127.0.0.1:${proxy.port}`], close };
  } catch (error) {
    await close();
    throw error;
  }
}
