/** The warehouse of a round, served on a socket on either engine, and a proxy before it that the ETL goes through. */

import { openWarehouse } from "../../warehouse/connect.ts";
import type { Warehouse } from "../../warehouse/connect.ts";
import type { ExamPipeline, Part } from "./_exam_pipeline.ts";
import { watchPostgres } from "./_postgres_watch.ts";
import type { PostgresListener } from "./_postgres_watch.ts";
import { TcpProxy } from "./_tcp_proxy.ts";
import type { Round } from "./experiment.ts";

/** See {@link startProxiedWarehouse}. */
export interface ProxiedWarehouse {
  /** Past the proxy. */
  direct: Warehouse;
  proxy: TcpProxy;
  /** For parts that are to reach it through the proxy. */
  env: Record<string, string>;
  /** The process that serves the embedded one. */
  server: Part | undefined;
  stop(): Promise<void>;
}

/** Brings up an empty warehouse. `listener` is told what is said through the proxy, and may strike. */
export async function startProxiedWarehouse(
  round: Round,
  pipeline: ExamPipeline,
  listener: PostgresListener,
): Promise<ProxiedWarehouse> {
  const embedded = round.engine === "embedded";
  const server = pipeline.start("warehouse");
  if (embedded) await server.says("Embedded warehouse ready", 60_000);
  else if (await server.exited() !== 0) {
    throw new Error(`The warehouse could not be prepared:\n${server.output}`);
  }
  const url = new URL(
    embedded
      ? `postgres://airline:airline@127.0.0.1:${pipeline.env.WAREHOUSE_PORT}/airline_dw`
      : pipeline.env.DATABASE_URL!,
  );
  const target = { hostname: url.hostname, port: Number(url.port || 5432) };
  const options = { watch: () => watchPostgres(listener), random: round.random };
  const proxy = await TcpProxy.start(target, options);
  const direct = await openWarehouse({
    url: url.href,
    embedded,
    applicationName: "airline-exam",
    max: 4,
  });
  const proxied = new URL(url);
  proxied.hostname = "127.0.0.1";
  proxied.port = String(proxy.port);
  // What is encrypted could not be read along.
  proxied.searchParams.set("sslmode", "disable");
  const env: Record<string, string> = embedded
    ? { WAREHOUSE_PORT: String(proxy.port) }
    : { DATABASE_URL: proxied.href };
  return {
    direct,
    proxy,
    env,
    server: embedded ? server : undefined,
    stop: async () => {
      await direct.close();
      await proxy.stop();
      if (embedded) await server.kill();
    },
  };
}
