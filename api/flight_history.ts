/** What the warehouse has stored of one flight. */

import type { Database } from "../warehouse/asked_database.ts";

/** A stored metrics event. */
export interface HistoryRow {
  metric_time: string;
  minutes_to_departure: number;
  booked_seats: number;
  load_factor: number;
  booking_velocity_per_hour: number;
}

/** Questions to the warehouse about a flight. */
export class FlightHistory {
  readonly #warehouse: Database;

  constructor(warehouse: Database) {
    this.#warehouse = warehouse;
  }

  /** The newest `limit` rows, oldest first, and when the ETL last ran; undefined where the flight is unknown. */
  async of(
    flightId: string,
    limit: number,
  ): Promise<{ rows: HistoryRow[]; loadedAtMs: number | undefined } | undefined> {
    const [[known], rows, [run]] = await this.#warehouse.ask((sql) =>
      Promise.all([
        sql`select 1 from public.dim_flight where flight_id = ${flightId} limit 1`,
        sql`
        select metric_time::timestamptz as metric_time, minutes_to_departure::integer as minutes_to_departure,
          booked_seats::integer as booked_seats, load_factor::double precision as load_factor,
          coalesce(booking_velocity_per_hour, 0)::double precision as booking_velocity_per_hour
        from public.fact_inventory_metrics where flight_id = ${flightId}
        order by metric_time desc limit ${limit}`,
        sql`select max(finished_at) as finished_at from public.etl_run`,
      ])
    );
    if (known === undefined) return undefined;
    const finished = run?.finished_at as Date | null | undefined;
    return {
      rows: rows.map((row) => ({
        metric_time: (row.metric_time as Date).toISOString(),
        minutes_to_departure: row.minutes_to_departure as number,
        booked_seats: row.booked_seats as number,
        load_factor: row.load_factor as number,
        booking_velocity_per_hour: row.booking_velocity_per_hour as number,
      })).reverse(),
      loadedAtMs: finished?.getTime(),
    };
  }
}
