import { equal, rejects } from "node:assert/strict";
import { ApiProblem } from "../../../process/http/problem.ts";
import { readBody } from "../../../process/http/read_body.ts";

const LIMITS = { bytesMax: 10, withinMs: 60_000 };

function request(body: BodyInit | null): Request {
  return new Request("http://localhost/", { method: "POST", body });
}

const status = (expected: number) => (error: unknown) =>
  error instanceof ApiProblem && error.status === expected;

Deno.test("a body is read whole, whatever pieces it comes in", async () => {
  const bytes = new TextEncoder().encode("a ✈ b");
  const pieces = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  equal(await readBody(request(pieces), LIMITS), "a ✈ b");
  equal(await readBody(request(null), LIMITS), "");
});

Deno.test("a body that is too large is refused, and the rest is not taken", async () => {
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(4)),
    cancel: () => void (isCancelled = true),
  });
  await rejects(readBody(request(endless), LIMITS), status(413));
  equal(isCancelled, true);
});

Deno.test("a body that does not come, or comes in drops, has a deadline", async () => {
  const drops = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      controller.enqueue(new Uint8Array(0));
    },
  });
  await rejects(readBody(request(drops), { bytesMax: 10, withinMs: 50 }), status(408));
  const breaksOff = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new Error("gone")),
  });
  await rejects(readBody(request(breaksOff), LIMITS), status(400));
});
