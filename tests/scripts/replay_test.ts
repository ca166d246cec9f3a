import { deepEqual, equal, match } from "node:assert/strict";
import { openOutput } from "../../scripts/_replay_output.ts";
import { replayText } from "../../scripts/_replay_text.ts";
import type { ReplayReport } from "../../replay/replay_report.ts";
import { embedded, launch, withFolder } from "./_support.ts";

const NONE = { equal: 0, different: 0, only_recorded: 0, only_replayed: 0, not_comparable: 0 };
const REPORT: ReplayReport = {
  source: "lake",
  policy: "RULE_ENGINE/1",
  log_id: "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11",
  from: null,
  to: "2026-01-06T00:00:00.000Z",
  order: "as taken",
  commits: 1234,
  records: 10_000,
  records_missing: 0,
  commits_left: 0,
  first_record_at: "2026-01-05T00:00:00.000Z",
  metrics: 9000,
  decisions: 3,
  decisions_by_discount: { 10: 1, 25: 2 },
  flights_with_decisions: 3,
  refused: { invalid_json: 2 },
  seconds: 0.5,
  history_missing: false,
  order_begins_later: false,
  comparison: null,
  notes: [],
};

Deno.test("replayText() says what was taken, in which order, and what came of it", () => {
  const text = replayText(REPORT, { colors: false, out: "/tmp/out.jsonl" });
  match(
    text,
    /^records +10,000 of the lake, log 1f3a9c2e, in the order in which the consumer took them \(1,234 commits\)/m,
  );
  match(text, /^refused +2 invalid_json$/m);
  match(text, /^event time +from the beginning to 2026-01-06T00:00:00.000Z$/m);
  match(text, /^decisions +3 on 3 flights: 1 of 10 %, 2 of 25 %$/m);
  match(text, /^written to +\/tmp\/out.jsonl$/m);
  equal(text.includes("\x1b"), false);
});

Deno.test("replayText() ends with what the comparison came to", () => {
  const comparison = {
    agrees: true,
    inventory_metrics: { ...NONE, equal: 9000 },
    promo_decisions: { ...NONE, equal: 3 },
    recorded_policies: ["RULE_ENGINE/1"],
    not_ours: 0,
    reasons: {},
    differences: [],
  };
  const last = (report: ReplayReport) => replayText(report, { colors: false }).split("\n").at(-1);
  equal(
    last({ ...REPORT, comparison }),
    "✓ 9,003 decisions and metrics are the same as recorded, byte for byte",
  );
  const differs = { ...comparison, agrees: false, promo_decisions: { ...NONE, only_recorded: 1 } };
  equal(last({ ...REPORT, comparison: differs }), "✖ Not the same as recorded");
  const nothing = { ...differs, inventory_metrics: NONE, promo_decisions: NONE };
  equal(last({ ...REPORT, comparison: nothing }), "✖ Nothing was recorded that this could be compared with");
});

Deno.test("openOutput() puts the file there whole, or not at all", () =>
  withFolder(async (folder) => {
    const kept = await openOutput(`${folder}/kept.jsonl`);
    kept.write("1");
    kept.write("x".repeat(300_000));
    deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name.startsWith(".kept.jsonl.")), [true]);
    await kept.finish();
    await kept.discard();
    equal(await Deno.readTextFile(`${folder}/kept.jsonl`), `1\n${"x".repeat(300_000)}\n`);
    const dropped = await openOutput(`${folder}/dropped.jsonl`);
    dropped.write("2");
    await dropped.discard();
    deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["kept.jsonl"]);
  }));

// arguments, exit code, error
const WRONG: [string[], number, RegExp][] = [
  [["--from-lake", "--from-log"], 2, /^✖ Give --from-lake or --from-log, not both\n$/],
  [["--from", "yesterday"], 2, /^✖ --from is "yesterday", expected a UTC time/],
  [["--from", "2026-01-02", "--to", "2026-01-02"], 2, /nothing lies between them/],
  [["--policy", "GUESS"], 2, /^✖ --policy is "GUESS", expected one of none, RULE_ENGINE, /],
  [["--from-log"], 1, /^✖ There is no event log at ".*"\. Replay the lake: --from-lake\n$/],
  [
    [],
    1,
    /^✖ The lake ".*" holds nothing that the consumer reads: run deno task lake, or replay --from-log\n$/,
  ],
];

for (const [args, code, error] of WRONG) {
  Deno.test(`deno task replay ${args.join(" ")} says what to do, and makes nothing`, () =>
    withFolder(async (folder) => {
      const ended = await launch(["replay", ...args], embedded(folder));
      deepEqual([ended.code, ended.out], [code, ""]);
      match(ended.error, error);
      deepEqual([...Deno.readDirSync(folder)], []);
    }));
}

Deno.test("deno task replay says when --out cannot be written", () =>
  withFolder(async (folder) => {
    const ended = await launch(["replay", "--out", `${folder}/none/out.jsonl`], embedded(folder));
    equal(ended.code, 1);
    match(ended.error, /^✖ Cannot write --out ".*none\/out.jsonl": No such file or directory/);
  }));
