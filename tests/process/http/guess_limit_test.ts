import { deepEqual, equal } from "node:assert/strict";
import { GuessLimit } from "../../../process/http/guess_limit.ts";

Deno.test("some guesses at once, then one for each time that has gone by", () => {
  let nowMs = 0;
  const limit = new GuessLimit({ burst: 3, refillMs: 30_000, nowMs: () => nowMs });
  for (let guess = 0; guess < 3; guess++) {
    equal(limit.waitSeconds("192.0.2.1"), 0);
    limit.wrong("192.0.2.1");
  }
  equal(limit.waitSeconds("192.0.2.1"), 30);
  equal(limit.waitSeconds("192.0.2.2"), 0);
  nowMs = 20_000;
  equal(limit.waitSeconds("192.0.2.1"), 10);
  nowMs = 30_000;
  equal(limit.waitSeconds("192.0.2.1"), 0);
  limit.wrong("192.0.2.1");
  equal(limit.waitSeconds("192.0.2.1"), 30);
});

Deno.test("an address that knew the secret lately is not limited", () => {
  let nowMs = 0;
  const limit = new GuessLimit({ burst: 1, refillMs: 60_000, trustMs: 3_600_000, nowMs: () => nowMs });
  limit.right("192.0.2.1");
  for (let guess = 0; guess < 5; guess++) limit.wrong("192.0.2.1");
  equal(limit.waitSeconds("192.0.2.1"), 0);
  nowMs = 3_600_000 - 60_000;
  limit.wrong("192.0.2.1");
  nowMs = 3_600_000;
  limit.wrong("192.0.2.1");
  equal(limit.waitSeconds("192.0.2.1"), 60);
});

for (
  const [one, other, isSame] of [
    ["2001:db8::1", "2001:db8:0:0:ffff::9", true],
    ["2001:db8::1", "2001:0DB8:0000:0000::2", true],
    ["2001:db8::1", "2001:db8:0:1::1", false],
    ["::ffff:192.0.2.1", "192.0.2.1", true],
    ["::1", "::2", true],
    ["192.0.2.1", "192.0.2.2", false],
  ] as const
) {
  Deno.test(`${one} and ${other} ${isSame ? "count as one" : "are two"}`, () => {
    const limit = new GuessLimit({ burst: 1, refillMs: 1000, nowMs: () => 0 });
    limit.wrong(one);
    equal(limit.waitSeconds(other) > 0, isSame);
  });
}

Deno.test("only so many addresses are remembered", () => {
  const limit = new GuessLimit({ burst: 1, refillMs: 1000, addressesMax: 2, nowMs: () => 0 });
  for (const address of ["a", "b", "c"]) limit.wrong(address);
  deepEqual(["a", "b", "c"].map((address) => limit.waitSeconds(address)), [0, 1, 1]);
});
