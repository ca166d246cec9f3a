/** The lake writer's figures. What a crash or a full disk made it read again is not counted twice. */

import { Counter, Gauge, Histogram } from "../process/metrics_server.ts";
import type { Registry } from "../process/metrics_server.ts";

/** The metrics that `lake_session.ts` feeds. */
export interface LakeMetrics {
  eventsWritten: Counter<"topic">;
  filesSealed: Counter<"topic">;
  bytesWritten: Counter<"topic">;
  lagRecords: Gauge<"topic">;
  deadLetters: Counter<"reason">;
  lostRecords: Counter<"topic">;
  lastSealTimestamp: Gauge;
  sealDuration: Histogram;
  openFiles: Gauge;
  files: Gauge<"topic">;
  merges: Counter<"topic">;
  filesMerged: Counter<"topic">;
}

/** Registers the metrics. */
export function lakeMetrics(registry: Registry): LakeMetrics {
  const registers = [registry];
  const labelNames = ["topic"] as const;
  return {
    eventsWritten: new Counter({
      name: "lake_events_written_total",
      help: "Events in finished files",
      labelNames,
      registers,
    }),
    filesSealed: new Counter({
      name: "lake_files_sealed_total",
      help: "Files finished, those without content included",
      labelNames,
      registers,
    }),
    bytesWritten: new Counter({
      name: "lake_bytes_written_total",
      help: "Bytes in finished files",
      labelNames,
      registers,
    }),
    lagRecords: new Gauge({
      name: "lake_lag_records",
      help: "Records in the log that the lake writer has not read yet",
      labelNames,
      registers,
    }),
    deadLetters: new Counter({
      name: "lake_dead_letters_total",
      help: "Records refused, by reason; their ranges are finished",
      labelNames: ["reason"],
      registers,
    }),
    lostRecords: new Counter({
      name: "lake_lost_records_total",
      help: "Offsets that the log's retention removed before the lake had them",
      labelNames,
      registers,
    }),
    lastSealTimestamp: new Gauge({
      name: "lake_last_seal_timestamp_seconds",
      help: "When the last file was finished, seconds since 1970",
      registers,
    }),
    sealDuration: new Histogram({
      name: "lake_seal_duration_seconds",
      help: "Time to finish a file: dead letters, fsync, rename, manifest",
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
      registers,
    }),
    openFiles: new Gauge({
      name: "lake_open_files",
      help: "Ranges that are being written, at most one a partition",
      registers,
    }),
    files: new Gauge({
      name: "lake_files",
      help: "Finished files in the lake",
      labelNames,
      registers,
    }),
    merges: new Counter({
      name: "lake_merges_total",
      help: "Merged files that were made of small ones",
      labelNames,
      registers,
    }),
    filesMerged: new Counter({
      name: "lake_files_merged_total",
      help: "Small files that merged files took the place of",
      labelNames,
      registers,
    }),
  };
}
