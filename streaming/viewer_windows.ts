/**
 * Minute windows of streams in event time: distinct viewers, chat messages and donations, from the events of one
 * partition in any order.
 *
 * - A viewer counts once in every minute in which they were present at any moment (`_viewer_table.ts` says when that
 *   is), whether anything else happens in that minute or not.
 * - A chat message or a donation counts once by its event id, in the minute of its event time.
 * - A window is written as soon as event time has reached it and something is in it, again whenever it changes, and is
 *   complete when event time has passed its end. What lies before {@link ViewerWindows.cutMs} is final and forgotten.
 *
 * The state is a list of entries ({@link StateSink}): those that were accepted, or after a while fewer that stand for
 * the same. Put into windows that are new they give the same windows.
 *
 * @module
 */

import type { ParsedStreamEvent } from "../events/stream_events.ts";
import { EventIdTable, hashOf, seedOf } from "./_event_id_table.ts";
import { StreamMinutes } from "./_stream_minutes.ts";
import type { WindowRow } from "./_stream_minutes.ts";
import { MINUTE_MS, minuteOf, ViewerTable } from "./_viewer_table.ts";

export type { WindowRow };

/** What the state is made of; minutes are minutes since 1970. */
export interface StateSink {
  /** A viewer came or left. */
  viewer(streamId: string, userId: string, timeMs: number, joined: boolean): void;
  /** Something was counted: chat messages and US cents of a stream in a minute. */
  counted(streamId: string, minute: number, chatMessages: number, donatedCents: number): void;
  /** An event id was counted, by its hash. */
  known(minute: number, high: number, low: number): void;
}

/** What changed since the last look. */
export interface WindowChanges {
  rows: WindowRow[];
  /** Windows that were stored and have nothing in them any more. */
  emptied: { streamId: string; minute: number }[];
  /** Viewers present at the newest event time, where that changed. */
  states: { streamId: string; activeViewers: number }[];
}

/** What became of an event. */
export type Outcome = "counted" | "duplicate" | "too_late";

interface Stream {
  id: string;
  seed: number;
  /** By user, their number in the table. */
  viewers: Map<string, number>;
  minutes: StreamMinutes;
  presentNow: number;
  storedPresent: number | undefined;
  heardMs: number;
}

/** The windows of one partition. */
export class ViewerWindows {
  readonly #streams = new Map<string, Stream>();
  readonly #ids = new EventIdTable();
  readonly #touched = new Set<Stream>();
  readonly #viewers = new ViewerTable();
  /** By viewer. */
  readonly #streamOf: Stream[] = [];
  /** Viewers by the minute in which their time is up, if it still is when that comes. */
  readonly #expiring = new Map<number, number[]>();
  #newestMs = -Infinity;
  #seenMinute = -Infinity;
  #cut = -Infinity;

  /** The newest event time; `-Infinity` before the first. */
  get newestMs(): number {
    return this.#newestMs;
  }

  /** Events before this time are not taken any more; the start of a minute, or `-Infinity`. */
  get cutMs(): number {
    return this.#cut * MINUTE_MS;
  }

