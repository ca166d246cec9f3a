/** What a check of `deno task doctor` finds, and how it is shown. */

/** How bad it is: as it should be, worth a look, to be mended. */
export type Severity = "ok" | "warn" | "fail";

/** One finding. */
export interface Finding {
  /** What was looked at: `disk`. */
  check: string;
  severity: Severity;
  /** What was found, with its values. */
  detail: string;
  /** How to mend it; null where nothing is wrong. */
  remedy: string | null;
}

/** All is well. */
export function fine(check: string, detail: string): Finding {
  return { check, severity: "ok", detail, remedy: null };
}

/** Something to look at, or with `fail` to mend. */
export function wrong(check: string, severity: "warn" | "fail", detail: string, remedy: string): Finding {
  return { check, severity, detail, remedy };
}

/** Runs a check; one that breaks is a finding, too. */
export async function examined(
  check: string,
  look: () => Promise<Finding | Finding[]>,
): Promise<Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [
      wrong(
        check,
        "fail",
        message.split("\n")[0]!,
        "See the words of the error, and RUNBOOK.md, Common errors",
      ),
    ];
  }
}

const MARKS: Record<Severity, string> = { ok: "✔", warn: "⚠", fail: "✖" };
const COLORS: Record<Severity, number> = { ok: 32, warn: 33, fail: 31 };

/** Findings as a person reads them, one a line, what to do below. */
export function findingsText(findings: readonly Finding[], options: { colors: boolean }): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, severity, detail, remedy }) => {
    const head = `${MARKS[severity]} ${check.padEnd(width)}`;
    const painted = options.colors ? `\x1b[${COLORS[severity]}m${head}\x1b[0m` : head;
    return [`${painted}  ${detail}`, ...(remedy === null ? [] : [`${" ".repeat(width + 4)}→ ${remedy}`])];
  });
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const [failed, warned] = [count("fail"), count("warn")];
  const verdict = failed > 0
    ? `${failed} to mend${warned > 0 ? `, ${warned} to look at` : ""}`
    : warned > 0
    ? `Nothing to mend, ${warned} to look at`
    : "All is well";
  return [...lines, "", verdict].join("\n");
}
