/**
 * What only one process may do at a time, across machines that share a warehouse: a row with an expiry and a fencing
 * token. Time is the database's own. It holds on a real Postgres and on the embedded one alike, where all clients share
 * a session and an advisory lock would be everyone's.
 *
 * 1. `acquireLease` takes a lease that is free or expired; the token rises by one.
 * 2. `renew` every third of its time while the work goes on.
 * 3. `assertLease` in the transaction that stores the result: it fails where another took over, and holds the row
 *    until the commit, so that nobody can in between.
 * 4. `release`; where the process dies instead, the lease expires.
 *
 * @module
 */

import type { Sql, SqlTransaction } from "./connect.ts";

/** Another process holds the lease now: what was done under it must not be stored. */
export class LeaseLostError extends Error {
  override name = "LeaseLostError";
}

/** A lease that this process holds. */
export interface Lease {
  readonly name: string;
  readonly token: number;
  /**
   * Holds it for another `ttlMs` from now.
   *
   * @throws {LeaseLostError} when another process took it over.
   */
  renew(): Promise<void>;
  /** Gives it back; does nothing where another process took it over. */
  release(): Promise<void>;
}

/** The lease, or who holds it until when. */
export type LeaseAttempt =
  | { acquired: true; lease: Lease }
  | { acquired: false; holder: string; expiresAt: Date };

/**
 * Takes the lease `name` where nobody holds it. One that the same `holder` took is his again, with a new token: he
 * may not have been told that he got it.
 *
 * @param options `ttlMs`: milliseconds until it expires unless renewed; `holder`: what others are told, such as
 *   host and process id; nobody else's, and never of two at once.
 */
export async function acquireLease(
  sql: Sql,
  name: string,
  options: { ttlMs: number; holder: string },
): Promise<LeaseAttempt> {
  const { ttlMs, holder } = options;
  for (;;) {
    const [taken] = await sql<{ token: number }[]>`
      insert into public.lease as held (name, holder, fencing_token, expires_at)
      values (${name}, ${holder}, 1, clock_timestamp() + ${ttlMs} * interval '1 millisecond')
      on conflict (name) do update
      set holder = excluded.holder, fencing_token = held.fencing_token + 1,
        expires_at = clock_timestamp() + ${ttlMs} * interval '1 millisecond'
      where held.expires_at <= clock_timestamp() or held.holder = excluded.holder
      returning fencing_token as token`;
    if (taken !== undefined) return { acquired: true, lease: leaseOf(sql, name, taken.token, ttlMs) };
    const [other] = await sql<{ holder: string; expires_at: Date }[]>`
      select holder, expires_at from public.lease where name = ${name} and expires_at > clock_timestamp()`;
    // None: it expired or was given back between the two statements.
    if (other !== undefined) return { acquired: false, holder: other.holder, expiresAt: other.expires_at };
  }
}

function leaseOf(sql: Sql, name: string, token: number, ttlMs: number): Lease {
  return {
    name,
    token,
    async renew() {
      // One that expired unnoticed is still ours as long as nobody took it: the token says so.
      const renewed = await sql`
        update public.lease set expires_at = clock_timestamp() + ${ttlMs} * interval '1 millisecond'
        where name = ${name} and fencing_token = ${token} and expires_at > '-infinity'
        returning 1`;
      if (renewed.length === 0) throw lost(name, token);
    },
    async release() {
      await sql`
        update public.lease set expires_at = '-infinity'
        where name = ${name} and fencing_token = ${token}`;
    },
  };
}

/**
 * Makes sure, within a transaction, that the lease is still held under `token`, and keeps it so until the commit.
 *
 * @throws {LeaseLostError} when another process took it over, or it was given back.
 */
export async function assertLease(tx: SqlTransaction, name: string, token: number): Promise<void> {
  const held = await tx`
    select 1 from public.lease
    where name = ${name} and fencing_token = ${token} and expires_at > '-infinity'
    for update`;
  if (held.length === 0) throw lost(name, token);
}

function lost(name: string, token: number): LeaseLostError {
  return new LeaseLostError(
    `The lease "${name}" (token ${token}) was taken over by another process: nothing is stored`,
  );
}
