/** Where pg_dump and pg_restore are on this machine, for the permission to run them and nothing else. */

import { delimiter, join } from "node:path";

/** Major versions that are looked for at the usual places, the newest first. */
const VERSIONS = [19, 18, 17, 16, 15];
const USUAL_PLACES = [
  (version: number) => `/usr/lib/postgresql/${version}/bin`,
  (version: number) => `/usr/pgsql-${version}/bin`,
  (version: number) => `/opt/homebrew/opt/postgresql@${version}/bin`,
  (version: number) => `C:/Program Files/PostgreSQL/${version}/bin`,
];
const PROGRAMS = ["pg_dump", "pg_restore"];
const EXECUTABLE = Deno.build.os === "windows" ? ".exe" : "";

/** The programs that are there, and the setting that names their folders to the part. */
export function postgresPrograms(
  env: Record<string, string>,
): { programs: string[]; env: Record<string, string> } {
  const given = (env.POSTGRES_BIN ?? "").split(",").map((folder) => folder.trim()).filter((folder) =>
    folder !== ""
  );
  const usual = USUAL_PLACES.flatMap((place) => VERSIONS.map(place));
  const path = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const folders = [...new Set(given.length > 0 ? given : [...usual, ...path])]
    .filter((folder) => !folder.includes(",") && hasPrograms(folder, { ifUnseen: given.length > 0 }));
  return {
    programs: folders.flatMap((folder) => PROGRAMS.map((program) => join(folder, program + EXECUTABLE))),
    env: folders.length === 0 ? {} : { POSTGRES_BIN: folders.join(",") },
  };
}

/** A supervisor may not look there: it was given what the launcher has seen. */
function hasPrograms(folder: string, { ifUnseen }: { ifUnseen: boolean }): boolean {
  try {
    return PROGRAMS.every((program) => Deno.statSync(join(folder, program + EXECUTABLE)).isFile);
  } catch (error) {
    return error instanceof Deno.errors.NotCapable && ifUnseen;
  }
}
