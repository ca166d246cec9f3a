/** Refused records on their way to topic `dead_letters`: collected, then stored in requests of bounded size. */

import { deadLetterId, deadLetterOf } from "../events/dead_letters.ts";
import type { EventError } from "../events/event_error.ts";
import type { Appender, LogRecord, NewRecord } from "../event_log/event_log.ts";

/** Above this many bytes of waiting values the queue asks to be stored. */
const QUEUE_BYTES_MAX = 1024 * 1024;
const REQUEST_BYTES_MAX = 512 * 1024;
const REQUEST_RECORDS_MAX = 500;
/** What an entry costs beside its value. */
const ENTRY_BYTES = 512;

/**
 * Collects dead letters of one consumer group. A letter may be stored twice when a crash comes between storing
 * and sealing; its `dead_letter_id` is the same then.
 */
export class DeadLetterQueue {
  readonly #appender: Appender;
  readonly #group: string;
  readonly #logId: string;
  #waiting: { record: LogRecord; error: EventError }[] = [];
  #waitingBytes = 0;
  #storing: Promise<void> = Promise.resolve();
  #storedLetters = 0;

  constructor(appender: Appender, options: { group: string; logId: string }) {
    this.#appender = appender;
    this.#group = options.group;
    this.#logId = options.logId;
  }

  /** Whether so much waits that {@link DeadLetterQueue.store} is due before more is taken. */
  get isFull(): boolean {
    return this.#waitingBytes >= QUEUE_BYTES_MAX;
  }

  /** Letters that the log has stored. */
  get storedLetters(): number {
    return this.#storedLetters;
  }

  add(record: LogRecord, error: EventError): void {
    // A clock ahead of ours is wrong, and its time would make the dead letter itself one that is refused.
    const timestampMs = Math.min(record.timestampMs, Date.now());
    this.#waiting.push({ record: { ...record, timestampMs }, error });
    this.#waitingBytes += ENTRY_BYTES + (record.bytes?.length ?? record.value?.length ?? 0);
  }

  /**
   * Resolves once everything that was added before is stored in the log; calls run one after another.
   * After an error the queue is of no use: its session ends, and the records are read again.
   */
  store(): Promise<void> {
    return this.#storing = this.#storing.then(() => this.#storeWaiting());
  }

  async #storeWaiting(): Promise<void> {
    const letters = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    let request: NewRecord[] = [];
    let requestBytes = 0;
    for (const { record, error } of letters) {
      const { reason, message } = error;
      const value = await deadLetterOf(record, { group: this.#group, logId: this.#logId, reason, message });
      if (
        request.length > 0 &&
        (request.length === REQUEST_RECORDS_MAX || requestBytes + value.length > REQUEST_BYTES_MAX)
      ) {
        await this.#appender.append(request);
        request = [];
        requestBytes = 0;
      }
      request.push({ topic: "dead_letters", key: deadLetterId(this.#group, record), value });
      requestBytes += value.length;
    }
    if (request.length > 0) await this.#appender.append(request);
    this.#storedLetters += letters.length;
  }
}
