/**
 * What the members of a group tell each other through the broker: what each reads and owns, and who gets what.
 * Formula: Kafka protocol guide, "Consumer Protocol"; JoinGroup version 5 (Kafka ≥ 2.3).
 *
 * @module
 */

import { errorOfCode } from "./_kafka_errors.ts";
import type { KafkaRequest } from "./_kafka_request.ts";
import { WireReader, WireWriter } from "./_kafka_wire.ts";

const MEMBER_ID_REQUIRED_CODE = 79;
const JOIN_SPARE_MS = 5_000;
/** Our way of sharing. A member that shares otherwise (Python's `range`) is refused by the broker. */
const PROTOCOL = "co-partitioned";

/** How a member joins. */
export interface JoinOptions {
  group: string;
  /** Empty on the first attempt. */
  memberId: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  topics: string[];
  /** Partition numbers that the member has now. */
  owned: number[];
}

/** The broker's answer; only the leader learns of the members. */
export interface Joined {
  errorCode: number;
  generationId: number;
  leaderId: string;
  memberId: string;
  members: { memberId: string; owned: number[] }[];
}

/** Joins a group, or re-joins it. Answers once all members have done so. */
export function joinGroupRequest(options: JoinOptions): KafkaRequest<Joined> {
  return {
    api: { key: 11, version: 5, name: "JoinGroup" },
    encode: (writer) => {
      writer.string(options.group).int32(options.sessionTimeoutMs).int32(options.rebalanceTimeoutMs);
      writer.string(options.memberId).string(null).string("consumer");
      const subscription = encodeSubscription(options.topics, options.owned);
      writer.int32(1).string(PROTOCOL).int32(subscription.length).raw(subscription);
    },
    decode: decodeJoined,
    timeoutMs: options.rebalanceTimeoutMs + JOIN_SPARE_MS,
  };
}

/** The broker has given the member its id and wants it to join again with it. */
export function mustJoinAgain(joined: Joined): boolean {
  return joined.errorCode === MEMBER_ID_REQUIRED_CODE;
}

function decodeJoined(reader: WireReader): Joined {
  reader.int32();
  const errorCode = reader.int16();
  const error = errorCode === MEMBER_ID_REQUIRED_CODE ? undefined : errorOfCode(errorCode);
  if (error) throw error;
  const generationId = reader.int32();
  reader.string();
  const leaderId = reader.string() ?? "";
  const memberId = reader.string() ?? "";
  const members = reader.array(() => {
    const id = reader.string() ?? "";
    reader.string();
    return { memberId: id, owned: decodeOwned(reader.raw(reader.int32())) };
  });
  return { errorCode, generationId, leaderId, memberId, members };
}

function encodeSubscription(topics: string[], owned: number[]): Uint8Array {
  const writer = new WireWriter().int16(0);
  writer.array(topics, (topic) => writer.string(topic));
  const userData = new TextEncoder().encode(owned.join());
  return writer.int32(userData.length).raw(userData).written();
}

function decodeOwned(subscription: Uint8Array): number[] {
  const reader = new WireReader(subscription);
  reader.int16();
  reader.array(() => reader.string());
  const text = new TextDecoder().decode(reader.raw(Math.max(reader.int32(), 0)));
  return text === "" ? [] : text.split(",").map(Number);
}

/** The partition numbers of one member, as tools of Kafka read them: the same of every topic. */
export function encodeAssignment(topics: string[], partitions: number[]): Uint8Array {
  const writer = new WireWriter().int16(0);
  writer.array(
    topics,
    (topic) => writer.string(topic).array(partitions, (partition) => writer.int32(partition)),
  );
  return writer.int32(0).written();
}

/** Partition numbers that the leader gave this member. */
export function decodeAssignment(assignment: Uint8Array): number[] {
  if (assignment.length === 0) return [];
  const reader = new WireReader(assignment);
  reader.int16();
  const partitions = reader.array(() => {
    reader.string();
    return reader.array(() => reader.int32());
  });
  return [...new Set(partitions.flat())].sort((a, b) => a - b);
}

/**
 * Shares partition numbers among members: each gets as many as any other, or one more, and keeps what it has as far as
 * that allows.
 */
export function sharePartitions(
  partitions: number,
  members: readonly { memberId: string; owned: readonly number[] }[],
): Map<string, number[]> {
  const inTurn = members.toSorted((a, b) =>
    b.owned.length - a.owned.length || (a.memberId < b.memberId ? -1 : 1)
  );
  const free = new Set(Array.from({ length: partitions }, (_, number) => number));
  const shares = new Map<string, number[]>();
  const quotaOf = (turn: number) =>
    Math.floor(partitions / members.length) + (turn < partitions % members.length ? 1 : 0);
  for (const [turn, { memberId, owned }] of inTurn.entries()) {
    const kept = [...new Set(owned)].filter((number) => free.has(number)).slice(0, quotaOf(turn));
    for (const number of kept) free.delete(number);
    shares.set(memberId, kept);
  }
  const left = [...free];
  for (const [turn, { memberId }] of inTurn.entries()) {
    const share = shares.get(memberId)!;
    share.push(...left.splice(0, quotaOf(turn) - share.length));
    share.sort((a, b) => a - b);
  }
  return shares;
}
