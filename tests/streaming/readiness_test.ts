import { equal } from "node:assert/strict";
import { notReadyReason } from "../../streaming/readiness.ts";

const member = (joined: boolean, assigned: number[] = []) => ({
  joined: () => joined,
  assigned: () => assigned,
});

Deno.test("a consumer is not ready before its log is open", () => {
  equal(notReadyReason({ members: undefined, restored: new Set() }), "The event log is not open yet");
});

Deno.test("a consumer is not ready before each of its groups has let it in", () => {
  const reason = "The consumer group has not let this consumer in yet";
  equal(notReadyReason({ members: [member(false)], restored: new Set() }), reason);
  equal(notReadyReason({ members: [member(true), member(false)], restored: new Set() }), reason);
});

Deno.test("a consumer is not ready while it restores a partition, and names it", () => {
  const members = [member(true, [0, 1, 2]), member(true, [5])];
  equal(
    notReadyReason({ members, restored: new Set([1]) }),
    "The state of partition 0, 2 is being restored",
  );
  equal(notReadyReason({ members, restored: new Set([0, 1, 2]) }), undefined);
});

Deno.test("a consumer that has no partition to work on is ready", () => {
  equal(notReadyReason({ members: [member(true)], restored: new Set() }), undefined);
});
