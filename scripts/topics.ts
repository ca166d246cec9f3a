/** `deno task topics`: creates the topics that are missing and lists what each one holds. */

import { ALL_TOPICS, PUBLIC_TOPICS } from "../events/topics.ts";
import type { TopicSpec } from "../events/topics.ts";
import type { EventLog } from "../event_log/event_log.ts";
import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { runProcess } from "../process/run_process.ts";
import { alignedTable } from "./_table.ts";

const COMMAND_LINE = {
  usage: "deno task topics",
  description: "Creates the topics that are missing, and lists them all with what they hold.",
  options: {
    list: { type: "flag", description: "Only list, create nothing" },
    json: { type: "flag", description: "Print JSON instead of a table" },
  },
  notes: [
    "Topics go to KAFKA_BROKERS, else to the embedded log. Records are counted by offsets: on Kafka that",
    "includes the markers of transactions.",
  ],
} satisfies CommandLineSpec;

/** A topic as it is listed. */
export interface TopicRow {
  topic: string;
  /** `null`: the topic is missing. */
  partitions: number | null;
  cleanup: "delete" | "compact";
  /** Days; `null` keeps for ever. */
  retention_days: number | null;
  records: number;
  created: boolean;
  description: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const DESCRIPTIONS = new Map(PUBLIC_TOPICS.map(({ name, description }) => [name, description]));
const INTERNAL = "internal";

/** The topics of the pipeline, as the log has them; creates those that are missing unless told not to. */
export async function listTopics(log: EventLog, options: { create: boolean }): Promise<TopicRow[]> {
  const created = options.create ? await log.createTopics([...ALL_TOPICS]) : [];
  const present = new Map((await log.listTopics()).map(({ name, partitions }) => [name, partitions]));
  const ranges = await log.ranges(ALL_TOPICS.map(({ name }) => name).filter((name) => present.has(name)));
  return ALL_TOPICS.map((spec: TopicSpec) => ({
    topic: spec.name,
    partitions: present.get(spec.name) ?? null,
    cleanup: spec.cleanup,
    retention_days: spec.retentionMs === -1 ? null : spec.retentionMs / DAY_MS,
    records: ranges.filter(({ topic }) => topic === spec.name)
      .reduce((sum, { start, end }) => sum + end - start, 0),
    created: created.includes(spec.name),
    description: DESCRIPTIONS.get(spec.name) ?? INTERNAL,
  }));
}

function shownRow(row: TopicRow): string[] {
  return [
    row.topic,
    row.partitions === null ? "missing" : String(row.partitions),
    row.cleanup === "compact"
      ? "compacted"
      : row.retention_days === null
      ? "for ever"
      : `${row.retention_days} d`,
    row.records.toLocaleString("en"),
    row.created ? "created" : "",
    row.description,
  ];
}

if (import.meta.main) {
  await runProcess(async () => {
    const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
    const log = await openEventLog("airline-topics");
    try {
      const rows = await listTopics(log, { create: !values.list });
      if (values.json) {
        logger.info(JSON.stringify(rows, null, 2));
        return;
      }
      const headings = ["topic", "partitions", "kept", "records", "", "what it carries"];
      logger.info(alignedTable(headings, rows.map(shownRow), ["partitions", "records"]));
      const missing = rows.filter(({ partitions }) => partitions === null).length;
      if (missing > 0) logger.info(`\n${missing} missing. Create them: deno task topics`);
    } finally {
      await log.close();
    }
  });
}
