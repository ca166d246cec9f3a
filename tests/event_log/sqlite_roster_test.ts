import { deepStrictEqual } from "node:assert/strict";
import { Roster } from "../../event_log/_sqlite_roster.ts";
import { withLog } from "./_sqlite_support.ts";

const HOUR_MS = 3_600_000;
const SESSION_MS = 2_000;

Deno.test("members whose wall clocks differ by an hour share the partitions", () =>
  withLog(async ({ queue }) => {
    const rosters = ["a", "b"].map((id) => new Roster("group", id, 4, SESSION_MS));
    const look = (member: number, steadyMs: number) =>
      queue.run((connection) => [...rosters[member]!.update(connection, steadyMs, member * HOUR_MS)]);
    // Each takes the other for dead at first sight, once: its heartbeats then say that it lives.
    for (let steadyMs = 0; steadyMs < 3_000; steadyMs += 100) {
      await look(0, steadyMs);
      await look(1, steadyMs + 50);
    }
    for (let steadyMs = 3_000; steadyMs < 6_000; steadyMs += 100) {
      const held = [await look(0, steadyMs), await look(1, steadyMs + 50)];
      deepStrictEqual(held.map((numbers) => numbers.length), [2, 2]);
      deepStrictEqual(held.flat().sort(), [0, 1, 2, 3]);
    }
  }));

Deno.test("a member that was struck out and is silent stays out", () =>
  withLog(async ({ queue }) => {
    const [a, b] = ["a", "b"].map((id) => new Roster("group", id, 2, SESSION_MS));
    await queue.run((connection) => void b!.update(connection, 0, HOUR_MS));
    const held = () => queue.run((connection) => [...a!.update(connection, 0, 0)]);
    deepStrictEqual(await held(), [0, 1]);
    deepStrictEqual(await held(), [0, 1]);
  }));
