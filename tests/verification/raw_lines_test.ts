import { deepEqual, equal } from "node:assert/strict";
import { createHash } from "node:crypto";
import { readRawLines } from "../../verification/raw_lines.ts";

async function withFile(bytes: Uint8Array, body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".jsonl" });
  try {
    await Deno.writeFile(path, bytes);
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("readRawLines() hands over every line with its number and first byte, across chunk borders", () => {
  // Lines of growing length, some longer than a chunk of 1 MiB, with characters of two bytes.
  const lines = Array.from({ length: 60 }, (_, at) => "é".repeat(at * at * 300));
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
  return withFile(bytes, async (path) => {
    const read: [string, number, number][] = [];
    const result = await readRawLines(path, (text, number, byte) => read.push([text, number, byte]), {
      hash: true,
    });
    equal(result.lines, 60);
    equal(result.bytes, bytes.length);
    equal(result.sha256, createHash("sha256").update(bytes).digest("hex"));
    let byte = 0;
    for (const [at, line] of lines.entries()) {
      deepEqual(read[at], [line, at + 1, byte]);
      byte += line.length * 2 + 1;
    }
  });
});

Deno.test("readRawLines() leaves a last line without a line break to its writer, where it is told to", () =>
  withFile(new TextEncoder().encode("a\nb"), async (path) => {
    const read: string[] = [];
    equal((await readRawLines(path, (text) => read.push(text))).lines, 2);
    equal((await readRawLines(path, (text) => read.push(text), { wholeLinesOnly: true })).lines, 1);
    deepEqual(read, ["a", "b", "a"]);
  }));

Deno.test("readRawLines() hands over the bytes of a line that is not UTF-8", () =>
  withFile(new Uint8Array([97, 10, 255, 254, 10]), async (path) => {
    const read: (Uint8Array | undefined)[] = [];
    await readRawLines(path, (_text, _number, _byte, bytes) => read.push(bytes?.slice()));
    deepEqual(read, [undefined, new Uint8Array([255, 254])]);
  }));
