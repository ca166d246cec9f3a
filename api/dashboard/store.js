// @ts-check
/** What the page knows: asked once, then kept up to date by the live stream. */

/**
 * @typedef {object} Flight
 * @property {string} flight_id
 * @property {string} airline_code
 * @property {string} origin_airport
 * @property {string} destination_airport
 * @property {string} scheduled_departure_time
 * @property {string | null} scheduled_arrival_time
 * @property {string | null} aircraft_type
 * @property {"scheduled" | "departed" | "arrived" | "cancelled"} phase
 * @property {number} delay_minutes
 * @property {number} total_seats
 * @property {number} booked_seats
 * @property {number} load_factor
 * @property {number | null} usual_load_factor
 * @property {{ load_factor: number, load_factor_low: number, load_factor_high: number } | null} forecast
 * @property {number} minutes_to_departure
 * @property {number | null} booking_velocity_per_hour
 * @property {string | null} metric_time
 * @property {{ fare_bucket: string, price: number, currency: string | null } | null} lowest_fare
 * @property {{ discount_percentage: number, promo_time: string, reason: string | null } | null} promotion
 * @property {number | null} active_viewers
 *
 * @typedef {object} Decision
 * @property {string | null} event_id
 * @property {string} event_time
 * @property {string} flight_id
 * @property {string | null} airline_code
 * @property {string | null} origin_airport
 * @property {string | null} destination_airport
 * @property {string} decision_source
 * @property {string | null} policy
 * @property {number} current_load_factor
 * @property {number} minutes_to_departure
 * @property {number} discount_percentage
 * @property {string} target_fare_bucket
 * @property {string | null} reason
 *
 * @typedef {object} MinuteTotal
 * @property {string} window_start
 * @property {number} streams
 * @property {number} active_viewers
 * @property {boolean} complete
 *
 * @typedef {object} CurvePoint
 * @property {string} metric_time
 * @property {number} minutes_to_departure
 * @property {number} booked_seats
 * @property {number} load_factor
 * @property {number} booking_velocity_per_hour
 * @property {number | null} usual_load_factor
 *
 * @typedef {object} ProcessHealth
 * @property {string} name
 * @property {"ready" | "not_ready" | "away"} status
 * @property {string | null} detail
 * @property {number | null} lag_records
 * @property {number | null} resident_memory_bytes
 *
 * @typedef {object} Pipeline
 * @property {ProcessHealth[]} processes
 * @property {{ topic: string, records: number, appended_per_second: number }[]} topics
 * @property {{ finished_at: string, duration_seconds: number | null } | null} last_etl
 * @property {{ total: number, by_reason: { reason: string, count: number }[] }} dead_letters
 * @property {number} flights
 * @property {number} decisions
 * @property {string | null} event_clock
 * @property {{ caught_up: boolean, problem: string | null }} log
 * @property {number} age_ms
 *
 * @typedef {"flights" | "decisions" | "minutes" | "pipeline" | "connection"} Subject
 */

/** The state of the page. */
export const state = {
  /** @type {Map<string, Flight>} */
  flights: new Map(),
  /** Newest first. @type {Decision[]} */
  decisions: [],
  decisionsTotal: 0,
  /** All streams together, by the minute's start. @type {Map<string, MinuteTotal>} */
  minutes: new Map(),
  /** @type {Pipeline | undefined} */
  pipeline: undefined,
  /** @type {"connecting" | "live" | "away"} */
  connection: "connecting",
  /** When the server was last heard, milliseconds since 1970. */
  heardMs: 0,
  /** Whether the board has been loaded once. */
  loaded: false,
  /** Why it could not be. @type {string | undefined} */
  error: undefined,
  /** Flights that changed since they were drawn. @type {Set<string>} */
  changed: new Set(),
};

/** @type {Map<Subject, (() => void)[]>} */
const listeners = new Map();
/** @type {Set<Subject>} */
const dirty = new Set();
let scheduled = false;

/** Calls `listener` after changes of a subject, at most once a frame. @param {Subject} subject @param {() => void} listener */
export function on(subject, listener) {
  listeners.set(subject, [...listeners.get(subject) ?? [], listener]);
}

/** Something changed. @param {Subject} subject */
export function touch(subject) {
  dirty.add(subject);
  if (scheduled) return;
  scheduled = true;
  // A page in the background gets no frames; it is drawn when it is looked at.
  requestAnimationFrame(() => {
    scheduled = false;
    const subjects = [...dirty];
    dirty.clear();
    for (const subject of subjects) for (const listener of listeners.get(subject) ?? []) listener();
  });
}

/**
 * Minutes until a flight leaves, its delay counted, at the newest event time; the flight's own figure is as old as the
 * last event about it.
 * @param {Flight} flight
 */
export function minutesToDeparture(flight) {
  const clock = state.pipeline?.event_clock ?? null;
  if (clock === null) return flight.minutes_to_departure;
  const leavesMs = Date.parse(flight.scheduled_departure_time) + flight.delay_minutes * 60_000;
  return Math.max(0, Math.floor((leavesMs - Date.parse(clock)) / 60_000));
}

const DECISIONS_KEPT = 200;
const MINUTES_KEPT = 180;

/** @param {Flight} flight */
export function putFlight(flight) {
  state.flights.set(flight.flight_id, flight);
  state.changed.add(flight.flight_id);
  touch("flights");
}

/** @param {Decision[]} decisions newest first */
export function putDecisions(decisions) {
  const known = new Set(state.decisions.map(keyOf));
  const fresh = decisions.filter((decision) => !known.has(keyOf(decision)));
  if (fresh.length === 0) return;
  state.decisions = [...fresh, ...state.decisions]
    .sort((a, b) => a.event_time < b.event_time ? 1 : a.event_time > b.event_time ? -1 : 0)
    .slice(0, DECISIONS_KEPT);
  touch("decisions");
}

/** @param {Decision} decision */
function keyOf(decision) {
  return decision.event_id ?? `${decision.flight_id} ${decision.event_time}`;
}

/** @param {MinuteTotal[]} minutes */
export function putMinutes(minutes) {
  for (const minute of minutes) state.minutes.set(minute.window_start, minute);
  const starts = [...state.minutes.keys()].sort();
  for (const start of starts.slice(0, -MINUTES_KEPT)) state.minutes.delete(start);
  touch("minutes");
}
