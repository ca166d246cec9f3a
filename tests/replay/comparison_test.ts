import { deepEqual, equal, match } from "node:assert/strict";
import { Comparison } from "../../replay/comparison.ts";
import type { ComparisonStart } from "../../replay/comparison.ts";
import type { ComparisonReport, OutputTopic } from "../../replay/comparison_report.ts";

const LOG_ID = "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11";
const NOON_MS = Date.UTC(2026, 0, 5, 12);

/** An output of the engine: metrics, or a decision under a policy. */
interface Output {
  offset: number;
  minute?: number;
  policy?: string;
  seats?: number;
  log?: string;
}

function valueOf({ offset, minute = 0, policy, seats = 1, log = "1f3a9c2e" }: Output): [OutputTopic, string] {
  const event_time = new Date(NOON_MS + minute * 60_000).toISOString();
  const event_type = policy === undefined ? "CabinInventoryMetrics" : "PromotionTriggered";
  const event_id = `bookings-0-${offset}-${policy === undefined ? 0 : 1}@${log}`;
  const event = {
    event_type,
    event_time,
    booked_seats: seats,
    event_id,
    ...(policy === undefined ? {} : { policy }),
  };
  return [policy === undefined ? "inventory_metrics" : "promo_decisions", JSON.stringify(event)];
}

function compare(
  recorded: Output[],
  replayed: Output[],
  options: {
    start?: Partial<ComparisonStart>;
    replayedTo?: number;
    historyMissing?: boolean;
    /** Minutes after noon. */
    from?: number;
    to?: number;
  } = {},
): ComparisonReport {
  const { from = -Infinity, to = Infinity, replayedTo = Infinity } = options;
  const comparison = new Comparison({
    logId: LOG_ID,
    policy: "A/1",
    fromMs: NOON_MS + from * 60_000,
    toMs: NOON_MS + to * 60_000,
  });
  for (const output of recorded) {
    const [topic, value] = valueOf(output);
    comparison.takeRecorded(topic, { partition: 0, timestampMs: NOON_MS + output.offset, value });
  }
  comparison.begin({ orderKnown: true, beginningGone: new Set(), ...options.start });
  for (const output of replayed) {
    const [topic, value] = valueOf(output);
    const timeMs = NOON_MS + (output.minute ?? 0) * 60_000;
    comparison.takeReplayed({ topic, value, flightId: "BA1", timeMs }, 0, NOON_MS + output.offset);
  }
  return comparison.conclude({
    isReplayed: ({ offset }) => offset < replayedTo,
    historyMissing: options.historyMissing ?? false,
    orderBegunLater: false,
  });
}

const NONE = { equal: 0, different: 0, only_recorded: 0, only_replayed: 0, not_comparable: 0 };

Deno.test("outputs that are the same byte for byte agree", () => {
  const outputs = [{ offset: 1 }, { offset: 2 }, { offset: 2, policy: "A/1" }];
  const report = compare(outputs, outputs);
  equal(report.agrees, true);
  deepEqual(report.inventory_metrics, { ...NONE, equal: 2 });
  deepEqual(report.promo_decisions, { ...NONE, equal: 1 });
  deepEqual(report.recorded_policies, ["A/1"]);
});

Deno.test("each kind of difference is found and named", () => {
  const report = compare(
    [{ offset: 1 }, { offset: 2, seats: 2 }, { offset: 3 }],
    [{ offset: 1 }, { offset: 2, seats: 3 }, { offset: 4 }],
  );
  equal(report.agrees, false);
  deepEqual(report.inventory_metrics, {
    ...NONE,
    equal: 1,
    different: 1,
    only_recorded: 1,
    only_replayed: 1,
  });
  deepEqual(report.differences.map(({ kind, event_id }) => `${kind} ${event_id}`), [
    "different bookings-0-2-0@1f3a9c2e",
    "only replayed bookings-0-4-0@1f3a9c2e",
    "only recorded bookings-0-3-0@1f3a9c2e",
  ]);
  match(report.differences[0]!.why, /^not explained/);
});

Deno.test("a decision of another policy says so, and so does one that a flight did not get for it", () => {
  const report = compare([{ offset: 1 }, { offset: 1, policy: "B/2" }], [{ offset: 1 }, {
    offset: 5,
    policy: "A/1",
  }]);
  deepEqual(report.inventory_metrics, { ...NONE, equal: 1 });
  deepEqual(report.promo_decisions, { ...NONE, only_recorded: 1, only_replayed: 1 });
  deepEqual(report.reasons, {
    "recorded under B/2, replayed under A/1": 1,
    "the consumer ran under B/2 too, replayed under A/1": 1,
  });
});

Deno.test("only what lies in the time that is looked at is compared", () => {
  const recorded = [{ offset: 1, minute: 1 }, { offset: 2, minute: 2 }, { offset: 3, minute: 3 }];
  deepEqual(compare(recorded, [recorded[1]!], { from: 2, to: 3 }).inventory_metrics, { ...NONE, equal: 1 });
});

Deno.test("what the replay did not come to is not compared, nor are outputs of other logs and programs", () => {
  const report = compare([{ offset: 1 }, { offset: 7 }, { offset: 1, log: "ffffffff" }], [{ offset: 1 }], {
    replayedTo: 5,
  });
  equal(report.agrees, true);
  deepEqual(report.inventory_metrics, { ...NONE, equal: 1, not_comparable: 1 });
  equal(report.not_ours, 1);
});

Deno.test("where the beginning of what was recorded is gone, its outputs are not compared", () => {
  const start = { beginningGone: new Set<OutputTopic>(["inventory_metrics"]) };
  const replayed = [{ offset: 1 }, { offset: 2 }, { offset: 3 }, { offset: 4 }];
  const report = compare([{ offset: 3 }], replayed, { start });
  deepEqual(report.inventory_metrics, { ...NONE, equal: 1, not_comparable: 2, only_replayed: 1 });
  equal(report.agrees, false);
});

Deno.test("without the order, inputs that came after the last recorded output are not compared", () => {
  const start = { orderKnown: false };
  const report = compare([{ offset: 1 }, { offset: 2 }], [{ offset: 1 }, { offset: 2 }, { offset: 3 }], {
    start,
  });
  equal(report.agrees, true);
  deepEqual(report.inventory_metrics, { ...NONE, equal: 2, not_comparable: 1 });
});

Deno.test("missing history is the reason that is given", () => {
  const report = compare([{ offset: 1, seats: 5 }], [{ offset: 1, seats: 1 }], { historyMissing: true });
  match(report.differences[0]!.why, /^the records before the first one that is left are missing/);
});

Deno.test("nothing to compare is no agreement", () => {
  equal(compare([], []).agrees, false);
});
