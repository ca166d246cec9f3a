/** The gateway's document and its page. */

import assert from "node:assert/strict";
import { StaticFiles } from "../../process/http/static_files.ts";
import { GATEWAY_DOCS } from "../../tracker/gateway_app.ts";
import { mergedDocument } from "../../tracker/merged_document.ts";
import { hugeBody, stubServer } from "./_tracker_support.ts";
import { gatewayOver, portOf } from "./_gateway.ts";

/** A document of a service with one operation at `path`, whose schema `Thing` has this type. */
const documentOf = (path: string, type: string) => ({
  openapi: "3.1.0",
  info: { title: "x", version: "1" },
  paths: {
    [path]: {
      get: {
        responses: {
          200: {
            description: "x",
            content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } },
          },
          404: { description: "none" },
        },
      },
      delete: { responses: {} },
    },
    "/internal": { get: { responses: {} } },
  },
  components: { schemas: { Thing: { type }, Unused: { type: "string" } } },
});

Deno.test("the document is that of the services that are there; one that went away is described as it was", async () => {
  let nowMs = 0;
  const flightPath = "/api/v1/flight/{ident}";
  await using stub = stubServer(() => Response.json(documentOf(flightPath, "object")));
  const get = gatewayOver([portOf(stub)], { now: () => nowMs });
  const first = await (await get("/openapi.json")).json();
  assert.equal(first.openapi, "3.1.0");
  const { responses } = first.paths[flightPath].get;
  assert.deepEqual(Object.keys(responses), ["200", "404", "429", "502", "503", "504"]);
  assert.deepEqual(Object.keys(first.paths[flightPath]), ["get"]);
  assert.equal(first.paths["/internal"], undefined);
  assert.ok("/actuator/health" in first.paths);
  assert.deepEqual(first.components.schemas.Thing, { type: "object" });
  assert.equal(first.components.schemas.Unused, undefined);
  assert.deepEqual(first["x-services"], { "FLIGHTDATA-SERVICE": "present", "LLM-SUMMARY-SERVICE": "away" });
  assert.match(first.info.description, /LLM-SUMMARY-SERVICE is away, and not described/);
  await (await get("/openapi.json")).body?.cancel();
  stub.answer = () => new Response(hugeBody(50));
  nowMs += 60_000;
  const later = await (await get("/openapi.json")).json();
  assert.ok(flightPath in later.paths);
  assert.match(later.info.description, /FLIGHTDATA-SERVICE is away, and described as it was last/);
});

Deno.test("two services may describe different things by one name", () => {
  const own = { openapi: "3.1.0", info: { title: "g", version: "1" }, paths: {} };
  const part = (service: string, path: string, type: string) => ({
    service,
    document: documentOf(path, type),
    paths: [path],
    answers: {},
  });
  const merged = mergedDocument(own, [
    part("A", "/a", "object"),
    part("B", "/b", "string"),
    part("C", "/c", "object"),
  ]);
  assert.deepEqual(merged.components!.schemas, { Thing: { type: "object" }, Thing_B: { type: "string" } });
  const named = (path: string) => JSON.stringify(merged.paths[path]).match(/schemas\/(\w+)/)![1];
  assert.deepEqual(["/a", "/b", "/c"].map(named), ["Thing", "Thing_B", "Thing"]);
});

Deno.test("the documentation's page and its files are ours, and need no token", async () => {
  const docs = await StaticFiles.read(
    GATEWAY_DOCS,
    new URL("../../tracker/gateway_app.ts", import.meta.url).href,
  );
  const get = gatewayOver([], { token: "t", docs });
  const page = await (await get("/docs")).text();
  const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
  assert.ok(files.length >= 4);
  for (const path of files.filter((path) => path !== "data:,")) {
    const response = await get(path);
    assert.equal(response.status, 200, path);
    await response.body?.cancel();
  }
  assert.equal((await get("/docs/../actuator/prometheus")).status, 401);
});
