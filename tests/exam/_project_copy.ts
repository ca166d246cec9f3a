/**
 * The project whose processes an experiment runs: this one, or a copy with a few lines changed. A guard that is taken
 * away and a named point at which a process is killed are both changes of a copy: the program itself has no hooks.
 *
 * @module
 */

import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { commandFor, PROJECT_DIR } from "../../scripts/launcher.ts";
import type { PartName, ProcessCommand } from "../../scripts/launcher.ts";

/** A change of a source file: a text that occurs exactly once in it, and what takes its place. */
export interface SourceMutation {
  /** Relative to the project's folder: `streaming/partition_task.ts`. */
  file: string;
  from: string;
  to: string;
}

/** A project whose processes can be run. */
export interface Project {
  folder: string;
  commandFor: (part: PartName, args: readonly string[], env: Record<string, string>) => ProcessCommand;
}

/**
 * Names the point at which a process stops, which pass of it, and for how many milliseconds at the most (for ever where
 * that is left out): `after commit:3:2000`. Only copies look at it.
 */
export const EXAM_POINT = "AIRLINE_EXAM_POINT";

const POINT_FILE = "exam_point.ts";

/** What does not belong into a copy: data, and what processes never read. */
const LEFT_OUT = new Set(["node_modules", "data", "backups", "tests", "monitoring"]);
const LEFT_OUT_BELOW = new Set(["lake/raw", "lake/gold", "lake/rejected"]);

/** Tells that the point is reached and blocks: the whole process waits to be killed or stopped. */
const POINT_SOURCE = `const [name, count, waitMs] = (Deno.env.get("${EXAM_POINT}") ?? "").split(":");
let left = Number(count);
export function examPoint(at: string): void {
  if (at !== name || --left !== 0) return;
  Deno.stderr.writeSync(new TextEncoder().encode("EXAM POINT " + at + "\\n"));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(waitMs ?? Infinity));
}
`;

/** This project, as it stands. */
export function thisProject(): Project {
  return { folder: PROJECT_DIR, commandFor };
}

/** What a process prints once it stopped at a point. */
export function pointLine(name: string): string {
  return `EXAM POINT ${name}\n`;
}

/** A change that inserts a named point `before` or `after` a text that occurs exactly once. */
export function killPoint(
  name: string,
  place: { file: string; before: string } | { file: string; after: string },
): SourceMutation {
  const point = `examPoint(${JSON.stringify(name)});`;
  return "before" in place
    ? { file: place.file, from: place.before, to: `${point} ${place.before}` }
    : { file: place.file, from: place.after, to: `${place.after} ${point}` };
}

/**
 * Copies the sources of a project into `folder` and changes them. Libraries are those of this project. Processes run
 * the changed code under the copy's own permission sets, with {@link EXAM_POINT} beside them.
 *
 * @throws {Error} Where the text of a mutation does not occur exactly once in its file.
 */
export async function copyProject(
  folder: string,
  mutations: readonly SourceMutation[],
  options: { from?: Project } = {},
): Promise<Project> {
  const from = options.from ?? thisProject();
  await copyFolder(from.folder, folder, "");
  const libraries = await Deno.realPath(join(PROJECT_DIR, "node_modules"));
  await Deno.symlink(libraries, join(folder, "node_modules"));
  await Deno.writeTextFile(join(folder, POINT_FILE), POINT_SOURCE);
  for (const mutation of mutations) await mutate(folder, mutation);
  const launcher = await import(pathToFileURL(join(folder, "scripts/launcher.ts")).href);
  const command = launcher.commandFor as typeof commandFor;
  return {
    folder,
    commandFor: (part, args, env) => {
      const { args: plain, env: given } = command(part, args, env);
      return { args: plain.map((arg) => fitted(arg, libraries)), env: given };
    },
  };
}

/** Permission lists name what a link of the copy leads to, and let it read the point to stop at. */
function fitted(arg: string, libraries: string): string {
  if (arg.startsWith("--allow-env=")) return `${arg},${EXAM_POINT}`;
  const list = /^(--allow-(?:read|ffi)=)(.*)$/.exec(arg);
  if (list === null || !list[2]!.split(",").includes("node_modules")) return arg;
  return `${arg},${libraries}`;
}

async function copyFolder(from: string, to: string, path: string): Promise<void> {
  await Deno.mkdir(join(to, path), { recursive: true });
  for await (const entry of Deno.readDir(join(from, path))) {
    const inner = path === "" ? entry.name : `${path}/${entry.name}`;
    if (entry.name.startsWith(".") || LEFT_OUT_BELOW.has(inner)) continue;
    if (path === "" && LEFT_OUT.has(entry.name)) continue;
    if (entry.isDirectory) await copyFolder(from, to, inner);
    else if (entry.isFile) await Deno.copyFile(join(from, inner), join(to, inner));
  }
}

async function mutate(folder: string, mutation: SourceMutation): Promise<void> {
  const { file } = mutation;
  const path = join(folder, file);
  const mutated = mutatedSource(await Deno.readTextFile(path), mutation);
  const points = mutated.includes("examPoint(") && !mutated.includes(POINT_FILE);
  const up = relative(dirname(file), POINT_FILE).replaceAll("\\", "/");
  const specifier = up.startsWith(".") ? up : `./${up}`;
  await Deno.writeTextFile(path, points ? `import { examPoint } from "${specifier}";${mutated}` : mutated);
}

/**
 * A source text with a mutation.
 *
 * @throws {Error} Where the mutation's text does not occur exactly once.
 */
export function mutatedSource(source: string, { file, from, to }: SourceMutation): string {
  const occurrences = source.split(from).length - 1;
  if (occurrences !== 1) {
    throw new Error(
      `Cannot change "${file}": ${JSON.stringify(from)} occurs ${occurrences} times in it, expected once. ` +
        "The source has moved on: fit the mutation to it",
    );
  }
  return source.replace(from, () => to);
}
