/**
 * Experiment 7: the lake writer is killed around every step of its commit order, and at random times, while records
 * come in. Each start goes on where the folders say that the lake ends.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Experiment, Round, RoundResult } from "./experiment.ts";
import { eventually, isAtPoint, openExamPipeline } from "./_exam_pipeline.ts";
import type { ExamPipeline, Part } from "./_exam_pipeline.ts";
import { Findings } from "./_findings.ts";
import { LakeChecker } from "./_lake_checker.ts";
import { FED_TOPICS, isGood, LakeFeed, readAll } from "./_lake_feed.ts";
import { MERGE_AT_ONCE, MERGING_ARGUMENTS } from "./_merging_lake.ts";
import { copyProject, killPoint } from "./_project_copy.ts";
import type { SourceMutation } from "./_project_copy.ts";
import { oneOf, wholeNumber } from "./_random.ts";

const SEGMENT = "lake/segment_writer.ts";
const MERGE = "lake/merge_files.ts";
const WRITE = `() => writeAll(file, chunk));`;
const FSYNC = `await onStorage("write", this.#temporary, () => file.sync());`;
const RENAME = "await Deno.rename(this.#temporary, `${this.#folder}/${name}`);";
const MANIFEST_WRITE = "await writeAll(file, new TextEncoder().encode(`${JSON.stringify(entry)}\\n`));";
const COMMIT = "await this.#log.commitOffsets(this.#group, positions);";
const REPLACE = "await Deno.rename(temporary, `${folder}/${name}`);";

/** Where the writer is stopped and killed, in the order of a commit. */
const POINTS: readonly SourceMutation[] = [
  {
    file: SEGMENT,
    from: WRITE,
    to: `async () => { await writeAll(file, chunk.subarray(0, chunk.length >> 1)); examPoint("half-written");
      await writeAll(file, chunk.subarray(chunk.length >> 1)); });`,
  },
  { file: SEGMENT, from: "// Step 2:", to: `examPoint("written");\n    // Step 2:` },
  killPoint("letters-half", {
    file: "lake/dead_letter_queue.ts",
    before: "this.#storedLetters += letters.length;",
  }),
  { file: SEGMENT, from: FSYNC, to: `examPoint("before-fsync"); ${FSYNC} examPoint("synced");` },
  killPoint("renamed", { file: SEGMENT, after: RENAME }),
  killPoint("folder-synced", { file: SEGMENT, after: "await syncFolder(this.#folder);" }),
  {
    file: "lake/manifest.ts",
    from: MANIFEST_WRITE,
    to: `{ const line = new TextEncoder().encode(\`\${JSON.stringify(entry)}\\n\`);
      await writeAll(file, line.subarray(0, line.length >> 1)); examPoint("manifest-half");
      await writeAll(file, line.subarray(line.length >> 1)); examPoint("manifest-written"); }`,
  },
  {
    file: "lake/group_offsets.ts",
    from: COMMIT,
    to: `examPoint("before-offsets"); ${COMMIT} examPoint("after-offsets");`,
  },
  killPoint("merge copying", { file: MERGE, after: "bytes += count;" }),
  killPoint("merge prepared", { file: MERGE, before: "return { entry: { name, ...content }" }),
  killPoint("merge renamed", {
    file: MERGE,
    after: "Deno.renameSync(`${folder}/${preparedName(merged.name)}`, merged.path);",
  }),
  {
    file: MERGE,
    from: "for (const { path } of parts) Deno.removeSync(path);",
    to: `for (const { path } of parts) { Deno.removeSync(path); examPoint("merge removing"); }`,
  },
  { file: MERGE, from: "// Step 5", to: `examPoint("merge swapped");\n  // Step 5` },
  {
    file: "lake/durable_files.ts",
    from: REPLACE,
    to: `examPoint("repair-before-rename"); ${REPLACE} examPoint("repair-renamed");`,
  },
];

