/** The blocks of RUNBOOK.md and what their markers say. */

import { join } from "node:path";
import { PROJECT_DIR } from "../../scripts/launcher.ts";
import type { EnginePair } from "../pipeline/_pipeline.ts";

/** A fenced block of commands. */
export interface CommandBlock {
  /** Line of RUNBOOK.md on which its commands begin. */
  line: number;
  /** `run`: to its end. `start`: goes on. `yourself` and `docker`: not here. */
  kind: "run" | "start" | "yourself" | "docker";
  /** The engines that it is for; default both. */
  pair?: EnginePair;
  /** Of `start`: what it prints once it is there. */
  until?: string;
  /** Of `start`: ended by Ctrl+C after the next block that is run. */
  briefly: boolean;
  /** Of `run`: tried again for a minute, since not all may be ready yet. */
  repeat: boolean;
  commands: string[];
}

const MARKER = /^sh (run|start|yourself|docker)( embedded)?(?: until="([^"]+)")?( briefly)?( repeat)?$/;
/** Blocks that hold no commands. */
const OTHERS = ["env", "sql"];

/** The text of RUNBOOK.md. */
export function runbook(): string {
  return Deno.readTextFileSync(join(PROJECT_DIR, "RUNBOOK.md"));
}

/**
 * Its blocks of commands, in order.
 *
 * @throws {Error} for a block without a marker, or with one that there is not.
 */
export function commandBlocks(text = runbook()): CommandBlock[] {
  const blocks: CommandBlock[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    if (!lines[at]!.startsWith("```")) continue;
    const marker = lines[at]!.slice(3);
    const end = lines.indexOf("```", at + 1);
    const commands = lines.slice(at + 1, end).filter((line) => line !== "");
    const found = MARKER.exec(marker);
    if (found === null && !OTHERS.includes(marker)) {
      throw new Error(
        `RUNBOOK.md, line ${
          at + 1
        }: the block is marked "${marker}", expected "sh run", "sh start", "sh yourself", "sh docker", env or sql`,
      );
    }
    if (found !== null) {
      const [, kind, pair, until, briefly, repeat] = found;
      blocks.push({
        line: at + 2,
        kind: kind as CommandBlock["kind"],
        ...(pair === undefined ? {} : { pair: "embedded" }),
        ...(until === undefined ? {} : { until }),
        briefly: briefly !== undefined,
        repeat: repeat !== undefined,
        commands,
      });
    }
    at = end;
  }
  return blocks;
}
