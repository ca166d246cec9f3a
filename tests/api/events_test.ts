/** Server-sent events: what is sent, where a listener goes on, and what one that does not read costs. */

import assert from "node:assert/strict";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { until, withApi } from "./_api_support.ts";
import type { TestApi } from "./_api_support.ts";

/** Reads an event stream until `enough` says so. */
async function read(response: Response, enough: (text: string) => boolean): Promise<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!enough(text)) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return text;
}

const scheduled = (id: string) => ({
  topic: "flight_lifecycle",
  key: id,
  value: JSON.stringify({ ...flightLifecycleExample, flight_id: id }),
});
/** The log was read to its end, and listeners were told. */
const ready = (api: TestApi) =>
  until(
    "the log is read to its end",
    () => api.parts.feed.after(0, 1000).updates.some(({ kind }) => kind === "reset"),
  );

Deno.test("a flight that changes is sent to who listens, with an id to go on after", async () => {
  await withApi(async (api) => {
    await ready(api);
    const response = await api.get("/events?kinds=flight");
    assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    await api.append([scheduled("A1_2025-11-28")]);
    const text = await read(response, (text) => text.includes("event: flight"));
    assert.match(text, /id: [0-9a-f]+-\d+\nevent: flight\ndata: \{"flight_id":"A1_2025-11-28"/);
  });
});

Deno.test("after Last-Event-ID comes what was missed; an id of another run asks for a new start", async () => {
  await withApi(async (api) => {
    await ready(api);
    const listening = await api.get("/events?kinds=flight");
    await api.append([scheduled("A1_2025-11-28")]);
    const text = await read(listening, (text) => text.includes("event: flight"));
    const id = text.match(/id: (\S+)\nevent: flight/)![1]!;
    await api.append([scheduled("A2_2025-11-28")]);
    await until(
      "the second is published",
      () => api.parts.feed.after(Number(id.split("-")[1]), 10).updates.length > 0,
    );
    const again = await read(
      await api.get("/events?kinds=flight", { "last-event-id": id }),
      (text) => text.includes("event: flight"),
    );
    assert.ok(again.includes("A2_2025-11-28") && !again.includes("A1_2025-11-28"), again);
    const stranger = await read(
      await api.get("/events", { "last-event-id": "ffffffff-1" }),
      (text) => text.includes("\n\n"),
    );
    assert.match(stranger, /event: reset/);
  });
});

Deno.test("no more listen than are allowed, and who leaves makes room", async () => {
  await withApi(async (api) => {
    const [first, second] = [await api.get("/events"), await api.get("/events")];
    const third = await api.get("/events");
    assert.equal(third.status, 503);
    assert.equal(third.headers.get("retry-after"), "10");
    await first.body!.cancel();
    const next = await api.get("/events");
    assert.equal(next.status, 200);
    await second.body!.cancel();
    await next.body!.cancel();
    assert.equal(api.parts.listeners.count, 0);
  }, { listenersMax: 2 });
});

Deno.test("HEAD is answered like GET, and takes nobody's place", async () => {
  await withApi(async (api) => {
    for (let asked = 0; asked < 3; asked++) {
      const response = await api.app.request("http://localhost:8000/events", {
        method: "HEAD",
        headers: { host: "localhost:8000" },
      });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
      assert.equal(response.body, null);
    }
    assert.equal(api.parts.listeners.count, 0);
    const listening = await api.get("/events");
    assert.equal(listening.status, 200);
    await listening.body!.cancel();
  }, { listenersMax: 2 });
});

Deno.test("a listener that does not read is sent nothing, however much happens", async () => {
  await withApi(async (api) => {
    await ready(api);
    const response = await api.get("/events");
    const { feed } = api.parts;
    const data = JSON.stringify({ flight_id: "A1", filler: "x".repeat(500) });
    for (let at = 0; at < 50_000; at++) feed.publish([{ kind: "flight", subject: `F${at}`, data }]);
    // The first chunk is made when it is asked for: the start of the stream, then one of at most about 48 KiB.
    const reader = response.body!.getReader();
    const sizes: number[] = [];
    for (let at = 0; at < 5; at++) sizes.push((await reader.read()).value!.length);
    assert.ok(sizes.every((size) => size < 64 * 1024), `${sizes}`);
    await reader.cancel();
  });
});

Deno.test("who listens while the log is still read is told to ask anew once it is, whatever kinds were asked for", async () => {
  await withApi(async (api) => {
    const response = await api.get("/events?kinds=decision");
    const text = await read(response, (text) => text.includes("event: reset"));
    assert.match(text, /^event: reset$/m);
    assert.equal(api.parts.follower.caughtUp, true);
  });
});

Deno.test("a listener that reads so slowly that something is gone is told to ask anew, and goes on from there", async () => {
  await withApi(async (api) => {
    await ready(api);
    const { feed } = api.parts;
    const response = await api.get("/events?kinds=decision");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    assert.match((await reader.read()).value!, /^retry: /);
    const decision = (data: string) => [{ kind: "decision", subject: null, data }];
    for (let at = 0; at < 50_000; at++) feed.publish(decision(`{"at":${at}}`));
    assert.equal((await reader.read()).value, `event: reset\ndata: {}\nid: ${feed.id}-${feed.newest}\n\n`);
    feed.publish(decision('{"at":"after"}'));
    assert.match((await reader.read()).value!, /data: \{"at":"after"\}/);
    await reader.cancel();
  });
});
