/** `deno task topics`: creates the topics that are missing and lists what each one holds, and for how long. */

import { ALL_TOPICS, LAKE_TOPICS, PUBLIC_TOPICS } from "../events/topics.ts";
import type { TopicSpec } from "../events/topics.ts";
import type { EventLog, SettingDifference } from "../event_log/event_log.ts";
import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { runProcess } from "../process/run_process.ts";
import { alignedTable } from "./_table.ts";

const COMMAND_LINE = {
  usage: "deno task topics",
  description: "Creates the topics that are missing, and lists them all with what they hold and how long.",
  options: {
    list: { type: "flag", description: "Only list, create nothing" },
    apply: {
      type: "flag",
      description: "Set retention and the like as the pipeline wants them, where they differ",
    },
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
  /** `delete`, `compact` or both; of a missing topic what it would have; `null` where this user may not see it. */
  cleanup: string | null;
  /** Days; `null` keeps for ever. */
  retention_days: number | null;
  /** Settings that are not as the pipeline wants them. */
  differences: SettingDifference[];
  records: number;
  created: boolean;
  description: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const DESCRIPTIONS = new Map(PUBLIC_TOPICS.map(({ name, description }) => [name, description]));
const INTERNAL = "internal";

/** The topics of the pipeline, as the log has them; creates those that are missing and mends settings as told. */
export async function listTopics(
  log: EventLog,
  options: { create: boolean; apply?: boolean },
): Promise<TopicRow[]> {
  const created = options.create ? await log.createTopics([...ALL_TOPICS]) : [];
  if (options.apply) await log.applySettings([...ALL_TOPICS]);
  const settings = new Map((await log.topicSettings([...ALL_TOPICS])).map((topic) => [topic.name, topic]));
  const present = new Map((await log.listTopics()).map(({ name, partitions }) => [name, partitions]));
  const ranges = await log.ranges(ALL_TOPICS.map(({ name }) => name).filter((name) => present.has(name)));
  return ALL_TOPICS.map((spec: TopicSpec) => ({
    topic: spec.name,
    partitions: present.get(spec.name) ?? null,
    ...kept(settings.get(spec.name) ?? spec),
    differences: settings.get(spec.name)?.differences ?? [],
    records: ranges.filter(({ topic }) => topic === spec.name)
      .reduce((sum, { start, end }) => sum + end - start, 0),
    created: created.includes(spec.name),
    description: DESCRIPTIONS.get(spec.name) ?? INTERNAL,
  }));
}

function kept({ cleanup, retentionMs }: { cleanup: string | null; retentionMs: number | null }) {
  const forEver = retentionMs === null || retentionMs === -1 || cleanup === "compact";
  return { cleanup, retention_days: forEver ? null : Math.round(retentionMs / DAY_MS * 1000) / 1000 };
}

function shownKept({ cleanup, retention_days: days }: TopicRow): string {
  if (cleanup === null) return "not shown to this user";
  if (cleanup === "compact") return "compacted";
  const long = days === null ? "for ever" : `${days} d`;
  return cleanup === "delete" ? long : `compacted, ${long}`;
}

/** One line for each setting that differs. */
function differenceLines(rows: TopicRow[]): string[] {
  return rows.flatMap(({ topic, differences }) =>
    differences.map(({ setting, is, wanted }) =>
      `${topic}: ${setting} is ${shownValue(setting, is)}, the pipeline wants ${shownValue(setting, wanted)}`
    )
  );
}

function shownValue(setting: string, value: string): string {
  if (value === "") return "not set";
  if (setting !== "retention.ms") return value;
  return value === "-1" ? "-1 (for ever)" : `${value} (${Math.round(Number(value) / DAY_MS * 10) / 10} d)`;
}

function shownRow(row: TopicRow): string[] {
  return [
    row.topic,
    row.partitions === null ? "missing" : String(row.partitions),
    shownKept(row),
    row.records.toLocaleString("en"),
    row.created ? "created" : "",
    row.description,
  ];
}

if (import.meta.main) {
  await runProcess(async () => {
    const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
    if (values.list && values.apply) throw new UsageError("--list and --apply do not go together");
    const log = await openEventLog("airline-topics");
    try {
      const rows = await listTopics(log, { create: !values.list, apply: values.apply });
      if (values.json) {
        logger.info(JSON.stringify(rows, null, 2));
        return await log.checkIdentity(LAKE_TOPICS);
      }
      const headings = ["topic", "partitions", "kept", "records", "", "what it carries"];
      logger.info(alignedTable(headings, rows.map(shownRow), ["partitions", "records"]));
      const missing = rows.filter(({ partitions }) => partitions === null).length;
      if (missing > 0) logger.info(`\n${missing} missing. Create them: deno task topics`);
      for (const line of differenceLines(rows)) logger.warn(`⚠ ${line}`);
      if (rows.some(({ differences }) => differences.length > 0)) {
        logger.warn(
          "Records may be kept shorter, or under another time, than needed. Mend it: deno task topics --apply",
        );
      }
      await log.checkIdentity(LAKE_TOPICS);
    } finally {
      await log.close();
    }
  });
}
