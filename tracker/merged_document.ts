/** One OpenAPI document of the documents of several services. Pure. */

/** As much of a document as is looked at. */
export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, unknown>>;
  components?: Record<string, Record<string, unknown>>;
  [more: string]: unknown;
}

/** What a service adds. */
export interface DocumentPart {
  service: string;
  document: OpenApiDocument;
  /** Of its paths those that are handed on to it. */
  paths: readonly string[];
  /** Answers that any of its operations may come to on the way; they take the place of its own. */
  answers: Record<string, unknown>;
}

/**
 * `own` with the parts' operations, and the schemas that those need. A schema that two documents describe differently
 * under one name is there twice: the later one as `<name>_<service>`.
 */
export function mergedDocument(own: OpenApiDocument, parts: readonly DocumentPart[]): OpenApiDocument {
  const merged = structuredClone(own);
  merged.components ??= {};
  const schemas = merged.components.schemas ??= {};
  const theirPaths: OpenApiDocument["paths"] = {};
  for (const { service, document, paths, answers } of parts) {
    const theirs = document.components?.schemas ?? {};
    const operations = paths.flatMap((path) => {
      const get = document.paths[path]?.get;
      return isObject(get) ? [[path, structuredClone(get)] as const] : [];
    });
    const renamed = new Map<string, string>();
    for (const name of namesIn(operations, theirs)) {
      const isTaken = Object.hasOwn(schemas, name) &&
        JSON.stringify(schemas[name]) !== JSON.stringify(theirs[name]);
      renamed.set(name, isTaken ? `${name}_${service}` : name);
    }
    for (const [name, shown] of renamed) schemas[shown] = withNames(theirs[name], renamed);
    for (const [path, operation] of operations) {
      const named = withNames(operation, renamed) as { responses?: Record<string, unknown> };
      theirPaths[path] = { get: { ...named, responses: { ...named.responses, ...answers } } };
    }
  }
  // What people come for stands first.
  merged.paths = { ...theirPaths, ...merged.paths };
  return merged;
}

const SCHEMA = "#/components/schemas/";

/** The schemas that something refers to, and those that they refer to. */
function namesIn(value: unknown, schemas: Record<string, unknown>, names = new Set<string>()): Set<string> {
  if (Array.isArray(value)) { for (const item of value) namesIn(item, schemas, names); }
  else if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      const name = key === "$ref" && typeof inner === "string" && inner.startsWith(SCHEMA)
        ? inner.slice(SCHEMA.length)
        : undefined;
      if (name !== undefined && Object.hasOwn(schemas, name) && !names.has(name)) {
        names.add(name);
        namesIn(schemas[name], schemas, names);
      } else namesIn(inner, schemas, names);
    }
  }
  return names;
}

/** A copy whose references have the new names. */
function withNames(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => withNames(item, names));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = key === "$ref" && typeof inner === "string"
        ? names.get(inner.slice(SCHEMA.length))
        : undefined;
      return [key, name === undefined ? withNames(inner, names) : SCHEMA + name];
    }),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
