import { deepEqual } from "node:assert/strict";
import { eachLine } from "../../scripts/_lines.ts";

function stream(...chunks: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(
    chunks.map((chunk) => typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk),
  );
}

async function lines(source: ReadableStream<Uint8Array>, lengthMax?: number): Promise<string[]> {
  const found: string[] = [];
  await eachLine(source, (line) => found.push(line), lengthMax);
  return found;
}

Deno.test("eachLine() gives whole lines, however they are cut into chunks", async () => {
  deepEqual(await lines(stream("a\nb", "c\n", "\nd")), ["a", "bc", "", "d"]);
  deepEqual(await lines(stream("a\r", "\nb\r\n")), ["a", "b"]);
  deepEqual(await lines(stream()), []);
});

Deno.test("eachLine() keeps characters whole that two chunks share", async () => {
  const bytes = new TextEncoder().encode("✈️ €\n");
  deepEqual(await lines(stream(...Array.from(bytes, (byte) => new Uint8Array([byte])))), ["✈️ €"]);
});

Deno.test("eachLine() cuts a line without end instead of keeping it", async () => {
  const endless = ReadableStream.from((function* () {
    for (let chunk = 0; chunk < 2000; chunk++) yield new Uint8Array(65_536).fill(120);
    yield new TextEncoder().encode("\nnext\n");
  })());
  deepEqual(await lines(endless, 10), ["xxxxxxxxxx…", "next"]);
});

Deno.test("eachLine() ends with what there is when the pipe breaks", async () => {
  const broken = ReadableStream.from((async function* () {
    yield await Promise.resolve(new TextEncoder().encode("a\nb"));
    throw new Error("broken pipe");
  })());
  deepEqual(await lines(broken), ["a", "b"]);
});
