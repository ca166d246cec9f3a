/** Eureka's JSON: what instances send of themselves, and what those who ask are told. */

import { ApiProblem } from "../process/http/problem.ts";
import { shownStatus } from "./instance_registry.ts";
import type { InstanceFields, RegisteredInstance } from "./instance_registry.ts";

const NAME = /^[A-Za-z0-9._-]{1,100}$/;
const ID = /^[A-Za-z0-9._:\-\[\]]{1,200}$/;
const HOST = /^(\[[0-9a-fA-F:]+\]|[0-9a-fA-F:]+|[A-Za-z0-9._-]{1,253})$/;

/** An application's name out of a path. */
export function appName(text: string): string {
  if (NAME.test(text)) return text.toUpperCase();
  throw new ApiProblem(
    400,
    `"${text.slice(0, 100)}" is no application's name: expected letters, digits, ".", "_" and "-"`,
  );
}

/**
 * The instance of a registration.
 *
 * @throws {ApiProblem} 400 where it is none.
 */
export function instanceOf(app: string, body: unknown): InstanceFields {
  const refuse = (why: string): never => {
    throw new ApiProblem(400, `The instance cannot be registered: ${why}`);
  };
  const instance = (body as { instance?: unknown } | null)?.instance;
  if (typeof instance !== "object" || instance === null || Array.isArray(instance)) {
    return refuse('expected a JSON object with "instance"');
  }
  const fields = instance as Record<string, unknown>;
  const { hostName } = fields;
  if (typeof hostName !== "string" || !HOST.test(hostName)) return refuse('"hostName" is no name of a host');
  const id = fields.instanceId ?? hostName;
  if (typeof id !== "string" || !ID.test(id)) return refuse('"instanceId" holds characters that no id has');
  if (typeof fields.app !== "string" || fields.app.toUpperCase() !== app) {
    return refuse(`"app" is not ${app}, as the path says`);
  }
  const port = portOf(fields.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535) return refuse('"port" is no port');
  return { ...fields, instanceId: id, hostName };
}

/** A port, as a number or as Eureka writes it. */
function portOf(value: unknown): number {
  return Number(typeof value === "object" && value !== null ? (value as { $?: unknown }).$ : value);
}

/** An instance as it is told on. */
export function instanceJson(instance: RegisteredInstance): Record<string, unknown> {
  const { app, fields, leaseSeconds, renewalSeconds, registeredAtMs, renewedAtMs, updatedAtMs } = instance;
  const port = fields.port;
  return {
    countryId: 1,
    dataCenterInfo: {
      "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
      name: "MyOwn",
    },
    metadata: {},
    isCoordinatingDiscoveryServer: "false",
    lastDirtyTimestamp: String(updatedAtMs),
    ...fields,
    app,
    status: shownStatus(instance),
    overriddenStatus: instance.overriddenStatus,
    overriddenstatus: instance.overriddenStatus,
    port: typeof port === "object" && port !== null ? port : { $: portOf(port), "@enabled": "true" },
    leaseInfo: {
      renewalIntervalInSecs: renewalSeconds,
      durationInSecs: leaseSeconds,
      registrationTimestamp: registeredAtMs,
      lastRenewalTimestamp: renewedAtMs,
      evictionTimestamp: 0,
      serviceUpTimestamp: registeredAtMs,
    },
    lastUpdatedTimestamp: String(updatedAtMs),
    actionType: "ADDED",
  };
}

/** One application with its instances. */
export function applicationJson(name: string, instances: RegisteredInstance[]) {
  return { name, instance: instances.map(instanceJson) };
}

/** All applications, with the hash by which clients tell whether they know the same. */
export function applicationsJson(instances: RegisteredInstance[], version: number) {
  const apps = Map.groupBy(instances, ({ app }) => app);
  return {
    applications: {
      versions__delta: String(version),
      apps__hashcode: hashcodeOf(instances),
      application: [...apps].map(([name, list]) => applicationJson(name, list)),
    },
  };
}

/** How many there are of each status, such as `DOWN_1_UP_2_`. */
function hashcodeOf(instances: RegisteredInstance[]): string {
  const counts = Map.groupBy(instances, shownStatus);
  return [...counts].map(([status, { length }]) => `${status}_${length}_`).sort().join("");
}
