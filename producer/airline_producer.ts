/**
 * The producer: flights, bookings, inventory and seat maps into the log, raised by the promotions that come back.
 * `deno task producer --help` lists its options.
 *
 * @module
 */

import { openEventLog } from "../process/open_event_log.ts";
import { logger } from "../process/logger.ts";
import { serveMetrics } from "../process/metrics_server.ts";
import { runProcess } from "../process/run_process.ts";
import { maxEventLeadMs } from "../process/settings.ts";
import { loadFlights } from "./load_flights.ts";
import { ProducerMetrics } from "./producer_metrics.ts";
import { parseProducerOptions } from "./producer_options.ts";
import { runProducer } from "./run_producer.ts";

async function main(stop: AbortSignal): Promise<void> {
  const options = parseProducerOptions(Deno.args);
  const eventLeadMsMax = maxEventLeadMs();
  const flights = await loadFlights(options.choices);
  const metrics = new ProducerMetrics();
  let problem: string | undefined;
  const server = serveMetrics({
    port: options.metricsPort,
    registry: metrics.registry,
    notReady: () =>
      problem ?? (metrics.simulation === undefined ? "The event log is not open yet" : undefined),
  });
  try {
    if (options.metricsPort === 0) logger.info(`Metrics on port ${server.port}`);
    const log = await openEventLog("airline-producer");
    try {
      const onProblem = (reason: string | undefined) => problem = reason;
      await runProducer({ log, options, flights, metrics, eventLeadMsMax, onProblem, stop });
    } finally {
      await log.close();
    }
  } finally {
    await server.close();
  }
}

if (import.meta.main) await runProcess(main);
