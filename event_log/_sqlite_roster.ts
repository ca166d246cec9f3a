/**
 * A group's members and who owns and who holds each partition number, in the embedded log's tables.
 *
 * The *owner* is whose turn it is; the *holder* is whose handler runs. A number that moves is held by its new owner
 * only after the old one let go of it, was taken for dead, or kept it longer than a session may be silent.
 *
 * @module
 */

import { assignPartitions } from "./_sqlite_assignment.ts";
import type { Connection } from "./_sqlite_database.ts";

/** Members struck out that are remembered. */
const STRUCK_MAX = 100;

/** One member's view of its group. Times are of the process's own steady clock unless they say otherwise. */
export class Roster {
  readonly #group: string;
  readonly #id: string;
  readonly #partitions: number;
  readonly #sessionTimeoutMs: number;
  #beat = 0;
  /** When each other member's heartbeat was last seen to change. */
  readonly #heard = new Map<string, { beat: number; atMs: number }>();
  /** The last heartbeats of members that were struck out: one that beats again lives, whatever its wall clock says. */
  readonly #struck = new Map<string, number>();
  /** Since when a partition of ours is held by somebody else. */
  readonly #waitingSinceMs = new Map<number, number>();

  constructor(group: string, id: string, partitions: number, sessionTimeoutMs: number) {
    this.#group = group;
    this.#id = id;
    this.#partitions = partitions;
    this.#sessionTimeoutMs = sessionTimeoutMs;
  }

  /** Whether {@link Roster.update} would change more than our heartbeat. Only reads. */
  isUpdateDue(connection: Connection, steadyMs: number, wallMs: number): boolean {
    const { live, dead } = this.#members(connection, steadyMs, wallMs);
    if (dead.length > 0 || !live.includes(this.#id)) return true;
    const assignments = this.#assignments(connection);
    const owners = new Map([...assignments].map(([partition, { owner }]) => [partition, owner]));
    for (const [partition, owner] of assignPartitions(owners, live, this.#partitions)) {
      const { owner: current, holder } = assignments.get(partition) ?? { owner: null, holder: null };
      if (owner !== current || (holder !== null && !live.includes(holder))) return true;
      if (owner === this.#id && holder !== owner && this.#mayHold(partition, holder, steadyMs)) return true;
    }
    return false;
  }

  /**
   * Tells the others that we live, strikes out the dead, deals the numbers and takes hold of ours; under the write
   * lock. Returns the numbers that we own and hold.
   */
  update(connection: Connection, steadyMs: number, wallMs: number): Set<number> {
    connection.run(
      `INSERT INTO members (group_name, id, beat, heartbeat_ms, session_timeout_ms) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (id) DO UPDATE SET beat = ?3, heartbeat_ms = ?4`,
      this.#group,
      this.#id,
      ++this.#beat,
      wallMs,
      this.#sessionTimeoutMs,
    );
    const { live, dead } = this.#members(connection, steadyMs, wallMs);
    for (const id of dead) {
      connection.run("DELETE FROM members WHERE id = ?", id);
      this.#strike(id);
    }
    const assignments = this.#assignments(connection);
    const owners = new Map([...assignments].map(([partition, { owner }]) => [partition, owner]));
    const held = new Set<number>();
    for (const [partition, owner] of assignPartitions(owners, live, this.#partitions)) {
      const before = assignments.get(partition);
      let holder = before?.holder ?? null;
      if (holder !== null && !live.includes(holder)) holder = null;
      if (owner === this.#id && this.#mayHold(partition, holder, steadyMs)) holder = owner;
      if (owner === this.#id && holder === owner) held.add(partition);
      if (before?.owner === owner && before.holder === holder) continue;
      connection.run(
        "INSERT OR REPLACE INTO assignments VALUES (?, ?, ?, ?)",
        this.#group,
        partition,
        owner,
        holder,
      );
    }
    return held;
  }

  /** Lets go of a partition number whose handler has returned. */
  release(connection: Connection, partition: number): void {
    connection.run(
      "UPDATE assignments SET holder = NULL WHERE group_name = ? AND partition = ? AND holder = ?",
      this.#group,
      partition,
      this.#id,
    );
  }

  /** Leaves the group; the others deal again what was ours. */
  leave(connection: Connection): void {
    connection.run("DELETE FROM members WHERE id = ?", this.#id);
    connection.run(
      "UPDATE assignments SET holder = NULL WHERE group_name = ? AND holder = ?",
      this.#group,
      this.#id,
    );
  }

  #strike(id: string): void {
    const beat = this.#heard.get(id)?.beat;
    this.#heard.delete(id);
    if (beat === undefined) return;
    // Most are dead and never come back.
    const [oldest] = this.#struck.keys();
    if (this.#struck.size >= STRUCK_MAX) this.#struck.delete(oldest!);
    this.#struck.set(id, beat);
  }

  #mayHold(partition: number, holder: string | null, steadyMs: number): boolean {
    if (holder === null || holder === this.#id) {
      this.#waitingSinceMs.delete(partition);
      return true;
    }
    const since = this.#waitingSinceMs.get(partition) ?? steadyMs;
    this.#waitingSinceMs.set(partition, since);
    return steadyMs - since > this.#sessionTimeoutMs;
  }

  /**
   * Who is alive, in the order of joining. Dead is who is silent for its session timeout by our steady clock. A
   * member that we see for the first time is judged by the wall clock; if that jumped, the steady one judges soon.
   */
  #members(connection: Connection, steadyMs: number, wallMs: number): { live: string[]; dead: string[] } {
    const live: string[] = [];
    const dead: string[] = [];
    const rows = connection.rows<[string, number, number, number]>(
      "SELECT id, beat, heartbeat_ms, session_timeout_ms FROM members WHERE group_name = ? ORDER BY seat",
      this.#group,
    );
    for (const [id, beat, heartbeatMs, sessionTimeoutMs] of rows) {
      let heard = this.#heard.get(id);
      if (heard === undefined || heard.beat !== beat) {
        const isNew = heard === undefined && (this.#struck.get(id) ?? beat) === beat;
        const isSilent = isNew && Math.abs(wallMs - heartbeatMs) > sessionTimeoutMs;
        heard = { beat, atMs: isSilent ? -Infinity : steadyMs };
        this.#heard.set(id, heard);
      }
      const isDead = id !== this.#id && steadyMs - heard.atMs > sessionTimeoutMs;
      (isDead ? dead : live).push(id);
    }
    for (const id of this.#heard.keys()) {
      if (!rows.some(([present]) => present === id)) this.#heard.delete(id);
    }
    return { live, dead };
  }

  #assignments(connection: Connection): Map<number, { owner: string | null; holder: string | null }> {
    const rows = connection.rows<[number, string | null, string | null]>(
      "SELECT partition, owner, holder FROM assignments WHERE group_name = ?",
      this.#group,
    );
    return new Map(rows.map(([partition, owner, holder]) => [partition, { owner, holder }]));
  }
}
