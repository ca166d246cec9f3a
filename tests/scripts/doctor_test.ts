import { deepEqual, equal, match } from "node:assert/strict";
import { freePort } from "../../process/free_port.ts";
import {
  compareVersions,
  diskFinding,
  processFindings,
  versionFinding,
} from "../../scripts/_doctor_machine.ts";
import { clockFinding, lastRecordFindings } from "../../scripts/_doctor_engines.ts";
import { examined, findingsText, fine, wrong } from "../../scripts/_doctor_check.ts";
import type { Finding } from "../../scripts/_doctor_check.ts";
import type { PartHealth } from "../../scripts/_process_probe.ts";
import { isReady } from "../../scripts/status.ts";
import type { RunRecord } from "../../scripts/_run_record.ts";
import { embedded, launch, withFolder } from "./_support.ts";

const GIBIBYTE = 1024 ** 3;

const part = (name: string, state: PartHealth["state"]): PartHealth => ({
  name,
  kind: "pipeline",
  address: "127.0.0.1:8001",
  state,
  detail: state === "ready" ? null : "why",
  lag_records: null,
  resident_memory_bytes: null,
  started_at: null,
});
const run = (...names: string[]): RunRecord => ({
  supervisor: "start",
  pid: 1,
  started_at: "2026-01-01T00:00:00Z",
  command: "",
  parts: names.map((name) => ({ name, kind: "pipeline", address: "127.0.0.1:8001" })),
});

// versions, the sign of their difference
const VERSIONS: [string, string, number][] = [
  ["2.9.6", "2.9.6", 0],
  ["2.10.0", "2.9.6", 1],
  ["2.9.5", "2.9.6", -1],
  ["3.0.0-rc.1", "2.9.6", 1],
];
for (const [a, b, sign] of VERSIONS) {
  Deno.test(`compareVersions() of ${a} and ${b}`, () => equal(Math.sign(compareVersions(a, b)), sign));
}

// what it shows, finding, severity
const FINDINGS: [string, Finding | undefined, Finding["severity"]][] = [
  ["a Deno that is too old", versionFinding("2.8.0"), "fail"],
  ["much room", diskFinding("/d", 50 * GIBIBYTE, 100 * GIBIBYTE), "ok"],
  ["little room", diskFinding("/d", 4 * GIBIBYTE, 100 * GIBIBYTE), "warn"],
  ["hardly any room", diskFinding("/d", GIBIBYTE / 2, 100 * GIBIBYTE), "fail"],
  ["clocks that agree", clockFinding(0.3), "ok"],
  ["a clock that is off", clockFinding(-5), "warn"],
  ["a clock that is far off", clockFinding(500), "fail"],
  ["a record of just now", lastRecordFindings("bookings", 3, true)[0], "ok"],
  ["no record for long while the producer runs", lastRecordFindings("bookings", 5000, true)[0], "warn"],
  ["no record for long, nothing runs", lastRecordFindings("bookings", 5000, false)[0], "ok"],
  ["a record of the future", lastRecordFindings("bookings", -300, false)[0], "fail"],
  ["a part that is away", processFindings(found([part("lake", "away")], run("lake")))[0], "fail"],
  ["a part that is not ready", processFindings(found([part("lake", "not ready")]))[0], "fail"],
  ["a port that is taken", processFindings(found([part("lake", "taken")]))[0], "fail"],
  ["nothing runs", processFindings(found([part("lake", "away")]))[0], "warn"],
];

function found(processes: PartHealth[], ...runs: RunRecord[]) {
  return { checked_at: "", runs, processes, ready: false };
}

for (const [what, finding, severity] of FINDINGS) {
  Deno.test(`doctor finds ${what}: ${severity}`, () => {
    equal(finding?.severity, severity);
    equal(finding?.remedy === null, severity === "ok");
  });
}

// runs, processes, whether all is ready
const READY: [RunRecord[], PartHealth[], boolean][] = [
  [[], [part("lake", "away")], false],
  [[], [part("lake", "ready"), part("api", "away")], true],
  [[], [part("lake", "ready"), part("api", "not ready")], false],
  [[run("lake", "api")], [part("lake", "ready"), part("api", "away")], false],
  [[run("lake")], [part("lake", "ready"), part("api", "away")], true],
];
for (const [runs, processes, ready] of READY) {
  const given = processes.map(({ name, state }) => `${name} ${state}`).join(", ");
  Deno.test(`isReady() with ${runs.length} run and ${given}`, () => equal(isReady(runs, processes), ready));
}

Deno.test("findingsText() says how to mend what is wrong, and counts", () => {
  const text = findingsText([fine("disk", "room"), wrong("log", "fail", "away", "start it")], {
    colors: false,
  });
  equal(text, "✔ disk  room\n✖ log   away\n        → start it\n\n1 to mend");
});

Deno.test("examined() takes a check that breaks for a finding", async () => {
  const findings = await examined("disk", () => Promise.reject(new Error("No such device\nat x")));
  deepEqual(findings.map(({ severity, detail }) => [severity, detail]), [["fail", "No such device"]]);
});

Deno.test("deno task doctor makes nothing where there is nothing, and ends with 1 where Kafka is away", () =>
  withFolder(async (folder) => {
    const env = embedded(folder, {
      PIPELINE_PROCESSES: "none",
      WAREHOUSE_PORT: String(freePort()),
      BACKUP_DIR: `${folder}/backups`,
    });
    const nothing = await launch(["doctor"], env);
    match(nothing.out, /⚠ event log +embedded; ".*" is not there yet\n +→ deno task topics/);
    deepEqual([...Deno.readDirSync(folder)], []);
    const away = await launch(["doctor", "--json"], { ...env, KAFKA_BROKERS: "127.0.0.1:1" });
    equal(away.code, 1);
    const { ok, findings } = JSON.parse(away.out);
    equal(ok, false);
    match(findings.find(({ check }: Finding) => check === "event log").detail, /127\.0\.0\.1:1/);
  }));
