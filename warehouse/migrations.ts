/** The warehouse's migrations, in the order in which they are applied. One that was published never changes. */

import etlState from "./migrations/0001_etl_state.sql" with { type: "text" };
import chartViews from "./migrations/0002_chart_views.sql" with { type: "text" };
import bookingCurves from "./migrations/0003_booking_curves.sql" with { type: "text" };

/** A step from one version of the schema to the next. */
export interface Migration {
  /** 1 and up, without a gap. */
  version: number;
  name: string;
  /** SQL that runs in one transaction. */
  statements: string;
}

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: "etl_state", statements: etlState },
  { version: 2, name: "chart_views", statements: chartViews },
  { version: 3, name: "booking_curves", statements: bookingCurves },
];
