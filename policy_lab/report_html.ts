/** The report as a page that needs nothing else: styles and charts are in it. */

import { conclusionOf } from "./conclusion.ts";
import type { LabReport, PolicyReport } from "./lab_report.ts";
import { boundChart, colourOf, curveChart, gainChart, histogramChart } from "./report_charts.ts";
import { setUpOf } from "./report_markdown.ts";
import { intervalOf, money, percentOf, signedMoney } from "./shown_figures.ts";
import { escaped } from "./svg.ts";

/** Colours of policies by their place; see `report_page.css`. */
const COLOURS = Array.from(
  { length: 8 },
  (_, at) =>
    `.p${at}{fill:var(--p${at})}.line.p${at},.interval.p${at},.leader.p${at}{stroke:var(--p${at});fill:none}.key.p${at}{background:var(--p${at})}`,
).join("") + ".bound{fill:var(--bound)}";

const READING: readonly [term: string, meaning: string][] = [
  [
    "Revenue",
    "What passengers paid on flights of one replication, less what was given back for cancellations.",
  ],
  [
    "Against none",
    "The same flights and the same shoppers, once under the policy and once without promotions. Because the shoppers are the same, the difference is far more certain than the revenues are.",
  ],
  [
    "95 % interval",
    "If the same network were sold anew to other shoppers, 95 of 100 such intervals would hold the true difference. One that holds 0 shows no difference. Another seed is another network, with flights and routes of its own.",
  ],
  [
    "Spill",
    "Seats asked for by shoppers who would have paid the lowest published fare or more, when no seat was left; per seat on sale.",
  ],
  ["Dilution", "Of those who paid a discounted price, the share who would have paid the full one."],
  [
    "Perfect information",
    "All shoppers known beforehand, each offered the highest of the flight's prices that he pays. Nobody can have it: it is the mark that the share of the achievable is counted by.",
  ],
  [
    "Dynamic program",
    "The best pricing by someone who knows each flight's demand as a probability, and may change its price at any moment.",
  ],
  ["Linear program", "As much demand as is expected, no chance at all; never below perfect information."],
];

/** The whole page. */
export async function htmlReport(report: LabReport): Promise<string> {
  const [lead, ...more] = conclusionOf(report).map(emphasized);
  const styles = await Deno.readTextFile(new URL("report_page.css", import.meta.url));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Policy lab</title>
<style>${styles.replaceAll(/\s*\n\s*/g, "")}${COLOURS}</style>
</head>
<body>
<main>
<header>
<h1>Policy lab</h1>
<p class="lead">${lead}</p>
${more.map((line) => `<p class="more">${line}</p>`).join("\n")}
<p class="setup">${escaped(setUpOf(report))}</p>
</header>
${sections(report).join("\n")}
<footer>Seed ${report.choices.seed}, choices ${report.digest}. The same command gives the same page.</footer>
</main>
</body>
</html>
`;
}

function emphasized(line: string): string {
  return escaped(line)
    .replaceAll(/\*\*(.+?)\*\*/g, "<strong>$1</strong>")
    .replaceAll(/`(.+?)`/g, "$1")
    // A figure is not broken over two lines.
    .replaceAll(/[+−]?£[\d,]+/g, '<span class="figure">$&</span>');
}

function sections(report: LabReport): string[] {
  const { policies } = report;
  const parts: string[] = [];
  if (policies.length > 1) {
    parts.push(
      section(
        "What each policy earns",
        "Revenue of a replication against no promotions, pair by pair over the same shoppers. The line is the 95 % interval.",
        chart(gainChart(report)),
      ),
    );
  }
  parts.push(
    section(
      "What could be had at most",
      "The same on the scale of what a seller could earn who may offer every shopper any of the flight's prices at any moment.",
      chart(boundChart(report)),
    ),
    section("Figures", "Per replication; intervals are 95 %.", `<div class="wide">${figures(report)}</div>`),
    section(
      "Booking curves",
      "Mean load factor by days before departure, cancellations included.",
      chart(curveChart(report)),
    ),
    section(
      "How full flights leave",
      "Share of flights by load factor at departure. The thin outline is no promotions.",
      `<div class="small">${histograms(policies)}</div>`,
    ),
    section(
      "How to read it",
      "",
      `<dl>${READING.map(([term, meaning]) => `<dt>${term}</dt><dd>${meaning}</dd>`).join("")}</dl>`,
    ),
  );
  return parts;
}

function section(title: string, text: string, content: string): string {
  return `<section><h2>${title}</h2>${text === "" ? "" : `<p>${text}</p>`}${content}</section>`;
}

function chart(svg: string): string {
  return `<div class="chart">${svg}</div>`;
}

function histograms(policies: readonly PolicyReport[]): string {
  const most = Math.max(...policies.flatMap(({ histogram }) => histogram)) * 1.05;
  return policies.map((policy, at) =>
    `<div><h3>${escaped(policy.name)} <span>${percentOf(policy.loadFactor.mean)} full</span></h3>${
      histogramChart(policy, at, policies[0]!, most)
    }</div>`
  ).join("");
}

function figures({ policies }: LabReport): string {
  const heads = [
    "policy",
    "revenue",
    "against none",
    "of perfect information",
    "load factor",
    "spill",
    "promotions per flight",
    "sold at a discount",
    "dilution",
  ];
  const rows = policies.map((policy, at) => {
    const {
      name,
      revenue,
      incremental,
      shareOfPerfect,
      loadFactor,
      spill,
      promotions,
      discounted,
      dilution,
    } = policy;
    const gain = incremental === null
      ? ""
      : `${signedMoney(incremental.mean)}<small>${intervalOf(incremental, signedMoney)}</small>`;
    const cells = [
      `<span class="key ${colourOf(at)}"></span>${escaped(name)}`,
      money(revenue.mean),
      gain,
      shareOfPerfect === null ? "" : percentOf(shareOfPerfect.mean),
      percentOf(loadFactor.mean),
      percentOf(spill),
      promotions.toFixed(2),
      percentOf(discounted),
      dilution === null ? "" : percentOf(dilution),
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  return `<table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join("")}</tr></thead><tbody>${
    rows.join("")
  }</tbody></table>`;
}
