/**
 * The tables that BI tools read, column by column: what they are created from, checked against and loaded by.
 *
 * Nothing may depend on them: Python's ETL drops and writes them anew. So there are no foreign keys, and the views
 * select from functions whose bodies are text.
 *
 * @module
 */

/** Types as Postgres prints them (`format_type`). */
export type ColumnType =
  | "text"
  | "integer"
  | "boolean"
  | "double precision"
  | "numeric(12,2)"
  | "numeric(5,2)"
  | "timestamp with time zone"
  | "jsonb";

export interface GoldColumn {
  name: string;
  type: ColumnType;
  /** Whether a row may lack it. */
  nullable: boolean;
}

export interface GoldTable {
  name: string;
  columns: readonly GoldColumn[];
  /** Columns of the primary key. */
  key: readonly string[];
  /** Further indexes; each costs time at every load, so there are few. */
  indexes: readonly (readonly string[])[];
}

const required = (name: string, type: ColumnType): GoldColumn => ({ name, type, nullable: false });
const optional = (name: string, type: ColumnType): GoldColumn => ({ name, type, nullable: true });

/** One row per flight: its schedule and what became of it. */
export const DIM_FLIGHT: GoldTable = {
  name: "dim_flight",
  columns: [
    required("flight_id", "text"),
    optional("airline_code", "text"),
    optional("origin_airport", "text"),
    optional("destination_airport", "text"),
    optional("scheduled_departure_time", "timestamp with time zone"),
    optional("scheduled_arrival_time", "timestamp with time zone"),
    optional("aircraft_type", "text"),
    optional("total_seats", "integer"),
    // scheduled, delayed, departed, arrived or cancelled
    optional("status", "text"),
    optional("actual_departure_time", "timestamp with time zone"),
    optional("actual_arrival_time", "timestamp with time zone"),
    optional("delay_minutes", "integer"),
    optional("cancelled", "boolean"),
  ],
  key: ["flight_id"],
  indexes: [],
};

/** One row per passenger; the sum of `passenger_price` is revenue, `total_price` stands on each row of a booking. */
export const FACT_BOOKING: GoldTable = {
  name: "fact_booking",
  columns: [
    required("booking_id", "text"),
    required("passenger_number", "integer"),
    required("booking_time", "timestamp with time zone"),
    required("flight_id", "text"),
    optional("fare_bucket", "text"),
    optional("seat_id", "text"),
    required("total_price", "numeric(12,2)"),
    required("passenger_price", "numeric(12,2)"),
    optional("currency", "text"),
    optional("passenger_id", "text"),
    optional("cabin_code", "text"),
    optional("channel", "text"),
  ],
  key: ["booking_id", "passenger_number"],
  indexes: [["flight_id", "booking_time"]],
};

/** One row per booking that was given back. Its rows in `fact_booking` stay. */
export const FACT_BOOKING_CANCELLATION: GoldTable = {
  name: "fact_booking_cancellation",
  columns: [
    required("booking_id", "text"),
    required("cancellation_time", "timestamp with time zone"),
    required("flight_id", "text"),
  ],
  key: ["booking_id"],
  indexes: [],
};

/** One row per evaluation of a flight. */
export const FACT_INVENTORY_METRICS: GoldTable = {
  name: "fact_inventory_metrics",
  columns: [
    required("event_id", "text"),
    required("metric_time", "timestamp with time zone"),
    required("flight_id", "text"),
    required("booked_seats", "integer"),
    required("total_seats", "integer"),
    required("load_factor", "double precision"),
    required("minutes_to_departure", "integer"),
    optional("days_to_departure", "double precision"),
    optional("booking_velocity_per_hour", "double precision"),
    optional("booking_velocity_6h_per_hour", "double precision"),
    optional("booking_velocity_24h_per_hour", "double precision"),
    // The final load factor that is expected, and between what it lies with a probability of 80 %.
    optional("forecast_load_factor", "double precision"),
    optional("forecast_load_factor_low", "double precision"),
    optional("forecast_load_factor_high", "double precision"),
    optional("intervention_expected_at", "timestamp with time zone"),
    optional("curve_version", "text"),
  ],
  key: ["event_id"],
  indexes: [["flight_id", "metric_time"]],
};

/** One row per promotion decided, with what it was decided on. */
export const FACT_PROMOTIONS: GoldTable = {
  name: "fact_promotions",
  columns: [
    required("event_id", "text"),
    required("promo_time", "timestamp with time zone"),
    required("flight_id", "text"),
    optional("decision_source", "text"),
    required("discount_percentage", "numeric(5,2)"),
    required("current_load_factor", "double precision"),
    required("minutes_to_departure", "integer"),
    optional("days_to_departure", "double precision"),
    optional("booking_velocity_per_hour", "double precision"),
    optional("booking_velocity_6h_per_hour", "double precision"),
    optional("booking_velocity_24h_per_hour", "double precision"),
    // The final load factor that is expected, and between what it lies with a probability of 80 %.
    optional("forecast_load_factor", "double precision"),
    optional("forecast_load_factor_low", "double precision"),
    optional("forecast_load_factor_high", "double precision"),
    optional("intervention_expected_at", "timestamp with time zone"),
    optional("curve_version", "text"),
    // The probability with which this was decided.
    optional("propensity", "double precision"),
    optional("target_fare_bucket", "text"),
    optional("policy", "text"),
    optional("reason", "text"),
    optional("inputs", "jsonb"),
    optional("thresholds", "jsonb"),
  ],
  key: ["event_id"],
  indexes: [["flight_id", "promo_time"]],
};

/** All of them, in the order in which they are loaded. */
export const GOLD_TABLES: readonly GoldTable[] = [
  DIM_FLIGHT,
  FACT_BOOKING,
  FACT_BOOKING_CANCELLATION,
  FACT_INVENTORY_METRICS,
  FACT_PROMOTIONS,
];

/** The statements that create a table and its indexes in `public`. */
export function createStatements(table: GoldTable): string[] {
  const columns = table.columns.map(({ name, type, nullable }) =>
    `  ${name} ${type}${nullable ? "" : " not null"}`
  );
  return [
    `create table public.${table.name} (\n${columns.join(",\n")},\n  primary key (${
      table.key.join(", ")
    })\n)`,
    ...table.indexes.map((index) =>
      `create index ${table.name}_${index.join("_")} on public.${table.name} (${index.join(", ")})`
    ),
  ];
}
