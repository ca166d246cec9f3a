import { deepEqual, equal } from "node:assert/strict";
import { jsonLine, parseJsonLine } from "../../process/log_line.ts";

const MESSAGE = { timeMs: 1_700_000_000_123, level: "warn", process: "lake", message: 'a "b"\nc' } as const;

Deno.test("jsonLine() is one line of JSON that parseJsonLine() reads back", () => {
  const line = jsonLine(MESSAGE);
  equal(
    line,
    '{"time":"2023-11-14T22:13:20.123Z","level":"warn","process":"lake","message":"a \\"b\\"\\nc"}\n',
  );
  deepEqual(parseJsonLine(line.trimEnd()), MESSAGE);
});

// what it is, the line
const OTHERS: [string, string][] = [
  ["text", "🪣 Lake ingestion started"],
  ["cut", '{"time":"2023-11-14T22:13:20.123Z","level":"warn","mess…'],
  ["of an unknown level", '{"time":"2023-11-14T22:13:20.123Z","level":"x","process":"a","message":"b"}'],
  ["without a time", '{"time":"soon","level":"info","process":"a","message":"b"}'],
  ["without a message", '{"time":"2023-11-14T22:13:20.123Z","level":"info","process":"a"}'],
];

for (const [what, line] of OTHERS) {
  Deno.test(`parseJsonLine() leaves a line alone that is ${what}`, () =>
    equal(parseJsonLine(line), undefined));
}
