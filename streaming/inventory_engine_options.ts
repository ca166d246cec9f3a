/** What an inventory engine goes by. */

import type { GuardLimits } from "./guards.ts";
import type { PromotionPolicy } from "./policies/policy.ts";

/** Defaults are those of the published programs, where they have such a thing. */
export interface InventoryEngineOptions {
  policy: PromotionPolicy;
  /** Part of output ids and of a decision's source. */
  logId: string;
  /** Default 1. */
  maxPromotionsPerFlight?: number;
  /** Event time between two promotions of a flight. Default 60 minutes. */
  promoCooldownMs?: number;
  /** What guards go by beside these two; {@link GUARD_LIMITS} where left out. */
  guards?: Partial<Omit<GuardLimits, "maxPromotionsPerFlight" | "promoCooldownMinutes">>;
  /** Load factor that flights are to leave with, 0 to 1. Default 0.8. */
  targetLoadFactor?: number;
  /** Probability that chance decides where a promotion would go out, 0 to 1. Default 0. */
  explore?: number;
  /** How long an event waits for its flight, of the partition's clock. Default 24 hours. */
  unknownFlightWaitMs?: number;
  /** How many events may wait in this partition. Default 10,000. */
  unknownFlightWaitingMax?: number;
  /** How long a flight that is over is remembered for late events, of the partition's clock. Default 24 hours. */
  departedFlightKeptMs?: number;
}
