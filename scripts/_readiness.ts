/** Waiting until the processes answer, and where they can be reached then. */

import { resolve } from "node:path";
import { parseDatabaseUrl, shownHost } from "../warehouse/database_address.ts";
import { PROJECT_DIR } from "./launcher.ts";
import type { StartedPart } from "./_start_parts.ts";

const LOOK_INTERVAL_MS = 200;
const ANSWER_DEADLINE_MS = 1000;
const LABEL_WIDTH = 27;

/** A part's metrics page. */
export interface MetricsPage {
  name: string;
  url: string;
}

/** The metrics pages of the parts; one that is served on every address is asked on loopback. */
export function metricsPages(parts: StartedPart[], metricsHost: string): MetricsPage[] {
  const everywhere = metricsHost === "0.0.0.0" || metricsHost === "::";
  const host = everywhere ? "127.0.0.1" : metricsHost.includes(":") ? `[${metricsHost}]` : metricsHost;
  return parts.flatMap(({ name, metricsPort }) =>
    metricsPort === undefined ? [] : [{ name, url: `http://${host}:${metricsPort}/metrics` }]
  );
}

/** Waits until `condition` holds or `signal` aborts. */
export async function until(condition: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !await condition()) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
}

/** Whether something listens on a port of this machine. */
export async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

/** Whether every process says that it lives; each is given by any address of its server. */
export async function allAlive(urls: string[]): Promise<boolean> {
  const answers = await Promise.all(urls.map(async (url) => {
    try {
      const signal = AbortSignal.timeout(ANSWER_DEADLINE_MS);
      const response = await fetch(new URL("/healthz", url), { signal });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }));
  return answers.every(Boolean);
}

/** What can be opened, and what to try next. */
export function addresses(
  pages: MetricsPage[],
  options: {
    dashboard: string | undefined;
    database: { url: string; embedded: boolean } | undefined;
    lakeDir: string;
  },
): string {
  const row = (label: string, text: string) => `  ${label.padEnd(LABEL_WIDTH)}${text}`;
  const { dashboard, database } = options;
  const next = [
    "deno task tail bookings --from-beginning --max 3",
    ...(database === undefined ? [] : ['deno task sql "select count(*) from fact_booking"']),
    "deno task verify",
  ];
  return [
    "To open:",
    ...(dashboard === undefined ? [] : [row("dashboard", dashboard), row("API", `${dashboard}docs`)]),
    ...pages.map(({ name, url }) => row(`metrics of ${name}`, url)),
    ...(database === undefined ? [] : [row("warehouse", shownDatabase(database))]),
    row("lake", resolve(PROJECT_DIR, options.lakeDir)),
    "To try in another terminal:",
    ...next.map((command) => `  ${command}`),
    "Ctrl+C stops everything, and nothing is lost.",
  ].join("\n");
}

/** The embedded warehouse's password is no secret; any other is left out. */
function shownDatabase(database: { url: string; embedded: boolean }): string {
  if (database.embedded) return database.url;
  const address = parseDatabaseUrl(database.url);
  return `postgres://${address.user}@${shownHost(address)}/${address.database}`;
}
