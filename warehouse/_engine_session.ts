/** The single session of an embedded engine, and the settings that stand in it now. */

import type { PGlite } from "@electric-sql/pglite";
import { concat, message, ParameterWatcher, texts, uint32 } from "./_postgres_messages.ts";

/** Settings that are each client's own. Postgres reports every change of them. */
const KEPT_APART = [
  "search_path",
  "TimeZone",
  "DateStyle",
  "IntervalStyle",
  "client_encoding",
  "default_transaction_read_only",
  "standard_conforming_strings",
];

export class EngineSession {
  readonly engine: PGlite;
  /** What the engine reports at the start of a session. */
  readonly reported: ReadonlyMap<string, string>;
  readonly #current: Map<string, string>;

  private constructor(engine: PGlite, reported: Map<string, string>) {
    this.engine = engine;
    this.reported = reported;
    this.#current = new Map(reported);
  }

  static async open(engine: PGlite): Promise<EngineSession> {
    const body = concat([
      new Uint8Array([0, 3, 0, 0]),
      new TextEncoder().encode("user\0airline\0database\0airline_dw\0\0"),
    ]);
    const startup = concat([new Uint8Array([0, 0, 0, body.length + 4]), body]);
    const reported = new Map<string, string>();
    const watcher = new ParameterWatcher((name, value) => reported.set(name, value));
    await engine.execProtocolRawStream(startup, { syncToFs: false, onRawData: (data) => watcher.push(data) });
    return new EngineSession(engine, reported);
  }

  /** The settings a client may have of its own, by the name as it may spell it. */
  static keptApart(name: string): string | undefined {
    return KEPT_APART.find((kept) => kept.toLowerCase() === name.toLowerCase());
  }

  /** Whether a transaction is open, a failed one included. */
  get inTransaction(): boolean {
    return this.engine.isInTransaction();
  }

  /** Sends whole messages to the engine; `settings` are the client's and follow what it changes. */
  async run(
    messages: Uint8Array[],
    settings: Map<string, string>,
    onAnswer: (bytes: Uint8Array) => void,
  ): Promise<void> {
    const watcher = new ParameterWatcher((name, value) => {
      this.#current.set(name, value);
      settings.set(name, value);
    });
    for (const bytes of messages) {
      await this.engine.execProtocolRawStream(bytes, {
        syncToFs: false,
        onRawData: (data) => {
          // The engine's memory is written over by its next answer.
          const copy = data.slice();
          watcher.push(copy);
          onAnswer(copy);
        },
      });
    }
  }

  /** Makes a client's settings the engine's. Returns the error message of a setting that it does not take. */
  async use(settings: Map<string, string>): Promise<string | undefined> {
    for (const name of KEPT_APART) {
      const wanted = settings.get(name);
      if (wanted === undefined || wanted === this.#current.get(name)) continue;
      const answers: Uint8Array[] = [];
      const query = `select pg_catalog.set_config('${name}', '${wanted.replaceAll("'", "''")}', false)`;
      // The changes that are reported are of the engine and this client.
      await this.run([message("Q", query)], settings, (bytes) => answers.push(bytes));
      const error = firstError(concat(answers));
      if (error !== undefined) {
        settings.set(name, this.#current.get(name) ?? "");
        return error;
      }
      // Postgres reports a change, in its own spelling; without a report both spellings mean the same.
      if (settings.get(name) === wanted) this.#current.set(name, wanted);
    }
    // A role that a client has set would be everyone's.
    if (this.#current.get("is_superuser") === "off") {
      await this.run([message("Q", "set role airline")], settings, () => {});
    }
    return undefined;
  }
}

function firstError(answers: Uint8Array): string | undefined {
  for (let at = 0; at < answers.length; at += 1 + uint32(answers, at + 1)) {
    if (answers[at] !== "E".charCodeAt(0)) continue;
    for (let field = at + 5; answers[field] !== 0;) {
      const [text] = texts(answers, field, 1) as [string];
      if (text.startsWith("M")) return text.slice(1);
      field += new TextEncoder().encode(text).length + 1;
    }
  }
  return undefined;
}
