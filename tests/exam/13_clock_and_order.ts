/**
 * Clocks that are wrong and jump, events that are late, early and doubled: outputs follow from event times alone. And
 * thousands of random sequences on which engine and log have to agree with small models of them.
 *
 * @module
 */

import { PHASES, runClockPhases } from "./_clock_round.ts";
import { Findings } from "./_findings.ts";
import { checkEngineModel, engineOf } from "./_model_engine.ts";
import { checkLogModel } from "./_model_log.ts";
import { embeddedLogs, kafkaLogs } from "./_model_log_engines.ts";
import { seedOf } from "./_random.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

/** Of the sequences on the embedded engine: how many go to the engine's model; the log's are dearer. */
const ENGINE_SHARE = 0.6;

async function run(round: Round): Promise<RoundResult> {
  const findings = new Findings();
  let faults = 0;
  const done = () => round.progress(++faults);
  const sequences = Math.max(0, round.faults - PHASES.length);
  const onEngine = round.engine === "embedded" ? Math.round(sequences * ENGINE_SHARE) : 0;
  const onLog = sequences - onEngine;
  let engineRuns = 0;
  if (onEngine > 0) {
    const seed = seedOf(round.seed, "engine") | 0;
    round.say(`engine: ${onEngine} sequences, seed ${seed}`);
    const { compared, difference } = checkEngineModel(await engineOf(round.project), {
      runs: onEngine,
      seed,
      onRun: () => engineRuns++,
    });
    findings.checked += compared;
    if (difference !== undefined) findings.violation(difference);
    round.progress(faults += onEngine);
  }
  let logRuns = 0;
  if (onLog > 0) {
    const seed = seedOf(round.seed, "log") | 0;
    round.say(`log: ${onLog} sequences, seed ${seed}`);
    const open = round.engine === "embedded"
      ? await embeddedLogs(round.project, round.folder)
      : await kafkaLogs(round.project, Deno.env.get("KAFKA_BROKERS")!.split(","));
    const { compared, difference } = await checkLogModel(open, {
      runs: onLog,
      seed,
      signal: round.signal,
      onRun: () => {
        logRuns++;
        done();
      },
    });
    findings.checked += compared;
    if (difference !== undefined) findings.violation(difference);
    faults = onEngine + onLog;
  }
  // What is broken in so small a world need not be shown in a large one.
  const { recoveryMs, decisions } = findings.violations.length > 0
    ? { recoveryMs: [], decisions: 0 }
    : await runClockPhases(round, findings, done);
  return {
    faults,
    ...findings.result(),
    recoveryMs,
    figures: { engineSequences: engineRuns, logSequences: logRuns, decisions },
  };
}

const CONTROL_FAULTS = 65;

export const experiment: Experiment = {
  number: 13,
  name: "clock-and-order",
  fault: "clocks an hour ahead, behind and jumping; late, early and doubled events; random sequences",
  mustHold: "event-time results unchanged; engine and log are their models",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["linux", "faketime", "postgres"] : ["linux", "faketime"],
  faults: { short: { embedded: 205, kafka: 15 }, full: { embedded: 10_020, kafka: 320 } },
  faultsPerRound: 2505,
  run,
  controls: [
    {
      guard: "time comes from the events",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "streaming/engine_outputs.ts",
        from: "Math.max(0, facts.departureMs - facts.clockMs)",
        to: "Math.max(0, facts.departureMs - Date.now())",
      }],
      faults: PHASES.length,
    },
    {
      guard: "a member that beats lives, whatever its wall clock says",
      engines: ["embedded"],
      mutations: [{
        file: "event_log/_sqlite_roster.ts",
        from: "    this.#struck.set(id, beat);\n",
        to: "",
      }],
      faults: PHASES.length,
    },
    {
      guard: "a simulation with a date of its own follows a steady clock",
      engines: ["embedded"],
      mutations: [{
        file: "producer/run_producer.ts",
        from: "speed: options.speed, nowMs: performanceNow }",
        to: "speed: options.speed, nowMs: Date.now }",
      }],
      faults: PHASES.length,
    },
    {
      guard: "a late event moves no clock",
      engines: ["embedded"],
      mutations: [{
        file: "streaming/flight_state.ts",
        from: "if (eventTimeMs <= this.facts.clockMs) return;",
        to: "if (eventTimeMs === this.facts.clockMs) return;",
      }],
      faults: CONTROL_FAULTS,
    },
    {
      guard: "what is remembered of bookings is restored",
      engines: ["embedded"],
      mutations: [{
        file: "streaming/engine_state.ts",
        from: "if (seats > 0) flight.countBooking(eventTimeMs);",
        to: "",
      }],
      faults: CONTROL_FAULTS,
    },
    {
      guard: "an owner that was fenced commits nothing",
      engines: ["embedded"],
      mutations: [{
        file: "event_log/sqlite_event_log.ts",
        from: "  if (current !== epoch) {",
        to: "  if (current === undefined) {",
      }],
      faults: CONTROL_FAULTS,
    },
  ],
};
