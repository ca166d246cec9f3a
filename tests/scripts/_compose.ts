/** compose.yaml as Docker Compose reads it: anchors merged, variables put in, the override file applied. */

import { join } from "node:path";
import { parse } from "yaml";
import { PROJECT_DIR } from "./_support.ts";

/** Made and built by compose itself. */
export const OWN_IMAGE = "airline-analytics:local";

/** A service, as far as tests look at it. */
export interface Service {
  image: string;
  profiles?: string[];
  command?: string[];
  restart?: string;
  environment?: Record<string, string>;
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
}

/** The services of a Compose file by name, and whatever else stands in it. */
export interface ComposeFile {
  services: Record<string, Service>;
  [key: string]: unknown;
}

const text = (file: string) => Deno.readTextFileSync(join(PROJECT_DIR, file));

/** Puts variables into all texts as Compose does, once the file is read: `${NAME}` and `${NAME:-default}`. */
function interpolated(value: unknown, variables: Readonly<Record<string, string>>): unknown {
  if (typeof value === "string") {
    return value.replaceAll(
      /\$\{(\w+)(?::-([^}]*))?\}/g,
      (_, name: string, otherwise = "") => variables[name] || otherwise,
    );
  }
  if (Array.isArray(value)) return value.map((each) => interpolated(each, variables));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, interpolated(each, variables)]),
  );
}

/** compose.yaml with these variables. */
export function composeFile(variables: Readonly<Record<string, string>> = {}): ComposeFile {
  return interpolated(parse(text("compose.yaml"), { merge: true }), variables) as ComposeFile;
}

/** What compose.override.yaml takes away of each service. */
export function overrides(): Record<string, string[]> {
  const reset = { tag: "!reset", collection: "seq" as const, resolve: () => "reset" };
  const { services, ...rest } = parse(text("compose.override.yaml"), { customTags: [reset] }) as {
    services: Record<string, Record<string, unknown>>;
  };
  if (Object.keys(rest).length > 0) throw new Error(`compose.override.yaml says more: ${Object.keys(rest)}`);
  return Object.fromEntries(
    Object.entries(services).map(([name, keys]) => [
      name,
      Object.entries(keys).map(([key, value]) => value === "reset" ? key : `${key} is set`),
    ]),
  );
}

/** The command that a container of ours starts with. */
export function entrypoint(): string[] {
  return JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(text("Dockerfile"))![1]!);
}
