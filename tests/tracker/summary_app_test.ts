import assert from "node:assert/strict";
import fc from "fast-check";
import { AccessControl } from "../../process/http/access_control.ts";
import { parseIdent } from "../../tracker/flight_ident.ts";
import { createServiceApp } from "../../tracker/service_app.ts";
import { ServiceMetrics } from "../../tracker/service_metrics.ts";
import { addSummaryRoutes } from "../../tracker/summary_app.ts";
import type { StoredSummary } from "../../tracker/summary_store.ts";

const AT_MS = Date.UTC(2025, 10, 28, 10, 15, 30);
const SUMMARY: StoredSummary = {
  ident: "UAL1545",
  faFlightId: "leg",
  text: "Flight UAL1545 is scheduled.",
  modelUsed: "template",
  generatedMs: AT_MS,
};

/** The service over a store that answers as `newest` says, asked without a port. */
function serviceOn(newest: ((ident: string) => Promise<StoredSummary | undefined>) | undefined) {
  const errors: string[] = [];
  const app = createServiceApp({
    name: "llm-summary-service",
    description: "test",
    metrics: new ServiceMetrics(),
    access: new AccessControl({}),
    health: () => ({}),
  });
  addSummaryRoutes(app, {
    store: () => newest && { newest },
    onStoreError: (error) => errors.push((error as Error).message),
    now: () => AT_MS + 90_000,
  });
  const get = async (path: string) =>
    await app.request(`http://localhost:8082${path}`, { headers: { host: "localhost:8082" } });
  return { get, errors };
}

Deno.test("a summary is answered in the published form, with its age", async () => {
  const asked: string[] = [];
  const { get } = serviceOn((ident) => {
    asked.push(ident);
    return Promise.resolve(SUMMARY);
  });
  const response = await get("/api/v1/flight/ua1545/summary");
  assert.deepEqual([response.status, response.headers.get("age")], [200, "90"]);
  assert.deepEqual(await response.json(), {
    ident: "UAL1545",
    fa_flight_id: "leg",
    summary_text: "Flight UAL1545 is scheduled.",
    generated_at: "2025-11-28T10:15:30.000Z",
    model_used: "template",
  });
  assert.deepEqual(asked, ["UAL1545"]);
});

Deno.test("a store that is away or fails is 503, and told", async () => {
  const failing = serviceOn(() => Promise.reject(new Error("gone")));
  for (const { get } of [failing, serviceOn(undefined)]) {
    const response = await get("/api/v1/flight/UA1545/summary");
    assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "5"]);
    assert.doesNotMatch((await response.json()).detail, /gone/);
  }
  assert.deepEqual(failing.errors, ["gone"]);
});

Deno.test("any ident is answered, and only well-formed ones ask the store", async () => {
  let asked = 0;
  const { get } = serviceOn(() => {
    asked++;
    return Promise.resolve(undefined);
  });
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), async (text) => {
      if (text === "." || text === "..") return;
      const before = asked;
      const response = await get(`/api/v1/flight/${encodeURIComponent(text)}/summary`);
      assert.equal(response.headers.get("content-type"), "application/problem+json");
      const isIdent = parseIdent(text) !== undefined;
      assert.deepEqual([response.status, asked - before], isIdent ? [404, 1] : [400, 0]);
      await response.body?.cancel();
    }),
    { numRuns: 300 },
  );
});

Deno.test("the OpenAPI document tells of the summary and every answer", async () => {
  const document = await (await serviceOn(undefined).get("/openapi.json")).json();
  const { responses } = document.paths["/api/v1/flight/{ident}/summary"].get;
  assert.deepEqual(Object.keys(responses).sort(), ["200", "304", "400", "404", "503"]);
});
