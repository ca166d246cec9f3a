/**
 * Who is there: instances by application, each with a lease that it has to renew. Pure but for its own memory: time is
 * an argument.
 *
 * There is no self-preservation, by which Eureka's own server keeps instances whose leases ran out when many do at once:
 * those who ask here keep what they were told last while the registry is away, and find out themselves who answers.
 *
 * @module
 */

/** Statuses an instance can have; only `UP` gets requests. */
export const INSTANCE_STATUSES = ["UP", "DOWN", "STARTING", "OUT_OF_SERVICE", "UNKNOWN"] as const;
export type InstanceStatus = (typeof INSTANCE_STATUSES)[number];

/** What an instance said of itself, by Eureka's names; what we do not know passes through. */
export type InstanceFields = Record<string, unknown> & { instanceId: string; hostName: string };

/** An instance as it is told on. */
export interface RegisteredInstance {
  app: string;
  id: string;
  fields: InstanceFields;
  status: InstanceStatus;
  /** Set by an operator; wins over what the instance says. `UNKNOWN`: none. */
  overriddenStatus: InstanceStatus;
  /** What the fields take as JSON, in UTF-16 units. */
  units: number;
  leaseSeconds: number;
  renewalSeconds: number;
  registeredAtMs: number;
  renewedAtMs: number;
  updatedAtMs: number;
}

/** There is no room for another instance. */
export class RegistryFullError extends Error {
  override name = "RegistryFullError";
}

const LEASE_SECONDS = 90;
const RENEWAL_SECONDS = 30;
const LEASE_SECONDS_MAX = 3600;
const INSTANCES_MAX = 1000;
/** Of all together: whoever asks who is there is told everything at once, and has to take it. */
const UNITS_MAX = 1_000_000;

/** See the module. */
export class InstanceRegistry {
  readonly #instances = new Map<string, RegisteredInstance>();
  #version = 0;

  /** Rises with every change that somebody who asks would see. */
  get version(): number {
    return this.#version;
  }

  /**
   * Registers an instance, or what it says anew.
   *
   * @throws {RegistryFullError}
   */
  register(app: string, fields: InstanceFields, nowMs: number): void {
    this.#drop(nowMs);
    const name = app.toUpperCase();
    const key = keyOf(name, fields.instanceId);
    const before = this.#instances.get(key);
    if (before === undefined && this.#instances.size >= INSTANCES_MAX) {
      throw new RegistryFullError(`${INSTANCES_MAX} instances are registered, and no more are taken`);
    }
    const units = JSON.stringify(fields).length;
    const held = this.#units() - (before?.units ?? 0);
    if (held + units > UNITS_MAX) {
      throw new RegistryFullError(
        `The instances say ${held} characters of themselves, with this one's ${units} more than ${UNITS_MAX}`,
      );
    }
    const lease = (fields.leaseInfo ?? {}) as { durationInSecs?: unknown; renewalIntervalInSecs?: unknown };
    this.#instances.set(key, {
      app: name,
      id: fields.instanceId,
      fields,
      units,
      status: statusOf(fields.status) ?? "UP",
      overriddenStatus: before?.overriddenStatus ?? "UNKNOWN",
      leaseSeconds: secondsOf(lease.durationInSecs, LEASE_SECONDS),
      renewalSeconds: secondsOf(lease.renewalIntervalInSecs, RENEWAL_SECONDS),
      registeredAtMs: before?.registeredAtMs ?? nowMs,
      renewedAtMs: nowMs,
      updatedAtMs: nowMs,
    });
    this.#version++;
  }

  /** Renews a lease. False where there is none: the instance has to register. */
  renew(app: string, id: string, nowMs: number): boolean {
    const found = this.find(app, id, nowMs);
    if (found !== undefined) found.renewedAtMs = nowMs;
    return found !== undefined;
  }

  /** Takes an instance out. False where there is none. */
  cancel(app: string, id: string, nowMs: number): boolean {
    this.#drop(nowMs);
    const gone = this.#instances.delete(keyOf(app.toUpperCase(), id));
    if (gone) this.#version++;
    return gone;
  }

  /** Overrides an instance's status; `UNKNOWN` takes that back. False where there is no such instance. */
  override(app: string, id: string, status: InstanceStatus, nowMs: number): boolean {
    const found = this.find(app, id, nowMs);
    if (found === undefined) return false;
    found.overriddenStatus = status;
    found.updatedAtMs = nowMs;
    this.#version++;
    return true;
  }

  find(app: string, id: string, nowMs: number): RegisteredInstance | undefined {
    this.#drop(nowMs);
    return this.#instances.get(keyOf(app.toUpperCase(), id));
  }

  /** Those whose leases hold, by application and id. */
  all(nowMs: number): RegisteredInstance[] {
    this.#drop(nowMs);
    return [...this.#instances.values()].sort((a, b) =>
      a.app === b.app ? compare(a.id, b.id) : compare(a.app, b.app)
    );
  }

  #units(): number {
    let units = 0;
    for (const instance of this.#instances.values()) units += instance.units;
    return units;
  }

  /** Lets those go whose leases ran out. */
  #drop(nowMs: number): void {
    for (const [key, { renewedAtMs, leaseSeconds }] of this.#instances) {
      if (nowMs - renewedAtMs <= leaseSeconds * 1000) continue;
      this.#instances.delete(key);
      this.#version++;
    }
  }
}

/** A status by its name; undefined for another text. */
export function statusOf(value: unknown): InstanceStatus | undefined {
  return INSTANCE_STATUSES.find((status) => status === value);
}

/** What counts: the operator's word, else the instance's own. */
export function shownStatus(instance: RegisteredInstance): InstanceStatus {
  return instance.overriddenStatus === "UNKNOWN" ? instance.status : instance.overriddenStatus;
}

function keyOf(app: string, id: string): string {
  return `${app}\n${id}`;
}

function secondsOf(value: unknown, otherwise: number): number {
  const seconds = Number(value);
  return Number.isFinite(seconds) && seconds >= 1 ? Math.min(seconds, LEASE_SECONDS_MAX) : otherwise;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
