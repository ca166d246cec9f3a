/** Looks into a part's own arguments: what must be known of them before it is started. */

import { dirname, resolve } from "node:path";

/** The value of `--name VALUE` or `--name=VALUE`, as the part's own parser will see it. */
export function optionValue(args: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  args.forEach((arg, at) => {
    if (arg === `--${name}`) value = args[at + 1];
    else if (arg.startsWith(`--${name}=`)) value = arg.slice(name.length + 3);
  });
  return value;
}

/** Which arguments of a part are files. */
export interface FileArguments {
  /** Options that name a file to read. */
  fileOptions?: readonly string[];
  /** Its arguments may be files to read, each with all of its folder. */
  positionalFile?: boolean;
  /** Options that name a file to write: its folder is opened for it, to put the file there whole. `-` names none. */
  outputOptions?: readonly string[];
}

/** Makes the files that options name absolute: the part runs in the project's folder, its caller may not. */
export function filesNamed(
  part: FileArguments,
  args: readonly string[],
  calledIn: string,
): { args: string[]; paths: string[]; folders: string[] } {
  const paths: string[] = [];
  const folders: string[] = [];
  const absolute = (file: string, option: string) => {
    const isOutput = part.outputOptions?.includes(option) === true;
    if (isOutput && file === "-") return file;
    const path = resolve(calledIn, file);
    if (isOutput) folders.push(dirname(path));
    else paths.push(path);
    return path;
  };
  const rewritten = args.map((arg, at) => {
    if (part.positionalFile === true && !arg.startsWith("-") && /[\\/]/.test(arg)) {
      const path = resolve(calledIn, arg);
      paths.push(dirname(path));
      return path;
    }
    for (const option of [...part.fileOptions ?? [], ...part.outputOptions ?? []]) {
      if (at > 0 && args[at - 1] === `--${option}`) return absolute(arg, option);
      if (arg.startsWith(`--${option}=`)) {
        return `--${option}=${absolute(arg.slice(option.length + 3), option)}`;
      }
    }
    return arg;
  });
  return { args: rewritten, paths, folders };
}
