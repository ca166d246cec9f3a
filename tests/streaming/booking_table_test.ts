import { strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { BookingTable } from "../../streaming/booking_table.ts";

Deno.test("a booking table behaves as a Map from id to seats", () => {
  const calls = fc.array(fc.tuple(fc.oneof(fc.string(), fc.uuid()), fc.integer({ min: 0, max: 500 })), {
    maxLength: 200,
  });
  fc.assert(fc.property(calls, (entries) => {
    const table = new BookingTable();
    const map = new Map<string, number>();
    for (const [id, seats] of entries) {
      strictEqual(table.get(id), map.get(id));
      table.set(id, seats);
      map.set(id, seats);
    }
    for (const [id, seats] of map) strictEqual(table.get(id), seats);
    strictEqual(table.size, map.size);
  }));
});

Deno.test("similar ids stay apart: 300,000 numbered bookings are 300,000 entries", () => {
  const table = new BookingTable();
  for (let i = 0; i < 300_000; i++) table.set(`B${String(i).padStart(7, "0")}`, 1);
  strictEqual(table.size, 300_000);
  strictEqual(table.get("B0299999"), 1);
  strictEqual(table.get("B0300000"), undefined);
});

Deno.test("clear() forgets everything", () => {
  const table = new BookingTable();
  table.set("a", 1);
  table.clear();
  strictEqual(table.get("a"), undefined);
  strictEqual(table.size, 0);
});
