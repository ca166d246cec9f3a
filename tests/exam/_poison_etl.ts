/** What the ETL makes of a poisoned lake, and of a file that another program wrote into it. */

import { Buffer } from "node:buffer";
import { REFUSED } from "../events/_refused_records.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import type { Findings } from "./_findings.ts";
import { expectedFacts, type Placed } from "./_poison_checks.ts";

/** Lines of another program: every second is bad, and the last one is not ended yet. */
function foreignLines(): {
  bytes: Uint8Array;
  bad: number;
  facts: { rows: number; bookings: number; cents: number };
} {
  const refused = REFUSED.filter(([, topic, value, reason]) =>
    topic === "bookings" && value !== null && value.trim() !== "" && reason !== "event_time"
  );
  const good = refused.map((_, at) =>
    JSON.stringify({
      event_type: "BookingCreated",
      event_time: "2025-11-24T10:15:30.123456+00:00",
      booking_id: `python-${at}`,
      flight_id: "BA210_2025-11-28",
      fare_bucket: "K",
      total_price: 140,
      passengers: [{ passenger_id: "P1" }],
    })
  );
  const lines = refused.flatMap(([, , value], at) => [good[at]!, value!.replaceAll("\n", " ")]);
  const text = Buffer.from(lines.join("\n") + '\n{"event_type":"Book');
  const notText = Buffer.concat([
    Buffer.from('{"event_type":"Caf'),
    Buffer.from([0xe9]),
    Buffer.from('"}\n'),
  ]);
  return {
    bytes: Buffer.concat([notText, text]),
    bad: refused.length + 1,
    facts: { rows: good.length, bookings: good.length, cents: 14_000 * good.length },
  };
}

/** Runs the ETL twice: every good booking is there, every bad line is rejected, and `verify` agrees. */
export async function checkEtl(
  pipeline: ExamPipeline,
  records: readonly Placed[],
  findings: Findings,
): Promise<void> {
  const foreign = foreignLines();
  await Deno.writeFile(`${pipeline.env.LAKE_DIR}/raw/bookings/2025-11-24_10.jsonl`, foreign.bytes);
  for (const time of ["first", "second"]) {
    const etl = await pipeline.run("etl");
    findings.checked++;
    if (etl.code !== 0) {
      findings.violation(`The ${time} ETL run ended with ${etl.code}: ${etl.output.slice(-500)}`);
    }
    const own = expectedFacts(records);
    const expected = {
      rows: own.rows + foreign.facts.rows,
      bookings: own.bookings + foreign.facts.bookings,
      cents: own.cents + foreign.facts.cents,
    };
    const { piped, output } = await pipeline.run("sql", [
      "--format",
      "csv",
      "select count(*), count(distinct booking_id), round(sum(passenger_price) * 100) from fact_booking",
    ]);
    const [rows, bookings, cents] = (piped.trim().split("\n")[1] ?? "").split(",").map(Number);
    findings.checked += expected.rows;
    if (rows !== expected.rows || bookings !== expected.bookings || cents !== expected.cents) {
      findings.violation(
        `After the ${time} ETL run fact_booking has ${rows} rows, ${bookings} bookings, ${cents} hundredths, expected ` +
          `${JSON.stringify(expected)}: ${output.slice(-300)}`,
      );
    }
    const rejected = await Deno.readTextFile(`${pipeline.env.LAKE_DIR}/rejected/bookings.ndjson`).catch(() =>
      ""
    );
    const count = rejected.split("\n").filter((line) => line !== "").length;
    if (count !== foreign.bad) {
      findings.violation(`${count} lines were rejected after the ${time} run, ${foreign.bad} are bad`);
    }
  }
  const verify = await pipeline.run("verify", ["--complete"]);
  if (verify.code !== 0) findings.violation(`verify: ${verify.output.slice(-2500)}`);
}
