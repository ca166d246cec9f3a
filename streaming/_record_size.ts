/** What fits into one record of the log, whichever engine it is. */

/** Both engines take about 1 MiB; what is left is for key, headers and the batch around them. */
export const VALUE_BYTES_MAX = 900_000;

const encoder = new TextEncoder();

/** Whether a text is too large for the value of a record that we write. */
export function isTooLarge(text: string): boolean {
  // A UTF-16 unit is at most three bytes: most texts need no closer look.
  return text.length * 3 > VALUE_BYTES_MAX && encoder.encode(text).length > VALUE_BYTES_MAX;
}
