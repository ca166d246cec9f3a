/** A lake writer that merges its files as soon as they are finished: in earnest it waits until their hour is over. */

import type { SourceMutation } from "./_project_copy.ts";

/** The changes of a copy: files are named as of an hour that is over, and looked at often. */
export const MERGE_AT_ONCE: readonly SourceMutation[] = [
  {
    file: "lake/lake_session.ts",
    from: "hour: hourOf(timestampMs),",
    to: "hour: hourOf(timestampMs - 2 * HOUR_MS),",
  },
  {
    file: "lake/file_merger.ts",
    from: "const CHECK_INTERVAL_MS = 60_000;",
    to: "const CHECK_INTERVAL_MS = 300;",
  },
];

/** Options of the lake writer for it. */
export const MERGING_ARGUMENTS = ["--merge-after", "0s", "--merge-below", "60000"];
