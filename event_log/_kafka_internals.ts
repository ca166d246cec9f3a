/**
 * The parts of kafkajs 2.2.4 that the adapter stands on, as types: kafkajs publishes none for them.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** A request that waits for its answer. */
export interface QueuedRequest {
  entry: {
    apiKey: number;
    apiName: string;
    apiVersion: number;
    correlationId: number;
    resolve: (answer: { payload: Uint8Array }) => void;
    reject: (error: unknown) => void;
  };
  expectResponse: boolean;
  requestTimeout: number | null;
  sendRequest: () => void;
}

/** Requests on their way, and those that may not be sent yet because the broker throttles this client. */
export interface KafkaRequestQueue {
  push(request: QueuedRequest): void;
  createSocketRequest(pushed: QueuedRequest): { timeoutHandler: () => void };
  pending: unknown[];
  /** Milliseconds since 1970. */
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
  destroy(): void;
}

/** One socket and the requests that wait for answers on it. */
export interface KafkaConnection {
  /** `host:port`. */
  readonly broker: string;
  readonly connectionStatus: "connected" | "disconnecting" | "disconnected";
  /** True also while it disconnects. */
  isConnected(): boolean;
  failIfNotConnected(): void;
  /** Does nothing without SASL, or when that is done. */
  authenticate(): Promise<void>;
  nextCorrelationId(): number;
  socket: Socket;
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  rejectRequests(error: Error): void;
  /** Bytes of an answer that has not come whole yet. */
  chunks: Uint8Array[];
  bytesBuffered: number;
  bytesNeeded: number;
  requestQueue: KafkaRequestQueue;
}

/** The two connections of a broker: 1 carries fetches, 0 the rest. */
export interface KafkaConnectionPool {
  pool: KafkaConnection[];
  destroy(): Promise<unknown>;
}

/** Partitions of topics, as requests name them. */
export interface TopicPartitions {
  topic: string;
  partitions: number[];
}

/** Positions of topics, as requests name them. */
export interface TopicOffsets {
  topic: string;
  partitions: { partition: number; offset: string; metadata: string | null }[];
}

/** Who a transactional request comes from. */
export interface TransactionOwner {
  transactionalId: string;
  producerId: string;
  producerEpoch: number;
}

/** A member of a group as its leader sees it. */
export interface JoinedMember {
  memberId: string;
  memberMetadata: Buffer;
}

/** The requests of one broker. */
export interface KafkaBroker {
  nodeId: number;
  versions: Record<number, { minVersion: number; maxVersion: number }> | null;
  connect(): Promise<void>;
  findGroupCoordinator(options: { groupId: string; coordinatorType: number }): Promise<
    { coordinator: { nodeId: number; host: string; port: number } }
  >;
  initProducerId(options: { transactionalId?: string; transactionTimeout: number }): Promise<
    { producerId: string; producerEpoch: number }
  >;
  addPartitionsToTxn(options: TransactionOwner & { topics: TopicPartitions[] }): Promise<unknown>;
  addOffsetsToTxn(options: TransactionOwner & { groupId: string }): Promise<unknown>;
  txnOffsetCommit(options: TransactionOwner & { groupId: string; topics: TopicOffsets[] }): Promise<unknown>;
  endTxn(options: TransactionOwner & { transactionResult: boolean }): Promise<unknown>;
  offsetCommit(
    options: { groupId: string; groupGenerationId: number; memberId: string; topics: TopicOffsets[] },
  ): Promise<unknown>;
  listOffsets(
    options: {
      isolationLevel: number;
      topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
    },
  ): Promise<{ responses: { topic: string; partitions: { partition: number; offset: string }[] }[] }>;
  createTopics(
    options: {
      topics: {
        topic: string;
        numPartitions: number;
        replicationFactor: number;
        configEntries: { name: string; value: string }[];
      }[];
      timeout: number;
    },
  ): Promise<unknown>;
  deleteTopics(options: { topics: string[]; timeout: number }): Promise<unknown>;
  deleteGroups(groupIds: string[]): Promise<{ results: { groupId: string; errorCode: number }[] }>;
  joinGroup(
    options: {
      groupId: string;
      sessionTimeout: number;
      rebalanceTimeout: number;
      memberId: string;
      groupProtocols: { name: string; metadata: Buffer }[];
    },
  ): Promise<{ generationId: number; leaderId: string; memberId: string; members: JoinedMember[] }>;
  syncGroup(
    options: {
      groupId: string;
      generationId: number;
      memberId: string;
      groupAssignment: { memberId: string; memberAssignment: Buffer }[];
    },
  ): Promise<{ memberAssignment: Buffer }>;
  heartbeat(options: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(options: { groupId: string; memberId: string }): Promise<unknown>;
}
