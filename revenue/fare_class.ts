/** A fare and the demand for it, as the methods of this folder take them: the highest fare first. */

/** Seats that are asked for at a fare. */
export interface FareClass {
  fare: number;
  /** Seats expected to be asked for. */
  mean: number;
  standardDeviation: number;
}

/**
 * Checks that classes stand in the order of their fares.
 *
 * @throws {RangeError} when they do not, or a figure cannot be.
 */
export function checkClasses(classes: readonly FareClass[]): void {
  for (const [index, { fare, mean, standardDeviation }] of classes.entries()) {
    if (!(fare > 0 && mean >= 0 && standardDeviation >= 0)) {
      throw new RangeError(
        `Fare class ${
          index + 1
        } has fare ${fare}, mean ${mean}, standard deviation ${standardDeviation}: expected a fare above 0, the others 0 or more`,
      );
    }
    const higher = classes[index - 1];
    if (higher !== undefined && higher.fare < fare) {
      throw new RangeError(
        `Fare class ${
          index + 1
        } costs ${fare}, more than the one before (${higher.fare}): the highest comes first`,
      );
    }
  }
}
