/** One client of the embedded warehouse: its socket, the messages it waits with, the answers it has yet to read. */

import { concat, MessageReader, parseStartup, ProtocolError } from "./_postgres_messages.ts";
import type { Startup } from "./_postgres_messages.ts";

const READ_BYTES = 64 * 1024;
const WRITE_BYTES = 256 * 1024;
/** Above this many bytes of whole messages that wait, no more are read. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;
/** Above this many bytes that the client has not read, it gets no more work done. */
const UNREAD_BYTES_MAX = 16 * 1024 * 1024;

export interface ConnectionEvents {
  /** A startup message; returns bytes to answer with, and whether the session has begun. */
  onStartup(startup: Startup): { answer: Uint8Array; begun: boolean } | "close";
  /** Whole messages are waiting, or the client has read what it was sent. */
  onReady(): void;
  /** The bytes are no Postgres protocol. */
  onProtocolError(error: ProtocolError): void;
  /** The connection is gone; called once. */
  onClosed(): void;
}

export class ClientConnection {
  readonly #socket: Deno.TcpConn;
  readonly #events: ConnectionEvents;
  readonly #reader = new MessageReader();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #writing = false;
  #closing = false;
  #closed = false;
  #resumeReading: (() => void) | undefined;

  constructor(socket: Deno.TcpConn, events: ConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.setNoDelay(true);
  }

  get closed(): boolean {
    return this.#closed || this.#closing;
  }

  /** The type byte of the message that is next, or `undefined` where none waits. */
  get nextType(): number | undefined {
    return this.#waiting[0]?.[0];
  }

  /** Whether the client is too far behind with reading to be sent more. */
  get congested(): boolean {
    return this.#unreadBytes > UNREAD_BYTES_MAX;
  }

  /** Takes the message that is next. */
  take(): Uint8Array {
    const message = this.#waiting.shift()!;
    this.#waitingBytes -= message.length;
    if (this.#waitingBytes <= WAITING_BYTES_MAX) {
      this.#resumeReading?.();
      this.#resumeReading = undefined;
    }
    return message;
  }

  /** Reads until the connection ends. */
  async run(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    try {
      for (;;) {
        const count = await this.#socket.read(buffer);
        if (count === null || this.closed) break;
        this.#reader.push(buffer.slice(0, count));
        if (!this.#cut()) break;
        if (this.#waitingBytes > WAITING_BYTES_MAX) {
          await new Promise<void>((resolve) => this.#resumeReading = resolve);
        }
      }
    } catch (error) {
      if (error instanceof ProtocolError && !this.closed) this.#events.onProtocolError(error);
      // Anything else is a connection that broke: the same as one that was closed.
    }
    if (!this.#closing) this.#end();
  }

  /** Cuts what has come into messages; `false` ends the connection. */
  #cut(): boolean {
    let ready = false;
    for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
      if (this.#reader.startup) {
        const result = this.#events.onStartup(parseStartup(message));
        if (result === "close") return false;
        this.send(result.answer);
        if (this.closed) return false;
        this.#reader.startup = !result.begun;
      } else {
        this.#waiting.push(message);
        this.#waitingBytes += message.length;
        ready = true;
      }
    }
    if (ready) this.#events.onReady();
    return true;
  }

  /** Sends bytes; they are the connection's from now on. */
  send(bytes: Uint8Array): void {
    if (this.closed || bytes.length === 0) return;
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    if (!this.#writing) void this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#unread.length > 0) {
        const wasCongested = this.congested;
        const bytes = this.#nextToWrite();
        for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
        if (wasCongested && !this.congested && !this.closed) this.#events.onReady();
      }
    } catch {
      this.#closing = true;
    }
    this.#writing = false;
    if (this.#closing) this.#end();
  }

  #nextToWrite(): Uint8Array {
    let count = 0;
    let bytes = 0;
    while (
      count < this.#unread.length && (count === 0 || bytes + this.#unread[count]!.length <= WRITE_BYTES)
    ) {
      bytes += this.#unread[count++]!.length;
    }
    this.#unreadBytes -= bytes;
    const parts = this.#unread.splice(0, count);
    return parts.length === 1 ? parts[0]! : concat(parts);
  }

  /** Sends a last message and closes. */
  close(last?: Uint8Array): void {
    if (this.closed) return;
    if (last !== undefined) this.send(last);
    this.#closing = true;
    // A client that reads nothing any more must not keep the socket: what it left unread is dropped.
    if (!this.#writing || this.congested) this.#end();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#resumeReading?.();
    this.#unread = [];
    this.#waiting = [];
    try {
      this.#socket.close();
    } catch {
      // Closed already.
    }
    this.#events.onClosed();
  }
}
