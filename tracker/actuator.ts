/** The operator's endpoints as Spring Boot's actuator names them: health, info, metrics, prometheus. */

import type { ServiceApp, ServiceAppOptions } from "./service_app.ts";

/** Whether a part works; what more there is to say about it. */
export interface ComponentHealth {
  status: "UP" | "DOWN";
  details?: Record<string, unknown>;
}

/** The parts of a service. The service is down where a part is that it cannot work without. */
export type HealthCheck = () => Record<string, ComponentHealth>;

/** Adds the endpoints. */
export function addActuator(
  app: ServiceApp,
  { name, description, health, metrics }: Pick<
    ServiceAppOptions,
    "name" | "description" | "health" | "metrics"
  >,
): void {
  const noStore = { "cache-control": "no-store" };
  app.get("/actuator/health", (context) => {
    const components = health();
    const isUp = Object.values(components).every(({ status }) => status === "UP");
    return context.json({ status: isUp ? "UP" : "DOWN", components }, isUp ? 200 : 503, noStore);
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
