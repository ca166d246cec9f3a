/** What is backed up, and where it is: by the settings. */

import { databaseUrl, kafkaSettings, lakeFolders, setting } from "../process/settings.ts";

/** A database of its own, of the same or another server. */
export interface DumpedDatabase {
  /** `warehouse`, `realtime` or `tracker`. */
  name: string;
  url: string;
}

/** Everything that a backup may hold. */
export interface BackupPlaces {
  backupFolder: string;
  rawFolder: string;
  /** Derived from the raw events: emptied by a restore and built anew. */
  derivedFolders: string[];
  /** Null where Kafka carries the events, which keeps its own copies. */
  logFile: string | null;
  /** Null where `databases` has it. */
  warehouse: { folder: string; url: string } | null;
  /** Databases on real servers, each once. */
  databases: DumpedDatabase[];
  /** Null where a database has them. */
  summariesFile: string | null;
}

/** The places that the environment names. */
export function backupPlaces(): BackupPlaces {
  const { url, embedded } = databaseUrl();
  const { raw, gold, rejected } = lakeFolders();
  const given = [
    { name: "warehouse", url: embedded ? undefined : url },
    { name: "realtime", url: setting("REALTIME_DATABASE_URL") },
    { name: "tracker", url: setting("TRACKER_DATABASE_URL") },
  ];
  const databases: DumpedDatabase[] = [];
  for (const { name, url } of given) {
    if (url !== undefined && !databases.some((other) => other.url === url)) databases.push({ name, url });
  }
  const inFile = embedded && setting("TRACKER_DATABASE_URL") === undefined;
  return {
    backupFolder: setting("BACKUP_DIR")!,
    rawFolder: raw,
    derivedFolders: [gold, rejected],
    logFile: kafkaSettings() === undefined ? setting("EVENT_LOG_FILE")! : null,
    warehouse: embedded ? { folder: setting("WAREHOUSE_DIR")!, url } : null,
    databases,
    summariesFile: inFile ? setting("TRACKER_SUMMARIES_FILE")! : null,
  };
}
