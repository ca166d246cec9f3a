/** The alerts: complete, of metrics that exist, right by promtool's cases, and seen firing by a real Prometheus. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { walk } from "./_source_files.ts";
import { parse } from "yaml";
import { freePort } from "../../process/free_port.ts";
import { PROJECT_DIR } from "../../scripts/launcher.ts";
import { eventually, openPipeline } from "../pipeline/_pipeline.ts";
import { PROMETHEUS, prometheusConfiguration, promtool, startPrometheus } from "./_prometheus.ts";

const read = (path: string) => Deno.readTextFileSync(`${PROJECT_DIR}/${path}`);

interface Alert {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; runbook_url: string };
}
const alerts = (parse(read("monitoring/alerts.yml")) as { groups: { rules: Alert[] }[] }).groups
  .flatMap(({ rules }) => rules);

/** Names of metrics in an expression; of `(a|b)_c` both. */
function metricsOf(expression: string): string[] {
  const names = expression.replaceAll(
    /"[^"]*"/g,
    (text) => /_/.test(text) && !/[.]/.test(text) ? text : '""',
  );
  const spread = names.replaceAll(
    /\(([a-z|]+)\)(_\w+)/g,
    (_, first: string, rest: string) => first.split("|").map((name) => name + rest).join(" "),
  );
  const found = spread.match(
    /\b[a-z]+_[a-z_]*(seconds|total|records|count|bucket|files|bytes|ok|differences)\b/g,
  );
  return [...new Set(found ?? [])].filter((name) => !["humanize", "histogram_quantile"].includes(name));
}

/** Every metric that a source registers. */
function registered(): Set<string> {
  const names = new Set<string>();
  for (const file of walk(["api", "etl", "lake", "process", "producer", "scripts", "streaming", "tracker"])) {
    for (const [, name] of read(file).matchAll(/"([a-z]+_[a-z0-9_]+)"/g)) names.add(name!);
  }
  return names;
}

Deno.test("each alert says how bad it is, what is the matter and where to read on, and RUNBOOK.md has the place", () => {
  const headings = [...read("RUNBOOK.md").matchAll(/^### (\S+)$/gm)].map(([, heading]) =>
    heading!.toLowerCase()
  );
  for (const { alert, labels, annotations } of alerts) {
    ok(["critical", "warning"].includes(labels.severity), alert);
    ok(annotations.summary.length > 20, alert);
    equal(annotations.runbook_url, `RUNBOOK.md#${alert.toLowerCase()}`);
    ok(headings.includes(alert.toLowerCase()), `RUNBOOK.md has no section for ${alert}`);
  }
});

Deno.test("the published alerts are there, as strict as published", () => {
  const published = Object.fromEntries(alerts.map(({ alert, for: duration, labels }) => [
    alert,
    `${duration} ${labels.severity}`,
  ]));
  equal(published.ServiceDown, "1m critical");
  equal(published.HighErrorRate, "5m critical");
  equal(published.SlowResponseTime, "10m warning");
  equal(published.LowCacheHitRate, "15m warning");
});

for (const { alert, expr } of alerts) {
  Deno.test(`${alert} asks for metrics that a process serves`, () => {
    const served = registered();
    const names = metricsOf(expr);
    ok(names.length > 0 || /^up\{/.test(expr), expr);
    deepEqual(names.filter((name) => !served.has(name.replace(/(?<=seconds)_(count|bucket)$/, ""))), []);
  });
}

Deno.test("each alert has a case in which it fires and one in which it does not", () => {
  const cases = (parse(read("monitoring/alerts_test.yml")) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
  }).tests.flatMap(({ alert_rule_test }) => alert_rule_test);
  for (const { alert } of alerts) {
    const expected = cases.filter(({ alertname }) => alertname === alert).map(({ exp_alerts }) =>
      exp_alerts.length > 0
    );
    ok(expected.includes(true) && expected.includes(false), alert);
  }
});

Deno.test("ServiceDown watches every job but the one that is only run where somebody wants it", () => {
  const jobs = prometheusConfiguration().scrape_configs.map(({ job_name }) => job_name);
  const { expr } = alerts.find(({ alert }) => alert === "ServiceDown")!;
  const watched = new RegExp(`^(${/job=~"([^"]+)"/.exec(expr)![1]})$`);
  deepEqual(jobs.filter((job) => !watched.test(job)), []);
  match(expr, /job!="airline_verify"/);
});

const real = { ignore: PROMETHEUS === "" };

Deno.test("promtool finds nothing wrong with configuration and rules", real, async () => {
  const { code, output } = await promtool("check", "config", "prometheus.yml");
  equal(code, 0, output);
  match(output, new RegExp(`SUCCESS: ${alerts.length} rules found`));
});

Deno.test("promtool's cases hold", real, async () => {
  const { code, output } = await promtool("test", "rules", "monitoring/alerts_test.yml");
  equal(code, 0, output);
});

Deno.test(
  "a process is killed, and its alert is pending, then firing; it comes back, and the alert ends",
  real,
  async () => {
    const pipeline = await openPipeline("embedded");
    try {
      const ports = { lake: freePort(), consumer: freePort() };
      const start = (part: "lake" | "consumer") =>
        pipeline.start(part, ["--metrics-port", String(ports[part])]);
      const consumer = start("consumer");
      const lake = start("lake");
      const everyMs = 250;
      const rules = read("monitoring/alerts.yml").replaceAll("for: 1m", "for: 2s").replaceAll(
        /interval: \S+/g,
        `interval: ${everyMs}ms`,
      );
      await using prometheus = await startPrometheus({
        airline_lake_writer: `127.0.0.1:${ports.lake}`,
        airline_consumer: `127.0.0.1:${ports.consumer}`,
      }, { everyMs, rules });
      const down = async () => {
        const active = (await prometheus.alerts()).filter(({ labels }) => labels.alertname === "ServiceDown");
        return active.map(({ labels, state }) => `${labels.job} ${state}`).join(", ");
      };
      const up = async () => (await prometheus.query("up == 1")).length;
      await eventually(
        "both are seen up",
        async () => await up() === 2,
        60_000,
        () => consumer.output + lake.output,
      );
      equal(await down(), "");
      deepEqual(
        (await prometheus.query("disk_free_bytes")).map(({ metric }) => metric.folder).sort(),
        [
          "lake",
          "log",
        ],
      );

      await lake.kill();
      await eventually("the alert is pending", async () => await down() === "airline_lake_writer pending");
      await eventually("the alert fires", async () => await down() === "airline_lake_writer firing");

      start("lake");
      await eventually("the alert has ended", async () => await down() === "");
    } finally {
      await pipeline.close();
    }
  },
);
