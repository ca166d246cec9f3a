/** What a report says, in a few plain sentences. */

import type { LabReport } from "./lab_report.ts";
import { intervalOf, signedMoney, signedPercent } from "./shown_figures.ts";

/** The sentences, the most important first. */
export function conclusionOf({ policies, verdict, bounds }: LabReport): string[] {
  const none = policies[0]!;
  const lines: string[] = [];
  const others = policies.filter(({ incremental }) => incremental !== null)
    .sort((a, b) => b.incremental!.mean - a.incremental!.mean);
  const [best] = others;
  if (best === undefined) {
    lines.push("Only `none` was run: there is nothing to compare.");
  } else {
    const { name, incremental } = best;
    const figures = `${signedMoney(incremental!.mean)} (95 %: ${intervalOf(incremental!, signedMoney)}, ${
      signedPercent(incremental!.mean / none.revenue.mean)
    })`;
    lines.push(
      incremental!.low > 0
        ? `**${name}** earns the most: ${figures} against no promotions at all.`
        : incremental!.high < 0
        ? `No policy earns its promotions: the best, **${name}**, loses ${figures} against no promotions at all.`
        : `No policy is shown to earn more than no promotions at all: the best, **${name}**, makes ${figures}.`,
    );
    const losing = others.filter(({ incremental }) => incremental!.high < 0 && others.length > 1);
    if (losing.length > 0 && losing.length < others.length) {
      lines.push(
        `${losing.map(({ name, incremental }) => `${name} (${signedMoney(incremental!.mean)})`).join(", ")} ${
          losing.length === 1 ? "loses" : "lose"
        } money: what a discount brings is less than what it costs.`,
      );
    }
  }
  if (verdict !== null) {
    const { policy, against, difference, earnsItsPlace } = verdict;
    lines.push(
      `${policy} ${earnsItsPlace ? "earns" : "does not earn"} its place: ${
        signedMoney(difference.mean)
      } (95 %: ${intervalOf(difference, signedMoney)}) against ${against}, the best of the others.`,
    );
  }
  lines.push(
    `With all demand known beforehand ${
      signedMoney(bounds.perfect.mean - none.revenue.mean)
    } would be possible, with its distribution known ${
      signedMoney(bounds.dynamic.mean - none.revenue.mean)
    }; every price may then change for every shopper, which no promotion can.`,
  );
  return lines;
}
