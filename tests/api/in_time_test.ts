import assert from "node:assert/strict";
import { inTime, NoAnswerError } from "../../api/in_time.ts";

Deno.test("an answer is handed on, an error too, and silence ends at the deadline", async () => {
  assert.equal(await inTime(Promise.resolve("an answer")), "an answer");
  await assert.rejects(inTime(Promise.reject(new Error("refused"))), /refused/);
  await assert.rejects(inTime(new Promise<never>(() => {}), 10), NoAnswerError);
});
