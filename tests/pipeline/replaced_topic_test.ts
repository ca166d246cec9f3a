/** A topic of a real Kafka that somebody deletes and makes again while the parts run. */

import { equal, match } from "node:assert/strict";
import { Kafka, logLevel } from "kafkajs";
import { bookingExample } from "../../events/bookings.ts";
import { enginePairs, eventually, openPipeline } from "./_pipeline.ts";

if (enginePairs().includes("real")) {
  Deno.test("real: every part stops at a topic that was deleted and made again, and none starts on it", async () => {
    const pipeline = await openPipeline("real");
    try {
      const booking = (id: string) => ({
        topic: "bookings",
        key: bookingExample.flight_id,
        value: JSON.stringify({ ...bookingExample, booking_id: id, event_time: new Date().toISOString() }),
      });
      await pipeline.append(["a", "b"].map(booking));
      const consumer = pipeline.start("consumer", ["--metrics-port", "0", "--session-timeout", "6s"]);
      const lake = pipeline.start("lake", ["--metrics-port", "0", "--seal-age", "1s"]);
      await Promise.all([consumer.says("Partition 2"), lake.says("🪣 bookings: 2 events")]);

      const topic = `${pipeline.env.KAFKA_TOPIC_PREFIX}bookings`;
      const kafka = new Kafka({
        brokers: pipeline.env.KAFKA_BROKERS!.split(","),
        clientId: "somebody",
        logLevel: logLevel.NOTHING,
      });
      const admin = kafka.admin();
      await admin.connect();
      await admin.deleteTopics({ topics: [topic] });
      await eventually("the topic is gone", async () => !(await admin.listTopics()).includes(topic));
      await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] });
      await admin.disconnect();
      await pipeline.append(["c", "d", "e"].map(booking));

      for (const part of [consumer, lake]) {
        equal(await part.exited(), 1);
        match(part.output, /^✖ The topic "bookings" was deleted and made again/m);
      }
      for (const name of ["consumer", "lake", "producer"] as const) {
        const { code, output } = await pipeline.run(name, ["--metrics-port", "0"]);
        equal(code, 1, output);
        match(output, /^✖ The topic "bookings" was deleted and made again since this log was begun/m);
      }
      const verified = await pipeline.run("verify", ["--skip", "gold,warehouse"]);
      equal(verified.code, 1);
      match(verified.output, /The topic "bookings" was deleted and made again/);
      // What was there before has stayed, nothing was added.
      const files = [...Deno.readDirSync(`${pipeline.folder}/lake/raw/bookings`)].map(({ name }) => name);
      const lines = files.filter((name) => name.endsWith(".jsonl"))
        .flatMap((name) =>
          Deno.readTextFileSync(`${pipeline.folder}/lake/raw/bookings/${name}`).trim().split("\n")
        );
      match(lines.join("\n"), /"booking_id":"a"[^]*"booking_id":"b"/);
      equal(lines.length, 2);
    } finally {
      await pipeline.close();
      // kafkajs's timers outlive its client by a moment.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
}
