/**
 * One traced run of real processes on a folder: on the embedded log a client that appends, the lake writer, the ETL and
 * the embedded warehouse; on Kafka the lake writer and the ETL's files. What they did to the folder comes back as a
 * journal, which can be cut anywhere.
 *
 * @module
 */

import { cp } from "node:fs/promises";
import type { EventLog } from "../../event_log/event_log.ts";
import { DiskJournal } from "./_disk_journal.ts";
import type { Round } from "./experiment.ts";
import { MERGING_ARGUMENTS } from "./_merging_lake.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import { recordsOf } from "./_power_cut_records.ts";
import { systemCalls, traced } from "./_system_calls.ts";
import type { PartName } from "../../scripts/launcher.ts";

/** Appends of the client. */
export const CLIENT_CALLS = 40;
const SHORT_FAULTS_MAX = 20;
export const LAKE_ARGUMENTS = [
  ...["--seal-events", "60", "--seal-age", "300ms", "--metrics-port", "0"],
  ...MERGING_ARGUMENTS,
];
const DEADLINE_MS = 240_000;

/** The folder's names for the processes. */
export function placesIn(folder: string): Record<string, string> {
  return {
    EVENT_LOG_FILE: `${folder}/data/log/event_log.sqlite`,
    LAKE_DIR: `${folder}/lake`,
    WAREHOUSE_DIR: `${folder}/warehouse`,
  };
}

/** What a traced run did. */
export interface Scene {
  journal: DiskJournal;
  /** After how many changes each call of the client was acknowledged. */
  acknowledged: number[];
}

/** Runs the processes under strace. `pipeline.env` names places in `folder`. */
export async function runScene(round: Round, pipeline: ExamPipeline, folder: string): Promise<Scene> {
  const embedded = round.engine === "embedded";
  if (embedded) await makeWarehouse(pipeline);
  const base = `${round.folder}/base`;
  await cp(folder, base, { recursive: true });
  const trace = `${round.folder}/trace`;
  const script = `${round.folder}/scene.sh`;
  await Deno.writeTextFile(
    script,
    embedded ? embeddedScript(round, pipeline, folder) : kafkaScript(round, pipeline),
  );
  const [program, ...args] = traced(["sh", script], trace);
  const child = new Deno.Command(program!, {
    args,
    env: pipeline.env,
    clearEnv: true,
    cwd: round.project.folder,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.any([round.signal, AbortSignal.timeout(DEADLINE_MS)]),
  }).spawn();
  const feeding = embedded ? Promise.resolve() : feed(pipeline.log);
  const { code, stdout, stderr } = await child.output();
  await feeding;
  const text = new TextDecoder();
  round.say(text.decode(stdout).trim().split("\n").slice(-3).join(" | "));
  if (code !== 0) {
    throw new Error(`The traced run ended with ${code}:\n${text.decode(stdout)}${text.decode(stderr)}`);
  }
  const scene: Scene = { journal: new DiskJournal(folder, base), acknowledged: [] };
  let acknowledgements: unknown;
  for await (const call of systemCalls(trace)) {
    const before = scene.journal.changes.length;
    scene.journal.follow(call);
    const change = scene.journal.changes[before];
    if (change?.kind === "name" && change.name === "acknowledgements") acknowledgements = change.node;
    if (change?.kind === "write" && change.node === acknowledgements) {
      scene.acknowledged.push(scene.journal.changes.length);
    }
  }
  await Deno.remove(trace);
  if (scene.journal.changes.length === 0) throw new Error("The trace holds no change of the folder");
  return scene;
}

/** A command line for `sh`, in which nothing is left to expand. */
function commandLine(
  round: Round,
  pipeline: ExamPipeline,
  part: PartName,
  args: readonly string[] = [],
): string {
  const command = round.project.commandFor(part, args, pipeline.env);
  return [Deno.execPath(), ...command.args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

/** Each process is started as its task does, and told to stop as an operator would. */
function embeddedScript(round: Round, pipeline: ExamPipeline, folder: string): string {
  const line = (part: PartName, args: string[] = []) => commandLine(round, pipeline, part, args);
  const client = new URL("_power_cut_client.ts", import.meta.url).pathname;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const appending =
    `'${Deno.execPath()}' run -A -q --config '${config}' '${client}' '${round.project.folder}' ` +
    `'${pipeline.env.EVENT_LOG_FILE}' '${folder}/acknowledgements' ${CLIENT_CALLS}`;
  return `set -e
${line("topics")} >/dev/null
${line("warehouse")} & warehouse=$!
${line("lake", LAKE_ARGUMENTS)} & lake=$!
${appending} & client=$!
for run in ${runsOf(round)}; do sleep 1; ${line("etl")} >/dev/null || true; done
wait $client
sleep 1
kill -TERM $lake; wait $lake
${line("etl")}
kill -TERM $warehouse; wait $warehouse
`;
}

function kafkaScript(round: Round, pipeline: ExamPipeline): string {
  const line = (part: PartName, args: string[] = []) => commandLine(round, pipeline, part, args);
  return `set -e
${line("lake", LAKE_ARGUMENTS)} & lake=$!
for run in ${runsOf(round)}; do sleep 1; ${line("etl", ["--skip-warehouse"])} >/dev/null || true; done
sleep 2
kill -TERM $lake; wait $lake
${line("etl", ["--skip-warehouse"])}
`;
}

/** How often the ETL runs while files come in; then once more. */
function runsOf({ faults }: Round): string {
  return faults > SHORT_FAULTS_MAX ? "1 2" : "1";
}

async function feed(log: EventLog): Promise<void> {
  const appender = await log.appender();
  for (let call = 0; call < CLIENT_CALLS; call++) {
    await appender.append(recordsOf(call));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await appender.close();
}

/** Makes the database before the trace: that alone writes a thousand files, and nothing is in it yet. */
async function makeWarehouse(pipeline: ExamPipeline): Promise<void> {
  const warehouse = pipeline.start("warehouse");
  await warehouse.says("Embedded warehouse ready", 120_000);
  await warehouse.stop();
}
