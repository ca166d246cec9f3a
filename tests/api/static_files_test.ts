import assert from "node:assert/strict";
import { DASHBOARD_FILES } from "../../api/static_files.ts";

const FOLDER = new URL("../../api/dashboard/", import.meta.url);

Deno.test("every module of the page is served, and whatever it asks the server for by name", async () => {
  const asked = new Set<string>();
  for await (const { name } of Deno.readDir(FOLDER)) {
    if (!/\.(js|html)$/.test(name)) continue;
    const text = await Deno.readTextFile(new URL(name, FOLDER));
    for (const [, module] of text.matchAll(/from "\.\/([\w.]+)"/g)) asked.add(`/dashboard/${module}`);
    for (const [, path] of text.matchAll(/(?:src|href)="(\/(?:dashboard|docs)\/[\w.-]+)"/g)) asked.add(path!);
  }
  assert.ok(asked.size > 15, `${[...asked]}`);
  assert.deepEqual([...asked].filter((path) => !(path in DASHBOARD_FILES)), []);
});
