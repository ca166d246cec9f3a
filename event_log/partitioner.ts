/**
 * Kafka's default partitioner: `(murmur2(key) & 0x7fffffff) % partitions`, so that a key lands in the same
 * partition number on both engines and beside Java, librdkafka (`murmur2_random`) and kafkajs producers.
 *
 * Formula: `org.apache.kafka.common.utils.Utils.murmur2` (seed 0x9747b28c).
 *
 * @module
 */

const encoder = new TextEncoder();

/** 32-bit murmur2 of a key's bytes, as Kafka computes it (signed). */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ length;
  const blocks = length >> 2;
  for (let i = 0; i < blocks; i++) {
    const at = i << 2;
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const tail = length & ~3;
  switch (length & 3) {
    case 3:
      h ^= bytes[tail + 2]! << 16;
      // falls through
    case 2:
      h ^= bytes[tail + 1]! << 8;
      // falls through
    case 1:
      h ^= bytes[tail]!;
      h = Math.imul(h, m);
  }
  h ^= h >>> 13;
  h = Math.imul(h, m);
  h ^= h >>> 15;
  return h | 0;
}

const cache = new Map<string, number>();
const CACHE_ENTRIES_MAX = 50_000;

/** The partition number of a key among `partitions`. Keys repeat (one per flight), so hashes are remembered. */
export function partitionOf(key: string, partitions: number): number {
  let hash = cache.get(key);
  if (hash === undefined) {
    hash = murmur2(encoder.encode(key)) & 0x7fffffff;
    if (cache.size >= CACHE_ENTRIES_MAX) cache.clear();
    cache.set(key, hash);
  }
  return hash % partitions;
}
