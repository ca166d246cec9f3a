import { deepEqual, equal, ok } from "node:assert/strict";
import { addDiskMetrics, diskSpace } from "../../process/disk_metrics.ts";
import { Registry } from "../../process/metrics_server.ts";

Deno.test("addDiskMetrics() shows each folder's space, and leaves out one that cannot be asked", async () => {
  const registry = new Registry();
  addDiskMetrics(
    registry,
    { lake: "lake/raw", log: "gone" },
    (folder) =>
      folder === "gone"
        ? Promise.reject(new Deno.errors.NotFound(folder))
        : Promise.resolve({ sizeBytes: 4096, freeBytes: 1024 }),
  );
  const lines = (await registry.metrics()).split("\n").filter((line) => line.startsWith("disk_"));
  deepEqual(lines, ['disk_free_bytes{folder="lake"} 1024', 'disk_size_bytes{folder="lake"} 4096']);
});

Deno.test("diskSpace() asks the file system, as df does", async () => {
  const { sizeBytes, freeBytes } = await diskSpace(".");
  ok(freeBytes > 0 && freeBytes <= sizeBytes);
  if (Deno.build.os !== "linux") return;
  const { stdout } = await new Deno.Command("df", { args: ["-B1", "--output=size", "."] }).output();
  equal(sizeBytes, Number(new TextDecoder().decode(stdout).split("\n")[1]));
});
