import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { foldInOrder } from "../../replay/ordered_fold.ts";
import type { OrderedFold } from "../../replay/ordered_fold.ts";
import type { OrderTaken } from "../../replay/order_taken.ts";
import { ArrayScan } from "./_array_scan.ts";

const TOPICS = ["flights", "bookings"];

/** Folds commits over partitions of given offsets; an entry of what was taken is `<topic><offset>`, `|` ends a commit. */
async function fold(
  commits: Omit<OrderTaken, "topics">[],
  offsets: { flights: number[]; bookings: number[] },
  ends: { flights?: number; bookings?: number } = {},
): Promise<{ taken: string; result: OrderedFold }> {
  const orders = new ArrayScan(
    "order",
    0,
    commits.map((commit) => ({ value: JSON.stringify({ topics: TOPICS, ...commit }) })),
  );
  const scans: ArrayScan[] = [];
  const taken: string[] = [];
  const result = await foldInOrder({
    orders,
    openScan: (topic) => {
      const name = topic as "flights" | "bookings";
      const scan = new ArrayScan(topic, 0, offsets[name].map((offset) => ({ offset })), ends[name]);
      scans.push(scan);
      return Promise.resolve(scan);
    },
    take: ({ topic, offset }) => taken.push(`${topic[0]}${offset}`),
    settle: () => taken.push("|"),
    signal: new AbortController().signal,
  });
  ok(scans.every(({ closed }) => closed));
  return { taken: taken.join(" "), result };
}

// The consumer read flights 0 to 2 and bookings 5 to 9, between them markers of transactions at 3 and 8.
const COMMITS: Omit<OrderTaken, "topics">[] = [
  { from: [0, 5], to: [2, 7], runs: [[0, 1], [1, 2], [0, 1]] },
  { from: [2, 7], to: [4, 10], runs: [[1, 1], [0, 1], [1, 1]] },
];

Deno.test("foldInOrder() takes the runs of each commit, whatever gaps the offsets have", async () => {
  const { taken, result } = await fold(COMMITS, { flights: [0, 1, 2], bookings: [5, 6, 7, 9] });
  equal(taken, "f0 b5 b6 f1 | b7 f2 b9 |");
  deepEqual([result.commits, result.records, result.missing, result.left], [2, 7, 0, 0]);
  deepEqual([...result.positions], [["flights", 4], ["bookings", 10]]);
});

Deno.test("foldInOrder() passes over what the consumer did not take", async () => {
  const { taken } = await fold(COMMITS, { flights: [0, 1, 2, 8], bookings: [3, 4, 5, 6, 7, 9, 12] });
  equal(taken, "f0 b5 b6 f1 | b7 f2 b9 |");
});

Deno.test("foldInOrder() leaves the places of records empty that have aged out, the oldest first", async () => {
  const { taken, result } = await fold(COMMITS, { flights: [0, 1, 2], bookings: [6, 7, 9] });
  equal(taken, "f0 b6 f1 | b7 f2 b9 |");
  deepEqual([result.missing, result.records], [1, 6]);
});

Deno.test("foldInOrder() stops before a commit whose records the source does not hold yet", async () => {
  const { taken, result } = await fold(COMMITS, { flights: [0, 1], bookings: [5, 6, 7, 9] }, { flights: 2 });
  equal(taken, "f0 b5 b6 f1 |");
  deepEqual([result.commits, result.left, result.missing], [1, 1, 0]);
  deepEqual([...result.positions], [["flights", 2], ["bookings", 7]]);
});

Deno.test("foldInOrder() goes back where the consumer's group was set back", async () => {
  const again = { from: [0, 5], to: [1, 7], runs: [[1, 2], [0, 1]] as [number, number][] };
  const { taken } = await fold([...COMMITS, again], { flights: [0, 1, 2], bookings: [5, 6, 7, 9] });
  equal(taken, "f0 b5 b6 f1 | b7 f2 b9 | b5 b6 f0 |");
});

Deno.test("foldInOrder() refuses records that are not those the consumer read", async () => {
  await rejects(
    fold(COMMITS, { flights: [0, 1, 2], bookings: [5, 6, 7, 8, 9] }),
    /bookings-0 holds 3 records from offset 7 to 10, and the consumer took 2: these are not the records that it read/,
  );
});

// value, what is wrong with it
const WRONG: [string | null, string][] = [
  [null, "no value"],
  ["{", "no JSON"],
  ['{"topics":["a"],"from":[0],"to":[]}', "lists of unequal length"],
  ['{"topics":["a"],"from":[0],"to":[1],"runs":[[1,1]]}', "a run of a topic that there is not"],
];

for (const [value, what] of WRONG) {
  Deno.test(`foldInOrder() refuses an order with ${what}`, async () => {
    const orders = new ArrayScan("order", 2, [{ value }]);
    const options = {
      orders,
      openScan: () => Promise.reject(new Error("not asked for")),
      take: () => {},
      settle: () => {},
      signal: new AbortController().signal,
    };
    await rejects(foldInOrder(options), /^OperatorError: Cannot read the order taken at order-2-0/);
  });
}
