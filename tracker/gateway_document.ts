/** What the gateway hands on to whom, and its OpenAPI document: its own operations together with those of the services. */

import { forward } from "./forward.ts";
import type { ForwardOptions } from "./forward.ts";
import { mergedDocument } from "./merged_document.ts";
import type { OpenApiDocument } from "./merged_document.ts";
import { ServiceDocuments } from "./service_documents.ts";

/** What is handed on, and to whom; `{ident}` is a flight number. */
export const GATEWAY_ROUTES = [
  { service: "FLIGHTDATA-SERVICE", path: "/api/v1/flight/{ident}" },
  { service: "LLM-SUMMARY-SERVICE", path: "/api/v1/flight/{ident}/summary" },
] as const;

/** The services behind the gateway, by what they are called in the registry. */
export const GATEWAY_SERVICES = GATEWAY_ROUTES.map(({ service }) => service);

export interface GatewayDocumentOptions extends ForwardOptions {
  /** What the services ask for before they show their documents. */
  token?: string | undefined;
}

const DOCUMENT_TIMEOUT_MS = 2000;

const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
});
/** What any operation may come to here, whatever its service says of itself. */
const OWN_ANSWERS = {
  "429": problem("Asked too often, or the service's budget is spent; Retry-After says for how long"),
  "502": problem("The service or its source failed"),
  "503": problem(
    "No instance of the service is there, or too many wait for it; Retry-After says for how long",
  ),
  "504": problem("The service or its source did not answer in time"),
};
const NEEDS_TOKEN = { "401": problem("The token of API_TOKEN is needed") };

/** Makes the gateway's document of its own operations; services that are away are described as they were last. */
export function gatewayDocument(
  options: GatewayDocumentOptions,
): (own: OpenApiDocument) => Promise<OpenApiDocument> {
  const { token, now } = options;
  const documents = new ServiceDocuments({
    services: GATEWAY_SERVICES,
    async ask(service) {
      const headers: Record<string, string> = { accept: "application/json" };
      if (token !== undefined) headers.authorization = `Bearer ${token}`;
      const request = {
        method: "GET",
        pathAndQuery: "/openapi.json",
        headers,
      };
      const answer = await forward(service, request, { ...options, timeoutMs: DOCUMENT_TIMEOUT_MS });
      return answer.status === 200 ? await answer.json() : undefined;
    },
    ...(now === undefined ? {} : { now }),
  });
  let made: { of: unknown; merged: OpenApiDocument } | undefined;
  return async (own) => {
    const all = await documents.all();
    if (made?.of === all) return made.merged;
    const merged = mergedDocument(
      own,
      all.flatMap(({ service, document }) =>
        document === undefined ? [] : [{
          service,
          document,
          paths: GATEWAY_ROUTES.filter((route) => route.service === service).map(({ path }) => path),
          answers: token === undefined ? OWN_ANSWERS : { ...OWN_ANSWERS, ...NEEDS_TOKEN },
        }]
      ),
    );
    merged["x-services"] = Object.fromEntries(
      all.map(({ service, present }) => [service, present ? "present" : "away"]),
    );
    const away = all.filter(({ present }) => !present).map(({ service, document }) =>
      `${service} is away${
        document === undefined ? ", and not described" : ", and described as it was last"
      }.`
    );
    merged.info.description = [merged.info.description ?? "", ...away].join(" ");
    made = { of: all, merged };
    return merged;
  };
}
