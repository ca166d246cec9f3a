// @ts-check
/** Asks the server once, then listens; begins anew when something was missed or the server was away. */

import { putDecisions, putFlight, putWindows, state, touch } from "./store.js";

/** Without a word for so long the data counts as stale: the pipeline's state comes every two seconds. */
const STALE_MS = 8000;
const PAGE_FLIGHTS = 1000;
const RETRY_MS = 2000;

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
      putFlight(flight);
    }
    cursor = page.next_cursor ?? "";
  } while (cursor !== "");
  for (const flightId of state.flights.keys()) if (!seen.has(flightId)) state.flights.delete(flightId);
}

async function loadWindows() {
  // Without the database the rest of the page works all the same.
  const { rows } = await ask("/metrics/history?minutes=120").catch(() => ({ rows: [] }));
  putWindows(rows);
}

/** Each part of the page shows what it has as soon as it has it. */
async function load() {
  void loadWindows();
  try {
    await Promise.all([
      loadFlights().then(() => {
        state.loaded = true;
        touch("flights");
      }),
      ask("/decisions?limit=200").then(({ rows, total }) => {
        state.decisionsTotal = total;
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
  }
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
  onKind("flight", putFlight);
  onKind("flight_gone", ({ flight_id }) => {
    state.flights.delete(flight_id);
    touch("flights");
  });
  onKind("decision", (decision) => {
    state.decisionsTotal++;
    putDecisions([decision]);
  });
  onKind("window", (window) => putWindows([window]));
  onKind("pipeline", (pipeline) => {
    state.pipeline = pipeline;
    state.decisionsTotal = Math.max(state.decisionsTotal, pipeline.decisions);
    touch("pipeline");
  });
}

/** Whether what the page shows may be out of date. */
export function isStale() {
  return state.connection !== "live" || Date.now() - state.heardMs > STALE_MS;
}
