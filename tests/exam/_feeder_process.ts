/**
 * Appends a seeded load until its input is closed or it is killed, and says what it does: `sent FROM COUNT` before an
 * append, `acked FROM COUNT` once it returned, `failed FROM COUNT MESSAGE` where it threw.
 *
 * Arguments: the folder of the project whose event log it uses, and JSON of {@link FeederTask}.
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { EventLog } from "../../event_log/event_log.ts";
import type { FeederTask } from "./_feeder.ts";
import { Load } from "./_load.ts";

const PAUSE_MS = 20;

async function openLog(folder: string, { brokers, topicPrefix, file }: FeederTask): Promise<EventLog> {
  const module = (name: string) => import(pathToFileURL(join(folder, "event_log", name)).href);
  if (brokers === undefined) return (await module("sqlite_event_log.ts")).openSqliteEventLog({ file });
  const { openKafkaEventLog } = await module("kafka_event_log.ts");
  return openKafkaEventLog({ brokers, clientId: "exam-feeder", topicPrefix });
}

const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const [folder, json] = Deno.args as [string, string];
const task = JSON.parse(json) as FeederTask;
let stopping = false;
(async () => {
  for await (const _ of Deno.stdin.readable);
  stopping = true;
})();
const load = new Load(task.seed, task.load);
load.take(task.from);
const log = await openLog(folder, task);
const appender = await log.appender();
let next = task.from;
const startedMs = performance.now();
while (!stopping) {
  const due = Math.floor((performance.now() - startedMs) / 1000 * task.perSecond) - (next - task.from);
  // After a stall the rate is made up for in pieces.
  const count = Math.min(due, task.perSecond);
  if (count > 0) {
    const place = `${next} ${count}`;
    next += count;
    say(`sent ${place}`);
    try {
      await appender.append(load.take(count));
      say(`acked ${place}`);
    } catch (error) {
      say(`failed ${place} ${(error as Error).message}`);
    }
  }
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
await log.close();
