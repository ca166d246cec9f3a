/** The shell of the tracker's services: their common options, listening, the registry, and an end that drops nothing. */

import type { Option } from "../process/command_line.ts";
import { UsageError } from "../process/command_line.ts";
import { AccessControl } from "../process/http/access_control.ts";
import { logger, RateLimitedLines } from "../process/logger.ts";
import { PortError } from "../process/metrics_server.ts";
import { setting } from "../process/settings.ts";
import { RegistryClient } from "./registry_client.ts";

/** Options that every service takes. */
export function serviceOptions<Port extends number>(port: Port) {
  return {
    host: {
      type: "text",
      value: "ADDRESS",
      default: "127.0.0.1",
      description: "Address to listen on; beyond loopback, API_TOKEN or --insecure is needed",
    },
    port: {
      type: "number",
      default: port,
      min: 0,
      max: 65535,
      integer: true,
      description: "Port; 0 picks a free one",
    },
    "allow-host": {
      type: "text",
      value: "NAMES",
      description: "Names beside localhost that requests may come by, separated by commas; * takes any",
    },
    advertise: {
      type: "text",
      value: "ADDRESS",
      description: "Address that the registry gives to others; without it the one of --host",
    },
    insecure: { type: "flag", description: "Serve everybody on that address, without a token" },
    "access-log": {
      type: "text",
      choices: ["all", "errors", "none"],
      default: "errors",
      description: "Requests that are told: all, those answered with 4xx or 5xx, or none",
    },
  } as const satisfies Record<string, Option>;
}

/** What the common options came to. */
export interface ServiceValues {
  host: string;
  port: number;
  "allow-host"?: string | undefined;
  advertise?: string | undefined;
  insecure: boolean;
  "access-log": string;
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);
const ANYWHERE = new Set(["0.0.0.0", "::"]);
/** Of answers with 4xx, and of those with 5xx, so many are told a second; of more only how many. */
const REFUSALS_PER_SECOND_MAX = 20;
/** Once told to stop, answers under way get so long: as long as a service waits for its source. */
const DRAIN_MS = 10_000;
/** Once out of the registry it still answers for so long: others look there every second. */
const GRACE_MS = 1500;

/**
 * Who may ask.
 *
 * @throws {UsageError} where everybody could, unintended.
 */
export function serviceAccess(values: ServiceValues): AccessControl {
  const token = setting("API_TOKEN");
  if (!LOOPBACK.has(values.host) && token === undefined && !values.insecure) {
    throw new UsageError(
      `--host ${values.host} is not loopback: set API_TOKEN, which callers then send as a bearer, or give --insecure`,
    );
  }
  const named = (values["allow-host"] ?? "").split(",").map((name) => name.trim()).filter((name) =>
    name !== ""
  );
  const own = [values.host, values.advertise ?? ""].filter((host) => host !== "" && !ANYWHERE.has(host))
    .map((host) => host.includes(":") ? `[${host}]` : host);
  return new AccessControl({ token, allowedHosts: [...own, ...named] });
}

/** Where requests are told, by `--access-log`. */
export function requestLog({ "access-log": which }: ServiceValues): {
  logRequest?: (line: () => string, status: number) => void;
} {
  if (which === "none") return {};
  // Whoever asks for nonsense all the time must not fill the disk with it.
  const refusals = new RateLimitedLines({ perSecondMax: REFUSALS_PER_SECOND_MAX });
  const failures = new RateLimitedLines({ perSecondMax: REFUSALS_PER_SECOND_MAX, print: logger.warn });
  return {
    logRequest(line, status) {
      if (which === "all") (status >= 500 ? logger.warn : logger.info)(line());
      else if (status >= 500) failures.say(line);
      else if (status >= 400) refusals.say(line);
    },
  };
}

/** The registry that `SERVICE_REGISTRY_URL` names; undefined: none. */
export function registryClient(): RegistryClient | undefined {
  const url = setting("SERVICE_REGISTRY_URL")!;
  if (url === "none") return undefined;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError(
      `SERVICE_REGISTRY_URL is no address of a registry, expected http://127.0.0.1:8761/eureka or none`,
    );
  }
  return new RegistryClient({
    url: url.replace(/\/+$/, ""),
    token: setting("API_TOKEN"),
    onState({ reachable, why }) {
      if (reachable) logger.info("   registered; the lease is renewed every 30 s");
      else logger.warn(`The registry cannot be reached, tried again every 2 s: ${why}`);
    },
  });
}

/**
 * Listens, registers, and answers until the signal aborts. Then it leaves the registry, answers on for a moment to those
 * who have not heard of it, and drains.
 *
 * @throws {PortError} where the port is taken.
 */
export async function runService(
  options: {
    /** The name in the registry; undefined: the registry itself, which is in none. */
    app?: string;
    values: ServiceValues;
    fetch: Deno.ServeHandler<Deno.NetAddr>;
    onListening: (address: string) => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const { app, values } = options;
  const server = listen(values.host, values.port, options.fetch);
  const host = values.advertise ?? (ANYWHERE.has(values.host) ? "127.0.0.1" : values.host);
  const { port } = server.addr;
  options.onListening(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
  const registry = app === undefined ? undefined : registryClient();
  if (registry === undefined) await aborted(signal);
  else {
    await registry.keepRegistered({ app: app!, host, port }, signal);
    await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, DRAIN_MS));
  await Promise.race([server.shutdown(), late]);
  clearTimeout(timer);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function listen(
  hostname: string,
  port: number,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new PortError(
        `Port ${port} on ${hostname} is taken. Is another one running? Stop it, or choose another by --port (0 picks a free one)`,
      );
    }
    throw new PortError(
      `Cannot listen on port ${port} of ${hostname}: ${(error as Error).message}. Check --host and --port`,
    );
  }
}
