import { equal, match } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";

Deno.test("a member whose heartbeats find the disk full waits for room and goes on", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sqlite-member-" });
  const file = `${folder}/log.sqlite`;
  const log = await openSqliteEventLog({ file });
  await log.createTopics([{ name: "bookings", partitions: 1, cleanup: "delete", retentionMs: -1 }]);
  // As SQLite words it; a full disk itself takes a mount.
  const other = new DatabaseSync(file);
  const refuse = (table: string, event: string) =>
    other.exec(`CREATE TRIGGER full_${table} BEFORE ${event} ON ${table}
      BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  refuse("members", "INSERT");
  const stop = new AbortController();
  const errors: { message: string; partition: number }[] = [];
  const started = Promise.withResolvers<number>();
  const failed = Promise.withResolvers<void>();
  const member = await log.member({ group: "test", topics: ["bookings"] });
  const running = member.run((assigned) => {
    started.resolve(assigned.partition);
    return Promise.resolve();
  }, {
    signal: stop.signal,
    onError: (error, partition) => {
      errors.push({ message: (error as Error).message, partition });
      failed.resolve();
    },
  });
  await failed.promise;
  equal(member.joined(), false);
  other.exec("DROP TRIGGER full_members");
  equal(await started.promise, 0);
  equal(member.joined(), true);
  // Nor does it end with an error when it cannot even leave.
  refuse("members", "DELETE");
  stop.abort();
  await running;
  for (const { message, partition } of errors) {
    match(message, /the disk is full/);
    equal(partition, -1);
  }
  other.close();
  await log.close();
  await Deno.remove(folder, { recursive: true });
});
