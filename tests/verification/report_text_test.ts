import { equal, match, ok } from "node:assert/strict";
import { reportText } from "../../verification/report_text.ts";
import { withPipeline } from "./_small_pipeline.ts";

Deno.test("the report is plain and aligned, and ends with what it came to", () =>
  withPipeline(async (pipeline) => {
    const text = reportText(await pipeline.verify(), { colors: false });
    ok(!text.includes("\x1b"));
    match(text, /^bookings +31 +29 +\d+ +27 +2 +✓$/m);
    match(text, /^fact_booking +48 +48 +✓$/m);
    match(text, /^gold +EUR +800\.00 +800\.00 +800\.00 +✓$/m);
    match(text, /✓ All agree: \d+ lines of the lake looked at in \d+\.\d s$/);
    equal(text.split("\n").some((line) => line !== line.trimEnd()), false);
    const painted = reportText(await pipeline.verify(), { colors: true });
    ok(painted.includes("\x1b[32m✓\x1b[0m All agree"));
  }));

Deno.test("the report names each difference with examples, and says how many more there are", () =>
  withPipeline(async (pipeline) => {
    for (const path of pipeline.rawFiles("bookings")) Deno.removeSync(path);
    const text = reportText(await pipeline.verify(), { colors: false });
    match(text, /^✖ gold fact_booking: 48 × unexpected\n( {4}booking_id .*\n){5} {4}… and 43 more$/m);
    match(text, /✖ \d kinds of difference: .*RUNBOOK/);
  }));
