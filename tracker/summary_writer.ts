/** Writes a flight's summary: by the model where there is one and its answer will do, else by the template. */

import type { FlightData } from "../events/flight_data.ts";
import { factsOf } from "./flight_facts.ts";
import { checkSummary } from "./summary_check.ts";
import { ModelError } from "./summary_model.ts";
import type { ModelFailure, SummaryModel } from "./summary_model.ts";
import { TEMPLATE_NAME, templateSummary } from "./summary_template.ts";

/** A text, and honestly where it came from. */
export interface WrittenSummary {
  text: string;
  /** The model's name, or `template`. */
  modelUsed: string;
  /** What this text cost: 0 for the template, null where the model did not say. */
  tokensUsed: number | null;
}

export interface SummaryWriterOptions {
  /** Undefined: the template writes all. */
  model?: Pick<SummaryModel, "write"> | undefined;
  /** Calls of the model at the same time. Default 4. */
  callsMax?: number;
  /** Told why the template wrote in the model's place. */
  onFallback?: (reason: ModelFailure, message: string) => void;
}

/** See the module. */
export class SummaryWriter {
  readonly #model: SummaryWriterOptions["model"];
  readonly #onFallback: NonNullable<SummaryWriterOptions["onFallback"]>;
  #callsLeft: number;
  readonly #waiting: (() => void)[] = [];

  constructor(options: SummaryWriterOptions = {}) {
    this.#model = options.model;
    this.#callsLeft = options.callsMax ?? 4;
    this.#onFallback = options.onFallback ?? (() => {});
  }

  /** Whether texts come from a model, one by one and slowly. */
  get usesModel(): boolean {
    return this.#model !== undefined;
  }

  /**
   * Writes.
   *
   * @throws the signal's reason where it aborted, and what the token budget's counters throw.
   */
  async write(flight: FlightData, signal: AbortSignal): Promise<WrittenSummary> {
    const facts = factsOf(flight);
    if (this.#model !== undefined) {
      await this.#enter();
      try {
        const { text: given, model, tokens } = await this.#model.write(facts, signal);
        const checked = checkSummary(given, facts);
        if ("text" in checked) return { text: checked.text, modelUsed: model, tokensUsed: tokens };
        this.#onFallback(
          "nonsense",
          `The model's answer about ${flight.fa_flight_id} is not used: ${checked.refused}`,
        );
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        this.#onFallback(error.reason, error.message);
      } finally {
        this.#leave();
      }
    }
    return { text: templateSummary(facts), modelUsed: TEMPLATE_NAME, tokensUsed: 0 };
  }

  async #enter(): Promise<void> {
    if (this.#callsLeft > 0) {
      this.#callsLeft--;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#callsLeft++;
    else next();
  }
}