  /** Entries that the state would have, about. */
  get size(): number {
    return this.#viewers.size + this.#ids.size;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Viewers present now, all streams together. */
  get viewersPresent(): number {
    let sum = 0;
    for (const { presentNow } of this.#streams.values()) sum += presentNow;
    return sum;
  }

  /** Event time has come so far: also by events that are not counted here. */
  advance(newestMs: number): void {
    if (newestMs > this.#newestMs) this.#newestMs = newestMs;
  }

  /** Takes an event; what it adds to the state goes to `sink`. `nowMs` is any clock: that of {@link completeQuiet}. */
  apply(event: ParsedStreamEvent, nowMs: number, sink: StateSink): Outcome {
    const { type, eventTimeMs, streamId, userId } = event;
    if (eventTimeMs < this.cutMs) return "too_late";
    this.advance(eventTimeMs);
    if (type === "stream_start" || type === "stream_stop") return "counted";
    const stream = this.#stream(streamId, nowMs);
    if (type === "viewer_join" || type === "viewer_leave") {
      const joined = type === "viewer_join";
      if (!this.#takeViewer(stream, userId, eventTimeMs, joined)) return "duplicate";
      sink.viewer(streamId, userId, eventTimeMs, joined);
      return "counted";
    }
    const minute = minuteOf(eventTimeMs);
    const { high, low } = hashOf(event.eventId, stream.seed);
    if (!this.#ids.add(high, low, minute)) return "duplicate";
    const chatMessages = type === "chat_message" ? 1 : 0;
    stream.minutes.count(minute, chatMessages, event.donatedCents);
    sink.known(minute, high, low);
    sink.counted(streamId, minute, chatMessages, event.donatedCents);
    return "counted";
  }

  /**
   * Takes up a state whose windows are stored as they are.
   *
   * @param nowMs By the clock of {@link apply}.
   * @param replay Puts every entry into the sink that it is given.
   */
  restore(
    state: { newestMs: number; cutMs: number },
    nowMs: number,
    replay: (sink: StateSink) => void,
  ): void {
    this.#newestMs = state.newestMs;
    this.#setCut(minuteOf(state.cutMs));
    replay({
      viewer: (streamId, userId, timeMs, joined) =>
        void this.#takeViewer(this.#stream(streamId, nowMs), userId, timeMs, joined),
      counted: (streamId, minute, chatMessages, donatedCents) =>
        this.#stream(streamId, nowMs).minutes.count(minute, chatMessages, donatedCents),
      known: (minute, high, low) => void this.#ids.add(high, low, minute),
    });
    // Only what changes from here on is news.
    this.take();
  }

  /** The state, in as few entries as there can be. */
  snapshot(sink: StateSink): void {
    for (const { id, viewers, minutes } of this.#streams.values()) {
      for (const [userId, viewer] of viewers) {
        this.#viewers.forEach(viewer, (timeMs, joined) => sink.viewer(id, userId, timeMs, joined));
      }
      minutes.forEachCount((minute, chatMessages, donatedCents) =>
        sink.counted(id, minute, chatMessages, donatedCents)
      );
    }
    this.#ids.forEach((high, low, minute) => sink.known(minute, high, low));
  }

  /** What changed since the last call. */
  take(): WindowChanges {
    this.#expire();
    const changes: WindowChanges = { rows: [], emptied: [], states: [] };
    const newestMinute = minuteOf(this.#newestMs);
    // Event time has gone on: windows are complete, and viewers who are still present begin the next one.
    const streams = newestMinute > this.#seenMinute ? this.#streams.values() : this.#touched;
    this.#seenMinute = newestMinute;
    for (const stream of streams) {
      stream.minutes.take(this.#newestMs, changes.rows, changes.emptied);
      if (stream.storedPresent === stream.presentNow) continue;
      stream.storedPresent = stream.presentNow;
      changes.states.push({ streamId: stream.id, activeViewers: stream.presentNow });
    }
    this.#touched.clear();
    return changes;
  }

  /** Completes the newest window of streams that were not heard of since `heardBeforeMs`. Moves no time. */
  completeQuiet(heardBeforeMs: number): void {
    const newestMinute = minuteOf(this.#newestMs);
    for (const stream of this.#streams.values()) {
      if (stream.heardMs > heardBeforeMs || !stream.minutes.complete(newestMinute)) continue;
      this.#touched.add(stream);
    }
  }

  /** Forgets what lies before the minute of `floorMs`. Call it when all changes have been taken. */
  trim(floorMs: number): void {
    const cut = minuteOf(Math.min(floorMs, this.#newestMs));
    if (!(cut > this.#cut)) return;
    this.#setCut(cut);
    for (const stream of this.#streams.values()) {
      stream.minutes.trim(cut);
      for (const [userId, viewer] of stream.viewers) {
        const isLeft = this.#viewers.trim(viewer, cut * MINUTE_MS, stream.minutes.onChange);
        if (!isLeft) stream.viewers.delete(userId);
      }
      if (stream.viewers.size === 0 && stream.minutes.isEmpty) this.#streams.delete(stream.id);
    }
  }

  #setCut(cut: number): void {
    this.#cut = cut;
    this.#ids.oldestMinute = Number.isFinite(cut) ? cut : 0;
  }

  #stream(id: string, nowMs: number): Stream {
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      stream = {
        id,
        seed: seedOf(id),
        viewers: new Map(),
        minutes: new StreamMinutes(id, this.#cut),
        presentNow: 0,
        storedPresent: undefined,
        heardMs: nowMs,
      };
      this.#streams.set(id, stream);
    }
    stream.heardMs = nowMs;
    this.#touched.add(stream);
    return stream;
  }

  #takeViewer(stream: Stream, userId: string, timeMs: number, joined: boolean): boolean {
    const viewers = this.#viewers;
    let viewer = stream.viewers.get(userId);
    if (viewer === undefined) {
      stream.viewers.set(userId, viewer = viewers.add());
      this.#streamOf[viewer] = stream;
    }
    const expiredMs = viewers.expiresMs(viewer);
    if (!viewers.take(viewer, timeMs, joined, stream.minutes.onChange)) return false;
    const expiresMs = viewers.expiresMs(viewer);
    const wasCounted = viewers.isCounted(viewer);
    const isPresent = viewers.isPresent(viewer) && expiresMs > this.#newestMs;
    if (isPresent && (!wasCounted || expiresMs !== expiredMs)) {
      const minute = minuteOf(expiresMs);
      const others = this.#expiring.get(minute);
      if (others === undefined) this.#expiring.set(minute, [viewer]);
      else others.push(viewer);
    }
    stream.presentNow += Number(isPresent) - Number(wasCounted);
    viewers.setCounted(viewer, isPresent);
    return true;
  }

  /** Lets viewers go whose time is up. */
  #expire(): void {
    const newestMinute = minuteOf(this.#newestMs);
    for (const [minute, listed] of this.#expiring) {
      if (minute > newestMinute) continue;
      const later: number[] = [];
      for (const viewer of listed) {
        // Left meanwhile, or renewed, or another's number by now: then it is listed elsewhere, or need not be.
        const expiresMs = this.#viewers.expiresMs(viewer);
        if (!this.#viewers.isCounted(viewer) || minuteOf(expiresMs) !== minute) continue;
        if (expiresMs > this.#newestMs) {
          later.push(viewer);
          continue;
        }
        this.#viewers.setCounted(viewer, false);
        const stream = this.#streamOf[viewer]!;
        stream.presentNow--;
        this.#touched.add(stream);
      }
      if (later.length > 0) this.#expiring.set(minute, later);
      else this.#expiring.delete(minute);
    }
  }
}
