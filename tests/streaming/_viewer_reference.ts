/**
 * The minute windows the slow way, from all events at once: shares no code with `streaming/`. Late is an event more
 * than ten minutes older than the newest before it; events of the same millisecond keep their order.
 */

import type { ParsedStreamEvent } from "../../events/stream_events.ts";

const MINUTE_MS = 60_000;
const TIMEOUT_MS = 30 * MINUTE_MS;

export interface ReferenceRow {
  activeViewers: number;
  chatMessages: number;
  donatedCents: number;
  complete: boolean;
}

export interface Reference {
  /** By `<stream> <minute since 1970>`; windows with nothing in them are left out. */
  rows: Map<string, ReferenceRow>;
  /** Viewers present at the newest event time, by stream. */
  present: Map<string, number>;
  /** Places in the list of the events that are late. */
  late: number[];
}

/**
 * @param events Of one partition, in the order of their offsets.
 * @param options `clockMs`: event time has come so far at least.
 */
export function referenceWindows(
  events: readonly ParsedStreamEvent[],
  options: { clockMs?: number } = {},
): Reference {
  let newestMs = -Infinity;
  const late: number[] = [];
  const taken: ParsedStreamEvent[] = [];
  events.forEach((event, at) => {
    if (event.eventTimeMs < newestMs - 10 * MINUTE_MS) {
      late.push(at);
      return;
    }
    newestMs = Math.max(newestMs, event.eventTimeMs);
    taken.push(event);
  });
  newestMs = Math.max(newestMs, options.clockMs ?? -Infinity);
  const rows = new Map<string, ReferenceRow>();
  const present = new Map<string, number>();
  const rowAt = (streamId: string, minute: number) => {
    const key = `${streamId} ${minute}`;
    const complete = (minute + 1) * MINUTE_MS <= newestMs;
    if (!rows.has(key)) rows.set(key, { activeViewers: 0, chatMessages: 0, donatedCents: 0, complete });
    return rows.get(key)!;
  };
  for (const [streamId, own] of Map.groupBy(taken, (event) => event.streamId)) {
    const ids = new Set<string>();
    for (const { type, eventId, eventTimeMs, donatedCents } of own) {
      if (type !== "chat_message" && type !== "donation") continue;
      if (ids.has(eventId)) continue;
      ids.add(eventId);
      const minute = Math.floor(eventTimeMs / MINUTE_MS);
      if (type === "chat_message") rowAt(streamId, minute).chatMessages++;
      else if (donatedCents > 0) rowAt(streamId, minute).donatedCents += donatedCents;
    }
    const viewing = own.filter(({ type }) => type === "viewer_join" || type === "viewer_leave");
    if (own.some(({ type }) => type !== "stream_start" && type !== "stream_stop")) present.set(streamId, 0);
    for (const events of Map.groupBy(viewing, (event) => event.userId).values()) {
      const sessions = sessionsOf(events);
      for (const { fromMs, toMs } of sessions) {
        if (fromMs <= newestMs && newestMs < toMs) present.set(streamId, present.get(streamId)! + 1);
      }
      const first = Math.floor(Math.min(...sessions.map(({ fromMs }) => fromMs)) / MINUTE_MS);
      const last = Math.floor(Math.min(newestMs, Math.max(...sessions.map(({ toMs }) => toMs))) / MINUTE_MS);
      for (let minute = first; minute <= last; minute++) {
        const startMs = minute * MINUTE_MS;
        const isThere = sessions.some(({ fromMs, toMs }) =>
          fromMs < startMs + MINUTE_MS && (toMs > startMs || fromMs >= startMs)
        );
        if (isThere) rowAt(streamId, minute).activeViewers++;
      }
    }
  }
  return { rows, present, late };
}

function sessionsOf(events: readonly ParsedStreamEvent[]): { fromMs: number; toMs: number }[] {
  // The same event again, anywhere among those of its millisecond, says nothing.
  const distinct = events.filter((event, at) =>
    events.findIndex((other) => other.eventTimeMs === event.eventTimeMs && other.type === event.type) === at
  );
  distinct.sort((a, b) => a.eventTimeMs - b.eventTimeMs);
  const sessions: { fromMs: number; toMs: number }[] = [];
  for (const { type, eventTimeMs } of distinct) {
    const last = sessions.at(-1);
    const isWithin = last !== undefined && eventTimeMs < last.toMs && !ended.has(last);
    if (type === "viewer_leave") {
      if (isWithin) {
        last.toMs = eventTimeMs;
        ended.add(last);
      }
    } else if (isWithin) last.toMs = eventTimeMs + TIMEOUT_MS;
    else sessions.push({ fromMs: eventTimeMs, toMs: eventTimeMs + TIMEOUT_MS });
  }
  return sessions;
}

/** Sessions that a leave has ended. */
const ended = new WeakSet<object>();
