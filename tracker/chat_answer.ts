/** What an OpenAI-compatible server answers; nothing of it is taken on trust. */

import { boundedBody } from "./bounded_body.ts";

const ERROR_BYTES_MAX = 16 * 1024;
const TOKENS_SANE_MAX = 10_000_000;

/** The part of a chat completion that is looked at. */
export interface ChatAnswer {
  /** Undefined where there is no text, or a part of one. */
  text: string | undefined;
  /** Undefined where it is not named. */
  model: string | undefined;
  /** Prompt and answer together; null where it is not said. */
  tokens: number | null;
}

/** Reads a chat completion; undefined where it is no JSON. */
export function chatAnswerOf(body: string): ChatAnswer | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { choices, usage, model } = fieldsOf(answer);
  const choice = fieldsOf(Array.isArray(choices) ? choices[0] : undefined);
  const { content } = fieldsOf(choice.message);
  const isWhole = choice.finish_reason === undefined || choice.finish_reason === null ||
    choice.finish_reason === "stop";
  const total = fieldsOf(usage).total_tokens;
  const isSane = typeof total === "number" && Number.isInteger(total) && total >= 0 &&
    total <= TOKENS_SANE_MAX;
  return {
    text: typeof content === "string" && isWhole ? content : undefined,
    model: typeof model === "string" && /^[!-~]{1,100}$/.test(model) ? model : undefined,
    tokens: isSane ? total : null,
  };
}

/** What the server says is wrong, in one short line; empty where it does not say. */
export async function chatErrorOf(response: Response): Promise<string> {
  let message: unknown;
  try {
    const body = new TextDecoder().decode(await boundedBody(response, ERROR_BYTES_MAX));
    message = fieldsOf(fieldsOf(JSON.parse(body)).error).message;
  } catch {
    return "";
  }
  return typeof message === "string" ? message.replaceAll(/\p{C}+/gu, " ").trim().slice(0, 200) : "";
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
