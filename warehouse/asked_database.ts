/**
 * A database that is connected to when it is first asked, and anew after it was away or fell silent.
 *
 * A connection that has died in silence (a firewall that forgot it, a machine that lost power) brings neither an answer
 * nor an error, and whoever asked would wait for ever; so would all who are queued behind it. A question that is not
 * answered in time therefore takes its connections with it.
 *
 * The embedded database serves one client after another, so its answers may rightly take long; and it is on this machine,
 * where no connection dies in silence: its connections are kept.
 *
 * @module
 */

import { openWarehouse } from "./connect.ts";
import type { Sql, Warehouse, WarehouseOptions } from "./connect.ts";

/** What is asked questions. */
export interface Database {
  /**
   * Asks, and waits for the answer.
   *
   * @throws {WarehouseUnavailableError} where the database cannot be connected to.
   * @throws {NoAnswerError} where no answer came in time. A statement that was sent may still be carried out.
   */
  ask<T>(question: (sql: Sql) => Promise<T>): Promise<T>;
}

/** No answer came in time. */
export class NoAnswerError extends Error {
  override name = "NoAnswerError";
}

export interface AskedDatabaseOptions extends WarehouseOptions {
  /** An answer is waited for so long, in milliseconds; `Infinity`: however long it takes. */
  answerMs: number;
}

/** See the module. */
export class AskedDatabase implements Database {
  readonly #options: AskedDatabaseOptions;
  #opening: Promise<Warehouse> | undefined;
  #closed = false;

  constructor(options: AskedDatabaseOptions) {
    this.#options = options;
  }

  async ask<T>(question: (sql: Sql) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error("The database is asked after it was closed");
    const opening = this.#opening ??= openWarehouse(this.#options);
    let warehouse: Warehouse;
    try {
      warehouse = await opening;
    } catch (error) {
      // Whoever shared the attempt may have begun another one by now.
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    }
    return await this.#inTime(question(warehouse.sql), () => this.#leave(opening, warehouse));
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    this.#closed = true;
    const opening = this.#opening;
    this.#opening = undefined;
    await (await opening?.catch(() => undefined))?.close();
  }

  async #inTime<T>(answer: Promise<T>, onSilence: () => void): Promise<T> {
    const { answerMs, embedded } = this.#options;
    if (answerMs === Infinity) return await answer;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(
        new NoAnswerError(`The database has not answered within ${answerMs / 1000} s: ask again later`),
      );
      if (!embedded) onSilence();
    }, answerMs);
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #leave(opening: Promise<Warehouse>, { sql }: Warehouse): void {
    if (this.#opening === opening) this.#opening = undefined;
    // Nothing is waited for: others' questions on these connections fail now and are asked again on new ones.
    void sql.end({ timeout: 0 });
  }
}