const COMMIT_POINTS = [
  "half-written",
  "written",
  "letters-half",
  "before-fsync",
  "synced",
  "renamed",
  "folder-synced",
  "manifest-half",
  "manifest-written",
  "before-offsets",
  "after-offsets",
  "merge copying",
  "merge prepared",
  "merge renamed",
  "merge removing",
  "merge swapped",
];
/** A kill at one of these leaves a manifest that the next start has to repair. */
const LEAVE_A_REPAIR = new Set(["renamed", "folder-synced", "manifest-half", "merge swapped"]);
const REPAIR_POINTS = ["repair-before-rename", "repair-renamed"];

const ARGUMENTS = [
  "--seal-events",
  "150",
  "--seal-age",
  "200ms",
  "--metrics-port",
  "0",
  ...MERGING_ARGUMENTS,
];
const ALL_TOPICS_FED = [...FED_TOPICS, "dead_letters"];
/** A point that no step comes to in so long (no record was refused, say): the kill comes all the same. */
const POINT_WAIT_MS = 8000;
const GROUP = "lake-writer";

async function run(round: Round): Promise<RoundResult> {
  const project = await copyProject(`${round.folder}/project`, [...POINTS, ...MERGE_AT_ONCE], {
    from: round.project,
  });
  const pipeline = await openExamPipeline({ ...round, project });
  const findings = new Findings();
  const recoveryMs: number[] = [];
  const raw = `${pipeline.folder}/lake/raw`;
  const checker = new LakeChecker(raw, findings);
  const feed = new LakeFeed(pipeline.log, round.random);
  let stopped = false;
  try {
    let lastKill = "";
    let killedMs = 0;
    for (let fault = 0; fault < round.faults; fault++) {
      round.signal.throwIfAborted();
      const kill = fault === 0 ? FIRST_KILL : planOf(round, lastKill);
      const part = kill.point === undefined
        ? pipeline.start("lake", ARGUMENTS)
        : pipeline.startTo(kill.point, kill.pass, "lake", ARGUMENTS);
      const recovered = await killed(part, kill, checker, killedMs);
      if (recovered !== undefined) recoveryMs.push(recovered);
      killedMs = performance.now();
      const unfinished = checker.look(ALL_TOPICS_FED);
      round.say(
        `kill ${fault + 1}: ${
          kill.point ?? `after ${kill.delayMs} ms`
        }, pass ${kill.pass}, left ${unfinished.length} unfinished`,
      );
      lastKill = kill.point ?? "";
      round.progress(fault + 1);
    }
    await feed.stop();
    stopped = true;
    recoveryMs.push(await finish(pipeline, checker, killedMs));
    await verify(pipeline, checker, feed, findings);
    return { faults: round.faults, ...findings.result(), recoveryMs, figures: { files: checker.filesSeen } };
  } finally {
    if (!stopped) await feed.stop().catch(() => {});
    await pipeline.close();
  }
}

interface Kill {
  point?: string;
  pass: number;
  delayMs: number;
}

/** Each round begins where files are named and the group's offsets do not tell of them: chance may leave that out. */
const FIRST_KILL: Kill = { point: "before-offsets", pass: 1, delayMs: 0 };

function planOf({ random }: Round, lastKill: string): Kill {
  const delayMs = wholeNumber(random, 0, 600);
  if (LEAVE_A_REPAIR.has(lastKill) && random() < 0.5) {
    return { point: oneOf(random, REPAIR_POINTS), pass: 1, delayMs };
  }
  if (random() < 0.25) return { pass: 0, delayMs };
  return { point: oneOf(random, COMMIT_POINTS), pass: wholeNumber(random, 1, 6), delayMs };
}

/** Kills a writer where the plan says; returns how long after `sinceMs` it had finished a file, if it had. */
async function killed(
  part: Part,
  kill: Kill,
  checker: LakeChecker,
  sinceMs: number,
): Promise<number | undefined> {
  const before = checker.filesSeen;
  let recovered: number | undefined;
  const deadline = performance.now() + POINT_WAIT_MS;
  const seen = () => {
    checker.look(ALL_TOPICS_FED);
    if (recovered === undefined && checker.filesSeen > before) recovered = performance.now() - sinceMs;
    return recovered !== undefined;
  };
  if (kill.point === undefined) {
    while (!seen() && performance.now() < deadline) await delay(20);
    await delay(kill.delayMs);
  } else {
    while (!isAtPoint(part, kill.point) && performance.now() < deadline) {
      seen();
      await delay(10);
    }
  }
  await part.kill();
  return sinceMs === 0 ? undefined : recovered;
}

