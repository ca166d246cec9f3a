import { deepEqual, equal, throws } from "node:assert/strict";
import { parseSettings, withEnvFile } from "../../scripts/env_file.ts";
import { withFolder } from "./_support.ts";

Deno.test("parseSettings() reads names, quotes, comments and values over several lines", () => {
  const text = [
    "\uFEFF# a comment",
    "",
    "PLAIN=a=b",
    "  SPACED = x y  # why",
    "export EXPORTED=1",
    'QUOTED="a # b"',
    "SINGLE='$x'",
    "EMPTY=",
    'KEY="line 1',
    'line 2"',
    "LAST=1",
  ];
  for (const end of ["\n", "\r\n"]) {
    deepEqual({ ...parseSettings(text.join(end), ".env") }, {
      PLAIN: "a=b",
      SPACED: "x y",
      EXPORTED: "1",
      QUOTED: "a # b",
      SINGLE: "$x",
      EMPTY: "",
      KEY: "line 1\nline 2",
      LAST: "1",
    });
  }
});

// text, message
const BROKEN: [string, RegExp][] = [
  ["A=1\nKAFKA_BROKERS 127.0.0.1:9092", /^UsageError: Line 2 of \.env is no setting, expected NAME=value/],
  ["1A=2", /Line 1/],
  ["KAFKA-BROKERS=1", /Line 1/],
  ["=1", /Line 1/],
  ['A=1\nB="x\nC=2', /Line 2 of \.env opens a quote \("\) that is never closed/],
];

for (const [text, message] of BROKEN) {
  Deno.test(`parseSettings() refuses ${JSON.stringify(text)}`, () =>
    throws(() => parseSettings(text, ".env"), message));
}

Deno.test("withEnvFile() reads .env, and what the environment has wins", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/.env`, "A=file\nB=file\nC=file");
    deepEqual(withEnvFile({ A: "environment", B: "" }, folder), { A: "environment", B: "", C: "file" });
    return Promise.resolve();
  }));

Deno.test("withEnvFile() does without .env, but not without a file that was asked for", () =>
  withFolder((folder) => {
    deepEqual(withEnvFile({ A: "1" }, folder), { A: "1" });
    throws(
      () => withEnvFile({ AIRLINE_ENV_FILE: "kafka.env" }, folder),
      /Cannot read the settings in "kafka\.env"/,
    );
    Deno.writeTextFileSync(`${folder}/kafka.env`, "A=kafka");
    Deno.writeTextFileSync(`${folder}/.env`, "A=file");
    equal(withEnvFile({ AIRLINE_ENV_FILE: "kafka.env" }, folder).A, "kafka");
    equal(withEnvFile({ AIRLINE_ENV_FILE: "none" }, folder).A, undefined);
    return Promise.resolve();
  }));
