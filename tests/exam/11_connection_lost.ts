/**
 * Experiment 11: the connection to the warehouse is lost inside a transaction.
 *
 * The ETL's runner loads a lake that grows, through a proxy that reads along. At a drawn moment of a load's transaction,
 * its `COMMIT` included, Postgres ends the backend (`pg_terminate_backend`), or the proxy resets the connection before a
 * statement arrives or before its answer does, or all connections at once. The embedded warehouse speaks the same
 * protocol on a socket, so it takes part; only backends to be ended it has none.
 *
 * Must hold: at each moment every table is exactly what its topic's watermark says, worked out from the events alone;
 * every row was last written by a transaction that also noted a run; on the wire no statement that changes a table was
 * sent while no transaction was open; and the lake is loaded whole soon after.
 *
 * @module
 */

import { openExamPipeline } from "./_exam_pipeline.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import { wholeNumber } from "./_random.ts";
import { StruckLoads } from "./_struck_loads.ts";
import type { LoadFault } from "./_struck_loads.ts";
import type { ExamEngine, Experiment, Round, RoundResult } from "./experiment.ts";

/** A dead run's lease keeps others out for 30 s; then a run takes a second. */
const RECOVERY_MS_MAX = 60_000;

type Kind = "backend ended" | "statement lost" | "answer lost" | "all connections reset";

/** How likely each kind is. */
const KINDS: Record<ExamEngine, [Kind, number][]> = {
  kafka: [["backend ended", 0.4], ["statement lost", 0.3], ["answer lost", 0.25], [
    "all connections reset",
    0.05,
  ]],
  embedded: [["statement lost", 0.5], ["answer lost", 0.45], ["all connections reset", 0.05]],
};

async function run(round: Round): Promise<RoundResult> {
  const pipeline = await openExamPipeline(round, { warehouse: true });
  const loads = new StruckLoads(round, RECOVERY_MS_MAX);
  try {
    await loads.start(pipeline);
    while (loads.result.faults < round.faults && !loads.failed) {
      round.signal.throwIfAborted();
      const kind = drawn(KINDS[round.engine], round.random());
      await loads.strike(faultOf(loads, kind, wholeNumber(round.random, 1, loads.moments + 1)));
      round.progress(loads.result.faults);
    }
    // What is wrong already need not be waited for.
    if (!loads.failed) await loads.finish();
    if (!loads.failed) await aSingleRunSaysWhatToDo(pipeline, loads);
    return loads.result;
  } finally {
    await loads.close();
    await pipeline.close();
  }
}

/** At the given moment of a transaction, or as soon behind it as there is something to be lost. */
function faultOf(loads: StruckLoads, kind: Kind, at: number): LoadFault {
  const { direct, proxy } = loads.target;
  return {
    kind,
    isNow: (event, moment) =>
      moment >= at && !(kind === "statement lost" && event.kind === "done") &&
      !(kind === "answer lost" && event.kind === "statement"),
    strike: ({ serverPid }) => {
      if (kind === "backend ended") {
        direct.sql`select pg_terminate_backend(${serverPid}::int)`.catch(() => {});
        return undefined;
      }
      if (kind === "all connections reset") setTimeout(() => proxy.strikeAll("reset"), 0);
      return kind === "all connections reset" ? undefined : "reset";
    },
  };
}

/** `deno task etl` loses its connection in the middle, says so, and is run again. */
async function aSingleRunSaysWhatToDo(pipeline: ExamPipeline, loads: StruckLoads): Promise<void> {
  const { lake, result, target } = loads;
  await lake.seal();
  const kind = pipeline.pair === "real" ? "backend ended" : "answer lost";
  loads.arm(faultOf(loads, kind, Math.ceil(loads.moments / 3)));
  const lost = pipeline.start("etl", [], target.env);
  const code = await lost.exited();
  if (code !== 1 || !/The connection to the warehouse broke.*Run deno task etl again/.test(lost.output)) {
    result.violations.push(`A single run that lost its connection ended with ${code}: ${lost.output}`);
  }
  const again = pipeline.start("etl", [], target.env);
  if (await again.exited() !== 0) result.violations.push(`Run again, the ETL failed: ${again.output}`);
  else if (!await loads.check()) {
    result.violations.push("Run again, the ETL did not load what the lost connection had kept back");
  }
}

function drawn(kinds: readonly [Kind, number][], draw: number): Kind {
  let sum = 0;
  return (kinds.find(([, share]) => draw < (sum += share)) ?? kinds.at(-1)!)[0];
}

const TRANSACTION_ENDS = {
  file: "warehouse/load_tables.ts",
  from: "loaded[rows.table.name] = await loadTable(warehouse, tx, rows, files, options);",
  to:
    'loaded[rows.table.name] = await loadTable(warehouse, tx, rows, files, options); await tx.unsafe("commit");' +
    ' await tx.unsafe("begin");',
};
const ANOTHER_TRANSACTION_WILL_DO = {
  file: "warehouse/watched_transaction.ts",
  from: "if (await transactionId(tx) !== transaction) {",
  to: 'if (transaction === "") {',
};

export const experiment: Experiment = {
  number: 11,
  name: "connection-lost",
  fault: "the warehouse's connection is lost inside a transaction: the backend ended, or the proxy resets it",
  mustHold: "all or nothing; no statement outside its transaction",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["postgres"] : [],
  faults: { short: { embedded: 5, kafka: 6 }, full: { embedded: 100, kafka: 100 } },
  faultsPerRound: 25,
  run,
  controls: [
    {
      guard: "all tables, their watermark and the run are one transaction",
      engines: ["embedded", "kafka"],
      mutations: [TRANSACTION_ENDS, ANOTHER_TRANSACTION_WILL_DO],
      faults: 10,
    },
    {
      guard: "a load works within its transaction",
      engines: ["kafka"],
      mutations: [{
        file: "warehouse/watched_transaction.ts",
        from: "const working = warehouse.sql.begin((tx) =>",
        to:
          "const working = ((statements: (tx: SqlTransaction) => Promise<T>) => statements(warehouse.sql as never))((tx) =>",
      }, ANOTHER_TRANSACTION_WILL_DO],
      faults: 10,
    },
  ],
};
