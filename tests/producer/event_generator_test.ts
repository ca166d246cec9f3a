/** The event generator as a process: its readiness and what it counts. */

import { equal, match } from "node:assert/strict";
import { eventually, Part } from "../pipeline/_pipeline.ts";
import { embedded, launch, launcher, withFolder } from "../scripts/_support.ts";

Deno.test("the event generator is ready once the log takes its events, and counts them", () =>
  withFolder(async (folder) => {
    const env = embedded(folder, { AIRLINE_STOP_ON_STDIN_CLOSE: "1" });
    equal((await launch(["topics"], env)).code, 0);
    const command = launcher(["event-generator", "--rate", "100", "--metrics-port", "0"], env, {
      stdin: "piped",
    });
    const generator = new Part("event-generator", command.spawn());
    try {
      await generator.says("Event generator started");
      const address = `http://127.0.0.1:${/metrics on port (\d+)/.exec(generator.output)![1]}`;
      const get = async (path: string) => {
        const response = await fetch(address + path);
        return { status: response.status, text: await response.text() };
      };
      await eventually("it is ready", async () => (await get("/readyz")).status === 200);
      equal((await get("/healthz")).status, 200);
      match((await get("/metrics")).text, /^event_generator_events_total [1-9]/m);
    } finally {
      equal(await generator.stop(), 0, generator.output);
    }
  }));
