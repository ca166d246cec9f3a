/** A log that is opened when something is to be appended, and again after it was away. */

import type { Appender, EventLog, NewRecord } from "../event_log/event_log.ts";
import type { TopicSpec } from "../events/topics.ts";

/** See the module. Calls must not overlap. */
export class LogLink {
  readonly #open: () => Promise<EventLog>;
  readonly #topics: TopicSpec[];
  #log: EventLog | undefined;
  #appender: Appender | undefined;

  /** `topics` are created where they are missing. */
  constructor(open: () => Promise<EventLog>, topics: readonly TopicSpec[]) {
    this.#open = open;
    this.#topics = [...topics];
  }

  /** @throws what opening and appending throw; the next call begins anew. */
  async append(records: NewRecord[]): Promise<void> {
    try {
      this.#log ??= await this.#open();
      if (this.#appender === undefined) {
        await this.#log.createTopics(this.#topics);
        this.#appender = await this.#log.appender();
      }
      await this.#appender.append(records);
    } catch (error) {
      await this.close().catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    const [appender, log] = [this.#appender, this.#log];
    this.#appender = undefined;
    this.#log = undefined;
    try {
      await appender?.close();
    } finally {
      await log?.close();
    }
  }
}
