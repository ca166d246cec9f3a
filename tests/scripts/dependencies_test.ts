/** The libraries: pinned, locked with a hash, without scripts of their own, under licences that allow what we do. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { PROJECT_DIR } from "./_support.ts";

const read = (path: string) => JSON.parse(Deno.readTextFileSync(`${PROJECT_DIR}/${path}`));
const { imports, allowScripts } = read("deno.json") as {
  imports: Record<string, string>;
  allowScripts: { allow: string[] };
};
const lock = read("deno.lock") as {
  specifiers: Record<string, string>;
  npm: Record<string, { integrity?: string }>;
  remote?: unknown;
  jsr?: unknown;
};

/** Licences that ask for no more than their text beside the copy. MPL-2.0: files of theirs that are changed. */
const LICENCES = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "ISC",
  "MIT",
  "MPL-2.0",
  "Unlicense",
]);

Deno.test("every library is asked for by one version, from npm", () => {
  for (const [name, source] of Object.entries(imports)) {
    match(source, /^npm:\/?(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+\/?$/, name);
  }
});

Deno.test("every library is locked with its hash, and nothing comes from elsewhere", () => {
  equal(lock.remote, undefined);
  equal(lock.jsr, undefined);
  for (const [name, { integrity }] of Object.entries(lock.npm)) match(integrity ?? "", /^sha512-/, name);
});

Deno.test("no library may run a script when it is installed", () => {
  deepEqual(allowScripts.allow, []);
});

/** Builds of a library for one system, which point to its licence. */
const BUILD_OF_POLARS = /^nodejs-polars-/;

/** `name@version` of a locked package, without what it was resolved for. */
function plainName(key: string): string {
  return /^(@?[^@]+@[^_]+)/.exec(key)![1]!;
}

Deno.test("every library that is installed has a licence that is known to be fine", () => {
  const folder = `${PROJECT_DIR}/node_modules/.deno`;
  const unknown: string[] = [];
  let seen = 0;
  for (const name of new Set(Object.keys(lock.npm).map(plainName))) {
    if (BUILD_OF_POLARS.test(name)) continue;
    const [, library] = /^(@?[^@]+)@/.exec(name)!;
    let manifest: { license?: string | { type: string }; licenses?: { type: string }[] };
    try {
      manifest = JSON.parse(
        Deno.readTextFileSync(
          `${folder}/${name.replace("/", "+")}/node_modules/${library}/package.json`,
        ),
      );
    } catch {
      // For another system, or only installed under the name of what asked for it.
      continue;
    }
    seen++;
    const { license, licenses } = manifest;
    const named = typeof license === "string" ? license : license?.type ?? licenses?.[0]?.type ?? "none";
    const choices = named.replaceAll(/[()]/g, "").split(" OR ");
    if (!choices.some((choice) => choice.split(" AND ").every((each) => LICENCES.has(each)))) {
      unknown.push(`${name}: ${named}`);
    }
  }
  ok(seen > 40, String(seen));
  deepEqual(unknown, []);
});
