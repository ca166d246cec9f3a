/** Names on the broker and in the program: the prefix stands before those on the broker, and nowhere else. */

import { UnknownTopicError } from "./event_log.ts";

export class TopicNames {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  readonly toKafka = (name: string): string => this.prefix + name;

  /** Whether a topic of the broker is one of this log's. */
  isOurs(name: string): boolean {
    return name.startsWith(this.prefix);
  }

  toPlain(name: string): string {
    return name.slice(this.prefix.length);
  }

  /** For messages: what tells this log from others on the same brokers. */
  get prefixNote(): string {
    return this.prefix === "" ? "" : ` with the prefix "${this.prefix}"`;
  }

  /** Runs `action`; its errors name topics as the caller does. */
  async plainly<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof UnknownTopicError && this.prefix !== "") {
        error.message = error.message.replace(`"${this.prefix}`, '"').replace(
          /( in this Kafka)/,
          `$1${this.prefixNote}`,
        );
      }
      throw error;
    }
  }
}
