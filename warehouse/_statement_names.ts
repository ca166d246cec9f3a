/**
 * Names of prepared statements. The embedded engine has one session for all clients, and drivers number their
 * statements alike (`S_1`, `lrupsc_1_0`): where a name is taken by another client, it goes to the engine as another.
 *
 * @module
 */

import { code, concat, int32, message, texts } from "./_postgres_messages.ts";

const encoder = new TextEncoder();

/** The names of all clients. */
export type NameOwners = Map<string, number>;

/** One client's names. */
export class StatementNames {
  readonly #clientId: number;
  readonly #owners: NameOwners;
  readonly #engineNames = new Map<string, string>();

  constructor(clientId: number, owners: NameOwners) {
    this.#clientId = clientId;
    this.#owners = owners;
  }

  /** Whether the engine holds statements of this client. */
  get any(): boolean {
    return this.#engineNames.size > 0;
  }

  /** The message as it goes to the engine: the same one, unless it uses a name that stands for another. */
  translate(bytes: Uint8Array): Uint8Array {
    switch (bytes[0]) {
      case code("P"): {
        const [name] = texts(bytes, 5, 1) as [string];
        return name === "" ? bytes : renamed(bytes, 5, name, this.#take(name));
      }
      case code("B"): {
        const at = bytes.indexOf(0, 5) + 1;
        const [name] = texts(bytes, at, 1) as [string];
        return renamed(bytes, at, name, this.#engineNames.get(name) ?? name);
      }
      case code("D"):
      case code("C"): {
        if (bytes[5] !== code("S")) return bytes;
        const [name] = texts(bytes, 6, 1) as [string];
        const engineName = this.#engineNames.get(name) ?? name;
        if (bytes[0] === code("C")) this.#drop(name);
        return renamed(bytes, 6, name, engineName);
      }
      default:
        return bytes;
    }
  }

  /** Messages that make the engine forget all of this client's statements; the names are free then. */
  closeAll(): Uint8Array[] {
    const messages = [...this.#engineNames.values()].map((name) => message("C", [code("S")], name));
    for (const name of [...this.#engineNames.keys()]) this.#drop(name);
    return messages;
  }

  #take(name: string): string {
    const own = this.#engineNames.get(name);
    if (own !== undefined) return own;
    // The client's number comes first: the engine looks at the first 63 bytes of a name.
    const engineName = this.#owners.has(name) ? `~${this.#clientId}~${name}` : name;
    this.#engineNames.set(name, engineName);
    this.#owners.set(engineName, this.#clientId);
    return engineName;
  }

  #drop(name: string): void {
    const engineName = this.#engineNames.get(name);
    if (engineName === undefined) return;
    this.#engineNames.delete(name);
    this.#owners.delete(engineName);
  }
}

function renamed(bytes: Uint8Array, at: number, name: string, engineName: string): Uint8Array {
  if (name === engineName) return bytes;
  const end = bytes.indexOf(0, at);
  const body = concat([bytes.subarray(5, at), encoder.encode(engineName), bytes.subarray(end)]);
  return concat([bytes.subarray(0, 1), new Uint8Array(int32(body.length + 4)), body]);
}
