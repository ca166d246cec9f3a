import { deepEqual, equal, rejects } from "node:assert/strict";
import { Hono } from "hono";
import { SharedAnswers } from "../../../process/http/answers.ts";

/** An app whose answers wait until they are let go; each tells which question brought it. */
function slowApp() {
  const clock = { nowMs: 0 };
  const answers = new SharedAnswers(() => clock.nowMs);
  const questions: PromiseWithResolvers<object>[] = [];
  const app = new Hono();
  app.get("*", (context) =>
    answers.answer(context, context.req.path, () => {
      const question = Promise.withResolvers<object>();
      questions.push(question);
      return question.promise;
    }));
  app.onError((error) => Promise.reject(error));
  const ask = async (path = "/a") => (await (await app.request(path)).json()).n;
  return { clock, questions, ask };
}

Deno.test("who asks the same at the same time shares one question", async () => {
  const { questions, ask } = slowApp();
  const asked = [ask(), ask(), ask("/b")];
  equal(questions.length, 2);
  questions.forEach((question, n) => question.resolve({ n }));
  deepEqual(await Promise.all(asked), [0, 0, 1]);
});

Deno.test("after half a second it is asked anew, and who asks meanwhile is given the answer before", async () => {
  const { clock, questions, ask } = slowApp();
  const first = ask();
  questions[0]!.resolve({ n: 0 });
  await first;
  clock.nowMs = 499;
  equal(await ask(), 0);
  equal(questions.length, 1);
  clock.nowMs = 600;
  equal(await ask(), 0);
  equal(await ask(), 0);
  equal(questions.length, 2);
  // No longer than a second: then it is waited for.
  clock.nowMs = 1000;
  const waiting = ask();
  questions[1]!.resolve({ n: 1 });
  equal(await waiting, 1);
  equal(questions.length, 2);
});

Deno.test("a failure is told to who waits for it, and is not kept", async () => {
  const { clock, questions, ask } = slowApp();
  const first = ask();
  questions[0]!.reject(new Error("away"));
  await rejects(first, /away/);
  const second = ask();
  questions[1]!.resolve({ n: 1 });
  equal(await second, 1);
  clock.nowMs = 700;
  equal(await ask(), 1);
  questions[2]!.reject(new Error("away again"));
  await new Promise((resolve) => setTimeout(resolve));
  const third = ask();
  equal(questions.length, 4);
  questions[3]!.resolve({ n: 3 });
  equal(await third, 3);
});
