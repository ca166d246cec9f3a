import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { createBackup } from "../../backup/create_backup.ts";
import type { BackupResult } from "../../backup/create_backup.ts";
import { onDisk } from "../../backup/disk_fault.ts";
import { listBackups, objectsOf, piecesOf, writeBackup } from "../../backup/backup_file.ts";
import { storeLake } from "../../backup/lake_part.ts";
import { restoreBackup } from "../../backup/restore_backup.ts";
import { applyRetention, isGood } from "../../backup/retention.ts";
import { safeSegments } from "../../backup/store_files.ts";
import { checkBackup } from "../../backup/verify_backup.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { DAY_MS, NEVER, withSystem } from "./_backup_support.ts";
import type { SmallSystem } from "./_backup_support.ts";

const source = (path: string) => ({ path, folder: path.slice(0, path.lastIndexOf("/")) });

function restore(system: SmallSystem, path: string, allowed: boolean): Promise<unknown> {
  return restoreBackup(system.places, source(path), {
    signal: NEVER,
    mayOverwrite: () => Promise.resolve(allowed),
  });
}

/** The file of a piece. */
function pieceFile(system: SmallSystem, hash: string): string {
  return `${system.places.backupFolder}/objects/${hash.slice(0, 2)}/${hash}.zst`;
}

Deno.test("a backup holds log and lake as they are, and a restore brings them back", () =>
  withSystem(async (system) => {
    Deno.writeTextFileSync(`${system.places.rawFolder}/bookings/from_python.jsonl`, "foreign\n");
    const { path, backup } = await system.backup();
    deepEqual(backup.parts.map(({ name }) => name), ["lake", "log"]);
    await system.append("second");
    const later = system.seal(1, 2, "second\n");
    await Deno.mkdir(system.places.derivedFolders[0]!, { recursive: true });
    Deno.writeTextFileSync(`${system.places.derivedFolders[0]}/fact_booking.parquet`, "derived");

    await rejects(restore(system, path, false), /Nothing was changed/);
    equal(await system.records(), 2);
    ok(Deno.statSync(later).isFile);

    await restore(system, path, true);
    equal(await system.records(), 1);
    const names = [...Deno.readDirSync(`${system.places.rawFolder}/bookings`)].map(({ name }) => name).sort();
    deepEqual(names, ["2026-01-01_00.0123abcd.p0.000000000000-000000000001.jsonl", "from_python.jsonl"]);
    equal(Deno.readTextFileSync(`${system.places.rawFolder}/bookings/from_python.jsonl`), "foreign\n");
    deepEqual([...Deno.readDirSync(system.places.derivedFolders[0]!)].map(({ name }) => name), [".etl.lock"]);
    const hidden = [...Deno.readDirSync(system.places.rawFolder)].map(({ name }) => name).filter((name) =>
      /restoring|replaced/.test(name)
    );
    deepEqual(hidden, []);
    // Again, over what is there now: nothing is left over that would be in the way.
    await restore(system, path, true);
    equal(await system.records(), 1);
  }));

Deno.test("a restore is refused while another has the log open, and not while it is damaged", () =>
  withSystem(async (system) => {
    const file = system.places.logFile!;
    const { path } = await system.backup();
    const log = await openSqliteEventLog({ file });
    await log.ranges(["bookings"]);
    await rejects(restore(system, path, true), /Another process has ".*log\.sqlite" open: stop everything/);
    await log.close();
    await restore(system, path, true);
    equal(await system.records(), 1);
    Deno.writeTextFileSync(file, "no database");
    await restore(system, path, true);
    equal(await system.records(), 1);
  }));

Deno.test("a restored log is not mixed with the write-ahead file that a killed process left", () =>
  withSystem(async (system) => {
    const file = system.places.logFile!;
    const { path } = await system.backup();
    const log = await openSqliteEventLog({ file });
    const appender = await log.appender();
    await appender.append([{ topic: "bookings", key: "k", value: "second" }]);
    const left = Deno.readFileSync(`${file}-wal`);
    ok(left.length > 0);
    await appender.close();
    await log.close();
    Deno.writeFileSync(`${file}-wal`, left);
    await restore(system, path, true);
    equal(await system.records(), 1);
  }));

Deno.test("a second backup adds what is new, and does not read finished raw files again", () =>
  withSystem(async (system) => {
    const file = system.seal(1, 2, "x".repeat(100_000));
    const first = await system.backup();
    // Were it read again, it would no longer be what it was.
    const { atime, mtime } = Deno.statSync(file);
    Deno.writeTextFileSync(file, "y".repeat(100_000));
    Deno.utimeSync(file, atime!, mtime!);
    const second = await system.backup();
    const lake = (backup: typeof first.backup) => backup.parts.find(({ name }) => name === "lake")!.files;
    deepEqual(lake(second.backup), lake(first.backup));
    ok(second.backup.added_bytes < first.backup.added_bytes);
    equal((await listBackups(system.places.backupFolder)).backups.length, 2);
  }));

Deno.test("a damaged piece is found, the restore changes nothing, and the next backup keeps it anew", () =>
  withSystem(async (system) => {
    const { path, backup } = await system.backup();
    const store = objectsOf(system.places.backupFolder);
    const [piece] = backup.parts.find(({ name }) => name === "lake")!.files[0]!.pieces;
    const file = pieceFile(system, piece![0]);
    const bytes = Deno.readFileSync(file);
    bytes[bytes.length - 1]! ^= 1;
    Deno.writeFileSync(file, bytes);
    const { damaged } = await checkBackup(backup, store, { signal: NEVER });
    equal(damaged.length, 1);
    await system.append("second");
    await rejects(
      restore(system, path, true),
      /is damaged, nothing was changed: Piece [0-9a-f]{64} is damaged/,
    );
    equal(await system.records(), 2);
    await store.drop(piece!);
    equal(await isGood({ path, backup }, store), false);
    const again = await system.backup();
    equal((await checkBackup(again.backup, store, { signal: NEVER })).damaged.length, 0);
  }));

