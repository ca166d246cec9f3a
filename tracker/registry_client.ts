/** Talks to the registry as any Eureka client does: registers this instance, renews its lease, finds others. */

import { boundedBody } from "./bounded_body.ts";
import { pause } from "./pause.ts";

export interface RegistryClientOptions {
  /** Such as `http://127.0.0.1:8761/eureka`. */
  url: string;
  /** Sent as a bearer. */
  token?: string | undefined;
  /** Told when the registry goes away and when it is back. */
  onState?: (state: { reachable: boolean; why?: string }) => void;
  renewEveryMs?: number;
  retryMs?: number;
}

/** An instance that registers itself. */
export interface OwnInstance {
  /** `FLIGHTDATA-SERVICE`. */
  app: string;
  host: string;
  port: number;
}

/** An instance that was found. */
export interface FoundInstance {
  app: string;
  id: string;
  host: string;
  port: number;
}

const TIMEOUT_MS = 3000;
const ANSWER_BYTES_MAX = 4_000_000;

/** See the module. */
export class RegistryClient {
  readonly #options: Required<Omit<RegistryClientOptions, "token">>;
  readonly #token: string | undefined;
  #reachable: boolean | undefined;

  constructor(options: RegistryClientOptions) {
    const { token, ...others } = options;
    this.#token = token;
    this.#options = { onState: () => {}, renewEveryMs: 30_000, retryMs: 2000, ...others };
  }

  /** Registers the instance and keeps its lease until the signal aborts; then takes it out. Never throws. */
  async keepRegistered(instance: OwnInstance, signal: AbortSignal): Promise<void> {
    const id = `${instance.host}:${instance.app.toLowerCase()}:${instance.port}`;
    const path = `/apps/${instance.app}`;
    let registered = false;
    while (!signal.aborted) {
      try {
        if (registered) registered = (await this.#send("PUT", `${path}/${id}`)) !== 404;
        if (!registered) {
          const status = await this.#send("POST", path, { instance: documentOf(instance, id) });
          if (status >= 400) throw new Error(`it answered ${status}`);
          registered = true;
        }
        this.#is(true);
      } catch (error) {
        registered = false;
        this.#is(false, (error as Error).message);
      }
      const { renewEveryMs, retryMs } = this.#options;
      await pause(registered ? renewEveryMs : retryMs, signal);
    }
    if (registered) await this.#send("DELETE", `${path}/${id}`).catch(() => 0);
  }

  /**
   * The instances that are up.
   *
   * @throws where the registry cannot be asked, or answers nonsense.
   */
  async instances(): Promise<FoundInstance[]> {
    const response = await this.#fetch("GET", "/apps");
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`The registry answered ${response.status}`);
    }
    const text = new TextDecoder().decode(await boundedBody(response, ANSWER_BYTES_MAX));
    return instancesOf(JSON.parse(text));
  }

  async #send(method: string, path: string, body?: unknown): Promise<number> {
    const response = await this.#fetch(method, path, body);
    await response.body?.cancel();
    if (response.status >= 500) throw new Error(`it answered ${response.status}`);
    return response.status;
  }

  async #fetch(method: string, path: string, body?: unknown): Promise<Response> {
    return await fetch(`${this.#options.url}${path}`, {
      method,
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  }

  #is(reachable: boolean, why?: string): void {
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    this.#options.onState({ reachable, ...(why === undefined ? {} : { why }) });
  }
}

/** Eureka's own words for an instance. */
function documentOf({ app, host, port }: OwnInstance, id: string) {
  const shownHost = host.includes(":") ? `[${host}]` : host;
  const base = `http://${shownHost}:${port}`;
  return {
    instanceId: id,
    hostName: host,
    app,
    ipAddr: host,
    status: "UP",
    port: { $: port, "@enabled": "true" },
    securePort: { $: 443, "@enabled": "false" },
    dataCenterInfo: { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" },
    leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90 },
    metadata: {},
    homePageUrl: `${base}/`,
    statusPageUrl: `${base}/actuator/info`,
    healthCheckUrl: `${base}/actuator/health`,
    vipAddress: app.toLowerCase(),
    secureVipAddress: app.toLowerCase(),
  };
}

/** The instances of an answer of `GET /apps`; what is not one is left out. */
function instancesOf(answer: unknown): FoundInstance[] {
  const listOf = (value: unknown): Record<string, unknown>[] =>
    (Array.isArray(value) ? value : [value]).filter((entry) => typeof entry === "object" && entry !== null);
  const applications = (answer as { applications?: { application?: unknown } } | null)?.applications;
  if (applications === undefined) throw new Error('The registry\'s answer has no "applications"');
  return listOf(applications.application ?? []).flatMap(({ name, instance }) =>
    listOf(instance).flatMap((entry) => {
      const port = Number((entry.port as { $?: unknown } | undefined)?.$);
      const { status, instanceId, hostName } = entry;
      const fits = status === "UP" && typeof name === "string" && typeof hostName === "string" &&
        Number.isInteger(port) && port > 0 && port < 65536;
      return fits ? [{ app: name, id: String(instanceId), host: hostName, port }] : [];
    })
  );
}
