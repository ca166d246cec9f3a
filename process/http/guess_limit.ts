/**
 * How often a secret may be guessed from one address: some guesses at once, then one now and then. An address is an IPv4
 * address or the /64 network of an IPv6 address, of which one customer has them all (RFC 6177).
 */

export interface GuessLimitOptions {
  /** Wrong guesses at once. */
  burst: number;
  /** One more is allowed after each of these, in milliseconds. */
  refillMs: number;
  /**
   * An address that has known the secret within this time, in milliseconds, is not limited: behind a proxy all clients
   * have one address, and one that is set up wrongly must not lock the others out. Default 0.
   */
  trustMs?: number;
  /** Addresses remembered; those that guessed longest ago are forgotten. Default 10,000. */
  addressesMax?: number;
  /** Milliseconds by a clock that goes steadily; a test's own clock. */
  nowMs?: () => number;
}

interface Guesser {
  /** Guesses that are left, as of `atMs`. */
  left: number;
  atMs: number;
  knewMs: number;
}

/** See the module. */
export class GuessLimit {
  readonly #options: Required<GuessLimitOptions>;
  readonly #guessers = new Map<string, Guesser>();

  constructor(options: GuessLimitOptions) {
    this.#options = { trustMs: 0, addressesMax: 10_000, nowMs: () => performance.now(), ...options };
  }

  /** Whole seconds until an address may guess again; 0 where it may now. */
  waitSeconds(address: string): number {
    const { refillMs, trustMs } = this.#options;
    const guesser = this.#guesser(address);
    const { left, atMs, knewMs } = guesser;
    if (left >= 1 || atMs - knewMs < trustMs) return 0;
    return Math.max(1, Math.ceil(Math.round((1 - left) * refillMs) / 1000));
  }

  /** An address has guessed wrongly. */
  wrong(address: string): void {
    const guesser = this.#guesser(address);
    guesser.left = Math.max(0, guesser.left - 1);
    this.#keep(address, guesser);
  }

  /** An address has shown that it knows the secret. */
  right(address: string): void {
    const guesser = this.#guesser(address);
    this.#keep(address, { ...guesser, knewMs: guesser.atMs });
  }

  /** What is known of an address, as of now. */
  #guesser(address: string): Guesser {
    const { burst, refillMs, nowMs } = this.#options;
    const atMs = nowMs();
    const known = this.#guessers.get(networkOf(address));
    if (known === undefined) return { left: burst, atMs, knewMs: -Infinity };
    return { ...known, left: Math.min(burst, known.left + (atMs - known.atMs) / refillMs), atMs };
  }

  #keep(address: string, guesser: Guesser): void {
    const network = networkOf(address);
    this.#guessers.delete(network);
    this.#guessers.set(network, guesser);
    if (this.#guessers.size > this.#options.addressesMax) {
      this.#guessers.delete(this.#guessers.keys().next().value!);
    }
  }
}

function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1]!;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::", 2);
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  const groups = [...before, ...zeros, ...after];
  return groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}
