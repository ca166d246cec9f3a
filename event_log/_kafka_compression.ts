/**
 * Decompression of the record batches of other producers; we write uncompressed ones ourselves.
 * Gzip and zstd come with `node:zlib`; Snappy and LZ4 are small enough to read here, without native code.
 *
 * @module
 */

import { gunzipSync, zstdDecompressSync } from "node:zlib";

const CODEC_NAMES = ["none", "gzip", "snappy", "lz4", "zstd"];
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const XERIAL_HEADER_BYTES = 16;
const LZ4_FRAME_MAGIC = 0x184d2204;
const LZ4_BLOCK_BYTES_MAX = [64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];

/**
 * Decompresses the records of a batch.
 *
 * @param codec The low three bits of the batch's attributes.
 * @throws {Error} When the codec is unknown or the data does not follow its format.
 */
export function decompress(codec: number, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case 0:
      return bytes;
    case 1:
      return gunzipSync(bytes);
    case 2:
      return XERIAL_MAGIC.every((byte, i) => bytes[i] === byte) ? xerialSnappy(bytes) : snappy(bytes);
    case 3:
      return lz4Frame(bytes);
    case 4:
      return zstdDecompressSync(bytes);
    default:
      throw new Error(`Cannot decompress codec ${codec}: known are ${CODEC_NAMES.join(", ")}`);
  }
}

/** The name of a codec number, for messages. */
export function codecName(codec: number): string {
  return CODEC_NAMES[codec] ?? `codec ${codec}`;
}

/** Java's framing: a 16-byte header, then blocks with a 32-bit big-endian length. */
function xerialSnappy(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: Uint8Array[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const length = view.getInt32(at);
    blocks.push(snappy(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return joined(blocks);
}

/** Format: google/snappy, format_description.txt. */
function snappy(bytes: Uint8Array): Uint8Array {
  let at = 0;
  let length = 0;
  for (let shift = 0;; shift += 7) {
    const byte = bytes[at++]!;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const out = new Uint8Array(length);
  let to = 0;
  while (at < bytes.length) {
    const tag = bytes[at++]!;
    let count = (tag >> 2) + 1;
    if ((tag & 3) === 0) {
      if (count > 60) {
        const extra = count - 60;
        count = 1 + littleEndian(bytes, at, extra);
        at += extra;
      }
      out.set(bytes.subarray(at, at + count), to);
      at += count;
      to += count;
      continue;
    }
    let distance: number;
    if ((tag & 3) === 1) {
      count = ((tag >> 2) & 7) + 4;
      distance = ((tag >> 5) << 8) | bytes[at++]!;
    } else {
      const width = (tag & 3) === 2 ? 2 : 4;
      distance = littleEndian(bytes, at, width);
      at += width;
    }
    to = copyBack(out, to, distance, count);
  }
  if (to !== length) throw new Error(`Snappy data ends after ${to} of ${length} bytes`);
  return out;
}

/** Format: lz4/lz4, lz4_Frame_format.md. Checksums are not verified. */
function lz4Frame(bytes: Uint8Array): Uint8Array {
  if (littleEndian(bytes, 0, 4) !== LZ4_FRAME_MAGIC) {
    throw new Error("LZ4 data does not start with its magic number");
  }
  const flags = bytes[4]!;
  const blockBytesMax = LZ4_BLOCK_BYTES_MAX[((bytes[5]! >> 4) & 7) - 4];
  if (blockBytesMax === undefined) throw new Error("LZ4 data names no valid block size");
  let at = 6 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0) + 1;
  const blockChecksum = flags & 0x10 ? 4 : 0;
  let out: Uint8Array = new Uint8Array(blockBytesMax);
  let to = 0;
  for (;;) {
    const size = littleEndian(bytes, at, 4);
    at += 4;
    if (size === 0) return out.subarray(0, to);
    const length = size & 0x7fffffff;
    if (to + blockBytesMax > out.length) {
      const grown = new Uint8Array(Math.max(out.length * 2, to + blockBytesMax));
      grown.set(out);
      out = grown;
    }
    const block = bytes.subarray(at, at + length);
    if (size >= 0x80000000) {
      out.set(block, to);
      to += length;
    } else {
      to = lz4Block(block, out, to);
    }
    at += length + blockChecksum;
  }
}

/** Format: lz4/lz4, lz4_Block_format.md. Returns the new end in `out`. */
function lz4Block(block: Uint8Array, out: Uint8Array, to: number): number {
  let at = 0;
  const extended = (count: number): number => {
    if (count !== 15) return count;
    let byte: number;
    do {
      byte = block[at++]!;
      count += byte;
    } while (byte === 255);
    return count;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = extended(token >> 4);
    out.set(block.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at >= block.length) break;
    const distance = littleEndian(block, at, 2);
    at += 2;
    to = copyBack(out, to, distance, extended(token & 15) + 4);
  }
  return to;
}

function copyBack(out: Uint8Array, to: number, distance: number, count: number): number {
  if (distance === 0 || distance > to || to + count > out.length) {
    throw new Error(`Compressed data refers ${distance} bytes back at ${to} of ${out.length}`);
  }
  for (let from = to - distance, end = to + count; to < end;) out[to++] = out[from++]!;
  return to;
}

function littleEndian(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) {
    throw new Error(`Compressed data ends at ${bytes.length}, before ${at + width}`);
  }
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

function joined(blocks: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    out.set(block, at);
    at += block.length;
  }
  return out;
}
