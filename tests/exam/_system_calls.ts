/** Reads what strace wrote: the calls by which processes change files, with their data, in the order they came. */

/** A call as it begins (`phase: "begin"`) and as it returns; calls of several threads overlap. */
export interface SystemCall {
  phase: "begin" | "end";
  /** The thread. */
  thread: number;
  name: string;
  /** Top-level arguments as text; strings in quotes hold only hexadecimal escapes. */
  args: string[];
  /** What it returned; `NaN` where that is no number, and at the begin. */
  result: number;
}

/** The calls that are traced. */
export const TRACED_CALLS = [
  "open",
  "openat",
  "creat",
  "close",
  "dup",
  "dup2",
  "dup3",
  "fcntl",
  "clone",
  "clone3",
  "fork",
  "vfork",
  "lseek",
  "write",
  "pwrite64",
  "writev",
  "pwritev",
  "pwritev2",
  "copy_file_range",
  "sendfile",
  "ftruncate",
  "truncate",
  "fallocate",
  "fsync",
  "fdatasync",
  "sync_file_range",
  "rename",
  "renameat",
  "renameat2",
  "link",
  "linkat",
  "unlink",
  "unlinkat",
  "mkdir",
  "mkdirat",
  "rmdir",
] as const;

/** The command that runs `command` and writes its calls, and those of all its children, to `file`. */
export function traced(command: readonly string[], file: string): string[] {
  const calls = TRACED_CALLS.join(",");
  // Strings whole and in hexadecimal, whatever they hold; only traced calls stop a process.
  return [
    "strace",
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-xx",
    "-s",
    "67108864",
    "-o",
    file,
    `--trace=${calls}`,
    "--",
    ...command,
  ];
}

const LINE = /^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()/;
const UNFINISHED = " <unfinished ...>";

/** The calls of a trace, in the order of their begins and ends. */
export async function* systemCalls(file: string): AsyncGenerator<SystemCall> {
  const begun = new Map<number, string>();
  for await (const line of linesOf(file)) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const thread = Number(match[1]);
    let text: string;
    if (match[2] === undefined) {
      text = line.slice(match[0].length - match[3]!.length - 1);
      if (text.endsWith(UNFINISHED)) {
        begun.set(thread, text.slice(0, -UNFINISHED.length));
        yield { phase: "begin", thread, name: match[3]!, args: [], result: NaN };
        continue;
      }
      yield { phase: "begin", thread, name: match[3]!, args: [], result: NaN };
    } else {
      text = (begun.get(thread) ?? `${match[2]}(`) + line.slice(match[0].length);
      begun.delete(thread);
    }
    yield callOf(thread, text);
  }
}

/** What a call returned stands in a column of its own where there is room. */
const RESULT = /\)\s+= (-?\w+)[^=]*$/;
const TAIL_CHARACTERS = 300;

function callOf(thread: number, text: string): SystemCall {
  const open = text.indexOf("(");
  const name = text.slice(0, open);
  const tail = text.slice(-TAIL_CHARACTERS);
  const match = RESULT.exec(tail);
  const end = match === null ? text.length : text.length - tail.length + match.index;
  const inner = text.slice(open + 1, end);
  const result = Number(match?.[1] ?? NaN);
  return { phase: "end", thread, name, args: argumentsOf(inner), result };
}

/** Splits at commas that stand outside of brackets. Escaped strings hold neither. */
function argumentsOf(text: string): string[] {
  const args: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x22) at = text.indexOf('"', at + 1);
    else if (character === 0x5b || character === 0x7b) depth++;
    else if (character === 0x5d || character === 0x7d) depth--;
    else if (character === 0x2c && depth === 0) {
      args.push(text.slice(from, at).trim());
      from = at + 1;
    }
    if (at < 0) break;
  }
  args.push(text.slice(from).trim());
  return args;
}

/** The bytes of all strings of an argument, one after another. */
export function bytesOf(argument: string): Uint8Array {
  let length = 0;
  for (let at = argument.indexOf("\\x"); at >= 0; at = argument.indexOf("\\x", at + 4)) length++;
  const bytes = new Uint8Array(length);
  let to = 0;
  for (let at = argument.indexOf("\\x"); at >= 0; at = argument.indexOf("\\x", at + 4)) {
    bytes[to++] = hexadecimal(argument.charCodeAt(at + 2)) * 16 + hexadecimal(argument.charCodeAt(at + 3));
  }
  return bytes;
}

/** The text of a string argument. */
export function textOf(argument: string): string {
  return new TextDecoder().decode(bytesOf(argument));
}

function hexadecimal(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57;
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const handle = await Deno.open(file, { read: true });
  let rest = "";
  for await (const text of handle.readable.pipeThrough(new TextDecoderStream("latin1"))) {
    const lines = text.split("\n");
    lines[0] = rest + lines[0];
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
