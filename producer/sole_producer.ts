/**
 * One log has one producer. Fencing alone would let the later one win, and two that are each started again when they
 * fail would throw each other out for ever: so a producer keeps a place in a group of one partition as long as it
 * lives, and a later one that does not get it refuses to start.
 *
 * Fencing stays the safeguard: who lost the place because it was held up cannot commit once another one has begun.
 *
 * @module
 */

import type { EventLog } from "../event_log/event_log.ts";
import { OperatorError } from "../process/run_process.ts";
import { STATE_TOPIC } from "./producer_state.ts";

/** The group; its only topic has one partition, and no offsets of it are stored. */
const PRODUCER_GROUP = "airline-producer";
/** Silence after which a producer counts as dead. Brokers take none below 6 s. */
const SESSION_MS = { kafka: 6_000, sqlite: 2_000 };
/** How much longer a later producer waits: what is dead is out of the group by then. */
const PATIENCE_MS = 4_000;
const LOOK_MS = 50;

/** The log's place of the producer. */
export interface ProducerPlace {
  /** Gives the place to the next one. */
  close(): Promise<void>;
}

/**
 * Waits until this process has the log's place of the producer; returns `undefined` when `stop` aborts before.
 *
 * @param onWaiting Is told when another producer has it, be it dead or alive.
 * @throws {OperatorError} when another one lives.
 */
export async function takeProducerPlace(
  log: EventLog,
  stop: AbortSignal,
  onWaiting: (waitMs: number) => void = () => {},
): Promise<ProducerPlace | undefined> {
  const sessionTimeoutMs = SESSION_MS[log.engine];
  const member = await log.member({ group: PRODUCER_GROUP, topics: [STATE_TOPIC], sessionTimeoutMs });
  const leave = new AbortController();
  let has = false;
  let failure: unknown;
  const running = member.run(async (_assigned, signal) => {
    has = true;
    await aborted(signal);
  }, { signal: leave.signal }).catch((error) => failure = error);
  const close = async () => {
    leave.abort();
    await running;
    await member.close();
  };
  const waitMs = sessionTimeoutMs + PATIENCE_MS;
  let otherSinceMs: number | undefined;
  try {
    while (!has && !stop.aborted) {
      if (failure !== undefined) throw failure;
      if (member.joined()) {
        if (otherSinceMs === undefined && otherHasIt(member.assigned())) {
          otherSinceMs = performance.now();
          onWaiting(waitMs);
        }
        if (otherSinceMs !== undefined && performance.now() - otherSinceMs > waitMs) throw refusal();
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  } catch (error) {
    await close();
    throw error;
  }
  if (has) return { close };
  await close();
  return undefined;
}

function otherHasIt(assigned: number[]): boolean {
  return assigned.length === 0;
}

function refusal(): OperatorError {
  return new OperatorError(
    "Another producer works on this log, and one log has one producer: stop the other first, or give this one a log of " +
      "its own by KAFKA_TOPIC_PREFIX or EVENT_LOG_FILE",
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