/** The last writer takes what is left; returns how long after the last kill the lake had it all. */
async function finish(pipeline: ExamPipeline, checker: LakeChecker, killedMs: number): Promise<number> {
  const part = pipeline.start("lake", ARGUMENTS);
  const ends = new Map<string, number>();
  for (const topic of FED_TOPICS) {
    for (const { partition, offset } of await readAll(pipeline.log, topic)) {
      ends.set(`${topic}/${partition}`, offset);
    }
  }
  await eventually(
    "the lake holds what the log holds",
    () => {
      checker.look(ALL_TOPICS_FED);
      return [...ends].every(([place, last]) => {
        const [topic, partition] = place.split("/");
        return checker.end(topic!, Number(partition)) > last;
      });
    },
    60_000,
    () => part.output.slice(-2000),
  ).catch(() => {});
  const recovered = performance.now() - killedMs;
  const code = await part.stop();
  if (code !== 0) throw new Error(`The lake writer ended with exit code ${code}:\n${part.output}`);
  return recovered;
}

async function verify(
  pipeline: ExamPipeline,
  checker: LakeChecker,
  feed: LakeFeed,
  findings: Findings,
): Promise<void> {
  for (const name of checker.look(ALL_TOPICS_FED)) {
    findings.violation(`${name} is left although the writer stopped in order`);
  }
  const refused = [];
  const letters = await readAll(pipeline.log, "dead_letters");
  for (const topic of FED_TOPICS) {
    const records = await readAll(pipeline.log, topic);
    findings.compare(
      `a record of ${topic} in the log`,
      feed.acknowledged[topic]!,
      records.map(({ value }) => value!),
    );
    checker.compareWithLog(topic, records, isGood);
    checker.compareManifest(topic);
    const own = records.filter((record) => !isGood(record));
    refused.push(...own);
    const mine = letters.filter(({ value }) => JSON.parse(value!).topic === topic);
    checker.compareDeadLetters(own, mine, { topic, group: GROUP });
  }
  checker.compareWithLog("dead_letters", letters, () => true);
  checker.compareManifest("dead_letters");
}

/** See the module. */
export const experiment: Experiment = {
  number: 7,
  name: "lake-writer-killed",
  fault: "lake writer killed around write, fsync, rename, manifest and merge",
  mustHold: "finished files parse whole, ranges adjoin, sorted hash of all lines equals the log's",
  engines: ["embedded", "kafka"],
  needs: () => ["linux"],
  faults: { short: { embedded: 8, kafka: 5 }, full: { embedded: 300, kafka: 300 } },
  faultsPerRound: 50,
  points: () => [...POINTS, ...MERGE_AT_ONCE],
  run,
  controls: [
    {
      guard: "lines go to a temporary name until the file is whole",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: SEGMENT,
        from: "this.#temporary = `${this.#folder}/.${this.#stem}.${crypto.randomUUID().slice(0, 8)}.tmp`;",
        to: "this.#temporary = `${this.#folder}/${this.#stem}.${crypto.randomUUID().slice(0, 8)}.jsonl`;",
      }],
      faults: 5,
    },
    {
      guard: "the lake itself is asked where to go on, not the consumer group",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "lake/start_positions.ts",
        from: "if (file.logId8 === logId8) {",
        to: "if (file.logId8 === logId8 && file.to < 0) {",
      }],
      faults: 12,
    },
    {
      guard: "dead letters are stored before the file is named",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: SEGMENT,
        from: "await storeDeadLetters();",
        to: "setTimeout(() => void storeDeadLetters(), 300);",
      }],
      faults: 12,
    },
  ],
};
