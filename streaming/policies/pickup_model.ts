/**
 * A small learned model of what a flight will still take up: linear in a few features, each of which stands in
 * `fact_inventory_metrics`. Where it was trained, and how well it does, is told in `policy_lab/README.md`.
 *
 * @module
 */

/** What the model looks at; shares are of the seats. */
export interface PickupFeatures {
  loadFactor: number;
  forecastLoadFactor: number;
  daysToDeparture: number;
  bookingVelocity24hPerHour: number;
  totalSeats: number;
}

/** A trained model, as its file holds it. */
export interface PickupModel {
  /** Raised when the weights change. */
  version: number;
  /** What it was trained on, in words. */
  trained_on: string;
  /** One for each of {@link PICKUP_TERMS}. */
  weights: readonly number[];
}

/** The terms by name, in the order of the weights. All are 0 at the departure, when nothing is taken up any more. */
export const PICKUP_TERMS: readonly string[] = [
  "pickup",
  "pickup²",
  "load·pickup",
  "load²·pickup",
  "days·pickup",
  "pace·days",
  "pace·days²",
  "load·days",
  "load·days²",
  "load²·days",
];

/** The terms of a reading. `pickup` is the additive forecast's; `pace` the bookings of a day, as a share of the seats. */
export function pickupTerms(features: PickupFeatures): number[] {
  const { loadFactor: load, forecastLoadFactor, daysToDeparture, bookingVelocity24hPerHour, totalSeats } =
    features;
  const pickup = forecastLoadFactor - load;
  const pace = bookingVelocity24hPerHour * 24 / totalSeats;
  const days = daysToDeparture / 14;
  return [
    pickup,
    pickup * pickup,
    load * pickup,
    load * load * pickup,
    days * pickup,
    pace * days,
    pace * days * days,
    load * days,
    load * days * days,
    load * load * days,
  ];
}

/** The share of the seats that will still be taken up, less what is given back; what fits. */
export function expectedPickup(model: PickupModel, features: PickupFeatures): number {
  const terms = pickupTerms(features);
  let pickup = 0;
  for (let at = 0; at < terms.length; at++) pickup += model.weights[at]! * terms[at]!;
  return Math.min(1 - features.loadFactor, Math.max(-features.loadFactor, pickup));
}

/**
 * Checks a model's file.
 *
 * @throws {TypeError} naming the field that is wrong.
 */
export function checkPickupModel(value: unknown): PickupModel {
  const model = value as Partial<PickupModel> | null;
  const wrong = (field: string, is: unknown, expected: string): never => {
    throw new TypeError(`The pickup model's field "${field}" is ${JSON.stringify(is)}, expected ${expected}`);
  };
  if (typeof model !== "object" || model === null || Array.isArray(model)) {
    throw new TypeError(`The pickup model is ${JSON.stringify(value)?.slice(0, 80)}, expected an object`);
  }
  const known = ["version", "trained_on", "weights"];
  for (const field of Object.keys(model)) {
    if (!known.includes(field)) wrong(field, "there", `none but ${known.join(", ")}`);
  }
  const { version, trained_on, weights } = model;
  if (!Number.isInteger(version) || version! < 1) wrong("version", version, "a whole number from 1 on");
  if (typeof trained_on !== "string") wrong("trained_on", trained_on, "a text");
  if (
    !Array.isArray(weights) || weights.length !== PICKUP_TERMS.length ||
    !weights.every((weight) => Number.isFinite(weight))
  ) wrong("weights", weights, `${PICKUP_TERMS.length} numbers, for ${PICKUP_TERMS.join(", ")}`);
  return model as PickupModel;
}
