/** A small system in a folder of its own, without processes: a log, a lake, summaries. */

import type { BackupPlaces } from "../../backup/backup_places.ts";
import { createBackup } from "../../backup/create_backup.ts";
import type { BackupResult } from "../../backup/create_backup.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { ALL_TOPICS } from "../../events/topics.ts";

export const DAY_MS = 24 * 60 * 60 * 1000;
const NEVER = new AbortController().signal;

/** The system, and what can be done to it. */
export interface SmallSystem {
  folder: string;
  places: BackupPlaces;
  /** Writes a finished raw file. */
  seal(from: number, to: number, text: string): string;
  /** Appends a record to the log. */
  append(value: string): Promise<void>;
  /** Records of the log's topic `bookings`. */
  records(): Promise<number>;
  backup(keepMs?: number): Promise<BackupResult>;
}

/** Runs `body` with a small system that has a record and a raw file. */
export async function withSystem(body: (system: SmallSystem) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "airline-backup-" });
  const logFile = `${folder}/data/log.sqlite`;
  const rawFolder = `${folder}/lake/raw`;
  const places: BackupPlaces = {
    backupFolder: `${folder}/backups`,
    rawFolder,
    derivedFolders: [`${folder}/lake/gold`, `${folder}/lake/rejected`],
    logFile,
    warehouse: null,
    databases: [],
    summariesFile: null,
  };
  const opened = async <T>(work: (log: Awaited<ReturnType<typeof openSqliteEventLog>>) => Promise<T>) => {
    const log = await openSqliteEventLog({ file: logFile });
    try {
      return await work(log);
    } finally {
      await log.close();
    }
  };
  const system: SmallSystem = {
    folder,
    places,
    seal(from, to, text) {
      const range = [from, to].map((offset) => String(offset).padStart(12, "0")).join("-");
      const path = `${rawFolder}/bookings/2026-01-01_00.0123abcd.p0.${range}.jsonl`;
      Deno.writeTextFileSync(path, text);
      return path;
    },
    append: (value) =>
      opened(async (log) => {
        const appender = await log.appender();
        await appender.append([{ topic: "bookings", key: "k", value }]);
        await appender.close();
      }),
    records: () =>
      opened(async (log) => (await log.ranges(["bookings"])).reduce((sum, { end }) => sum + end, 0)),
    backup: (keepMs = 30 * DAY_MS) => createBackup(places, { keepMs, signal: NEVER }),
  };
  try {
    await Deno.mkdir(`${folder}/data`);
    await Deno.mkdir(`${rawFolder}/bookings`, { recursive: true });
    await opened((log) => log.createTopics([...ALL_TOPICS]));
    await system.append("first");
    system.seal(0, 1, "first\n");
    await body(system);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A signal that never aborts. */
export { NEVER };
