import { deepEqual } from "node:assert/strict";
import { ViewerGauges } from "../../streaming/viewer_gauges.ts";
import type { ViewerCommitInfo } from "../../streaming/viewer_task.ts";

const TOPICS = { own: "stream.events", repartition: "viewer-metrics-repartition" };

function commitOf(
  partition: number,
  nextOffset: number,
  repartition: { partition: number; offset: number },
): ViewerCommitInfo {
  return {
    partition,
    records: 1,
    counted: 1,
    duplicates: 0,
    passedOn: 0,
    refusals: [],
    rows: 1,
    durationMs: 1,
    nextOffset,
    repartition,
    watermarkMs: -Infinity,
  };
}

async function lagsOf(gauges: ViewerGauges): Promise<Record<string, number>> {
  const text = await gauges.registry.getSingleMetricAsString("viewer_lag_records");
  return Object.fromEntries(
    [...text.matchAll(/topic="(.+?)",partition="(\d+)"\} (\d+)/g)].map(([, topic, partition, lag]) => [
      `${topic}/${partition}`,
      Number(lag),
    ]),
  );
}

Deno.test("where several partitions share one to be passed on by, its lag is that of the slowest", async () => {
  const gauges = new ViewerGauges(TOPICS);
  // Four partitions on two: 0 and 2 read the first, 1 and 3 the second.
  gauges.committed(commitOf(0, 100, { partition: 0, offset: 50 }));
  gauges.committed(commitOf(1, 200, { partition: 1, offset: 70 }));
  gauges.committed(commitOf(2, 300, { partition: 0, offset: 20 }));
  gauges.committed(commitOf(3, 400, { partition: 1, offset: 90 }));
  const ranges = [
    ...[0, 1, 2, 3].map((partition) => ({ topic: TOPICS.own, partition, start: 0, end: 1000 })),
    ...[0, 1].map((partition) => ({ topic: TOPICS.repartition, partition, start: 0, end: 100 })),
  ];
  gauges.setLag(ranges);
  deepEqual(await lagsOf(gauges), {
    [`${TOPICS.own}/0`]: 900,
    [`${TOPICS.own}/1`]: 800,
    [`${TOPICS.own}/2`]: 700,
    [`${TOPICS.own}/3`]: 600,
    [`${TOPICS.repartition}/0`]: 80,
    [`${TOPICS.repartition}/1`]: 30,
  });
  // The slowest of the first is given up: it is somebody else's lag now.
  gauges.closed(2);
  gauges.setLag(ranges);
  const { [`${TOPICS.repartition}/0`]: shared, [`${TOPICS.own}/2`]: gone } = await lagsOf(gauges);
  deepEqual([shared, gone], [50, undefined]);
});