Deno.test("a backup whose own file was changed is refused, and nothing is deleted beside it", () =>
  withSystem(async (system) => {
    const { path } = await system.backup();
    Deno.writeTextFileSync(path, Deno.readTextFileSync(path).replace('"bytes":', '"Bytes":'));
    await rejects(restore(system, path, true), /does not fit its checksum/);
    const { retention } = await system.backup(0);
    match(retention.problem!, /does not fit its checksum/);
    equal(retention.freedBytes, 0);
  }));

Deno.test("retention deletes what is old, and never the last good backup", () =>
  withSystem(async (system) => {
    const { places } = system;
    const made: BackupResult[] = [];
    for (let at = 0; at < 3; at++) {
      await system.append(`record ${at}`);
      made.push(await system.backup());
    }
    const store = objectsOf(places.backupFolder);
    const age = async (at: number, days: number) => {
      const { backup } = made[at]!;
      await writeBackup(places.backupFolder, {
        ...backup,
        finished_at: new Date(Date.now() - days * DAY_MS).toISOString(),
      });
    };
    await age(0, 50);
    await age(1, 40);
    await age(2, 35);
    // The newest is not good: the one before it is the last good one.
    const own = piecesOf(made[2]!.backup).find(([hash]) =>
      ![0, 1].some((at) => piecesOf(made[at]!.backup).some((piece) => piece[0] === hash))
    )!;
    await Deno.remove(pieceFile(system, own[0]));
    const result = await applyRetention(places.backupFolder, Date.now() - 30 * DAY_MS);
    deepEqual(result.deleted, [made[0]!.backup.id]);
    ok(result.freedBytes > 0);
    equal((await checkBackup(made[1]!.backup, store, { signal: NEVER })).damaged.length, 0);
    const left = await applyRetention(places.backupFolder, Date.now() + DAY_MS);
    deepEqual([left.deleted, left.kept], [[], 2]);
  }));

Deno.test("what a crash leaves of a backup is no backup, and goes with the next", () =>
  withSystem(async (system) => {
    const { places } = system;
    await Deno.mkdir(`${places.backupFolder}/objects/ab`, { recursive: true });
    Deno.writeTextFileSync(`${places.backupFolder}/objects/ab/${"ab".repeat(32)}.zst.12345678.tmp`, "half");
    Deno.writeTextFileSync(`${places.backupFolder}/.log.12345678.tmp`, "half");
    await system.backup();
    deepEqual(
      [...Deno.readDirSync(`${places.backupFolder}/objects`)].filter(({ name }) => name === "ab").flatMap(
        () =>
          [...Deno.readDirSync(`${places.backupFolder}/objects/ab`)].filter(({ name }) =>
            name.endsWith("tmp")
          ),
      ),
      [],
    );
    equal([...Deno.readDirSync(places.backupFolder)].some(({ name }) => name.startsWith(".log")), false);
  }));

Deno.test("a backup that is stopped, or whose disk is full, is none and leaves nothing behind", () =>
  withSystem(async (system) => {
    const stop = new AbortController();
    await rejects(createBackup(system.places, {
      keepMs: DAY_MS,
      signal: stop.signal,
      onProgress: () => stop.abort(),
    }));
    const left = Array.from(Deno.readDirSync(`${system.places.backupFolder}/objects`)).flatMap(({ name }) => [
      ...Deno.readDirSync(`${system.places.backupFolder}/objects/${name}`),
    ]);
    deepEqual(left, []);
    deepEqual((await listBackups(system.places.backupFolder)).backups, []);
    const full = Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
    await rejects(
      onDisk("/mnt/backups", () => Promise.reject(full)),
      /OperatorError: Cannot write below "\/mnt\/backups": the disk is full/,
    );
  }));

Deno.test("files that are merged while the lake is stored are taken as the merged one", () =>
  withSystem(async (system) => {
    const first =
      `${system.places.rawFolder}/bookings/2026-01-01_00.0123abcd.p0.000000000000-000000000001.jsonl`;
    const second = system.seal(1, 2, "second\n");
    let merged = false;
    const part = await storeLake(system.places.rawFolder, {
      store: objectsOf(system.places.backupFolder),
      tally: { bytes: 0, addedBytes: 0 },
      signal: NEVER,
      onProgress() {
        if (merged) return;
        merged = true;
        system.seal(0, 2, "first\nsecond\n");
        Deno.removeSync(first);
        Deno.removeSync(second);
      },
    }, undefined);
    deepEqual(part.files.map(({ path, bytes }) => [path, bytes]), [
      ["bookings/2026-01-01_00.0123abcd.p0.000000000000-000000000002.jsonl", 13],
    ]);
  }));

for (const path of ["../x", "a/../../x", "/etc/passwd", "a//b", "a\\b", "C:x", ""]) {
  Deno.test(`a backup that names the file ${JSON.stringify(path)} is refused`, () => {
    let refused = false;
    try {
      safeSegments(path);
    } catch {
      refused = true;
    }
    equal(refused, true);
  });
}

Deno.test("a backup of an embedded log is refused where Kafka carries the events", () =>
  withSystem(async (system) => {
    const { path } = await system.backup();
    const places = { ...system.places, logFile: null };
    await rejects(
      restoreBackup(places, source(path), { signal: NEVER, mayOverwrite: () => Promise.resolve(true) }),
      /holds an embedded event log, which these settings have no place for: take KAFKA_BROKERS away/,
    );
  }));
