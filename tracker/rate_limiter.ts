/** How often each client may ask: a bucket of tokens that fills evenly. Time is an argument. */

export interface RateLimiterOptions {
  /** Tokens a second. */
  perSecond: number;
  /** Tokens of a full bucket: what may come at once. */
  burst: number;
  /** Clients remembered; those asked for longest ago leave. Default 10,000. */
  clientsMax?: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** See the module. */
export class RateLimiter {
  readonly #options: Required<RateLimiterOptions>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimiterOptions) {
    this.#options = { clientsMax: 10_000, ...options };
  }

  /** Takes a token of a client's. Returns 0, or the seconds after which there is one. */
  take(client: string, nowMs: number): number {
    const { perSecond, burst, clientsMax } = this.#options;
    const before = this.#buckets.get(client) ?? { tokens: burst, atMs: nowMs };
    const filled = before.tokens + Math.max(0, nowMs - before.atMs) / 1000 * perSecond;
    const tokens = Math.min(burst, filled);
    const allowed = tokens >= 1;
    // Asked for last is remembered longest.
    this.#buckets.delete(client);
    this.#buckets.set(client, { tokens: allowed ? tokens - 1 : tokens, atMs: nowMs });
    if (this.#buckets.size > clientsMax) this.#buckets.delete(this.#buckets.keys().next().value!);
    return allowed ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond));
  }
}

/**
 * What counts as one client: an IPv4 address, or the /64 network of an IPv6 address, of which one customer has them all
 * (RFC 6177). Other texts as they are.
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1]!;
  const [head = "", tail] = address.split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - last.length);
  const whole = [...groups, ...Array<string>(zeros).fill("0"), ...last];
  return `${whole.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(":")}::/64`;
}
