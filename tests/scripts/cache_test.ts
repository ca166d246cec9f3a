/** `deno task cache` on a Redis of REDIS_URL, and without one. */

import { deepEqual, equal, match } from "node:assert/strict";
import { createClient } from "@redis/client";
import { embedded, launch, withFolder } from "./_support.ts";

const GIVEN = Deno.env.get("REDIS_URL") ?? "";
/** A database of its own: another number than other tests', and emptied at both ends. */
const DATABASE = 9;

Deno.test("deno task cache says that memory holds the flights where there is no Redis", () =>
  withFolder(async (folder) => {
    const ended = await launch(["cache", "list"], embedded(folder, { REDIS_URL: "" }));
    equal(ended.code, 1);
    match(ended.error, /REDIS_URL is not set: each flightdata-service keeps flights in its own memory/);
  }));

Deno.test("deno task cache says in one line that Redis is away, without the password", () =>
  withFolder(async (folder) => {
    const env = embedded(folder, { REDIS_URL: "redis://u:secret@127.0.0.1:1" });
    const ended = await launch(["cache", "stats"], env);
    equal(ended.code, 1);
    match(ended.error, /^✖ Redis at 127\.0\.0\.1:1 does not answer (?!.*secret).*\n$/);
  }));

// arguments, message
const WRONG: [string[], RegExp][] = [
  [["show"], /There is no "show", expected list, get, delete, flush, stats/],
  [["get"], /takes a flight such as UA1545/],
  [["list", "UA1"], /takes no flight/],
  [["delete", "flights::x*"], /"flights::x\*" is no flight number/],
];
for (const [args, message] of WRONG) {
  Deno.test(`deno task cache ${args.join(" ")} is refused`, () =>
    withFolder(async (folder) => {
      const ended = await launch(["cache", ...args], embedded(folder));
      equal(ended.code, 2);
      match(ended.error, message);
    }));
}

Deno.test({
  name: "deno task cache lists, shows, deletes and counts flights, and leaves other keys alone",
  ignore: GIVEN === "",
  fn: () =>
    withFolder(async (folder) => {
      const url = new URL(GIVEN);
      url.pathname = `/${DATABASE}`;
      const client = createClient({ url: url.href });
      await client.connect();
      await client.flushDb();
      try {
        const flight = { ident: "UAL15", status: "En Route", origin: "KSFO", destination: "KEWR" };
        const kept = JSON.stringify({ flight, storedAtMs: Date.now() - 5000 });
        for (const ident of ["UAL15", "BAW210", "DLH400"]) {
          await client.set(`flights::${ident}`, kept, { expiration: { type: "EX", value: 300 } });
          await client.set(`flights-stale::${ident}`, kept);
        }
        await client.set("flightsX", "of another program");
        const env = embedded(folder, { REDIS_URL: url.href });
        const cache = async (...args: string[]) => {
          const ended = await launch(["cache", ...args], env);
          return { ...ended, json: () => JSON.parse(ended.out) };
        };
        const list = (await cache("list", "--json")).json();
        deepEqual(
          list.map(({ key, status, route }: Record<string, string>) => [key, status, route])[2],
          ["flights::UAL15", "En Route", "KSFO → KEWR"],
        );
        equal(list.length, 3);
        match((await cache("list", "--max", "1")).out, /… of 3; --max shows more/);
        equal((await cache("get", "UAL15")).json().flight.ident, "UAL15");
        equal((await cache("get", "UAL16")).code, 1);
        match((await cache("delete", "flights::BAW210")).out, /✔ BAW210 deleted/);
        equal(await client.exists("flights-stale::BAW210"), 0);
        equal((await cache("delete", "BAW210")).code, 1);
        const stats = (await cache("stats", "--json")).json();
        deepEqual([stats.flights, stats.stale_flights], [2, 2]);
        match((await cache("flush")).error, /give --yes/);
        match((await cache("flush", "--yes")).out, /✔ 4 keys deleted/);
        deepEqual(await client.keys("*"), ["flightsX"]);
      } finally {
        await client.flushDb();
        client.destroy();
      }
    }),
});
