import { deepEqual, equal, ok } from "node:assert/strict";
import type { LogMessage } from "../../process/log_line.ts";
import { LogFileReader, LogFiles, loggedProcesses } from "../../scripts/_log_files.ts";
import { matches } from "../../scripts/logs.ts";
import { Part } from "../pipeline/_pipeline.ts";
import { embedded, launcher, withFolder } from "./_support.ts";

const message = (text: string, process = "lake"): LogMessage => ({
  timeMs: 1_700_000_000_000,
  level: "info",
  process,
  message: text,
});

const texts = (messages: LogMessage[]) => messages.map(({ message }) => message);

Deno.test("LogFiles keeps the newest messages of each process in two files of bounded size", () =>
  withFolder(async (folder) => {
    const files = new LogFiles(folder, { bytesMax: 1000 });
    for (let at = 0; at < 100; at++) files.write(message(`message ${at}`));
    files.write(message("other", "consumer"));
    files.close();
    deepEqual(await loggedProcesses(folder), ["consumer", "lake"]);
    for (const name of ["lake.ndjson", "lake.1.ndjson"]) {
      ok(Deno.statSync(`${folder}/${name}`).size <= 1000, name);
    }
    const kept = texts(await new LogFileReader(folder, "lake").read());
    equal(kept.at(-1), "message 99");
    deepEqual(kept, Array.from(kept, (_, at) => `message ${100 - kept.length + at}`));
    ok(kept.length > 10);
  }));

Deno.test("LogFiles goes on where an earlier run left off", () =>
  withFolder(async (folder) => {
    for (const text of ["first", "second"]) {
      const files = new LogFiles(folder);
      files.write(message(text));
      files.close();
    }
    deepEqual(texts(await new LogFileReader(folder, "lake").read()), ["first", "second"]);
  }));

Deno.test("LogFileReader reads on, over the moment when the file is replaced", () =>
  withFolder(async (folder) => {
    const files = new LogFiles(folder, { bytesMax: 1000 });
    const reader = new LogFileReader(folder, "lake");
    const read: string[] = [];
    for (let at = 0; at < 60; at++) {
      files.write(message(`message ${at}`));
      if (at % 3 === 0) read.push(...texts(await reader.read()));
    }
    read.push(...texts(await reader.read()));
    files.close();
    deepEqual(read, Array.from({ length: 60 }, (_, at) => `message ${at}`));
  }));

Deno.test("LogFiles tells a failing disk once, and goes on when it is well again", () =>
  withFolder((folder) => {
    const errors: string[] = [];
    const files = new LogFiles(`${folder}/none`, { onError: ({ message }) => errors.push(message) });
    files.write(message("lost"));
    files.write(message("lost"));
    equal(errors.length, 1);
    Deno.mkdirSync(`${folder}/none`);
    files.write(message("kept"));
    files.close();
    equal(Deno.readTextFileSync(`${folder}/none/lake.ndjson`).includes("kept"), true);
    return Promise.resolve();
  }));

Deno.test("deno task logs --follow goes on with what comes, until it is stopped", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/log/logs`, { recursive: true });
    const files = new LogFiles(`${folder}/log/logs`);
    files.write(message("first"));
    const command = launcher(["logs", "--follow", "--json"], embedded(folder), { stdin: "piped" });
    const logs = new Part("logs", command.spawn());
    try {
      await logs.says("first");
      files.write(message("of a process that comes later", "etl-runner"));
      await logs.says("of a process that comes later");
    } finally {
      logs.signal("SIGTERM");
      files.close();
    }
    equal(await logs.exited(), 0, logs.output);
  }));

// level of the message, filter, whether it matches
const FILTERS: [LogMessage["level"], Parameters<typeof matches>[1], boolean][] = [
  ["info", { level: "info" }, true],
  ["info", { level: "warn" }, false],
  ["error", { level: "warn" }, true],
  ["info", { level: "info", sinceMs: 1_700_000_000_000 }, true],
  ["info", { level: "info", sinceMs: 1_700_000_000_001 }, false],
  ["info", { level: "info", contains: "INGEST" }, true],
  ["info", { level: "info", contains: "promo" }, false],
];

for (const [level, filter, expected] of FILTERS) {
  Deno.test(`matches() of ${level} with ${JSON.stringify(filter)} is ${expected}`, () =>
    equal(matches({ ...message("Lake ingestion started"), level }, filter), expected));
}
