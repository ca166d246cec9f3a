/** What an evaluation of a flight gives: its metrics, and where a policy wants it a promotion or why it is held back. */

import type { RefusedRecord } from "../events/dead_letters.ts";
import type { CurveLibrary } from "./curve_library.ts";
import { heldBackOutput, metricsOutput, observationOf, promotionOutput } from "./engine_outputs.ts";
import type { EngineOutput, OutputContext } from "./engine_outputs.ts";
import { explored } from "./exploration.ts";
import { forecastOf } from "./flight_forecast.ts";
import type { FlightState } from "./flight_state.ts";
import { evaluateFlight, limitReached } from "./guards.ts";
import type { GuardLimits } from "./guards.ts";
import type { FlightForecast, PromotionPolicy } from "./policies/policy.ts";

/** A flight tells at the most so often that a promotion was held back: a policy may waver. */
const HELD_BACK_TOLD_MAX = 50;

export interface FlightEvaluatorOptions {
  policy: PromotionPolicy;
  limits: GuardLimits;
  logId: string;
  curves: CurveLibrary;
  /** Load factor that flights are to leave with, 0 to 1. */
  targetLoadFactor: number;
  /** Probability that chance decides, 0 to 1. */
  explore: number;
}

export class FlightEvaluator {
  readonly #options: FlightEvaluatorOptions;

  constructor(options: FlightEvaluatorOptions) {
    this.#options = options;
  }

  /** Evaluates a flight at its clock, `time` as text; what comes of it goes to `outputs`. */
  evaluate(flight: FlightState, time: string, record: RefusedRecord, outputs: EngineOutput[]): void {
    const observation = observationOf(flight, this.#forecast(flight));
    const context: OutputContext = { observation, time, record, logId: this.#options.logId };
    outputs.push(metricsOutput(flight, context));
    if (flight.facts.phase === "scheduled") this.#decide(flight, context, outputs);
    flight.facts.lastVelocity = observation.booking_velocity_per_hour;
  }

  #forecast(flight: FlightState): FlightForecast | null {
    const { curves, targetLoadFactor } = this.#options;
    if (flight.curveGeneration !== curves.generation) {
      flight.curveGeneration = curves.generation;
      flight.curve = curves.find(flight.facts.route, flight.facts.departureMs);
    }
    return flight.curve === undefined ? null : forecastOf(flight, flight.curve, targetLoadFactor);
  }

  #decide(flight: FlightState, context: OutputContext, outputs: EngineOutput[]): void {
    const { policy, limits, explore, logId } = this.#options;
    const { facts, flightId } = flight;
    const { observation } = context;
    const limit = limitReached(observation, limits);
    // It was told already, and what the policy wants makes no difference.
    if (limit !== undefined && !mayTell(flight, limit)) return;
    let evaluation = evaluateFlight(policy, observation, limits);
    if (evaluation === undefined) return;
    if (evaluation.guard === null) {
      evaluation = explored(evaluation, policy, observation, limits, { explore, logId, flightId });
    }
    const { guard } = evaluation;
    if (guard === null || guard === "exploration") {
      // No promotion by chance takes a promotion's place, so that each draw is one decision.
      facts.promotions++;
      facts.lastPromotionMs = facts.clockMs;
      delete facts.heldBackBy;
      outputs.push(
        guard === null
          ? promotionOutput(flight, evaluation, policy, context)
          : heldBackOutput(flight, evaluation, context),
      );
    } else if (mayTell(flight, guard)) {
      facts.heldBackBy = guard;
      facts.heldBackTold = (facts.heldBackTold ?? 0) + 1;
      outputs.push(heldBackOutput(flight, evaluation, context));
    }
  }
}

function mayTell({ facts }: FlightState, guard: string): boolean {
  return facts.heldBackBy !== guard && (facts.heldBackTold ?? 0) < HELD_BACK_TOLD_MAX;
}
