/**
 * A member's standing in its group: joining, the leader's sharing out, heartbeats, leaving.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { hasMoved, kafkaErrorType } from "./_kafka_errors.ts";
import {
  decodeAssignment,
  encodeAssignment,
  type Joined,
  joinGroupRequest,
  mustJoinAgain,
  sharePartitions,
} from "./_kafka_group_protocol.ts";
import { pause } from "./_kafka_retry.ts";

const HEARTBEAT_MS_MAX = 1_000;
const LEAVE_MS_MAX = 1_000;

/** Which group, and what of it. Names are those on the broker. */
export interface GroupSessionOptions {
  group: string;
  topics: string[];
  sessionTimeoutMs: number;
}

/** A member's standing in its group; its calls must not overlap, {@link GroupSession.leave} excepted. */
export class GroupSession {
  readonly #cluster: KafkaCluster;
  readonly #options: GroupSessionOptions;
  #memberId = "";
  #generationId = -1;
  #lastContactMs = performance.now();

  constructor(cluster: KafkaCluster, options: GroupSessionOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** The broker has not heard of this member for so long that it has given its partitions away. */
  get isExpired(): boolean {
    return performance.now() - this.#lastContactMs > this.#options.sessionTimeoutMs;
  }

  /** Joins, and returns the partition numbers that this member gets. */
  async join(owned: number[]): Promise<number[]> {
    const { group, topics, sessionTimeoutMs } = this.#options;
    const coordinator = await this.#coordinatorId();
    const ask = async () => {
      const request = joinGroupRequest({
        group,
        topics,
        owned,
        sessionTimeoutMs,
        rebalanceTimeoutMs: sessionTimeoutMs,
        memberId: this.#memberId,
      });
      return await this.#noting(this.#cluster.send(coordinator, request));
    };
    let joined = await ask();
    this.#memberId = joined.memberId;
    if (mustJoinAgain(joined)) joined = await ask();
    this.#memberId = joined.memberId;
    this.#generationId = joined.generationId;
    const groupAssignment = joined.leaderId === joined.memberId ? await this.#shareOut(joined) : [];
    const broker = await this.#cluster.coordinator("group", group);
    const { memberAssignment } = await this.#noting(broker.syncGroup({
      groupId: group,
      generationId: this.#generationId,
      memberId: this.#memberId,
      groupAssignment,
    }));
    return decodeAssignment(memberAssignment);
  }

  /** Sends heartbeats until the group must be joined again or `signal` aborts; throws what else goes wrong. */
  async stay(signal: AbortSignal): Promise<void> {
    const { group, sessionTimeoutMs } = this.#options;
    while (!signal.aborted) {
      await pause(Math.min(sessionTimeoutMs / 3, HEARTBEAT_MS_MAX), signal);
      if (signal.aborted) return;
      const broker = await this.#cluster.coordinator("group", group);
      try {
        await this.#noting(broker.heartbeat({
          groupId: group,
          groupGenerationId: this.#generationId,
          memberId: this.#memberId,
        }));
      } catch (error) {
        if (kafkaErrorType(error) === "REBALANCE_IN_PROGRESS") return;
        throw error;
      }
    }
  }

  /** The broker does not know this member any more: it joins as a new one. */
  forgetMember(): void {
    this.#memberId = "";
  }

  /** Tells the broker, so that the others get the partitions at once. Asks on `cluster`: ours may be waiting. */
  async leave(cluster: KafkaCluster): Promise<void> {
    if (this.#memberId === "") return;
    const { group } = this.#options;
    const leaving = cluster.coordinator("group", group)
      .then((broker) => broker.leaveGroup({ groupId: group, memberId: this.#memberId }))
      .catch(() => {});
    const done = new AbortController();
    await Promise.race([leaving, pause(LEAVE_MS_MAX, done.signal)]);
    done.abort();
    this.#memberId = "";
  }

  async #shareOut(joined: Joined): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
    const { topics } = this.#options;
    this.#cluster.forgetLeaders(topics.slice(0, 1));
    const partitions = (await this.#cluster.leaders(topics[0]!)).length;
    return [...sharePartitions(partitions, joined.members)].map(([memberId, share]) => ({
      memberId,
      memberAssignment: Buffer.from(encodeAssignment(topics, share)),
    }));
  }

  async #coordinatorId(): Promise<number> {
    return await this.#cluster.coordinatorId("group", this.#options.group);
  }

  /** Notes that the broker has answered, whatever it was. */
  async #noting<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer;
      this.#lastContactMs = performance.now();
      return value;
    } catch (error) {
      if (hasMoved(error)) this.#cluster.forgetCoordinator("group", this.#options.group);
      throw error;
    }
  }
}
