// @ts-check
/** Where a flight is, as the flight tracker tells it: beside its bookings, where the tracker runs. */

import { ask } from "./connection.js";
import { element } from "./dom.js";
import { localTime, positionOf, positions, utcTime, whole } from "./format.js";
import { routeMap } from "./route_map.js";

/**
 * @typedef {object} Tracked
 * @property {string} status
 * @property {string | null} origin
 * @property {string | null} destination
 * @property {string | null} scheduled_out
 * @property {string | null} actual_out
 * @property {string | null} scheduled_in
 * @property {string | null} actual_in
 * @property {number | null} latitude
 * @property {number | null} longitude
 * @property {number | null} altitude
 * @property {number | null} groundspeed
 */
/** @typedef {{ tracked: Tracked | null, is_this_departure: boolean, summary: { summary_text: string, generated_at: string } | null }} Tracking */

const REFRESH_MS = 10_000;

/**
 * Fills a section as long as its flight is shown; empty and hidden while there is nothing to tell.
 * @param {HTMLElement} section @param {string} flightId @param {() => boolean} isShown
 */
export async function showTracking(section, flightId, isShown) {
  let before = "";
  while (isShown()) {
    /** @type {Tracking} */
    let tracking = { tracked: null, is_this_departure: false, summary: null };
    try {
      const { as_of: _, age_ms: __, ...told } = await ask(
        `/flights/${encodeURIComponent(flightId)}/tracking`,
      );
      tracking = told;
    } catch {
      // The page says by itself that the server is away.
    }
    if (!isShown()) return;
    const text = JSON.stringify(tracking);
    if (text !== before) show(section, tracking);
    before = text;
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

/** @param {HTMLElement} section @param {Tracking} tracking */
function show(section, { tracked, is_this_departure, summary }) {
  section.hidden = tracked === null;
  if (tracked === null) {
    section.replaceChildren();
    return;
  }
  const title = element("h3", { text: "Tracker" });
  if (!is_this_departure) {
    const when = tracked.scheduled_out === null ? "" : ` of ${utcTime(tracked.scheduled_out)}`;
    section.replaceChildren(
      title,
      element("p", { class: "muted", text: `Not yet: it follows the departure${when}, ${tracked.status}.` }),
    );
    return;
  }
  const rows = [["Status", tracked.status], ...timesOf(tracked), ...positionRows(tracked)];
  const facts = element(
    "dl",
    { class: "facts" },
    rows.flatMap(([name, value, hint]) => [
      element("dt", { text: name ?? "" }),
      element("dd", { text: value ?? "", title: hint }),
    ]),
  );
  section.replaceChildren(title, ...summaryOf(summary), facts, ...mapOf(tracked));
}

/** @param {Tracking["summary"]} summary */
function summaryOf(summary) {
  if (summary === null) return [];
  return [
    element("p", {
      class: "summary",
      text: summary.summary_text,
      title: `Written ${utcTime(summary.generated_at)}`,
    }),
  ];
}

/** @param {Tracked} tracked */
function timesOf(tracked) {
  const row = (
    /** @type {string} */ name,
    /** @type {string | null} */ instant,
    /** @type {string | null} */ airport,
  ) => instant === null ? [] : [[name, localTime(instant, airport ?? ""), utcTime(instant)]];
  return [
    ...row("Left", tracked.actual_out, tracked.origin),
    ...row("Arrived", tracked.actual_in, tracked.destination),
  ];
}

/** @param {Tracked} tracked */
function positionRows({ latitude, longitude, altitude, groundspeed }) {
  if (latitude === null || longitude === null) return [];
  const height = altitude === null ? [] : [altitude === 0 ? "on the ground" : `${whole(altitude * 100)} ft`];
  const speed = groundspeed === null ? [] : [`${whole(groundspeed)} kt`];
  return [[
    "Position",
    [degrees(latitude, "N", "S"), degrees(longitude, "E", "W"), ...height, ...speed].join(", "),
  ]];
}

/** @param {number} value @param {string} positive @param {string} negative */
function degrees(value, positive, negative) {
  return `${Math.abs(value).toFixed(2)}° ${value < 0 ? negative : positive}`;
}

/** @param {Tracked} tracked */
function mapOf({ origin, destination, latitude, longitude, status }) {
  const from = positionOf(origin ?? "");
  const to = positionOf(destination ?? "");
  if (from === undefined || to === undefined) return [];
  const at = latitude === null || longitude === null ? null : { latitude, longitude };
  const where = at === null
    ? status
    : `now at ${degrees(at.latitude, "N", "S")}, ${degrees(at.longitude, "E", "W")}`;
  return [routeMap({
    from,
    to,
    at,
    fromName: origin ?? "",
    toName: destination ?? "",
    landmarks: positions(),
    label: `Map of the way from ${origin} to ${destination}: ${where}`,
  })];
}
