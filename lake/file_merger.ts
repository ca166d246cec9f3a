/** Keeps the lake's small files few: looks now and then which can be merged, and hands out one merge at a time. */

import { onStorage, StorageError } from "./durable_files.ts";
import type { LakeMetrics } from "./lake_metrics.ts";
import { repairManifest } from "./manifest.ts";
import { DamagedPartError, finishMerges, mergeFiles } from "./merge_files.ts";
import { planMerges } from "./merge_plan.ts";
import type { MergeGroup, MergeLimits } from "./merge_plan.ts";
import { covers, listRawFiles } from "./raw_files.ts";
import type { RawListing } from "./raw_files.ts";

export interface FileMergerOptions {
  rawFolder: string;
  topics: readonly string[];
  /** The whole id of the present log. */
  logId: string;
  limits: MergeLimits;
  metrics: LakeMetrics;
  warn?: (message: string) => void;
  /** A clock that only runs forward, in milliseconds. */
  now: () => number;
  /** Milliseconds since 1970. */
  today?: () => number;
}

/** An hour ends rarely: looking once a minute is soon enough. */
const CHECK_INTERVAL_MS = 60_000;
/** After the disk failed, merging is not tried before this time has passed. */
const RETRY_PAUSE_MS = 10 * 60_000;

/**
 * Its jobs must run strictly one after another with those that finish files, because both write the manifest.
 * A merge that fails is told and tried again later; it never stops the writing.
 */
export class FileMerger {
  readonly #options: FileMergerOptions;
  readonly #today: () => number;
  #dueMs = -Infinity;
  #waiting: MergeGroup[] = [];
  #working = false;
  /** Files that are damaged; told once. */
  readonly #damaged = new Set<string>();
  /** By topic: covered files that are no merge's and were left there, as they were then. */
  readonly #leftThere = new Map<string, string>();

  constructor(options: FileMergerOptions) {
    this.#options = options;
    this.#today = options.today ?? Date.now;
  }

  /** The next merge to be done, or `undefined` while there is nothing to do or one is still at work. */
  next(): (() => Promise<void>) | undefined {
    if (this.#working) return undefined;
    const group = this.#waiting.shift();
    const isDue = this.#options.now() >= this.#dueMs;
    if (group === undefined && !isDue) return undefined;
    this.#working = true;
    return () => this.#guarded(() => group === undefined ? this.#look() : this.#merge(group));
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    const { now, warn } = this.#options;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#waiting = [];
      this.#dueMs = now() + RETRY_PAUSE_MS;
      warn?.(
        `${error.message}. The files stay as they are for ${RETRY_PAUSE_MS / 60_000} min; nothing is lost`,
      );
    } finally {
      this.#working = false;
    }
  }

  /** Lists the folders and plans merges. */
  async #look(): Promise<void> {
    const { rawFolder, topics, logId, limits, metrics, now, warn } = this.#options;
    this.#dueMs = now() + CHECK_INTERVAL_MS;
    for (const topic of topics) {
      await onStorage("look for small files in", `${rawFolder}/${topic}`, async () => {
        let listing = await listRawFiles(rawFolder, topic);
        if (listing.covered.length > 0 && coveredState(listing) !== this.#leftThere.get(topic)) {
          // A part could not be removed, as where another program holds it open on Windows.
          for (const warning of (await finishMerges(rawFolder, topic)).warnings) {
            if (!this.#damaged.has(warning)) warn?.(warning);
            this.#damaged.add(warning);
          }
          await repairManifest(rawFolder, topic, logId);
          listing = await listRawFiles(rawFolder, topic);
          this.#leftThere.set(topic, coveredState(listing));
        }
        metrics.files.set({ topic }, listing.sealed.length);
        const files = listing.sealed.filter(({ name }) =>
          !listing.links.includes(name) && !this.#damaged.has(name)
        );
        this.#waiting.push(
          ...planMerges(files, ({ path }) => Deno.statSync(path).size, limits, this.#today()),
        );
      });
    }
    // What a merge makes may have neighbours to be merged with at once.
    if (this.#waiting.length > 0) this.#dueMs = -Infinity;
  }

  async #merge(group: MergeGroup): Promise<void> {
    const { rawFolder, metrics, warn } = this.#options;
    const { topic } = group[0]!;
    try {
      await mergeFiles(`${rawFolder}/${topic}`, group);
    } catch (error) {
      if (!(error instanceof DamagedPartError)) throw error;
      for (const { name } of group) this.#damaged.add(name);
      warn?.(`${error.message}. It and its neighbours are not merged`);
      return;
    }
    metrics.merges.inc({ topic });
    metrics.filesMerged.inc({ topic }, group.length);
    metrics.files.dec({ topic }, group.length - 1);
  }
}

/** Covered files and those that cover them, as far as a look at the folder tells: while it is the same, so are they. */
function coveredState({ sealed, covered }: RawListing): string {
  const files = [...covered, ...sealed.filter((wide) => covered.some((file) => covers(wide, file)))];
  return files.map(({ path, name }) => {
    const { size, mtime } = Deno.statSync(path);
    return `${name} ${size} ${mtime?.getTime()}`;
  }).join("\n");
}
