/**
 * Texts of a model behind any OpenAI-compatible `POST {base}/chat/completions`. Each try is paid from the token budget, is
 * bounded in time and size, and goes to the one host that was given; what may pass is tried again a few times, here and
 * nowhere else.
 *
 * @module
 */

import { BodyTooLargeError, boundedBody } from "./bounded_body.ts";
import { chatAnswerOf, chatErrorOf } from "./chat_answer.ts";
import { CircuitBreaker } from "./circuit_breaker.ts";
import type { FlightFacts } from "./flight_facts.ts";
import { BudgetSpentError } from "./flight_source.ts";
import { pause } from "./pause.ts";
import { promptOf } from "./summary_prompt.ts";
import type { ChatMessage } from "./summary_prompt.ts";
import { TEMPLATE_NAME } from "./summary_template.ts";
import type { TakenTokens, TokenBudget } from "./token_budget.ts";

export interface SummaryModelOptions {
  /** Such as `https://api.openai.com/v1`. */
  baseUrl: string;
  /** Sent as a bearer, never shown; undefined: the model asks for none. */
  apiKey: string | undefined;
  model: string;
  budget: TokenBudget;
  breaker?: CircuitBreaker;
  /** For one try. Default 10,000 ms. */
  timeoutMs?: number;
  /** Tries in all. Default 3. */
  triesMax?: number;
  /** The longest pause before the second try; each further one is twice that. Default 500 ms. */
  pauseMs?: number;
  /** Told how long each try took, how it ended and what it cost, for metrics. */
  onCall?: (call: { seconds: number; outcome: string; tokens: number }) => void;
  random?: () => number;
}

/** Why there is no text; a label of metrics. */
export type ModelFailure =
  | "budget"
  | "left_alone"
  | "timeout"
  | "refused"
  | "rate_limited"
  | "failed"
  | "nonsense";

/** The model gave no text; the message never holds the key. */
export class ModelError extends Error {
  override name = "ModelError";
  readonly reason: ModelFailure;
  /** Whether it may have passed by the next try. */
  readonly passing: boolean;

  constructor(reason: ModelFailure, message: string, options: { passing?: boolean } = {}) {
    super(message);
    this.reason = reason;
    this.passing = options.passing ?? false;
  }
}

/** What the model said. */
export interface ModelAnswer {
  text: string;
  /** As the answer names it, else as it was asked for. */
  model: string;
  /** What the call cost; null where the answer does not say. */
  tokens: number | null;
}

const ANSWER_BYTES_MAX = 256 * 1024;
const ANSWER_TOKENS_MAX = 200;
/** For the marks between messages, which no text shows. */
const MESSAGE_TOKENS = 16;
const REST_SECONDS_MAX = 3600;
/** In the runtime's words: no connection came about, or the one asked sent us elsewhere. */
const NOT_ASKED = /client error \(Connect\)|redirect/i;

/** See the module. */
export class SummaryModel {
  readonly name: string;
  readonly breaker: CircuitBreaker;
  readonly #options: Required<Omit<SummaryModelOptions, "breaker" | "apiKey">>;
  readonly #apiKey: string | undefined;
  /** Of `performance.now()`: the model said that it takes nothing before. */
  #restUntilMs = 0;

