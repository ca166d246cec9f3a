import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { eventLogContract } from "./event_log_contract.ts";

const folder = mkdtempSync(join(tmpdir(), "event-log-"));
Deno.test.afterAll(() => rmSync(folder, { recursive: true }));

eventLogContract("SQLite", () => openSqliteEventLog({ file: join(folder, "events.db") }));
