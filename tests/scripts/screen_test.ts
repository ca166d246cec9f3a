import { deepEqual, equal, match } from "node:assert/strict";
import { Screen } from "../../scripts/_screen.ts";

function output(terminal: boolean) {
  const writes: string[] = [];
  return {
    writes,
    isTerminal: () => terminal,
    writeSync: (bytes: Uint8Array) => {
      writes.push(new TextDecoder().decode(bytes));
      return bytes.length;
    },
  };
}

/** Runs `body` as on a terminal that takes colours or not, whatever the one of the tests is. */
function withColors(colors: boolean, body: () => void): void {
  const before = Deno.env.get("NO_COLOR");
  try {
    if (colors) Deno.env.delete("NO_COLOR");
    else Deno.env.set("NO_COLOR", "1");
    body();
  } finally {
    if (before === undefined) Deno.env.delete("NO_COLOR");
    else Deno.env.set("NO_COLOR", before);
  }
}

Deno.test("Screen writes plain lines where it is piped, and a status every ten seconds", () => {
  const out = output(false);
  let nowMs = 0;
  const screen = new Screen(["lake", "producer"], { output: out, nowMs: () => nowMs });
  screen.line("lake", "hello");
  screen.status("one");
  nowMs = 9999;
  screen.status("two");
  nowMs = 10_000;
  screen.status("three");
  screen.line("producer", "bye");
  screen.close();
  deepEqual(out.writes, ["lake     | hello\n", "status   | three\n", "producer | bye\n"]);
});

Deno.test("Screen keeps the status below the lines on a terminal, each piece in one write", () => {
  withColors(false, () => {
    const out = output(true);
    const screen = new Screen(["lake"], { output: out, columns: () => 80 });
    screen.line("lake", "a");
    screen.status("busy");
    screen.line("lake", "b");
    screen.say("c");
    screen.close();
    screen.say("d");
    const erase = "\r\x1b[2K";
    deepEqual(out.writes, [
      "lake | a\n",
      `${erase}busy`,
      `${erase}lake | b\nbusy`,
      `${erase}c\nbusy`,
      erase,
      "d\n",
    ]);
  });
});

Deno.test("Screen colours the names on a terminal, and nothing where NO_COLOR is set", () => {
  withColors(true, () => {
    const out = output(true);
    new Screen(["lake", "etl"], { output: out, columns: () => 80 }).line("etl", "a");
    // deno-lint-ignore no-control-regex
    match(out.writes[0]!, /^\x1b\[33metl {2}\|\x1b\[0m a\n$/);
  });
});

Deno.test("Screen cuts a status that is wider than the terminal: a second row could not be erased", () => {
  withColors(false, () => {
    const out = output(true);
    new Screen(["lake"], { output: out, columns: () => 20 }).status("x".repeat(50));
    equal(out.writes[0], `\r\x1b[2K${"x".repeat(18)}…`);
  });
});

Deno.test("Screen goes on silently when nobody reads any more", () => {
  const screen = new Screen(["lake"], {
    output: {
      isTerminal: () => false,
      writeSync: () => {
        throw new Deno.errors.BrokenPipe();
      },
    },
  });
  screen.line("lake", "a");
  screen.line("lake", "b");
});
