/** Flights to be summed up, and a model on loopback. */

import { parseFlightData } from "../../events/flight_data.ts";
import type { FlightData } from "../../events/flight_data.ts";
import type { TokenCounters } from "../../tracker/token_budget.ts";
import { FLIGHT } from "./_tracker_support.ts";

/** The part of a flight that summaries are made of. */
export function flightData(fields: Partial<FlightData> = {}): FlightData {
  return parseFlightData({ value: JSON.stringify({ ...FLIGHT, ...fields }) });
}

/** A text about {@link FLIGHT} that is taken. */
export const GOOD_TEXT =
  "Flight UAL1545 is scheduled to leave EWR at 12:00 UTC on 28 November 2025 and to arrive in ORD at 14:00 UTC.";

/** An answer of a model. */
export function completion(content: unknown, more: object = {}): Response {
  return Response.json({
    model: "stub-1",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 300, completion_tokens: 40, total_tokens: 340 },
    ...more,
  });
}

/** Counters in memory, each call a moment later, as a database's are. */
export class MemoryCounters implements TokenCounters {
  readonly spent = new Map<string, number>();

  async takeTokens(tokens: number, windows: Parameters<TokenCounters["takeTokens"]>[1]) {
    await Promise.resolve();
    const full = windows.find((window) => this.#at(window) + tokens > window.most);
    if (full === undefined) await this.addTokens(tokens, windows);
    return full;
  }

  addTokens(tokens: number, windows: Parameters<TokenCounters["addTokens"]>[1]): Promise<void> {
    for (const window of windows) this.spent.set(window.kind, this.#at(window) + tokens);
    return Promise.resolve();
  }

  #at({ kind }: { kind: string }): number {
    return this.spent.get(kind) ?? 0;
  }
}
