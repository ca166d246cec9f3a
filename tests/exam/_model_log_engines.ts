/** Logs for the sequences of `_model_log.ts`: embedded ones in folders of their own, and topics on Kafka. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { EventLog } from "../../event_log/event_log.ts";
import type { LogUnderTest } from "./_model_log.ts";
import { PARTITIONS } from "./_model_log_commands.ts";
import type { Project } from "./_project_copy.ts";

const TOPICS = ["one", "two"] as const;
const spec = (name: string) => ({
  name,
  partitions: PARTITIONS,
  cleanup: "delete" as const,
  retentionMs: -1,
});

async function load(project: Project, file: string) {
  return await import(pathToFileURL(join(project.folder, file)).href);
}

/**
 * Opens embedded logs of a project, each in a file of its own. A crash leaves the files as they stand: the log goes on
 * with a copy of them, taken while the old one is still open.
 */
export async function embeddedLogs(project: Project, folder: string): Promise<() => Promise<LogUnderTest>> {
  const { openSqliteEventLog } = await load(project, "event_log/sqlite_event_log.ts");
  let number = 0;
  return async () => {
    const sequence = join(folder, `log-${number++}`);
    let copies = 0;
    const file = () => join(sequence, String(copies), "log.sqlite");
    const open = (): Promise<EventLog> => openSqliteEventLog({ file: file() });
    const left: EventLog[] = [];
    const test: LogUnderTest = {
      log: await open(),
      topics: TOPICS,
      prefix: "",
      async reopen() {
        await test.log.close();
        test.log = await open();
      },
      async crash() {
        left.push(test.log);
        const stored = file();
        copies++;
        await Deno.mkdir(join(sequence, String(copies)));
        for (const ending of ["", "-wal"]) await Deno.copyFile(stored + ending, file() + ending);
        test.log = await open();
      },
      async close() {
        for (const log of [test.log, ...left]) await log.close();
        await Deno.remove(sequence, { recursive: true });
      },
    };
    await test.log.createTopics(TOPICS.map(spec));
    return test;
  };
}

/** Opens connections to Kafka; topics of each sequence are deleted at its end. */
export async function kafkaLogs(project: Project, brokers: string[]): Promise<() => Promise<LogUnderTest>> {
  const { openKafkaEventLog } = await load(project, "event_log/kafka_event_log.ts");
  const run = crypto.randomUUID().slice(0, 8);
  const open = (): Promise<EventLog> =>
    openKafkaEventLog({ brokers, clientId: "exam-model", topicPrefix: `exam-model-${run}-` });
  let number = 0;
  return async () => {
    const prefix = `s${number++}-`;
    const topics = [`${prefix}${TOPICS[0]}`, `${prefix}${TOPICS[1]}`] as const;
    const left: EventLog[] = [];
    const test: LogUnderTest = {
      log: await open(),
      topics,
      prefix,
      async reopen() {
        await test.log.close();
        test.log = await open();
      },
      async crash() {
        left.push(test.log);
        test.log = await open();
      },
      async close() {
        await test.log.deleteTopics([...topics]);
        for (const log of [test.log, ...left]) await log.close();
      },
    };
    await test.log.createTopics(topics.map(spec));
    return test;
  };
}
