/** Settings from a file: `.env` beside `deno.json`, or the one that `AIRLINE_ENV_FILE` names. */

import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { UsageError } from "../process/command_line.ts";

const DEFAULT_FILE = ".env";

/**
 * The environment with the file's names added; what the environment has already wins.
 *
 * @param folder What a relative file name starts from.
 * @throws {UsageError} when the file cannot be read or a line of it is no setting.
 */
export function withEnvFile(env: Record<string, string>, folder: string): Record<string, string> {
  const name = env.AIRLINE_ENV_FILE || DEFAULT_FILE;
  if (name === "none") return { ...env };
  let text: string;
  try {
    text = Deno.readTextFileSync(resolve(folder, name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !env.AIRLINE_ENV_FILE) return { ...env };
    throw new UsageError(
      `Cannot read the settings in "${name}": ${(error as Error).message.replace(/\.$/, "")}`,
    );
  }
  return { ...parseSettings(text, name), ...env };
}

/**
 * The settings of a file's text: `NAME=value` lines, comments behind `#`, quotes around values with spaces.
 *
 * @throws {UsageError} with the number of the first line that is none of these.
 */
export function parseSettings(text: string, name: string): Record<string, string> {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (/^\s*(#.*)?$/.test(line)) continue;
    const match = /^\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*(.*)$/.exec(line);
    if (match === null) {
      throw new UsageError(`Line ${at + 1} of ${name} is no setting, expected NAME=value or # and a comment`);
    }
    const quote = /^["'`]/.exec(match[1]!)?.[0];
    if (quote === undefined || match[1]!.indexOf(quote, 1) > 0) continue;
    const opened = at;
    do at++; while (at < lines.length && !lines[at]!.includes(quote));
    if (at === lines.length) {
      throw new UsageError(`Line ${opened + 1} of ${name} opens a quote (${quote}) that is never closed`);
    }
  }
  return parseEnv(lines.join("\n")) as Record<string, string>;
}
