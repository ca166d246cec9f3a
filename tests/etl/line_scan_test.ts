import { deepEqual, equal } from "node:assert/strict";
import { byteLines, scanLines } from "../../etl/line_scan.ts";

const CASES: [string, string, number, boolean][] = [
  ["nothing", "", 0, true],
  ["one line", "{}\n", 1, true],
  ["a last line without its newline", "{}\n{}", 2, true],
  ["empty lines do not count", "\n{}\n\n\n{}\n", 2, true],
  ["a backslash", '{"a":"\\n"}\n', 1, false],
  ["a carriage return", "{}\r\n", 1, false],
  ["a name of each object", '{"a":"b","b":[{"a":1},{"a":"a"}],"c":{"a":{}},"d":"a"}\n{"a":1}\n', 2, true],
  ["texts in a list", '{"a":["a","a"],"b":[["a"],"a"]}\n', 1, true],
  ["a name twice", '{"a":1,"b":2,"a":1}\n', 1, false],
  ["a name twice, far apart", '{"a":1,"b":{"c":[{"d":1}]},"e":["x",{}],"a":2}\n', 1, false],
  ["a name twice further inside", '{"a":[{"b":1,"b":2}]}\n', 1, false],
  ["a name twice with blanks between", '{ "a" : 1 , "a" : 2 }\n', 1, false],
  ["nested deeper than anybody means", `{"a":${"[".repeat(100)}${"]".repeat(100)}}\n`, 1, false],
  ["what is no JSON", "}\n", 1, false],
];

async function withFile(content: string | Uint8Array, body: (path: string) => Promise<void> | void) {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

for (const [name, content, lines, plain] of CASES) {
  Deno.test(`scanLines(): ${name}`, () =>
    withFile(content, (path) => deepEqual(scanLines(path), { lines, plain })));
}

Deno.test("scanLines() counts lines that stand across two reads once", () =>
  withFile(`${"x".repeat(1024 * 1024 - 1)}\n${"y".repeat(3_000_000)}\nz`, (path) => {
    equal(scanLines(path).lines, 3);
  }));

Deno.test("scanLines() finds a repeated name across two reads", () =>
  withFile(
    `{"a":"${"x".repeat(1024 * 1024 - 8)}","b":1,"b":2}\n`,
    (path) => equal(scanLines(path).plain, false),
  ));

Deno.test("byteLines() gives each line with its place, and tells the one that is cut off", () =>
  withFile(`a\n\nbb\n${"c".repeat(2_500_000)}\ndd`, async (path) => {
    const lines = [];
    for await (const { byte, bytes, whole } of byteLines(path)) lines.push([byte, bytes.length, whole]);
    deepEqual(lines, [[0, 1, true], [3, 2, true], [6, 2_500_000, true], [2_500_007, 2, false]]);
  }));

Deno.test("byteLines() reads only the stretch that it is given", () =>
  withFile("a\nbb\nccc\n", async (path) => {
    const lines = [];
    for await (const { byte, bytes, whole } of byteLines(path, 2, 6)) lines.push([byte, bytes.length, whole]);
    deepEqual(lines, [[2, 2, true], [5, 1, false]]);
  }));
