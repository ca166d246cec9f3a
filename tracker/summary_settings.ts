/** Where summaries are kept and who writes them, as the environment says. */

import { UsageError } from "../process/command_line.ts";
import { setting, SETTINGS } from "../process/settings.ts";
import { TEMPLATE_NAME } from "./summary_template.ts";
import type { TrackerSchema } from "../warehouse/tracker_schema.ts";

/** A model behind an OpenAI-compatible address. */
export interface ModelSettings {
  baseUrl: string;
  apiKey: string | undefined;
  model: string;
}

/**
 * The model; undefined where neither a key nor an address of one's own is given.
 *
 * @throws {UsageError} for an address that would show the key to others, and for what no header or log takes.
 */
export function modelSettings(): ModelSettings | undefined {
  const apiKey = setting("OPENAI_API_KEY");
  const baseUrl = setting("OPENAI_BASE_URL")!;
  // The default address takes nothing without a key.
  if (apiKey === undefined && baseUrl === SETTINGS.OPENAI_BASE_URL.default) return undefined;
  if (apiKey !== undefined && !/^[!-~]+$/.test(apiKey)) {
    throw new UsageError("OPENAI_API_KEY holds characters that no key has");
  }
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const isPlain = url?.protocol === "http:";
  const onLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url?.hostname ?? "");
  if (
    url === undefined || !(url.protocol === "https:" || isPlain) || url.username !== "" || url.search !== ""
  ) {
    throw new UsageError(
      "OPENAI_BASE_URL is no address of a model, expected one such as https://api.openai.com/v1",
    );
  }
  if (isPlain && !onLoopback && apiKey !== undefined) {
    throw new UsageError("OPENAI_BASE_URL is no https address: OPENAI_API_KEY would travel in the open");
  }
  const model = setting("OPENAI_MODEL")!;
  if (!/^[!-~]{1,100}$/.test(model) || model === TEMPLATE_NAME) {
    throw new UsageError(`OPENAI_MODEL is ${JSON.stringify(model.slice(0, 100))}, expected a model's name`);
  }
  return { baseUrl, apiKey, model };
}

/** Where summaries are kept. */
export type StorePlace = { url: string; schema: TrackerSchema } | { file: string };

/** A database of their own, else a schema beside the warehouse where that is a real one, else a file. */
export function storePlace(): StorePlace {
  const own = setting("TRACKER_DATABASE_URL");
  if (own !== undefined) return { url: own, schema: "public" };
  const warehouse = setting("DATABASE_URL");
  if (warehouse !== undefined) return { url: warehouse, schema: "tracker" };
  return { file: setting("TRACKER_SUMMARIES_FILE")! };
}
