import assert from "node:assert/strict";
import { SealQueue } from "../../lake/seal_queue.ts";

Deno.test("jobs run one after another, and a third waits until one is done", async () => {
  const queue = new SealQueue();
  const events: string[] = [];
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const job = (n: number) => async () => {
    events.push(`start ${n}`);
    await gates[n]!.promise;
    events.push(`end ${n}`);
  };
  await queue.add(job(0));
  await queue.add(job(1));
  const third = queue.add(job(2)).then(() => events.push("third accepted"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(events, ["start 0"]);
  gates[0]!.resolve();
  gates[1]!.resolve();
  gates[2]!.resolve();
  await third;
  await queue.drain();
  assert.deepEqual(events.filter((event) => event !== "third accepted"), [
    "start 0",
    "end 0",
    "start 1",
    "end 1",
    "start 2",
    "end 2",
  ]);
  assert.ok(events.indexOf("third accepted") > events.indexOf("end 0"));
});

Deno.test("after a job failed none runs any more, and every call tells", async () => {
  const queue = new SealQueue();
  let ran = false;
  await queue.add(() => Promise.reject(new Error("disk")));
  await queue.add(() => {
    ran = true;
    return Promise.resolve();
  });
  await queue.idle();
  assert.equal(ran, false);
  assert.throws(() => queue.check(), /disk/);
  await assert.rejects(queue.drain(), /disk/);
  await assert.rejects(queue.add(() => Promise.resolve()), /disk/);
});
