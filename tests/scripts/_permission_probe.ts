/** Tries what its arguments say (`read:PATH`, `net:HOST:PORT`, …) and prints for each `allowed`, `denied` or another error. */

import { statfs } from "node:fs/promises";

const ATTEMPTS: Record<string, (target: string) => unknown> = {
  read: async (path) => await Deno.stat(path),
  write: async (path) => await Deno.writeTextFile(path, "", { createNew: true }),
  listen: (target) => {
    const [hostname, port] = place(target);
    Deno.listen({ hostname, port }).close();
  },
  connect: async (target) => {
    const [hostname, port] = place(target);
    (await Deno.connect({ hostname, port })).close();
  },
  run: async (program) => await new Deno.Command(program, { args: ["--version"], stdout: "null" }).output(),
  ffi: (path) => Deno.dlopen(path, {}),
  env: (name) => {
    if (Deno.env.get(name) === undefined) throw new Deno.errors.NotCapable("not shown");
  },
  sys: () => Deno.osRelease(),
  statfs: async (path) => await statfs(path),
};

function place(target: string): [string, number] {
  const at = target.lastIndexOf(":");
  return [target.slice(0, at), Number(target.slice(at + 1))];
}

const results: string[] = [];
for (const attempt of Deno.args) {
  const at = attempt.indexOf(":");
  try {
    await ATTEMPTS[attempt.slice(0, at)]!(attempt.slice(at + 1));
    results.push("allowed");
  } catch (error) {
    // Whatever else goes wrong (no such file, nobody listens), the permission was there.
    results.push(error instanceof Deno.errors.NotCapable ? "denied" : "allowed");
  }
}
console.log(JSON.stringify(results));
