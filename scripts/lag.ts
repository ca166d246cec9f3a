/** `deno task lag`: how many records each consumer group has still to take. */

import type { PartitionOffset } from "../event_log/event_log.ts";
import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { runProcess } from "../process/run_process.ts";
import { realtimeDatabase } from "../process/settings.ts";
import { openWarehouse, WarehouseUnavailableError } from "../warehouse/connect.ts";
import { groupLag, lagByGroup, windowPositions } from "./_group_lag.ts";
import type { LagRow } from "./_group_lag.ts";
import { alignedTable } from "./_table.ts";

const COMMAND_LINE = {
  usage: "deno task lag",
  description: "Shows how many records each consumer group has still to take.",
  options: {
    partitions: { type: "flag", description: "A line for each partition, not for each topic" },
    group: { type: "text", value: "NAME", description: "Only this group" },
    "fail-above": {
      type: "number",
      value: "RECORDS",
      min: 0,
      integer: true,
      description: "End with exit code 1 where a group is further behind",
    },
    json: { type: "flag", description: "Print JSON, one object for each partition" },
  },
  notes: [
    "Only reads. On Kafka the end of a partition counts markers of transactions, so a few records may remain for ever.",
    "viewer-metrics keeps its place in the database of the minute windows: while that is away it is left out.",
  ],
} as const satisfies CommandLineSpec;

/** The places of the minute windows; a word to the person where their database is away. */
async function windows(logId: string): Promise<PartitionOffset[] | undefined> {
  const { url, embedded, schema } = realtimeDatabase();
  try {
    const database = await openWarehouse({ url, embedded, applicationName: "airline-lag", max: 1 });
    try {
      return await windowPositions(database.sql, schema, logId);
    } finally {
      await database.close();
    }
  } catch (error) {
    if (!(error instanceof WarehouseUnavailableError)) throw error;
    logger.warn(`⚠ viewer-metrics is left out: ${error.message}`);
    return undefined;
  }
}

function text(rows: LagRow[], byPartition: boolean): string {
  const lines = new Map<string, { cells: string[]; lag: number }>();
  for (const { group, topic, partition, position, end, lag_records } of rows) {
    const key = byPartition ? `${group}/${topic}/${partition}` : `${group}/${topic}`;
    const line = lines.get(key);
    if (line !== undefined) line.lag += lag_records;
    else {
      const place = byPartition ? [String(partition), String(position ?? "none yet"), String(end)] : [];
      lines.set(key, { cells: [group, topic, ...place], lag: lag_records });
    }
  }
  const headings = ["group", "topic", ...(byPartition ? ["partition", "position", "end"] : []), "lag"];
  return alignedTable(
    headings,
    [...lines.values()].map(({ cells, lag }) => [...cells, lag.toLocaleString("en")]),
    headings.slice(2),
  );
}

if (import.meta.main) {
  await runProcess(async () => {
    const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
    const log = await openEventLog("airline-lag", { readOnly: true });
    try {
      const places = await windows(log.logId);
      const rows = (await groupLag(log, places ?? []))
        .filter(({ group }) => values.group === undefined || group === values.group)
        .filter(({ group }) => places !== undefined || group !== "viewer-metrics");
      if (values.json) logger.info(JSON.stringify(rows, null, 2));
      else if (rows.length === 0) logger.info("There is no such group");
      else logger.info(text(rows, values.partitions));
      const limit = values["fail-above"];
      if (limit === undefined) return rows.length === 0 ? 1 : 0;
      const behind = [...lagByGroup(rows)].filter(([, lag]) => lag > limit);
      for (const [group, lag] of behind) {
        logger.error(`✖ ${group} is ${lag.toLocaleString("en")} records behind, more than ${limit}`);
      }
      return behind.length === 0 && rows.length > 0 ? 0 : 1;
    } finally {
      await log.close();
    }
  });
}
