// @ts-check
/** Is everything running: processes, lag, throughput, last ETL, dead letters; and whether the page is up to date. */

import { isStale } from "./connection.js";
import { byId, element, setText } from "./dom.js";
import { mebibytes, oneDecimal, since, utcTime, whole } from "./format.js";
import { on, state } from "./store.js";

/** @typedef {import("./store.js").ProcessHealth} ProcessHealth */

const STATUS_WORDS = { ready: "running", not_ready: "not ready", away: "away" };

/** Puts the strip on the page. */
export function showPipeline() {
  on("pipeline", refresh);
  on("connection", refreshConnection);
  setInterval(refreshConnection, 1000);
  refresh();
}

function refresh() {
  const pipeline = state.pipeline;
  if (pipeline === undefined) {
    byId("processes").replaceChildren(element("li", { class: "muted", text: "Asking the processes…" }));
    return;
  }
  byId("processes").replaceChildren(...pipeline.processes.map(processItem));
  const perSecond = pipeline.topics.reduce((sum, { appended_per_second }) => sum + appended_per_second, 0);
  const lag = pipeline.processes.reduce((sum, { lag_records }) => sum + (lag_records ?? 0), 0);
  const letters = pipeline.dead_letters;
  const etl = pipeline.last_etl;
  byId("figures").replaceChildren(
    ...figure(
      "Throughput",
      `${perSecond < 10 ? oneDecimal(perSecond) : whole(Math.round(perSecond))} events/s`,
    ),
    ...figure("Lag", `${whole(lag)} ${lag === 1 ? "record" : "records"}`),
    ...figure(
      "Last ETL",
      etl === null ? "not yet" : `${since((Date.now() - Date.parse(etl.finished_at)) / 1000)} ago`,
    ),
    ...figure(
      "Dead letters",
      whole(letters.total),
      letters.by_reason.map(({ reason, count }) => `${reason}: ${whole(count)}`).join("\n") || undefined,
    ),
  );
  if (pipeline.event_clock !== null) setText(byId("clock"), utcTime(pipeline.event_clock));
  refreshConnection();
}

/** @param {string} name @param {string} value @param {string} [hint] */
function figure(name, value, hint) {
  return [element("dt", { text: name }), element("dd", { text: value, title: hint })];
}

/** @param {ProcessHealth} process */
function processItem(process) {
  const lag = process.lag_records;
  const hint = [
    process.detail,
    lag === null ? null : `Lag ${whole(lag)} records`,
    process.resident_memory_bytes === null ? null : mebibytes(process.resident_memory_bytes),
  ].filter((part) => part !== null).join("\n");
  return element("li", { class: `process ${process.status}`, title: hint }, [
    element("span", { class: "dot", "aria-hidden": "true" }),
    `${process.name} `,
    element("span", {
      class: process.status === "ready" ? "hidden" : "status-word",
      text: STATUS_WORDS[process.status],
    }),
  ]);
}

function refreshConnection() {
  const stale = isStale();
  const problem = state.pipeline?.log.problem ?? null;
  const kind = state.connection === "connecting"
    ? "connecting"
    : stale
    ? "stale"
    : problem !== null
    ? "stale"
    : "live";
  byId("connection").className = `connection ${kind}`;
  const seconds = (Date.now() - state.heardMs) / 1000;
  const text = kind === "connecting"
    ? "Connecting…"
    : kind === "live"
    ? "Live"
    : problem !== null && !stale
    ? "The event log is away; reading again as soon as it answers"
    : `Stale: nothing heard for ${since(seconds)}, reconnecting…`;
  setText(byId("connection-text"), text);
  document.body.classList.toggle("stale", kind === "stale");
}
