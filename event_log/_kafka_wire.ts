/**
 * Reading and writing Kafka's wire types: big-endian integers, length-prefixed strings, zigzag varints.
 * Formula: Kafka protocol guide, "Protocol Primitive Types".
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const TWO_POW_32 = 4_294_967_296;

/** Reads wire types from bytes, moving forward; a read past the end throws a `RangeError`. */
export class WireReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  int8(): number {
    return this.view.getInt8(this.offset++);
  }

  int16(): number {
    const value = this.view.getInt16(this.offset);
    this.offset += 2;
    return value;
  }

  int32(): number {
    const value = this.view.getInt32(this.offset);
    this.offset += 4;
    return value;
  }

  /** A 64-bit integer as a number; exact within ±2^53, which offsets and times stay within. */
  int64(): number {
    const high = this.view.getInt32(this.offset);
    const low = this.view.getUint32(this.offset + 4);
    this.offset += 8;
    return high * TWO_POW_32 + low;
  }

  bigInt64(): bigint {
    const value = this.view.getBigInt64(this.offset);
    this.offset += 8;
    return value;
  }

  unsignedVarint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.view.getUint8(this.offset++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }

  /** A zigzag varint or varlong; exact within ±2^52. */
  varint(): number {
    const value = this.unsignedVarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  raw(length: number): Uint8Array {
    if (length < 0 || this.offset + length > this.bytes.length) {
      throw new RangeError(`Cannot read ${length} bytes at ${this.offset} of ${this.bytes.length}`);
    }
    const slice = this.bytes.subarray(this.offset, this.offset + length);
    this.offset += length;
    return slice;
  }

  /** A string with a 16-bit length; -1 stands for null. */
  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : decoder.decode(this.raw(length));
  }

  /** A string of the flexible encoding; length 0 stands for null. */
  compactString(): string | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : decoder.decode(this.raw(length));
  }

  /** Skips the tagged fields that end every structure of the flexible encoding. */
  skipTaggedFields(): void {
    for (let fields = this.unsignedVarint(); fields > 0; fields--) {
      this.unsignedVarint();
      this.raw(this.unsignedVarint());
    }
  }

  /** An array with a 32-bit count (null reads as empty). */
  array<T>(read: () => T): T[] {
    const count = this.int32();
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  /** An array of the flexible encoding. */
  compactArray<T>(read: () => T): T[] {
    const count = this.unsignedVarint() - 1;
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }
}

/** Writes wire types into a buffer that grows by doubling. */
export class WireWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  offset = 0;

  constructor(initialBytes = 256) {
    this.#bytes = new Uint8Array(initialBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Makes room for `length` more bytes. */
  reserve(length: number): void {
    if (this.offset + length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.offset + length));
    grown.set(this.#bytes.subarray(0, this.offset));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** The bytes written so far (a view, valid until the next write). */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.offset);
  }

  get view(): DataView {
    return this.#view;
  }

  int8(value: number): this {
    this.reserve(1);
    this.#view.setInt8(this.offset++, value);
    return this;
  }

  int16(value: number): this {
    this.reserve(2);
    this.#view.setInt16(this.offset, value);
    this.offset += 2;
    return this;
  }

  int32(value: number): this {
    this.reserve(4);
    this.#view.setInt32(this.offset, value);
    this.offset += 4;
    return this;
  }

  int64(value: number): this {
    return this.bigInt64(BigInt(value));
  }

  bigInt64(value: bigint): this {
    this.reserve(8);
    this.#view.setBigInt64(this.offset, value);
    this.offset += 8;
    return this;
  }

  unsignedVarint(value: number): this {
    this.reserve(8);
    while (value > 0x7f) {
      this.#bytes[this.offset++] = (value % 128) | 0x80;
      value = Math.floor(value / 128);
    }
    this.#bytes[this.offset++] = value;
    return this;
  }

  varint(value: number): this {
    return this.unsignedVarint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.#bytes.set(bytes, this.offset);
    this.offset += bytes.length;
    return this;
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = encoder.encode(value);
    return this.int16(bytes.length).raw(bytes);
  }

  compactString(value: string): this {
    const bytes = encoder.encode(value);
    return this.unsignedVarint(bytes.length + 1).raw(bytes);
  }

  /** Text as a varint length and its UTF-8 bytes. */
  varintText(value: string): this {
    // Most text is ASCII: write with the length it then has, and move it where the guess was wrong.
    this.reserve(value.length * 3 + 16);
    const start = this.offset;
    this.varint(value.length);
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.offset));
    if (written === value.length) {
      this.offset += written;
      return this;
    }
    this.offset = start;
    this.varint(written);
    this.offset += encoder.encodeInto(value, this.#bytes.subarray(this.offset)).written;
    return this;
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.unsignedVarint(items.length + 1);
    for (const item of items) write(item);
    return this;
  }
}
