/** Puts together what the API answers from, and keeps it up to date. */

import type { EventLog } from "../event_log/event_log.ts";
import { airportTimeZones } from "../producer/airport_time_zones.ts";
import { airportPositions } from "../tracker/airport_positions.ts";
import type { Database } from "../warehouse/asked_database.ts";
import type { AccessControl } from "../process/http/access_control.ts";
import { RenderedAnswers } from "../process/http/answers.ts";
import { StaticFiles } from "../process/http/static_files.ts";
import { ApiMetrics } from "./api_metrics.ts";
import type { ApiParts } from "./app.ts";
import { FlightHistory } from "./flight_history.ts";
import { Gate } from "./gate.ts";
import { LiveFeed } from "./live_feed.ts";
import { LiveUpdates } from "./live_updates.ts";
import { LogFollower } from "./log_follower.ts";
import { PipelineWatch } from "./pipeline_watch.ts";
import type { WatchedProcess } from "./pipeline_watch.ts";
import { Listeners } from "./routes/events.ts";
import { DASHBOARD_FILES } from "./static_files.ts";
import { StreamMetrics } from "./stream_metrics.ts";
import type { TrackerLink } from "./tracker_link.ts";
import { ViewerWatch } from "./viewer_watch.ts";

/** Where the API gets its data from. */
export interface ApiSources {
  openLog: () => Promise<EventLog>;
  eventLeadMsMax: number;
  processes: readonly WatchedProcess[];
  /** The database of the minute windows. */
  realtime: Database;
  realtimeSchema: string;
  warehouse: Database;
  access: AccessControl;
  /** What tells where flights are. */
  tracker: TrackerLink;
  listenersMax: number;
  warn: (message: string) => void;
  logRequest?: (line: string, status: number) => void;
}

const PUBLISH_MS = 250;
const AIRPORTS = new URL("../producer/data/airports.csv", import.meta.url);

/** The parts, and `run`, which keeps them up to date until `signal` aborts. */
export async function apiParts(
  sources: ApiSources,
  signal: AbortSignal,
): Promise<{ parts: ApiParts; run: () => Promise<void> }> {
  const airportsCsv = await Deno.readTextFile(AIRPORTS);
  const { openLog, eventLeadMsMax, warn, logRequest } = sources;
  const follower = new LogFollower({ openLog, eventLeadMsMax, warn });
  const watch = new PipelineWatch(sources.processes, openLog);
  const streams = new StreamMetrics(sources.realtime, sources.realtimeSchema);
  const viewers = new ViewerWatch(streams);
  const feed = new LiveFeed();
  const listeners = new Listeners(sources.listenersMax);
  const updates = new LiveUpdates({ follower, viewers, feed, watch });
  const metrics = new ApiMetrics({
    databaseOk: () => viewers.databaseOk,
    latestWindowStartMs: () => viewers.latestWindowStartMs,
    recentRows: () => viewers.recentRows,
    listeners: () => listeners.count,
    followerAgeMs: () => follower.ageMs(),
  });
  const parts: ApiParts = {
    follower,
    watch,
    viewers,
    streams,
    flightHistory: new FlightHistory(sources.warehouse),
    feed,
    listeners,
    metrics,
    gate: new Gate(sources.access),
    files: await StaticFiles.read(DASHBOARD_FILES, import.meta.url),
    timeZones: airportTimeZones(airportsCsv),
    airportPositions: airportPositions(airportsCsv),
    tracker: sources.tracker,
    version: () => updates.version,
    rendered: new RenderedAnswers(),
    stopping: signal,
    ...(logRequest === undefined ? {} : { logRequest }),
  };
  const run = async () => {
    const publishing = setInterval(() => updates.publishBoard(), PUBLISH_MS);
    await Promise.all([
      follower.run(signal),
      watch.run(signal, () => updates.publishPipeline()),
      viewers.run(signal, (changes) => updates.publishViewers(changes)),
    ]);
    clearInterval(publishing);
  };
  return { parts, run };
}
