// @ts-check
/** Numbers and times as people read them. */

const WHOLE = new Intl.NumberFormat("en");
const PERCENT = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 });
const ONE_DECIMAL = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });

/** @param {number} value */
export const whole = (value) => WHOLE.format(value);
/** @param {number} share 0 to 1 */
export const percent = (share) => PERCENT.format(share);
/** @param {number} value */
export const oneDecimal = (value) => ONE_DECIMAL.format(value);

/** Whole minutes as `3 d 4 h`, `5 h 10 min` or `42 min`. @param {number} minutes */
export function untilDeparture(minutes) {
  if (minutes >= 24 * 60) return `${Math.floor(minutes / 1440)} d ${Math.floor(minutes % 1440 / 60)} h`;
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${minutes} min`;
}

/** Seconds as `12 s`, `3 min` or `2 h`. @param {number} seconds */
export function since(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/** @param {number} bytes */
export function mebibytes(bytes) {
  return `${whole(Math.round(bytes / 1024 / 1024))} MiB`;
}

/** @type {Map<string, string>} */
const zones = new Map();
/** @type {Map<string, Intl.DateTimeFormat>} */
const formatters = new Map();

/** @type {Map<string, { latitude: number, longitude: number }>} */
const places = new Map();

/**
 * Takes the airports' time zones and positions.
 * @param {{ airport: string, time_zone: string, latitude: number | null, longitude: number | null }[]} airports
 */
export function setAirports(airports) {
  for (const { airport, time_zone, latitude, longitude } of airports) {
    zones.set(airport, time_zone);
    if (latitude !== null && longitude !== null) places.set(airport, { latitude, longitude });
  }
}

/** Where an airport is, if that is known. @param {string} airport */
export function positionOf(airport) {
  return places.get(airport);
}

/** Where all airports are. */
export function positions() {
  return places.values();
}

/** @param {string} zone */
function formatterOf(zone) {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      day: "2-digit",
      month: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    formatters.set(zone, formatter);
  }
  return formatter;
}

/** A time in the airport's own zone, UTC where it is unknown. @param {string} instant @param {string} airport */
export function localTime(instant, airport) {
  return formatterOf(zones.get(airport) ?? "UTC").format(new Date(instant)).replace(",", "");
}

/** A time in UTC, for hover. @param {string} instant */
export function utcTime(instant) {
  return `${new Date(instant).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
