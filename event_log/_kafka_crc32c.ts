/**
 * CRC-32C (Castagnoli), the checksum of Kafka's record batches.
 * Formula: RFC 3720 appendix B.4 (reflected polynomial 0x82f63b78), eight bytes a step ("slicing by 8").
 *
 * @module
 */

const POLYNOMIAL = 0x82f63b78;
const tables = buildTables();

function buildTables(): Int32Array {
  const all = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    all[byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let slice = 1; slice < 8; slice++) {
      const previous = all[(slice - 1) * 256 + byte]!;
      all[slice * 256 + byte] = (previous >>> 8) ^ all[previous & 0xff]!;
    }
  }
  return all;
}

/** The CRC-32C of `bytes` as a signed 32-bit integer. */
export function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  let i = 0;
  const wholeSteps = bytes.length - 7;
  for (; i < wholeSteps; i += 8) {
    crc = tables[1792 + ((crc ^ bytes[i]!) & 0xff)]! ^
      tables[1536 + (((crc >>> 8) ^ bytes[i + 1]!) & 0xff)]! ^
      tables[1280 + (((crc >>> 16) ^ bytes[i + 2]!) & 0xff)]! ^
      tables[1024 + ((crc >>> 24) ^ bytes[i + 3]!)]! ^
      tables[768 + bytes[i + 4]!]! ^
      tables[512 + bytes[i + 5]!]! ^
      tables[256 + bytes[i + 6]!]! ^
      tables[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc;
}
