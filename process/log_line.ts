/** Messages of processes as JSON lines: how they are written, and read back. */

/** How much a message matters, the least first. */
export const LOG_LEVELS = ["info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** A message of a process. */
export interface LogMessage {
  /** Milliseconds since 1970 UTC. */
  timeMs: number;
  level: LogLevel;
  /** The part's name, as its task has it: `consumer`. */
  process: string;
  /** May have several lines. */
  message: string;
}

/** One line, with its end: `{"time":"…Z","level":"info","process":"consumer","message":"…"}`. */
export function jsonLine({ timeMs, level, process, message }: LogMessage): string {
  return `${JSON.stringify({ time: new Date(timeMs).toISOString(), level, process, message })}\n`;
}

/** What a line says, or `undefined` where it is no such line. */
export function parseJsonLine(line: string): LogMessage | undefined {
  if (!line.startsWith('{"time":"')) return undefined;
  try {
    const { time, level, process, message } = JSON.parse(line) as Record<string, unknown>;
    const timeMs = Date.parse(String(time));
    if (Number.isNaN(timeMs) || typeof process !== "string" || typeof message !== "string") return undefined;
    if (!(LOG_LEVELS as readonly unknown[]).includes(level)) return undefined;
    return { timeMs, level: level as LogLevel, process, message };
  } catch {
    return undefined;
  }
}
