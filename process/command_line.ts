/**
 * Command lines: options are declared once, with type, default and unit; parsing, checks and `--help` follow
 * from the declaration. The parsing itself is `node:util`'s; this file is the only one that calls it.
 *
 * @module
 */

import { parseArgs } from "node:util";

interface OptionBase {
  /** What it does, for `--help`. */
  description: string;
  /** What the value is called in `--help`, with its unit: `SECONDS`, `FILE`. */
  value?: string;
  short?: string;
}

export interface TextOption extends OptionBase {
  type: "text";
  default?: string;
  choices?: readonly string[];
}
export interface NumberOption extends OptionBase {
  type: "number";
  default?: number;
  min?: number;
  max?: number;
  integer?: boolean;
}
/** A length of time such as `30s`, `5m`, `12h`, `14d`, `200ms`; parsed to milliseconds. */
export interface DurationOption extends OptionBase {
  type: "duration";
  default?: string;
  minMs?: number;
}
export interface FlagOption extends OptionBase {
  type: "flag";
}
export type Option = TextOption | NumberOption | DurationOption | FlagOption;

/** A program's command line, as `--help` shows it. */
export interface CommandLineSpec {
  /** How it is called: `deno task producer`. */
  usage: string;
  /** One sentence. */
  description: string;
  options: Record<string, Option>;
  /** Positional arguments; without it none are taken. */
  positionals?: { usage: string; min: number; max: number };
  /** Further lines at the end of `--help`: environment, examples. */
  notes?: readonly string[];
}

type ValueOf<O extends Option> = O extends FlagOption ? boolean
  : O extends NumberOption ? (O extends { default: number } ? number : number | undefined)
  : O extends DurationOption ? (O extends { default: string } ? number : number | undefined)
  : O extends { default: string } ? string
  : string | undefined;

/** Values by option name; durations are in milliseconds. */
export type Values<S extends CommandLineSpec> = { [K in keyof S["options"]]: ValueOf<S["options"][K]> };

/** The command line cannot be used; the message says why. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** `--help` was asked for; the message is the text. Exit code 0. */
export class HelpRequested extends Error {
  override name = "HelpRequested";
}

/** Descriptions of options are wrapped here. */
const HELP_COLUMNS = 100;

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `200ms`, `30s`, `5m`, `12h` or `14d`; `undefined` where it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  return match === null ? undefined : Math.round(Number(match[1]) * UNITS_MS[match[2]!]!);
}

/**
 * Parses `args` by `spec`.
 *
 * @throws {UsageError} for an unknown option or a value that does not fit.
 * @throws {HelpRequested} for `--help` or `-h`.
 */
export function parseCommandLine<const S extends CommandLineSpec>(
  spec: S,
  args: readonly string[],
): { values: Values<S>; positionals: string[] } {
  const options: Record<string, { type: "string" | "boolean"; short?: string; multiple?: boolean }> = {
    help: { type: "boolean", short: "h" },
  };
  for (const [name, option] of Object.entries(spec.options)) {
    options[name] = {
      type: option.type === "flag" ? "boolean" : "string",
      ...(option.short === undefined ? {} : { short: option.short }),
    };
  }
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const sentence = (error as Error).message.split(". ")[0]!;
    throw new UsageError(`${sentence} (${spec.usage} --help lists the options)`);
  }
  if (parsed.values.help === true) throw new HelpRequested(helpText(spec));
  const { min, max } = spec.positionals ?? { min: 0, max: 0 };
  if (parsed.positionals.length < min || parsed.positionals.length > max) {
    const takes = spec.positionals === undefined ? "no arguments" : spec.positionals.usage;
    const got = parsed.positionals.length === 0 ? "none" : parsed.positionals.map((p) => `"${p}"`).join(" ");
    throw new UsageError(`${spec.usage} takes ${takes}, got ${got}`);
  }
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(spec.options)) {
    values[name] = valueOf(name, option, parsed.values[name] as string | boolean | undefined);
  }
  return { values: values as Values<S>, positionals: parsed.positionals };
}

function valueOf(name: string, option: Option, given: string | boolean | undefined): unknown {
  if (option.type === "flag") return given === true;
  const text = given as string | undefined;
  switch (option.type) {
    case "text":
      if (text !== undefined && option.choices !== undefined && !option.choices.includes(text)) {
        throw new UsageError(`--${name} is "${text}", expected one of ${option.choices.join(", ")}`);
      }
      return text ?? option.default;
    case "duration": {
      const chosen = text ?? option.default;
      if (chosen === undefined) return undefined;
      const ms = parseDuration(chosen);
      if (ms === undefined) {
        throw new UsageError(`--${name} is "${chosen}", expected a time such as 30s, 5m, 12h or 14d`);
      }
      if (option.minMs !== undefined && ms < option.minMs) {
        throw new UsageError(`--${name} is ${chosen}, expected at least ${option.minMs / 1000}s`);
      }
      return ms;
    }
    case "number": {
      if (text === undefined) return option.default;
      const number = text.trim() === "" ? NaN : Number(text);
      const { min = -Infinity, max = Infinity, integer = false } = option;
      if (
        !Number.isFinite(number) || number < min || number > max || (integer && !Number.isInteger(number))
      ) {
        const kind = integer ? "a whole number" : "a number";
        const range = min === -Infinity && max === Infinity
          ? ""
          : max === Infinity
          ? ` of at least ${min}`
          : ` from ${min} to ${max}`;
        throw new UsageError(`--${name} is "${text}", expected ${kind}${range}`);
      }
      return number;
    }
  }
}

/** The text of `--help`. */
export function helpText(spec: CommandLineSpec): string {
  const rows: [string, string][] = [];
  const all: Record<string, Option> = { ...spec.options, help: HELP };
  for (const [name, option] of Object.entries(all)) {
    const value = option.type === "flag" ? "" : ` ${option.value ?? valueName(option)}`;
    const short = option.short === undefined ? "    " : `-${option.short}, `;
    const extras: string[] = [];
    if (option.type === "text" && option.choices !== undefined) {
      extras.push(`one of ${option.choices.join(", ")}`);
    }
    if (option.type !== "flag" && option.default !== undefined) extras.push(`default ${option.default}`);
    const tail = extras.length === 0 ? "" : ` (${extras.join("; ")})`;
    rows.push([`  ${short}--${name}${value}`, option.description + tail]);
  }
  const width = Math.min(36, Math.max(...rows.map(([left]) => left.length)) + 2);
  const positionals = spec.positionals === undefined ? "" : ` ${spec.positionals.usage}`;
  return [
    `Usage: ${spec.usage}${positionals} [options]`,
    "",
    spec.description,
    "",
    "Options:",
    ...rows.map(([left, right]) => {
      const text = wrapped(right, HELP_COLUMNS - width).join(`\n${" ".repeat(width)}`);
      return left.length + 2 > width ? `${left}\n${" ".repeat(width)}${text}` : left.padEnd(width) + text;
    }),
    ...(spec.notes === undefined ? [] : ["", ...spec.notes]),
  ].join("\n");
}

/** Words in lines of at most `columns` characters; a longer word has a line of its own. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

const HELP: FlagOption & { default?: undefined } = {
  type: "flag",
  short: "h",
  description: "Show this help",
};

function valueName(option: Option): string {
  return option.type === "number" ? "NUMBER" : option.type === "duration" ? "DURATION" : "TEXT";
}
