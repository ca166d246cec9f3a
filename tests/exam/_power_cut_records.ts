/** The records of one call of the power cut's client: known by the call's number. */

const RECORDS_A_CALL = 12;

/** What a call appends: mostly bookings, some of them broken, and what becomes of a flight. */
export function recordsOf(call: number): { topic: string; key: string; value: string }[] {
  return Array.from({ length: RECORDS_A_CALL }, (_, at) => {
    const number = call * RECORDS_A_CALL + at;
    const flight_id = `BA${200 + number % 37}_2025-11-28`;
    const event_time = new Date(Date.UTC(2025, 10, 24) + number * 1000).toISOString();
    if (number % 41 === 0) return { topic: "bookings", key: flight_id, value: `broken ${number}` };
    const event = at === 0
      ? {
        event_type: "FlightDelayed",
        event_time,
        flight_id,
        delay_minutes: number % 90,
        estimated_departure_time: event_time,
      }
      : {
        event_type: "BookingCreated",
        event_time,
        booking_id: `exam-${number}`,
        flight_id,
        fare_bucket: "K",
        total_price: 100 + number % 50,
        passengers: [{ passenger_id: `P${number}` }, { passenger_id: `Q${number}` }],
      };
    return {
      topic: at === 0 ? "flight_lifecycle" : "bookings",
      key: flight_id,
      value: JSON.stringify(event),
    };
  });
}
