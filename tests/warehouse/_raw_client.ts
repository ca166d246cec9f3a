/** A client that speaks the Postgres protocol byte by byte, to send what drivers do not. */

import { concat, int32, message, uint32 } from "../../warehouse/_postgres_messages.ts";

/** A message as it came: its type letter and its body as text. */
export interface Answer {
  type: string;
  text: string;
}

export class RawClient {
  readonly #socket: Deno.TcpConn;
  #rest: Uint8Array = new Uint8Array();

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Connected, and past the greeting. */
  static async begin(port: number, settings: Record<string, string> = {}): Promise<RawClient> {
    const client = await RawClient.connect(port);
    await client.startup({ user: "airline", database: "airline_dw", ...settings });
    await client.until("Z");
    return client;
  }

  async startup(settings: Record<string, string>, version = 3 << 16): Promise<void> {
    const texts = Object.entries(settings).flat().map((text) => `${text}\0`).join("");
    const body = concat([new Uint8Array(int32(version)), new TextEncoder().encode(`${texts}\0`)]);
    await this.bytes(concat([new Uint8Array(int32(body.length + 4)), body]));
  }

  async bytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
  }

  async send(...messages: Uint8Array[]): Promise<void> {
    await this.bytes(concat(messages));
  }

  /** Answers up to the first of the type, or up to the end of the connection. */
  async until(type: string): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (;;) {
      const answer = await this.#next();
      if (answer === undefined) return answers;
      answers.push(answer);
      if (answer.type === type) return answers;
    }
  }

  async #next(): Promise<Answer | undefined> {
    const buffer = new Uint8Array(64 * 1024);
    for (;;) {
      if (this.#rest.length >= 5 && this.#rest.length > uint32(this.#rest, 1)) {
        const end = 1 + uint32(this.#rest, 1);
        const answer = {
          type: String.fromCharCode(this.#rest[0]!),
          text: new TextDecoder().decode(this.#rest.subarray(5, end)),
        };
        this.#rest = this.#rest.slice(end);
        return answer;
      }
      const count = await this.#socket.read(buffer).catch(() => null);
      if (count === null) return undefined;
      this.#rest = concat([this.#rest, buffer.subarray(0, count)]);
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** `Parse` of a statement under a name. */
export const parse = (name: string, statement: string) => message("P", name, statement, [0, 0]);
/** `Bind` without parameters, and `Execute`. */
export const execute = (name: string) =>
  concat([message("B", "", name, [0, 0, 0, 0, 0, 0]), message("E", "", int32(0))]);
/** A simple query. */
export const query = (statement: string) => message("Q", statement);
/** The values of the first column of the rows among some answers. */
export const values = (answers: Answer[]) =>
  answers.filter(({ type }) => type === "D").map(({ text }) => text.slice(6));
/** The types among some answers, settings left out. */
export const types = (answers: Answer[]) =>
  answers.map(({ type }) => type).filter((type) => type !== "S").join("");
