import { deepEqual, equal, match } from "node:assert/strict";
import { bookingExample } from "../../events/bookings.ts";
import { deadLetterOf } from "../../events/dead_letters.ts";
import { ALL_TOPICS } from "../../events/topics.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { embedded, launch, withFolder } from "./_support.ts";

const ID = "inventory-engine-bookings-2-17";

/** Runs `body` in a folder with a log of one letter, whose value would recolour a terminal. */
function withLetter(body: (env: Record<string, string>, folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const env = embedded(folder);
    const log = await openSqliteEventLog({ file: env.EVENT_LOG_FILE! });
    await log.createTopics([...ALL_TOPICS]);
    const record = {
      topic: "bookings",
      partition: 2,
      offset: 17,
      timestampMs: Date.UTC(2026, 0, 5),
      key: null,
      value: "\x1b[31m{torn",
    };
    const refusal = {
      group: "inventory-engine",
      reason: "invalid_json",
      message: "Not JSON: \x1b[31m",
    } as const;
    const appender = await log.appender();
    const value = await deadLetterOf(record, { ...refusal, logId: log.logId });
    await appender.append([{ topic: "dead_letters", key: ID, value }, {
      topic: "dead_letters",
      key: "x",
      value: "7",
    }]);
    await log.close();
    await body(env, folder);
  });
}

Deno.test("deno task dead-letters list prints JSON lines into a pipe, and the counts beside them", () =>
  withLetter(async (env) => {
    const { code, out, error } = await launch(["dead-letters", "list"], env);
    equal(code, 0);
    const [line, ...rest] = out.trimEnd().split("\n");
    deepEqual(rest, []);
    const { dead_letter_id, reason, value_bytes, driven_again_at, stored_at } = JSON.parse(line!);
    deepEqual([dead_letter_id, reason, value_bytes, driven_again_at], [ID, "invalid_json", 10, null]);
    match(stored_at, /Z$/);
    match(error, /^invalid_json +1 +1 +0$/m);
    match(error, /^1 records of the topic are no dead letters of ours and were left out$/m);
  }));

Deno.test("deno task dead-letters show explains a record, and prints its value as it came", () =>
  withLetter(async (env) => {
    const { code, out } = await launch(["dead-letters", "show", ID], env);
    equal(code, 0);
    match(out, /^reason +invalid_json: The value is no JSON, or is cut off$/m);
    match(out, /^message +Not JSON: \\x1b\[31m$/m);
    match(out, /^what to do +Mend the value/m);
    match(out, /^place +topic bookings, partition 2, offset 17, log /m);
    match(out, /^driven again +no$/m);
    equal((await launch(["dead-letters", "show", ID, "--value"], env)).out, "\x1b[31m{torn");
  }));

// arguments, exit code, what is said
const SAID: [string[], number, RegExp][] = [
  [[], 2, /takes list, show or replay, got none/],
  [["lst"], 2, /takes list, show or replay, got "lst"/],
  [["--help"], 0, /^Usage: deno task dead-letters list\|show\|replay/],
  [["list", "--reason", "torn"], 2, /--reason is "torn", expected one of /],
  [["list", "--since", "soon"], 2, /--since is "soon", expected a UTC time/],
  [["show", "nope-1"], 1, /There is no dead letter "nope-1"\. List them: deno task dead-letters list/],
  [["replay"], 2, /Give ids, or --all, or filters/],
  [["replay", ID, "--all"], 2, /Give ids, or --all, or filters/],
  [["replay", ID], 2, /Without a terminal nobody can be asked: give --yes, or --dry-run/],
  [["replay", "--all", "--yes", "--value-file", "x"], 2, /--value-file goes with one id/],
  [["replay", ID, "--yes", "--value-file", "/nowhere/x"], 2, /Cannot read --value-file ".*nowhere.x"/],
  [["replay", "nope-1", "--yes"], 1, /There is no dead letter "nope-1"/],
  [
    ["replay", ID, "--dry-run"],
    0,
    /To drive again: 1 record \(1 into bookings\)\n +of these would be refused again as they are: 1 invalid_json/,
  ],
];

for (const [args, code, said] of SAID) {
  Deno.test(`deno task dead-letters ${args.join(" ")} says what it would do, or what to do`, () =>
    withLetter(async (env) => {
      const ended = await launch(["dead-letters", ...args], env);
      equal(ended.code, code, ended.error);
      match(ended.out + ended.error, said);
    }));
}

Deno.test("deno task dead-letters replay takes a mended value from a file beside the caller", () =>
  withLetter(async (env, folder) => {
    const file = `${folder}/mended.json`;
    await Deno.writeTextFile(file, JSON.stringify(bookingExample));
    const { code, out, error } = await launch(
      ["dead-letters", "replay", ID, "--value-file", file, "-y"],
      env,
    );
    deepEqual([code, error], [0, ""]);
    match(out, /^inventory-engine-bookings-2-17 into bookings, partition 2$/m);
    const log = await openSqliteEventLog({ file: env.EVENT_LOG_FILE! });
    const reader = await log.reader({ positions: [{ topic: "bookings", partition: 2, offset: 0 }] });
    const [batch] = await reader.poll({ maxWaitMs: 100 });
    await log.close();
    deepEqual(JSON.parse(batch!.records[0]!.value!), bookingExample);
  }));
