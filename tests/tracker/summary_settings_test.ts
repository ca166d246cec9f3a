import assert from "node:assert/strict";
import { UsageError } from "../../process/command_line.ts";
import { modelSettings, storePlace } from "../../tracker/summary_settings.ts";

const NAMES = [
  "OPENAI_API_KEY",
  "OPENAI_BASE_URL",
  "OPENAI_MODEL",
  "TRACKER_DATABASE_URL",
  "DATABASE_URL",
  "TRACKER_SUMMARIES_FILE",
];

/** What a function says with these settings and no others. */
function given<T>(settings: Record<string, string>, say: () => T): T {
  const before = NAMES.map((name) => [name, Deno.env.get(name)] as const);
  try {
    for (const name of NAMES) Deno.env.delete(name);
    for (const [name, value] of Object.entries(settings)) Deno.env.set(name, value);
    return say();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

const MODELS: [string, Record<string, string>, ReturnType<typeof modelSettings>][] = [
  ["nothing", { OPENAI_MODEL: "m" }, undefined],
  ["no key and the default address", { OPENAI_BASE_URL: "https://api.openai.com/v1" }, undefined],
  ["a key", { OPENAI_API_KEY: "k" }, {
    baseUrl: "https://api.openai.com/v1",
    apiKey: "k",
    model: "gpt-4o-mini",
  }],
  ["a model on this machine", { OPENAI_BASE_URL: "http://127.0.0.1:11434/v1", OPENAI_MODEL: "llama3.2" }, {
    baseUrl: "http://127.0.0.1:11434/v1",
    apiKey: undefined,
    model: "llama3.2",
  }],
  ["a model on one's own network", { OPENAI_BASE_URL: "http://model:8000/v1" }, {
    baseUrl: "http://model:8000/v1",
    apiKey: undefined,
    model: "gpt-4o-mini",
  }],
];
for (const [what, settings, expected] of MODELS) {
  Deno.test(`the model of ${what}`, () => assert.deepEqual(given(settings, modelSettings), expected));
}

const REFUSED: [string, Record<string, string>, RegExp][] = [
  ["a key in the open", { OPENAI_API_KEY: "secret", OPENAI_BASE_URL: "http://192.0.2.1/v1" }, /in the open/],
  ["a key that no header takes", { OPENAI_API_KEY: "secret\n" }, /no key has/],
  ["an address that is none", { OPENAI_BASE_URL: "localhost:1234" }, /no address/],
  ["a file", { OPENAI_BASE_URL: "file:///etc/passwd" }, /no address/],
  ["an address with a login", { OPENAI_BASE_URL: "https://u:secret@example.com/v1" }, /no address/],
  ["a model's name that is none", { OPENAI_API_KEY: "secret", OPENAI_MODEL: "a b" }, /OPENAI_MODEL is "a b"/],
];
for (const [what, settings, message] of REFUSED) {
  Deno.test(`${what} is wrong usage, and no secret is shown`, () => {
    assert.throws(
      () => given(settings, modelSettings),
      (error) =>
        error instanceof UsageError && message.test(error.message) && !error.message.includes("secret"),
    );
  });
}

Deno.test("summaries are kept in a database of their own, else beside the warehouse, else in a file", () => {
  const [tracker, warehouse] = ["postgres://t/t", "postgres://w/w"];
  assert.deepEqual(given({ TRACKER_DATABASE_URL: tracker, DATABASE_URL: warehouse }, storePlace), {
    url: tracker,
    schema: "public",
  });
  assert.deepEqual(given({ DATABASE_URL: warehouse }, storePlace), { url: warehouse, schema: "tracker" });
  assert.deepEqual(given({}, storePlace), { file: "data/tracker/summaries.sqlite" });
});
