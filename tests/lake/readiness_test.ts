import assert from "node:assert/strict";
import { Readiness } from "../../lake/readiness.ts";

Deno.test("ready once started, not ready for a told problem or a log that is silent for 20 seconds", () => {
  let nowMs = 0;
  const readiness = new Readiness(() => nowMs);
  assert.equal(readiness.notReady(), "The lake writer is starting");
  readiness.setProblem(undefined);
  assert.equal(readiness.notReady(), undefined);
  nowMs = 20_000;
  assert.equal(readiness.notReady(), undefined);
  nowMs = 23_500;
  assert.equal(readiness.notReady(), "The event log has not answered for 23 s");
  readiness.setProblem("The disk is full");
  assert.equal(readiness.notReady(), "The disk is full");
  readiness.setProblem(undefined);
  readiness.heard();
  assert.equal(readiness.notReady(), undefined);
});
