import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { seatIds, SeatMap } from "../../producer/seat_map.ts";

Deno.test("seatIds() numbers rows from 1 and leaves out I", () => {
  equal(seatIds(180)[0], "1A");
  equal(seatIds(180)[71], "12F");
  equal(seatIds(180)[179], "30F");
  deepEqual(seatIds(50).slice(0, 5), ["1A", "1B", "1C", "1D", "2A"]);
  equal(seatIds(300)[8], "1J");
  equal(new Set(seatIds(853)).size, 853);
});

Deno.test("take() never gives a seat twice and never more than there are", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 400 }),
    fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.double({ min: 0, max: 0.999999, noNaN: true }))),
    (total, parties) => {
      const map = new SeatMap(total);
      const given: string[] = [];
      for (const [size, start] of parties) {
        if (size > map.freeSeats) {
          throws(() => map.take(size, start), /only \d+ are free/);
          continue;
        }
        given.push(...map.take(size, start));
        equal(map.freeSeats, total - given.length);
      }
      equal(new Set(given).size, given.length);
      deepEqual(map.occupied(), seatIds(total).filter((id) => given.includes(id)));
    },
  ));
});

Deno.test("a party sits together where the seats are free", () => {
  const map = new SeatMap(180);
  deepEqual(map.take(3, 0.5), ["16A", "16B", "16C"]);
  deepEqual(map.take(2, 0.5), ["16D", "16E"]);
  ok(map.take(2, 0.999).includes("1A"), "round the end");
});