  constructor({ breaker, apiKey, ...options }: SummaryModelOptions) {
    this.name = options.model;
    this.breaker = breaker ?? new CircuitBreaker();
    this.#apiKey = apiKey;
    this.#options = {
      timeoutMs: 10_000,
      triesMax: 3,
      pauseMs: 500,
      onCall: () => {},
      random: Math.random,
      ...options,
      baseUrl: options.baseUrl.replace(/\/+$/, ""),
    };
  }

  /**
   * Asks for a flight's summary; the text is as it came.
   *
   * @throws {ModelError}, what the budget's counters throw, and the signal's reason where it aborted.
   */
  async write(facts: FlightFacts, signal: AbortSignal): Promise<ModelAnswer> {
    const { budget, triesMax, pauseMs, random } = this.#options;
    const messages = promptOf(facts);
    const restMs = this.#restUntilMs - performance.now();
    if (restMs > 0) {
      throw new ModelError("rate_limited", `The model takes nothing for ${Math.ceil(restMs / 1000)} s`);
    }
    for (let tries = 1;; tries++) {
      signal.throwIfAborted();
      if (!this.breaker.allows()) {
        throw new ModelError(
          "left_alone",
          "The model failed several times in a row and is left alone for a while",
        );
      }
      const taken = await budget.take(tokensMaxOf(messages)).catch((error) => {
        if (!(error instanceof BudgetSpentError)) throw error;
        throw new ModelError("budget", `${error.message}, for ${error.retryAfterSeconds} s`);
      });
      try {
        const answer = await this.#ask(messages, taken, signal);
        this.breaker.succeeded();
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ModelError)) throw error;
        this.breaker.failed();
        if (!error.passing || tries >= triesMax) throw error;
      }
      // Full jitter, so that instances that failed together do not come back together.
      await pause(random() * pauseMs * 2 ** (tries - 1), signal);
    }
  }

  /** One try. What it may have cost stays taken where nobody says what it did cost. */
  async #ask(messages: ChatMessage[], taken: TakenTokens, signal: AbortSignal): Promise<ModelAnswer> {
    const { baseUrl, model, timeoutMs, onCall } = this.#options;
    const startedMs = performance.now();
    let outcome = "failed";
    let tokens = 0;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(`${baseUrl}/chat/completions`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          ...(this.#apiKey === undefined ? {} : { authorization: `Bearer ${this.#apiKey}` }),
        },
        body: JSON.stringify({ model, messages, max_tokens: ANSWER_TOKENS_MAX, temperature: 0.2 }),
        // A redirect would carry key and data to another host.
        redirect: "error",
        signal: AbortSignal.any([signal, timeout]),
      });
      outcome = String(response.status);
      if (response.status !== 200) {
        // Nobody is charged for an answer that is an error.
        await taken.cost(0);
        throw this.#refused(response, await chatErrorOf(response));
      }
      const body = new TextDecoder().decode(await boundedBody(response, ANSWER_BYTES_MAX));
      const answer = chatAnswerOf(body);
      if (answer === undefined) throw new ModelError("nonsense", "The model's answer is not JSON");
      if (answer.tokens !== null) await taken.cost(tokens = answer.tokens);
      if (answer.text === undefined) {
        throw new ModelError("nonsense", "The model's answer holds no finished text");
      }
      // Nobody may write in the template's name.
      const named = answer.model === TEMPLATE_NAME ? undefined : answer.model;
      return { text: answer.text, model: named ?? model, tokens: answer.tokens };
    } catch (error) {
      if (error instanceof ModelError) throw error;
      if (timeout.aborted) {
        outcome = "timeout";
        // Not again: each try would hold up the next flights as long.
        throw new ModelError("timeout", `The model did not answer within ${timeoutMs} ms`);
      }
      if (error instanceof BodyTooLargeError) {
        throw new ModelError("nonsense", `The model's answer has more than ${ANSWER_BYTES_MAX} bytes`);
      }
      // Fetch itself throws these; its words name the address asked, and the key travels in a header.
      if (!(error instanceof TypeError)) throw error;
      const why = error.cause instanceof Error ? error.cause.message : error.message;
      if (NOT_ASKED.test(why)) await taken.cost(0);
      throw new ModelError("failed", `The model cannot be reached: ${why}`, { passing: true });
    } finally {
      if (!signal.aborted) onCall({ seconds: (performance.now() - startedMs) / 1000, outcome, tokens });
    }
  }

  #refused(response: Response, why: string): ModelError {
    const { status } = response;
    if (status === 401 || status === 403) {
      return new ModelError("refused", `The model refuses the key (${status}): check OPENAI_API_KEY`);
    }
    if (status === 404) {
      return new ModelError(
        "refused",
        `The model's server answered 404: check OPENAI_BASE_URL and OPENAI_MODEL (${this.name})`,
      );
    }
    if (status === 429) {
      const given = Number(response.headers.get("retry-after") ?? "20");
      const seconds = Math.min(REST_SECONDS_MAX, Math.max(1, Math.ceil(Number.isFinite(given) ? given : 20)));
      this.#restUntilMs = performance.now() + seconds * 1000;
      return new ModelError("rate_limited", `The model takes nothing for ${seconds} s`);
    }
    const passing = status >= 500;
    const shown = this.#apiKey === undefined ? why : why.replaceAll(this.#apiKey, "…");
    const message = `The model's server answered ${status}${shown === "" ? "" : `: ${shown}`}`;
    return new ModelError(passing ? "failed" : "refused", message, { passing });
  }
}

/** More than a call can cost: a token stands for at least one byte. */
function tokensMaxOf(messages: ChatMessage[]): number {
  const bytes = new TextEncoder().encode(messages.map(({ content }) => content).join("")).length;
  return bytes + MESSAGE_TOKENS * messages.length + ANSWER_TOKENS_MAX;
}
