/** The operator's endpoints as Spring Boot's actuator names them: health, info, metrics, prometheus. */

import { z } from "@hono/zod-openapi";
import type { ServiceApp, ServiceAppOptions } from "./service_app.ts";

/** Whether a part works; what more there is to say about it. */
export interface ComponentHealth {
  status: "UP" | "DOWN";
  details?: Record<string, unknown>;
}

/** The parts of a service. The service is down where a part is that it cannot work without. */
export type HealthCheck = () => Record<string, ComponentHealth>;

const HealthSchema = z.object({
  status: z.enum(["UP", "DOWN"]),
  components: z.record(
    z.string(),
    z.object({
      status: z.enum(["UP", "DOWN"]),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
}).openapi("Health");

const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { "application/json": { schema } },
});

/** Adds the endpoints. */
export function addActuator(
  app: ServiceApp,
  { name, description, health, metrics, access }: Pick<
    ServiceAppOptions,
    "name" | "description" | "health" | "metrics" | "access"
  >,
): void {
  const noStore = { "cache-control": "no-store" };
  const describe = (path: string, summary: string, answers: Record<number, ReturnType<typeof json>>) =>
    app.openAPIRegistry.registerPath({
      method: "get",
      path,
      tags: ["Operators"],
      summary,
      // Asked without a token, too.
      ...(path === "/actuator/health" ? { security: [] } : {}),
      responses: answers,
    });
  describe("/actuator/health", "Whether the service works, and its parts", {
    200: json("It works", HealthSchema),
    503: json("A part is down that it cannot work without", HealthSchema),
  });
  describe("/actuator/info", "What it is", {
    200: json(
      "Name and description",
      z.object({ app: z.object({ name: z.string(), description: z.string() }) }),
    ),
  });
  describe("/actuator/metrics", "The names of its figures", {
    200: json("Names", z.object({ names: z.array(z.string()) })),
  });
  app.get("/actuator/health", (context) => {
    const components = health();
    const isUp = Object.values(components).every(({ status }) => status === "UP");
    // Details, such as why a database refuses us, are for those who have the token.
    const authorization = context.req.header("authorization");
    const shown = access.allowed({ authorization, cookie: undefined })
      ? components
      : Object.fromEntries(Object.entries(components).map(([part, { status }]) => [part, { status }]));
    return context.json({ status: isUp ? "UP" : "DOWN", components: shown }, isUp ? 200 : 503, noStore);
  });
  app.get("/actuator/info", (context) => context.json({ app: { name, description } }, 200, noStore));
  app.get(
    "/actuator/metrics",
    async (context) => {
      const all = await metrics.registry.getMetricsAsJSON();
      return context.json({ names: all.map(({ name }) => name).sort() }, 200, noStore);
    },
  );
  app.get("/actuator/prometheus", async (context) =>
    context.body(await metrics.registry.metrics(), 200, {
      ...noStore,
      "content-type": metrics.registry.contentType,
    }));
}
