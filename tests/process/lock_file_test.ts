import { equal, ok, rejects } from "node:assert/strict";
import { isThere, removeIfThere } from "../../process/files.ts";
import { freePort } from "../../process/free_port.ts";
import { lockFile } from "../../process/lock_file.ts";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "airline-lock-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("lockFile() gives a file to one owner, and names it to others until it is given back", () =>
  withFolder(async (folder) => {
    const path = `${folder}/one.lock`;
    // A longer text of an earlier owner leaves nothing behind.
    await Deno.writeTextFile(path, "9999999999\n");
    const first = await lockFile(path);
    ok(first.lock !== undefined);
    // A lock belongs to an open file, also within one process.
    equal((await lockFile(path)).owner, `process ${Deno.pid}`);
    first.lock.close();
    const second = await lockFile(path);
    ok(second.lock !== undefined);
    second.lock.close();
  }));

Deno.test("lockFile() waits for an owner that ends, and no longer than it is told to", () =>
  withFolder(async (folder) => {
    const path = `${folder}/one.lock`;
    const first = await lockFile(path);
    const waiting = lockFile(path, { waitMs: 60_000 });
    equal((await lockFile(path, { waitMs: 1 })).lock, undefined);
    equal((await lockFile(path, { waitMs: 60_000, signal: AbortSignal.abort() })).lock, undefined);
    first.lock!.close();
    const second = await waiting;
    ok(second.lock !== undefined);
    second.lock.close();
  }));

Deno.test("lockFile() hands on what the system says of a path that cannot be", () =>
  withFolder(async (folder) => {
    await rejects(() => lockFile(`${folder}/missing/one.lock`), Deno.errors.NotFound);
  }));

Deno.test("isThere() and removeIfThere() take what is missing for what it is", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/full/inner`, { recursive: true });
    equal(await isThere(`${folder}/full`), true);
    await rejects(() => removeIfThere(`${folder}/full`));
    await removeIfThere(`${folder}/full`, { recursive: true });
    equal(await isThere(`${folder}/full`), false);
    await removeIfThere(`${folder}/full`);
    await removeIfThere(`${folder}/full/inner`, { recursive: true });
  }));

Deno.test("freePort() names a port that can be listened on", () => {
  const port = freePort();
  Deno.listen({ hostname: "127.0.0.1", port }).close();
});
