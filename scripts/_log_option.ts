/** `--log-format`, which every process takes, and the name under which it is heard of. */

import { UsageError } from "../process/command_line.ts";
import { PROCESS_NAME } from "../process/logger.ts";
import { optionValue } from "./_part_arguments.ts";

const LOG_FORMATS = ["text", "json"];
/** What the logger of every process reads. */
export const LOG_NAMES = ["LOG_FORMAT", PROCESS_NAME];

/**
 * Takes `--log-format` out of the arguments of a process and puts it, with the process's name, into its environment; the
 * name is also the one under which OpenTelemetry hears of it.
 */
export function logging(
  name: string,
  args: readonly string[],
  env: Record<string, string>,
): { args: string[]; env: Record<string, string> } {
  const option = "--log-format";
  const rest = args.filter((arg, at) =>
    arg !== option && !arg.startsWith(`${option}=`) && args[at - 1] !== option
  );
  const asked = rest.length < args.length;
  const format = asked ? optionValue(args, "log-format") ?? "" : env.LOG_FORMAT || "text";
  if (!LOG_FORMATS.includes(format)) {
    const what = asked ? option : "LOG_FORMAT";
    throw new UsageError(`${what} is "${format}", expected ${LOG_FORMATS.join(" or ")}`);
  }
  // A supervisor's children have its environment.
  const ourServiceName = [undefined, "", `airline-${env[PROCESS_NAME]}`].includes(env.OTEL_SERVICE_NAME);
  return {
    args: rest,
    env: {
      [PROCESS_NAME]: name,
      LOG_FORMAT: format,
      ...(env.OTEL_DENO && ourServiceName ? { OTEL_SERVICE_NAME: `airline-${name}` } : {}),
    },
  };
}
