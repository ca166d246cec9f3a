/** The minutes of one stream: how many viewers were there in each, what was counted, and what of that is stored. */

import { MINUTE_MS } from "./_viewer_table.ts";

/** A window as it is to be stored; minutes are minutes since 1970. */
export interface WindowRow {
  streamId: string;
  minute: number;
  activeViewers: number;
  chatMessages: number;
  donatedCents: number;
  complete: boolean;
}

interface Minute {
  /** Viewers more than in the minute before. */
  change: number;
  chatMessages: number;
  donatedCents: number;
  /** As it was stored last. */
  stored: WindowRow | undefined;
  complete: boolean;
}

export class StreamMinutes {
  readonly #streamId: string;
  readonly #minutes = new Map<number, Minute>();
  /** The first minute that is kept. */
  #cut: number;
  /** Viewers in the minute before it. */
  #viewersBefore = 0;

  constructor(streamId: string, cut: number) {
    this.#streamId = streamId;
    this.#cut = cut;
  }

  get isEmpty(): boolean {
    return this.#minutes.size === 0;
  }

  /** So many viewers more, or fewer, from a minute on. */
  readonly onChange = (minute: number, change: 1 | -1): void => {
    if (minute < this.#cut) this.#viewersBefore += change;
    else this.#at(minute).change += change;
  };

  count(minute: number, chatMessages: number, donatedCents: number): void {
    if (minute < this.#cut) return;
    const window = this.#at(minute);
    window.chatMessages += chatMessages;
    window.donatedCents += donatedCents;
  }

  /** What was counted in each minute. */
  forEachCount(take: (minute: number, chatMessages: number, donatedCents: number) => void): void {
    for (const [minute, { chatMessages, donatedCents }] of this.#minutes) {
      if (chatMessages > 0 || donatedCents > 0) take(minute, chatMessages, donatedCents);
    }
  }

  /** Makes a stored window complete though event time has not passed it; `false` where there is nothing to do. */
  complete(minute: number): boolean {
    const window = this.#minutes.get(minute);
    if (window?.stored === undefined || window.complete) return false;
    return window.complete = true;
  }

  /** Minutes before `cut` are final: only the number of viewers who stay is kept of them. */
  trim(cut: number): void {
    this.#cut = cut;
    for (const [minute, { change }] of this.#minutes) {
      if (minute >= cut) continue;
      this.#viewersBefore += change;
      this.#minutes.delete(minute);
    }
  }

  /** Appends what differs from what is stored, up to the minute of `newestMs`, and takes it for stored. */
  take(newestMs: number, rows: WindowRow[], emptied: { streamId: string; minute: number }[]): void {
    const newestMinute = Math.floor(newestMs / MINUTE_MS);
    const known = [...this.#minutes.keys()].filter((minute) => minute <= newestMinute).sort((a, b) => a - b);
    let activeViewers = this.#viewersBefore;
    let next = this.#cut;
    for (const minute of [...known, newestMinute + 1]) {
      // Minutes in which nothing began or ended, and viewers were there all the same.
      if (activeViewers > 0) {
        for (; next < minute; next++) rows.push(this.#store(next, activeViewers, newestMs));
      }
      next = minute + 1;
      const window = this.#minutes.get(minute);
      if (window === undefined || minute > newestMinute) continue;
      activeViewers += window.change;
      const { chatMessages, donatedCents, stored } = window;
      if (activeViewers === 0 && chatMessages === 0 && donatedCents === 0) {
        if (stored === undefined) continue;
        emptied.push({ streamId: this.#streamId, minute });
        window.stored = undefined;
        continue;
      }
      const isCurrent = stored !== undefined && stored.activeViewers === activeViewers &&
        stored.chatMessages === chatMessages && stored.donatedCents === donatedCents &&
        stored.complete === (window.complete || (minute + 1) * MINUTE_MS <= newestMs);
      if (!isCurrent) rows.push(this.#store(minute, activeViewers, newestMs));
    }
  }

  #store(minute: number, activeViewers: number, newestMs: number): WindowRow {
    const window = this.#at(minute);
    window.complete ||= (minute + 1) * MINUTE_MS <= newestMs;
    const { chatMessages, donatedCents, complete } = window;
    const streamId = this.#streamId;
    return window.stored = { streamId, minute, activeViewers, chatMessages, donatedCents, complete };
  }

  #at(minute: number): Minute {
    let window = this.#minutes.get(minute);
    if (window === undefined) {
      window = { change: 0, chatMessages: 0, donatedCents: 0, stored: undefined, complete: false };
      this.#minutes.set(minute, window);
    }
    return window;
  }
}
