/** How far a process is behind its input topics: asked every two seconds, told by its metrics. */

import type { EventLog, PartitionRange } from "../event_log/event_log.ts";
import { logger } from "../process/logger.ts";

const INTERVAL_MS = 2000;

/** Asks until the function that it returns is called. A log that does not answer is told once until it does. */
export function watchLag(
  log: EventLog,
  topics: readonly string[],
  metrics: { setLag(ranges: PartitionRange[]): void },
): () => void {
  let asking = false;
  let failing = false;
  let stopped = false;
  const ask = async () => {
    if (asking) return;
    asking = true;
    try {
      metrics.setLag(await log.ranges([...topics]));
      failing = false;
    } catch (error) {
      if (!failing && !stopped) logger.warn(`Cannot read the lag: ${(error as Error).message}`);
      failing = true;
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(ask, INTERVAL_MS);
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}
