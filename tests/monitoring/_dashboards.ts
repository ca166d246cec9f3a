/** The dashboards as Grafana reads them, and their questions as Grafana would ask them. */

import { join } from "node:path";
import { PROJECT_DIR } from "../../scripts/launcher.ts";

const FOLDER = "monitoring/grafana/dashboards";

/** A data source by its fixed id. */
export interface DataSource {
  type: string;
  uid: string;
}

/** One question of a panel: PromQL in `expr`, SQL in `rawSql`. */
export interface Target {
  refId: string;
  datasource: DataSource;
  expr?: string;
  rawSql?: string;
  format?: string;
}

/** A panel; rows have no targets. */
export interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Target[];
}

/** A dashboard of monitoring/grafana/dashboards/. */
export interface Dashboard {
  file: string;
  uid: string;
  title: string;
  time: { from: string; to: string };
  templating: { list: { name: string; datasource: DataSource; query: string }[] };
  panels: Panel[];
}

/** All of them. */
export function dashboards(): Dashboard[] {
  return [...Deno.readDirSync(join(PROJECT_DIR, FOLDER))].map(({ name }) => ({
    file: name,
    ...JSON.parse(Deno.readTextFileSync(join(PROJECT_DIR, FOLDER, name))),
  })).sort((a, b) => a.file.localeCompare(b.file));
}

/** PromQL with the step that Grafana would put in. */
export function filledPromQl(expression: string, rateInterval: string): string {
  return expression.replaceAll("$__rate_interval", rateInterval);
}

/** SQL with the time range of the dashboard and its variables put in, as Grafana does before it asks. */
export function filledSql(text: string, from: string, variables: Readonly<Record<string, string>>): string {
  const range = /^now-(\d+)([hd])$/.exec(from);
  if (range === null) throw new Error(`The time range "${from}" is none that the tests know`);
  const interval = `${range[1]} ${range[2] === "h" ? "hours" : "days"}`;
  const timed = text.replaceAll(
    /\$__timeFilter\(([\w.]+)\)/g,
    (_, column: string) => `${column} between now() - interval '${interval}' and now()`,
  );
  return timed.replaceAll(/\$(\w+)/g, (all, name: string) => variables[name] ?? all);
}
