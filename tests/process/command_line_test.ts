import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import {
  HelpRequested,
  helpText,
  parseCommandLine,
  parseDuration,
  UsageError,
} from "../../process/command_line.ts";
import type { CommandLineSpec } from "../../process/command_line.ts";

const SPEC = {
  usage: "deno task trial",
  description: "Tries the command line.",
  options: {
    name: { type: "text", short: "n", default: "anna", description: "A name" },
    mode: { type: "text", choices: ["slow", "fast"], description: "How" },
    count: { type: "number", integer: true, min: 1, max: 10, default: 3, description: "How many" },
    share: { type: "number", min: 0, value: "RATIO", description: "How much" },
    wait: { type: "duration", default: "5s", minMs: 1000, description: "How long" },
    loud: { type: "flag", description: "Louder" },
  },
  positionals: { usage: "FILE", min: 0, max: 1 },
  notes: ["A note."],
} as const satisfies CommandLineSpec;

Deno.test("parseCommandLine() fills in the defaults", () => {
  const { values, positionals } = parseCommandLine(SPEC, []);
  deepEqual({ ...values }, {
    name: "anna",
    mode: undefined,
    count: 3,
    share: undefined,
    wait: 5000,
    loud: false,
  });
  deepEqual(positionals, []);
});

Deno.test("parseCommandLine() reads every kind of option, as two words, with = and by its letter", () => {
  const args = [
    "-n",
    "bob",
    "--mode=fast",
    "--count",
    "10",
    "--share",
    "0.25",
    "--wait",
    "2m",
    "--loud",
    "a.csv",
  ];
  const { values, positionals } = parseCommandLine(SPEC, args);
  deepEqual({ ...values }, { name: "bob", mode: "fast", count: 10, share: 0.25, wait: 120_000, loud: true });
  deepEqual(positionals, ["a.csv"]);
});

// arguments, message
const WRONG: [string[], RegExp][] = [
  [["--nope"], /Unknown option '--nope' \(deno task trial --help lists the options\)/],
  [["--mode", "medium"], /--mode is "medium", expected one of slow, fast/],
  [["--count", "0"], /--count is "0", expected a whole number from 1 to 10/],
  [["--count", "2.5"], /--count is "2.5", expected a whole number from 1 to 10/],
  [["--count", ""], /--count is "", expected a whole number/],
  [["--count", "three"], /--count is "three"/],
  [["--count", "Infinity"], /--count is "Infinity"/],
  [["--share=-1"], /--share is "-1", expected a number of at least 0/],
  [["--wait", "soon"], /--wait is "soon", expected a time such as 30s/],
  [["--wait", "5"], /--wait is "5", expected a time/],
  [["--wait", "200ms"], /--wait is 200ms, expected at least 1s/],
  [["--loud=yes"], /--loud/],
  [["--name"], /--name/],
  [["a", "b"], /takes FILE, got "a" "b"/],
];

for (const [args, message] of WRONG) {
  Deno.test(`parseCommandLine() refuses ${args.join(" ")}`, () => {
    throws(() => parseCommandLine(SPEC, args), (error) => {
      equal(error instanceof UsageError, true);
      match((error as Error).message, message);
      return true;
    });
  });
}

Deno.test("parseCommandLine() refuses arguments where none are taken, and says so", () => {
  const { positionals: _, ...spec } = SPEC;
  throws(() => parseCommandLine(spec, ["x"]), /deno task trial takes no arguments, got "x"/);
});

Deno.test("parseCommandLine() asks for the arguments that must be there", () => {
  throws(
    () => parseCommandLine({ ...SPEC, positionals: { usage: "TOPIC", min: 1, max: 1 } }, []),
    /takes TOPIC, got none/,
  );
});

for (const flag of ["--help", "-h"]) {
  Deno.test(`parseCommandLine() answers ${flag} by the help, whatever else is there`, () => {
    throws(() => parseCommandLine(SPEC, [flag, "a", "b", "c"]), HelpRequested);
  });
}

Deno.test("helpText() names every option with value, choices and default", () => {
  const text = helpText(SPEC);
  match(text, /^Usage: deno task trial FILE \[options\]\n\nTries the command line\.\n/);
  match(text, /-n, --name TEXT +A name \(default anna\)/);
  match(text, /--mode TEXT +How \(one of slow, fast\)/);
  match(text, /--count NUMBER +How many \(default 3\)/);
  match(text, /--share RATIO +How much\n/);
  match(text, /--wait DURATION +How long \(default 5s\)/);
  match(text, /--loud +Louder\n/);
  match(text, /-h, --help +Show this help/);
  match(text, /\n\nA note\.$/);
});

Deno.test("helpText() wraps descriptions at 100 columns, under their first line", () => {
  const description = "word ".repeat(40).trim();
  const text = helpText({ usage: "x", description: "X.", options: { name: { type: "flag", description } } });
  const lines = text.split("\n").filter((line) => line.includes("word"));
  equal(lines.length, 3);
  for (const line of lines) ok(line.length <= 100, line);
  equal(new Set(lines.map((line) => line.indexOf("word"))).size, 1);
  equal(lines.join(" ").match(/word/g)!.length, 40);
});

// text, milliseconds
const DURATIONS: [string, number | undefined][] = [
  ["200ms", 200],
  ["30s", 30_000],
  ["1.5s", 1500],
  ["5m", 300_000],
  ["12h", 43_200_000],
  ["14d", 1_209_600_000],
  ["0s", 0],
  ["5", undefined],
  ["-5s", undefined],
  ["5 s", undefined],
  ["5S", undefined],
  ["", undefined],
  ["1h30m", undefined],
];

for (const [text, ms] of DURATIONS) {
  Deno.test(`parseDuration() reads "${text}" as ${ms} ms`, () => equal(parseDuration(text), ms));
}
