/**
 * Deadlines for answers. A connection that has died in silence (a firewall that forgot it, a machine that lost power)
 * brings neither an answer nor an error, and the driver waits for ever.
 *
 * A real server answers small questions at once, and what became of a transaction it tells on any connection. The embedded
 * warehouse serves one client after another, so its answers may rightly take long; and it is on this machine, where no
 * connection dies in silence.
 *
 * @module
 */

import type { Sql, Warehouse } from "./connect.ts";

/** How long a server may take to answer a question that needs no work. */
const ANSWER_MS = 15_000;
/** How often is asked what became of a transaction. */
const LOOK_MS = 4_000;

/** No answer came: the connection is as good as lost. */
function silence(waitedMs: number): Error {
  return Object.assign(new Error(`no answer within ${waitedMs / 1000} s`), { code: "ETIMEDOUT" });
}

/**
 * Waits for an answer no longer than `withinMs`, on a real server.
 *
 * @throws {Error} that counts as a lost connection (`isConnectionLoss`).
 */
export async function answered<T>(
  { embedded }: Pick<Warehouse, "embedded">,
  work: Promise<T>,
  withinMs = ANSWER_MS,
): Promise<T> {
  if (embedded) return await work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(silence(withinMs)), withinMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks on another connection what became of a transaction whose own connection may have died in silence. */
export class TransactionWatch {
  readonly #other: Warehouse;
  readonly #lost = Promise.withResolvers<never>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  /** @param other Another connection to the same warehouse. */
  constructor(other: Warehouse) {
    this.#other = other;
    this.#lost.promise.catch(() => {});
    if (!other.embedded) this.#timer = setTimeout(() => this.#lost.reject(silence(ANSWER_MS)), ANSWER_MS);
  }

  /** Rejects when the transaction is over and whoever waits for its answers has not been told. */
  get lost(): Promise<never> {
    return this.#lost.promise;
  }

  /** The transaction has begun; `id` is its `txid_current()`. */
  began(id: string): void {
    clearTimeout(this.#timer);
    let overBefore = false;
    const look = async () => {
      const over = await isOver(this.#other, id);
      if (this.#ended) return;
      if (over && overBefore) return this.#lost.reject(silence(LOOK_MS));
      overBefore = over;
      this.#timer = setTimeout(again, LOOK_MS);
    };
    const again = () => void look().catch((error) => this.#lost.reject(error));
    this.#timer = setTimeout(again, LOOK_MS);
  }

  /** Whoever waited has been told. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}

async function isOver(other: Warehouse, id: string): Promise<boolean> {
  const asked = (other.sql as Sql)<{ status: string }[]>`select txid_status(${id}::bigint) as status`;
  const [row] = await answered(other, asked);
  return row!.status !== "in progress";
}
