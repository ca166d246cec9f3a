/** Secrets stay where they belong: in the environment, in no argument, no line and no report. */

import { deepEqual, ok } from "node:assert/strict";
import { commandFor, PARTS } from "../../scripts/launcher.ts";
import type { PartName } from "../../scripts/launcher.ts";
import { freePort } from "../../process/free_port.ts";
import { embedded, launch, withFolder } from "./_support.ts";

const SECRETS = [
  "zebra-database",
  "zebra-reader",
  "zebra-broker",
  "zebra-token",
  "zebra-redis",
  "zebra-aero",
  "zebra-model",
];

/** Settings with all of them; nobody answers where they lead. */
function settings(closed: number): Record<string, string> {
  const [database, reader, broker, token, redis, aero, model] = SECRETS;
  return {
    DATABASE_URL: `postgres://airline:${database}@127.0.0.1:${closed}/airline_dw`,
    REALTIME_DATABASE_URL: `postgres://rt:${database}@127.0.0.1:${closed}/realtime`,
    TRACKER_DATABASE_URL: `postgres://rt:${database}@127.0.0.1:${closed}/airline_tracker`,
    AIRLINE_READER_PASSWORD: reader!,
    KAFKA_BROKERS: `127.0.0.1:${closed}`,
    KAFKA_SASL_MECHANISM: "plain",
    KAFKA_SASL_USERNAME: "airline",
    KAFKA_SASL_PASSWORD: broker!,
    API_TOKEN: token!,
    REDIS_URL: `redis://:${redis}@127.0.0.1:${closed}`,
    FLIGHTAWARE_API_KEY: aero!,
    OPENAI_API_KEY: model!,
    OPENAI_MODEL: "none",
  };
}

const shown = (text: string) => SECRETS.filter((secret) => text.includes(secret));

Deno.test("no secret becomes an argument of a process, where everybody on the machine could read it", () => {
  const env = settings(9);
  for (const part of Object.keys(PARTS) as PartName[]) {
    deepEqual(shown(commandFor(part, [], env).args.join(" ")), [], part);
  }
});

for (
  const args of [["topics"], ["sql", "select 1"], ["status", "--json"], ["doctor", "--json"], [
    "cache",
    "stats",
  ]]
) {
  Deno.test(`deno task ${args.join(" ")} shows no secret where nothing answers`, () =>
    withFolder(async (folder) => {
      const env = { ...Deno.env.toObject(), ...embedded(folder), ...settings(freePort()) };
      const { code, out, error } = await launch(args, env);
      ok(code !== 0 || args[0] === "status", out);
      ok((out + error).length > 20);
      deepEqual(shown(out + error), []);
    }));
}
