/** The topics, in the order the data takes. Names are fixed: other programs read and write them too. */

/** How a topic is to be created. */
export interface TopicSpec {
  name: string;
  partitions: number;
  /** `delete` ages records out after `retentionMs`; `compact` keeps the last record of each key for ever. */
  cleanup: "delete" | "compact";
  /** Milliseconds; `-1` keeps for ever. Only with `cleanup: "delete"`. */
  retentionMs: number;
}

/** Partitions of every topic that is keyed by flight. */
export const PARTITIONS = 3;

const DAY_MS = 24 * 60 * 60 * 1000;

/** A topic that other programs may read and write. */
export interface PublicTopic extends TopicSpec {
  /** What it carries, for `deno task topics`. */
  description: string;
}

function publicTopic(name: string, retentionDays: number, description: string): PublicTopic {
  return {
    name,
    partitions: PARTITIONS,
    cleanup: "delete",
    retentionMs: retentionDays * DAY_MS,
    description,
  };
}

/** Viewers, chat and donations: a published system of its own, whose records end in tables and not in the lake. */
export const STREAM_EVENTS_TOPIC = "stream.events";

/** Flights as the tracker fetched them, keyed by `fa_flight_id`; none of the airline's own topics either. */
export const FLIGHT_DATA_TOPIC = "flight-data-events";

/** What travels between the processes. */
export const PUBLIC_TOPICS: readonly PublicTopic[] = [
  publicTopic("flight_lifecycle", 30, "flights scheduled, delayed, departed, arrived, cancelled"),
  publicTopic("bookings", 30, "seats sold and given back"),
  publicTopic("seat_inventory", 7, "seats on sale by cabin and fare bucket"),
  publicTopic("seat_map", 7, "occupied seats"),
  publicTopic("inventory_metrics", 7, "load factor and booking velocity of each flight"),
  publicTopic("promo_decisions", 30, "promotions decided, with their reasons"),
  publicTopic("dead_letters", 90, "records that were refused, whole, with the reason"),
  publicTopic(STREAM_EVENTS_TOPIC, 7, "viewers who come and go, chat messages, donations"),
  publicTopic(FLIGHT_DATA_TOPIC, 7, "flights as the tracker fetched them"),
];

/** What the lake keeps: the airline's topics. */
export const LAKE_TOPICS: readonly string[] = PUBLIC_TOPICS.map((topic) => topic.name)
  .filter((name) => name !== STREAM_EVENTS_TOPIC && name !== FLIGHT_DATA_TOPIC);

/** Promotions that were wanted and held back, keyed by `flight_id`; what `deno task explain` tells. */
export const POLICY_EVALUATIONS_TOPIC = "policy_evaluations";

/**
 * How flights used to fill, by route; what the consumer forecasts with. Each partition holds all of it, so that every
 * engine reads it like its other input. Compacted to the versions of about a month.
 */
export const BOOKING_CURVES_TOPIC = "booking_curves";

/** Topics of flights that the streaming consumer decides on. */
export const ENGINE_INPUT_TOPICS = ["flight_lifecycle", "bookings", "seat_inventory"] as const;

/** Consumer groups; fixed names. */
export const GROUPS = {
  engine: "inventory-engine",
  lake: "lake-writer",
  producerFeedback: "airline-producer-feedback",
  viewerMetrics: "viewer-metrics",
  summaries: "llm-summary-consumer-group",
} as const;

/** Topics of ours alone: state, records on their way to the right partition, the order taken, and what was driven again. */
const INTERNAL_TOPICS: readonly TopicSpec[] = [
  { name: "inventory-engine-changelog", partitions: PARTITIONS, cleanup: "compact", retentionMs: -1 },
  {
    name: "inventory-engine-repartition",
    partitions: PARTITIONS,
    cleanup: "delete",
    retentionMs: 30 * DAY_MS,
  },
  { name: "inventory-engine-order", partitions: PARTITIONS, cleanup: "delete", retentionMs: 30 * DAY_MS },
  { name: BOOKING_CURVES_TOPIC, partitions: PARTITIONS, cleanup: "compact", retentionMs: -1 },
  { name: POLICY_EVALUATIONS_TOPIC, partitions: PARTITIONS, cleanup: "delete", retentionMs: 30 * DAY_MS },
  { name: "viewer-metrics-repartition", partitions: PARTITIONS, cleanup: "delete", retentionMs: 7 * DAY_MS },
  { name: "airline-producer-state", partitions: 1, cleanup: "compact", retentionMs: -1 },
  { name: "dead-letter-replays", partitions: 1, cleanup: "compact", retentionMs: -1 },
];

/** Everything that `deno task topics` creates. */
export const ALL_TOPICS: readonly TopicSpec[] = [...PUBLIC_TOPICS, ...INTERNAL_TOPICS];
