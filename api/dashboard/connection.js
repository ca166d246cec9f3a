// @ts-check
/** Asks the server once, then listens; begins anew when something was missed or the server was away. */

import { putDecisions, putFlight, putMinutes, state, touch } from "./store.js";

/** Without a word for so long the data counts as stale: the pipeline's state comes every two seconds. */
const STALE_MS = 8000;
const PAGE_FLIGHTS = 1000;
const RETRY_MS = 2000;
/** Minutes of viewers that are shown, and those that still change. */
const MINUTES = 120;
const MINUTES_CHANGING = 3;
/** Windows change one by one, many times a second: their minutes are asked for once in a while. */
const MINUTES_PAUSE_MS = 1000;

/** Flights that the stream told of since the load began: what it says is as new as what was asked for, or newer. */
const told = new Set();
let loading = false;
let loadAgain = false;

/** Asks for JSON; an error says what the server said. @param {string} path */
export async function ask(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  if (response.status === 401) {
    location.assign("/login");
    throw new Error("Please log in");
  }
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? body.title ?? `The server answered ${response.status}`);
  return body;
}

async function loadFlights() {
  const seen = new Set();
  let cursor = "";
  do {
    const page = await ask(
      `/flights?limit=${PAGE_FLIGHTS}${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    for (const flight of page.rows) {
      seen.add(flight.flight_id);
      if (!told.has(flight.flight_id)) putFlight(flight);
    }
    cursor = page.next_cursor ?? "";
  } while (cursor !== "");
  for (const flightId of state.flights.keys()) {
    if (!seen.has(flightId) && !told.has(flightId)) state.flights.delete(flightId);
  }
}

/** @param {number} minutes */
async function loadMinutes(minutes) {
  // Without the database the rest of the page works all the same.
  const { rows } = await ask(`/metrics/totals?minutes=${minutes}`).catch(() => ({ rows: [] }));
  putMinutes(rows);
}

let newestWindow = "";
let minutesDue = 0;
let loadingMinutes = false;

/** A window has changed. With the first one of a new minute those before are asked for again, too. @param {string} start */
async function windowChanged(start) {
  minutesDue = Math.max(minutesDue, start > newestWindow ? MINUTES : MINUTES_CHANGING);
  if (start > newestWindow) newestWindow = start;
  if (loadingMinutes) return;
  loadingMinutes = true;
  while (minutesDue > 0) {
    const minutes = minutesDue;
    minutesDue = 0;
    await loadMinutes(minutes);
    await new Promise((resolve) => setTimeout(resolve, MINUTES_PAUSE_MS));
  }
  loadingMinutes = false;
}

/** Each part of the page shows what it has as soon as it has it. */
async function load() {
  loadAgain = loading;
  if (loading) return;
  loading = true;
  told.clear();
  const decisionsBefore = new Set(state.decisions);
  void loadMinutes(MINUTES);
  try {
    await Promise.all([
      loadFlights().then(() => {
        state.loaded = true;
        touch("flights");
      }),
      ask("/decisions?limit=200").then(({ rows, total }) => {
        state.decisionsTotal = total;
        // Those of a log that was replaced are not among the rows.
        state.decisions = state.decisions.filter((decision) => !decisionsBefore.has(decision));
        putDecisions(rows);
      }),
      ask("/pipeline").then((pipeline) => {
        state.pipeline = pipeline;
        touch("pipeline");
      }),
    ]);
    state.error = undefined;
  } catch (error) {
    state.error = error instanceof Error ? error.message : String(error);
    setTimeout(load, RETRY_MS);
  } finally {
    loading = false;
  }
  if (loadAgain) void load();
  for (const subject of /** @type {const} */ (["flights", "decisions", "connection"])) touch(subject);
}

function heard() {
  state.heardMs = Date.now();
  if (state.connection !== "live") {
    state.connection = "live";
    touch("connection");
  }
}

/** Connects for as long as the page is open. */
export function connect() {
  // The stream first: what changes while the state is asked for is not missed, and taking it twice does no harm.
  const stream = new EventSource("/events");
  let opened = false;
  stream.addEventListener("open", () => {
    heard();
    if (!opened) void load();
    opened = true;
  });
  stream.addEventListener("error", () => {
    state.connection = "away";
    touch("connection");
    // The browser gives up where the server answers, but not with a stream.
    if (stream.readyState === EventSource.CLOSED) {
      stream.close();
      // Where it wants a login again, as after its restart, this leads there.
      ask("/pipeline").catch(() => {});
      setTimeout(connect, RETRY_MS);
    }
  });
  /** @param {string} kind @param {(data: any) => void} take */
  const onKind = (kind, take) =>
    stream.addEventListener(kind, (event) => {
      heard();
      take(JSON.parse(/** @type {MessageEvent} */ (event).data));
    });
  onKind("reset", () => void load());
  onKind("flight", (flight) => {
    told.add(flight.flight_id);
    putFlight(flight);
  });
  onKind("flight_gone", ({ flight_id }) => {
    told.add(flight_id);
    state.flights.delete(flight_id);
    touch("flights");
  });
  onKind("decision", (decision) => {
    state.decisionsTotal++;
    putDecisions([decision]);
  });
  onKind("window", ({ window_start }) => void windowChanged(window_start));
  onKind("pipeline", (pipeline) => {
    state.pipeline = pipeline;
    state.decisionsTotal = pipeline.decisions;
    touch("pipeline");
  });
}

/** Whether what the page shows may be out of date. */
export function isStale() {
  return state.connection !== "live" || Date.now() - state.heardMs > STALE_MS;
}
