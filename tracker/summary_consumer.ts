/** Reads `flight-data-events` as one of its consumer group for as long as it is to; a log that is away is tried again. */

import { PUBLIC_TOPICS } from "../events/topics.ts";
import { FencedError, ReplacedTopicError } from "../event_log/event_log.ts";
import type { EventLog, GroupMember } from "../event_log/event_log.ts";
import { pause } from "./pause.ts";
import { runSummaryTask } from "./summary_task.ts";
import type { SummaryTaskOptions } from "./summary_task.ts";

export interface SummaryConsumerOptions extends Omit<SummaryTaskOptions, "log"> {
  open: () => Promise<EventLog>;
  sessionTimeoutMs: number;
  /** Told what goes wrong and is tried again. */
  onError: (what: string) => void;
  /** Pause before the log is opened again. Default 2000 ms. */
  retryMs?: number;
}

/** What one poll reads at the most: so much is parsed and kept at once. */
const POLL_BYTES_MAX = 1 << 20;

/** See the module. */
export class SummaryConsumer {
  readonly #options: SummaryConsumerOptions;
  #member: GroupMember | undefined;

  constructor(options: SummaryConsumerOptions) {
    this.#options = options;
  }

  /** Partitions that this one reads; undefined while it is not in the group. */
  get assigned(): number[] | undefined {
    return this.#member?.joined() ? this.#member.assigned() : undefined;
  }

  /**
   * Runs until the signal aborts.
   *
   * @throws {ReplacedTopicError} when offsets that are remembered mean something else now.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { open, onError, retryMs = 2000 } = this.#options;
    while (!signal.aborted) {
      let log: EventLog | undefined;
      try {
        log = await open();
        await this.#read(log, signal);
      } catch (error) {
        if (error instanceof ReplacedTopicError) throw error;
        if (!signal.aborted) onError(`The log cannot be read, tried again: ${messageOf(error)}`);
      } finally {
        await log?.close();
      }
      await pause(retryMs, signal);
    }
  }

  async #read(log: EventLog, signal: AbortSignal): Promise<void> {
    const { topic, group, sessionTimeoutMs, onError } = this.#options;
    await log.createTopics(PUBLIC_TOPICS.filter(({ name }) => name === topic || name === "dead_letters"));
    await log.checkIdentity([topic]);
    if (signal.aborted) return;
    const end = new AbortController();
    let fatal: ReplacedTopicError | undefined;
    const member = await log.member({ group, topics: [topic], sessionTimeoutMs, maxBytes: POLL_BYTES_MAX });
    this.#member = member;
    try {
      await member.run(
        (assigned, taskSignal) => runSummaryTask(assigned, taskSignal, { ...this.#options, log }),
        {
          signal: AbortSignal.any([signal, end.signal]),
          onError(error, partition) {
            if (error instanceof ReplacedTopicError) {
              fatal = error;
              end.abort();
            } else if (!(error instanceof FencedError)) {
              const where = partition < 0 ? "The consumer group begins" : `Partition ${partition} begins`;
              onError(`${where} again: ${messageOf(error)}`);
            }
          },
        },
      );
    } finally {
      this.#member = undefined;
      await member.close();
    }
    if (fatal !== undefined) throw fatal;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
