/**
 * Reads along what a client and a Postgres server say to each other, as far as transactions go. It knows the protocol
 * (version 3) from its specification alone, so that it can tell on the wire whether a statement ran outside of its
 * transaction, and strike at a chosen moment.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { ConnectionFault, ConnectionWatch } from "./_tcp_proxy.ts";

/** What is said on a connection, in order. */
export type PostgresEvent =
  /** A statement on its way to the server: its text, and whether a transaction was open when it was sent. */
  | { kind: "statement"; text: string; inTransaction: boolean }
  /** The server has done a statement: `COMMIT`, `INSERT 0 5`, `COPY 300`. */
  | { kind: "done"; tag: string; inTransaction: boolean };

/** The connection that something is said on. */
export interface WatchedClient {
  /** Of its startup message; "" before it came. */
  applicationName: string;
  /** The server's process; 0 before it is known. */
  serverPid: number;
}

/** Told of everything; what it returns befalls the connection before the message arrives. */
export type PostgresListener = (event: PostgresEvent, client: WatchedClient) => ConnectionFault | undefined;

/** Of a message no more than this is kept: the start of a statement says what it is. */
const KEPT_BYTES_MAX = 400;
const STARTUP_CODE = 196_608;

/** A watch for one connection. TLS cannot be read along: give `sslmode=disable`. */
export function watchPostgres(listener: PostgresListener): ConnectionWatch {
  const client: WatchedClient = { applicationName: "", serverPid: 0 };
  const prepared = new Map<string, string>();
  let inTransaction = false;
  let fault: ConnectionFault | undefined;
  const tell = (event: PostgresEvent) => fault ??= listener(event, client);
  const fromClient = new MessageCutter(false, (type, body) => {
    if (type === "") {
      if (body.length < 4 || body.readInt32BE(0) !== STARTUP_CODE) return "startup";
      const words = body.toString("utf8", 4).split("\0");
      client.applicationName = words[words.indexOf("application_name") + 1] ?? "";
      return undefined;
    }
    if (type === "Q") tell({ kind: "statement", text: texts(body, 1)[0]!, inTransaction });
    if (type === "P") {
      const [name, text] = texts(body, 2) as [string, string];
      prepared.set(name, text);
    }
    if (type === "B") {
      const text = prepared.get(texts(body, 2)[1]!) ?? "";
      tell({ kind: "statement", text, inTransaction });
    }
    return undefined;
  });
  const fromServer = new MessageCutter(true, (type, body) => {
    if (type === "K") client.serverPid = body.readInt32BE(0);
    // Told before the server says that it is ready again, so a COMMIT is still within its transaction.
    if (type === "C") tell({ kind: "done", tag: texts(body, 1)[0]!, inTransaction });
    if (type === "Z") inTransaction = body.toString("latin1", 0, 1) !== "I";
    return undefined;
  });
  const look = (cutter: MessageCutter) => (bytes: Buffer) => {
    cutter.push(bytes);
    return fault;
  };
  return { toServer: look(fromClient), toClient: look(fromServer) };
}

function texts(body: Buffer, count: number): string[] {
  return body.toString("utf8").split("\0", count).concat("", "");
}

/** Cuts a stream into messages, of which it keeps the first bytes. */
class MessageCutter {
  /** Before the startup messages are over they have no type. */
  #typed: boolean;
  /** A server answers a request for encryption by one byte. */
  #mayRefuseTls: boolean;
  readonly #onMessage: (type: string, body: Buffer) => "startup" | undefined;
  #header = Buffer.alloc(0);
  #kept = Buffer.alloc(0);
  #left = 0;
  #type = "";

  constructor(fromServer: boolean, onMessage: (type: string, body: Buffer) => "startup" | undefined) {
    this.#typed = fromServer;
    this.#mayRefuseTls = fromServer;
    this.#onMessage = onMessage;
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) {
        const part = bytes.subarray(at, at + this.#left);
        const room = KEPT_BYTES_MAX - this.#kept.length;
        if (room > 0) this.#kept = Buffer.concat([this.#kept, part.subarray(0, room)]);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#end();
        continue;
      }
      const headerBytes = this.#typed ? 5 : 4;
      const part = bytes.subarray(at, at + headerBytes - this.#header.length);
      this.#header = Buffer.concat([this.#header, part]);
      at += part.length;
      if (this.#mayRefuseTls && this.#header[0] === 0x4e && this.#header.length === 1) {
        this.#header = Buffer.alloc(0);
        this.#mayRefuseTls = false;
        continue;
      }
      if (this.#header.length < headerBytes) continue;
      this.#mayRefuseTls = false;
      this.#type = this.#typed ? this.#header.toString("latin1", 0, 1) : "";
      this.#left = this.#header.readInt32BE(headerBytes - 4) - 4;
      this.#header = Buffer.alloc(0);
      this.#kept = Buffer.alloc(0);
      if (this.#left === 0) this.#end();
    }
  }

  #end(): void {
    if (this.#onMessage(this.#type, this.#kept) !== "startup") this.#typed = true;
  }
}
