/** The project's source files. */

import { join } from "node:path";
import { PROJECT_DIR } from "../../scripts/launcher.ts";

/** Paths, from the project's folder, of the TypeScript files below these folders. */
export function* walk(folders: readonly string[]): Generator<string> {
  for (const folder of folders) {
    for (const { name, isDirectory } of Deno.readDirSync(join(PROJECT_DIR, folder))) {
      if (isDirectory) yield* walk([`${folder}/${name}`]);
      else if (name.endsWith(".ts")) yield `${folder}/${name}`;
    }
  }
}
