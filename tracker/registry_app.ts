/** The registry's API: Eureka's REST operations under `/eureka`, and a page for people. */

import { ApiProblem } from "../process/http/problem.ts";
import { BodyTooLargeError, boundedBody } from "./bounded_body.ts";
import { applicationJson, applicationsJson, appName, instanceJson, instanceOf } from "./eureka_wire.ts";
import { RegistryFullError, statusOf } from "./instance_registry.ts";
import type { InstanceRegistry, RegisteredInstance } from "./instance_registry.ts";
import { REGISTRY_STYLE, registryPage } from "./registry_page.ts";
import type { ServiceApp } from "./service_app.ts";

const BODY_BYTES_MAX = 64 * 1024;

/** Adds the operations. A change of a status is told by the same answers as Eureka's own server gives. */
export function addRegistryRoutes(
  app: ServiceApp,
  { registry, now = Date.now }: { registry: InstanceRegistry; now?: () => number },
): void {
  const noStore = { "cache-control": "no-store" };
  const done = (found: boolean, what: string, status: 200 | 204 = 200): Response => {
    if (found) return new Response(null, { status, headers: noStore });
    throw new ApiProblem(404, `There is no ${what.slice(0, 300)}`);
  };
  const found = (instances: RegisteredInstance[], what: string): RegisteredInstance[] => {
    if (instances.length > 0) return instances;
    throw new ApiProblem(404, `There is no ${what.slice(0, 300)}`);
  };

  // The whole again as a "delta": clients take what is there as added, and where their hash differs then, as when
  // something is gone, they ask for the whole, which is as small.
  for (const path of ["/eureka/apps", "/eureka/apps/", "/eureka/apps/delta"]) {
    app.get(
      path,
      (context) => context.json(applicationsJson(registry.all(now()), registry.version), 200, noStore),
    );
  }
  app.get("/eureka/apps/:app", (context) => {
    const name = appName(context.req.param("app"));
    const instances = found(registry.all(now()).filter((one) => one.app === name), `application ${name}`);
    return context.json({ application: applicationJson(name, instances) }, 200, noStore);
  });
  app.get("/eureka/apps/:app/:id", (context) => {
    const { app: name, id } = context.req.param();
    const [instance] = found(
      [registry.find(appName(name), id, now())].filter((one) => one !== undefined),
      id,
    );
    return context.json({ instance: instanceJson(instance!) }, 200, noStore);
  });
  app.get("/eureka/instances/:id", (context) => {
    const id = context.req.param("id");
    const [instance] = found(registry.all(now()).filter((one) => one.id === id), `instance ${id}`);
    return context.json({ instance: instanceJson(instance!) }, 200, noStore);
  });
  for (const [path, field] of [["vips", "vipAddress"], ["svips", "secureVipAddress"]] as const) {
    app.get(`/eureka/${path}/:address`, (context) => {
      const address = context.req.param("address");
      const instances = registry.all(now()).filter(({ fields }) => fields[field] === address);
      return context.json(
        applicationsJson(found(instances, `${field} ${address}`), registry.version),
        200,
        noStore,
      );
    });
  }

  app.post("/eureka/apps/:app", async (context) => {
    const name = appName(context.req.param("app"));
    try {
      registry.register(name, instanceOf(name, await jsonOf(context.req.raw)), now());
    } catch (error) {
      if (error instanceof RegistryFullError) throw new ApiProblem(503, error.message);
      throw error;
    }
    return done(true, "", 204);
  });
  app.put("/eureka/apps/:app/:id", (context) => {
    const { app: name, id } = context.req.param();
    return done(registry.renew(appName(name), id, now()), `lease of ${name}/${id}: register it`);
  });
  app.delete("/eureka/apps/:app/:id", (context) => {
    const { app: name, id } = context.req.param();
    return done(registry.cancel(appName(name), id, now()), `instance ${name}/${id}`);
  });
  app.put("/eureka/apps/:app/:id/status", (context) => {
    const { app: name, id } = context.req.param();
    const status = statusOf(context.req.query("value"));
    if (status === undefined) {
      throw new ApiProblem(400, 'Parameter "value" is no status, expected UP, DOWN or OUT_OF_SERVICE');
    }
    return done(registry.override(appName(name), id, status, now()), `instance ${name}/${id}`);
  });
  app.delete("/eureka/apps/:app/:id/status", (context) => {
    const { app: name, id } = context.req.param();
    return done(registry.override(appName(name), id, "UNKNOWN", now()), `instance ${name}/${id}`);
  });

  app.get("/", (context) => context.html(registryPage(registry.all(now()), now()), 200, noStore));
  app.get(
    "/registry.css",
    (context) => context.body(REGISTRY_STYLE, 200, { "content-type": "text/css; charset=utf-8" }),
  );
}

async function jsonOf(request: Request): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(await boundedBody(request, BODY_BYTES_MAX)));
  } catch (error) {
    if (error instanceof BodyTooLargeError) throw new ApiProblem(413, error.message);
    throw new ApiProblem(400, "The body is not JSON: send application/json");
  }
}
