/**
 * The OpenAPI documents of the services behind the gateway, asked for when somebody wants to see them. A service that is
 * away is described as it was last.
 *
 * @module
 */

import type { OpenApiDocument } from "./merged_document.ts";

export interface ServiceDocumentsOptions {
  services: readonly string[];
  /** Asks an instance of a service for its document; throws where there is none. */
  ask: (service: string) => Promise<unknown>;
  /** A document is asked for again after so long. Default 10,000 ms. */
  keptMs?: number;
  now?: () => number;
}

/** What is known of a service. */
export interface ServiceDocument {
  service: string;
  /** Whether it gave its document just now, or lately. */
  present: boolean;
  /** Undefined: it has not been there yet. */
  document: OpenApiDocument | undefined;
}

/** See the module. */
export class ServiceDocuments {
  readonly #options: Required<ServiceDocumentsOptions>;
  #known: ServiceDocument[];
  #askedMs = -Infinity;
  #asking: Promise<void> | undefined;

  constructor(options: ServiceDocumentsOptions) {
    this.#options = { keptMs: 10_000, now: Date.now, ...options };
    this.#known = options.services.map((service) => ({ service, present: false, document: undefined }));
  }

  /** What is known of each service, in their order. Those who ask at the same time share one look. */
  async all(): Promise<readonly ServiceDocument[]> {
    const { now, keptMs } = this.#options;
    const complete = this.#known.every(({ present }) => present);
    // One that is away may be there the next moment.
    if (now() - this.#askedMs >= (complete ? keptMs : keptMs / 10)) {
      this.#asking ??= this.#ask().finally(() => this.#asking = undefined);
      await this.#asking;
    }
    return this.#known;
  }

  async #ask(): Promise<void> {
    const { ask, now } = this.#options;
    this.#known = await Promise.all(this.#known.map(async ({ service, document }) => {
      try {
        const told = await ask(service);
        if (!isDocument(told)) throw new Error(`${service} has no OpenAPI document`);
        return { service, present: true, document: told };
      } catch {
        return { service, present: false, document };
      }
    }));
    this.#askedMs = now();
  }
}

function isDocument(value: unknown): value is OpenApiDocument {
  const paths = (value as { paths?: unknown } | null)?.paths;
  return typeof paths === "object" && paths !== null && !Array.isArray(paths);
}
