/**
 * How far forecasts were off, by days before departure, on flights that the curve was not made of, beside two that need
 * no model: "the final load is the average one" and "nothing more is sold".
 *
 * @module
 */

import { curveAt } from "./booking_curve.ts";
import type { BookingCurve } from "./booking_curve.ts";
import { loadsAt } from "./build_curve.ts";
import type { FlightHistory } from "./build_curve.ts";
import { forecastLoad } from "./pickup_forecast.ts";

/** Ways to forecast that are compared. */
export const FORECAST_METHODS = ["additive", "multiplicative", "final_is_average", "no_change"] as const;
export type ForecastMethod = typeof FORECAST_METHODS[number];

/** Errors of one method at one reading day, in shares of the seats. */
export interface ForecastError {
  method: ForecastMethod;
  daysBefore: number;
  /** Flights that were forecast. */
  flights: number;
  /** Mean of |forecast − final| / final, over flights of which anything was sold. */
  mape: number | null;
  /** Mean of forecast − final. */
  bias: number | null;
  /** Share of flights whose final load lay in the 80 % interval; null where the method gives none. */
  coverage: number | null;
}

/** Measures all methods on `heldOut` at each of `days`. `curveOf` answers with the curve for a flight. */
export function forecastErrors(
  heldOut: readonly FlightHistory[],
  curveOf: (history: FlightHistory) => BookingCurve | undefined,
  days: readonly number[],
): ForecastError[] {
  const read = heldOut.map((history) => ({
    history,
    curve: curveOf(history),
    loads: loadsAt(history, days).map((seats) => seats / history.totalSeats),
    final: history.sales.reduce((sum, { seats }) => sum + seats, 0) / history.totalSeats,
  }));
  return days.flatMap((daysBefore, at) =>
    FORECAST_METHODS.map((method): ForecastError => {
      let [flights, error, shares, sold, intervals, inside] = [0, 0, 0, 0, 0, 0];
      for (const { history, curve, loads, final } of read) {
        if (history.knownFromDays < daysBefore || curve === undefined) continue;
        const forecast = forecastBy(method, curve, loads[at]!, daysBefore);
        if (forecast === undefined) continue;
        flights++;
        error += forecast.final - final;
        if (final > 0) {
          sold++;
          shares += Math.abs(forecast.final - final) / final;
        }
        if (forecast.low === undefined) continue;
        intervals++;
        // An interval ends at what can be: a final load of exactly that is inside.
        if (final >= forecast.low - 1e-9 && final <= forecast.high! + 1e-9) inside++;
      }
      return {
        method,
        daysBefore,
        flights,
        mape: sold === 0 ? null : shares / sold,
        bias: flights === 0 ? null : error / flights,
        coverage: intervals === 0 ? null : inside / intervals,
      };
    })
  );
}

function forecastBy(
  method: ForecastMethod,
  curve: BookingCurve,
  load: number,
  daysBefore: number,
): { final: number; low?: number; high?: number } | undefined {
  if (method === "no_change") return { final: load };
  if (method === "final_is_average") {
    const departure = curveAt(curve, 0);
    return departure === undefined ? undefined : { final: departure.meanLoad };
  }
  return forecastLoad(curve, load, daysBefore, method);
}
