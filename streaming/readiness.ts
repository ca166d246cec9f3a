/** Why the consumer is not ready, for `/readyz`: not in its group yet, or still restoring what it was given. */

import type { GroupMember } from "../event_log/event_log.ts";

/** What readiness depends on. */
export interface ConsumerStanding {
  /** Its places in the consumer groups; `undefined` until the log is open. */
  members: readonly Pick<GroupMember, "joined" | "assigned">[] | undefined;
  /** The partition numbers of the first member whose state is restored. */
  restored: ReadonlySet<number>;
}

/** The reason, or `undefined` when every partition that it was given is at work, be they none. */
export function notReadyReason({ members, restored }: ConsumerStanding): string | undefined {
  if (members === undefined) return "The event log is not open yet";
  if (!members.every((member) => member.joined())) {
    return "The consumer group has not let this consumer in yet";
  }
  const restoring = members[0]!.assigned().filter((partition) => !restored.has(partition));
  if (restoring.length === 0) return undefined;
  return `The state of partition ${restoring.join(", ")} is being restored`;
}
