// @ts-check
/** What the board says of a flight, column by column, and in a sentence. */

import { localTime, oneDecimal, percent, untilDeparture, utcTime, whole } from "./format.js";
import { minutesToDeparture } from "./store.js";

/** @typedef {import("./store.js").Flight} Flight */

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {boolean} [number]
 * @property {boolean} [wide] left out on a phone
 * @property {(flight: Flight) => number | string | null} sort
 * @property {(flight: Flight) => string} text
 * @property {(flight: Flight) => string | undefined} [hint]
 */

/** How far a flight is ahead of the usual, as a share of its seats. @param {Flight} flight */
const against = (flight) =>
  flight.usual_load_factor === null ? null : flight.load_factor - flight.usual_load_factor;

/** @param {Flight} flight */
function phaseText(flight) {
  if (flight.phase === "scheduled") return untilDeparture(minutesToDeparture(flight));
  if (flight.phase === "cancelled") return "Cancelled";
  const late = flight.delay_minutes >= 15 ? `, ${flight.delay_minutes} min late` : "";
  return (flight.phase === "departed" ? "Departed" : "Arrived") + late;
}

/** From left to right. @type {Column[]} */
export const COLUMNS = [
  {
    key: "flight",
    title: "Flight",
    sort: (flight) => flight.flight_id,
    text: (flight) => flight.flight_id.split("_")[0] ?? flight.flight_id,
    hint: (flight) => flight.flight_id,
  },
  {
    key: "route",
    title: "Route",
    sort: (flight) => `${flight.origin_airport} ${flight.destination_airport}`,
    text: (flight) => `${flight.origin_airport} → ${flight.destination_airport}`,
  },
  {
    key: "departure",
    title: "Departure",
    sort: (flight) => flight.scheduled_departure_time,
    text: (flight) => localTime(flight.scheduled_departure_time, flight.origin_airport),
    hint: (flight) =>
      `${utcTime(flight.scheduled_departure_time)}; shown in the time of ${flight.origin_airport}`,
  },
  {
    key: "in",
    title: "Departs in",
    number: true,
    wide: true,
    sort: (flight) => flight.phase === "scheduled" ? minutesToDeparture(flight) : null,
    text: phaseText,
  },
  {
    key: "load",
    title: "Load factor",
    number: true,
    sort: (flight) => flight.load_factor,
    text: (flight) => percent(flight.load_factor),
    hint: (flight) => `${flight.booked_seats} of ${flight.total_seats} seats booked`,
  },
  {
    key: "usual",
    title: "Against usual",
    number: true,
    sort: against,
    text: (flight) => {
      const difference = against(flight);
      if (difference === null) return "–";
      const points = Math.round(difference * 100);
      return `${points > 0 ? "+" : points < 0 ? "−" : "±"}${Math.abs(points)} pt`;
    },
    hint: (flight) =>
      flight.usual_load_factor === null
        ? "Too few flights so far to say what is usual"
        : `All flights so long before departure: ${percent(flight.usual_load_factor)} on average`,
  },
  {
    key: "velocity",
    title: "Bookings/h",
    number: true,
    wide: true,
    sort: (flight) => flight.booking_velocity_per_hour,
    text: (flight) =>
      flight.booking_velocity_per_hour === null ? "–" : oneDecimal(flight.booking_velocity_per_hour),
  },
  {
    key: "viewers",
    title: "Viewers",
    number: true,
    wide: true,
    sort: (flight) => flight.active_viewers,
    text: (flight) => flight.active_viewers === null ? "–" : whole(flight.active_viewers),
  },
  {
    key: "promotion",
    title: "Promotion",
    number: true,
    sort: (flight) => flight.promotion?.promo_time ?? null,
    text: (flight) => flight.promotion === null ? "" : `−${flight.promotion.discount_percentage} %`,
    hint: (flight) => flight.promotion?.reason ?? undefined,
  },
];

const BEHIND_BY = 0.1;

/** Whether a flight on sale is well behind the usual. @param {Flight} flight */
export function isBehind(flight) {
  const difference = against(flight);
  return flight.phase === "scheduled" && difference !== null && difference < -BEHIND_BY;
}

/** A flight in a sentence, for who listens to the page. @param {Flight} flight */
export function describe(flight) {
  const promotion = flight.promotion === null
    ? ""
    : `, promotion of ${flight.promotion.discount_percentage} percent`;
  return `${flight.flight_id}, ${flight.origin_airport} to ${flight.destination_airport}, ${
    phaseText(flight)
  }, ` +
    `load factor ${percent(flight.load_factor)}${promotion}`;
}
