/**
 * The Postgres protocol (version 3) as far as a server in front of an engine needs it: cutting a client's bytes into
 * messages, watching an engine's answers, and the few messages that are the server's own.
 * Source: postgresql.org/docs/current/protocol-message-formats.html
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes of a message at most, and of the first one, as Postgres has it. */
const MESSAGE_BYTES_MAX = 256 * 1024 * 1024;
const STARTUP_BYTES_MAX = 10_000;

/** What a client sent is no Postgres protocol. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
}

/** Cuts a stream of bytes into messages, each with its length and, after the first, its type byte. */
export class MessageReader {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #needed = 4;
  /** Startup messages have no type byte; set to `false` once the first real one is taken. */
  startup = true;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next whole message, or `undefined` until more bytes have come. */
  next(): Uint8Array | undefined {
    // Bytes are put together only when a message is whole, so that a large one costs one copy.
    if (this.#bytes < this.#needed) return undefined;
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : concat(this.#chunks);
    this.#chunks = [all];
    const headerBytes = this.startup ? 4 : 5;
    if (all.length < headerBytes) {
      this.#needed = headerBytes;
      return undefined;
    }
    const length = uint32(all, headerBytes - 4);
    if (length < 4 || length > (this.startup ? STARTUP_BYTES_MAX : MESSAGE_BYTES_MAX)) {
      throw new ProtocolError(`invalid length of message: ${length}`);
    }
    const total = headerBytes - 4 + length;
    if (all.length < total) {
      this.#needed = total;
      return undefined;
    }
    const rest = all.subarray(total);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    this.#needed = this.startup ? 4 : 5;
    return all.subarray(0, total);
  }
}

/** Watches an engine's answers go by for `ParameterStatus` messages, across the borders of chunks. */
export class ParameterWatcher {
  #header = new Uint8Array(5);
  #headerBytes = 0;
  #bodyBytesLeft = 0;
  #body: Uint8Array[] | undefined;
  readonly #onParameter: (name: string, value: string) => void;

  constructor(onParameter: (name: string, value: string) => void) {
    this.#onParameter = onParameter;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#bodyBytesLeft === 0) {
        const taken = Math.min(5 - this.#headerBytes, chunk.length - at);
        this.#header.set(chunk.subarray(at, at + taken), this.#headerBytes);
        this.#headerBytes += taken;
        at += taken;
        if (this.#headerBytes < 5) return;
        this.#headerBytes = 0;
        this.#bodyBytesLeft = uint32(this.#header, 1) - 4;
        this.#body = this.#header[0] === code("S") ? [] : undefined;
      }
      const taken = Math.min(this.#bodyBytesLeft, chunk.length - at);
      this.#body?.push(chunk.slice(at, at + taken));
      this.#bodyBytesLeft -= taken;
      at += taken;
      if (this.#bodyBytesLeft === 0 && this.#body !== undefined) {
        const [name, value] = texts(concat(this.#body), 0, 2);
        this.#body = undefined;
        this.#onParameter(name!, value!);
      }
    }
  }
}

/** The code of a message's type letter. */
export function code(type: string): number {
  return type.charCodeAt(0);
}

/** A message with its type, its length and its body. */
export function message(type: string, ...body: (Uint8Array | string | number[])[]): Uint8Array {
  const parts = body.map((part) =>
    typeof part === "string"
      ? encoder.encode(`${part}\0`)
      : part instanceof Uint8Array
      ? part
      : new Uint8Array(part)
  );
  const length = 4 + parts.reduce((sum, part) => sum + part.length, 0);
  return concat([new Uint8Array([code(type), ...int32(length)]), ...parts]);
}

/** A number as four bytes. */
export function int32(value: number): number[] {
  return [value >>> 24 & 255, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}

export function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
}

/** `count` texts that each end with a zero byte, from `at` on. */
export function texts(bytes: Uint8Array, at: number, count: number): string[] {
  const found: string[] = [];
  for (let n = 0; n < count; n++) {
    const end = bytes.indexOf(0, at);
    if (end === -1) throw new ProtocolError("a text of a message has no end");
    found.push(decoder.decode(bytes.subarray(at, end)));
    at = end + 1;
  }
  return found;
}

export function concat(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** An `ErrorResponse`; `FATAL` ones are followed by the end of the connection. */
export function errorMessage(severity: "ERROR" | "FATAL", sqlState: string, text: string): Uint8Array {
  return message("E", `S${severity}`, `V${severity}`, `C${sqlState}`, `M${text}`, [0]);
}

/** `ReadyForQuery`, outside of a transaction. */
export const READY = message("Z", [code("I")]);
/** `Sync`: the end of a batch; an engine that skips messages after an error stops skipping. */
export const SYNC = message("S");

/** What a client said first. */
export type Startup =
  | { kind: "tls" }
  | { kind: "cancel" }
  | { kind: "session"; minorVersion: number; parameters: Map<string, string> };

/** Reads a message that came before the session began. */
export function parseStartup(bytes: Uint8Array): Startup {
  if (bytes.length < 8) throw new ProtocolError("invalid length of startup packet");
  const version = uint32(bytes, 4);
  // TLS and GSSAPI encryption are asked for in the same way and refused in the same way.
  if (version === 80877103 || version === 80877104) return { kind: "tls" };
  if (version === 80877102) return { kind: "cancel" };
  if (version >>> 16 !== 3) throw new ProtocolError(`unsupported frontend protocol ${version >>> 16}`);
  const parameters = new Map<string, string>();
  for (let at = 8; at < bytes.length && bytes[at] !== 0;) {
    const [name, value] = texts(bytes, at, 2) as [string, string];
    parameters.set(name, value);
    at = bytes.indexOf(0, bytes.indexOf(0, at) + 1) + 1;
  }
  return { kind: "session", minorVersion: version & 0xffff, parameters };
}
