/** Texts of foreign records as a terminal may show them. */

// deno-lint-ignore no-control-regex -- these are what it is about
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** A text without control characters, which could move the cursor or recolour the terminal: they show as `\x1b`. */
export function shownText(text: string): string {
  return text.replaceAll(
    CONTROL,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** The same on one line of at most `lengthMax` characters. */
export function shownLine(text: string, lengthMax: number): string {
  const line = shownText(text).replaceAll(/\s+/g, " ").trim();
  return line.length > lengthMax ? `${line.slice(0, Math.max(1, lengthMax) - 1)}…` : line;
}

/** A time as a person reads it, UTC, whole seconds. */
export function shownTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}
