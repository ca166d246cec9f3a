/** Each change told of once, whatever happens to those who tell it. */

import assert from "node:assert/strict";
import { FLIGHT_DATA_TOPIC, GROUPS } from "../../events/topics.ts";
import { SummaryConsumer } from "../../tracker/summary_consumer.ts";
import type { SummaryConsumerOptions } from "../../tracker/summary_consumer.ts";
import type { SummaryStore } from "../../tracker/summary_store.ts";
import { SummaryWriter } from "../../tracker/summary_writer.ts";
import { flightValue, lifecycles, realSummaryTest, summaryTest, until } from "./_summary_engines.ts";
import type { SummaryEngines } from "./_summary_engines.ts";

/** A consumer in this process, until it is stopped. */
async function consuming(engines: SummaryEngines, options: Partial<SummaryConsumerOptions> = {}) {
  const stop = new AbortController();
  const seen = { written: 0, records: { changed: 0, unchanged: 0, older: 0, refused: 0 } };
  const errors: string[] = [];
  const consumer = new SummaryConsumer({
    open: engines.openLog,
    store: await engines.store.open(),
    writer: new SummaryWriter(),
    group: GROUPS.summaries,
    topic: FLIGHT_DATA_TOPIC,
    leastShiftMs: 10 * 60_000,
    sessionTimeoutMs: 6000,
    onError: (what) => errors.push(what),
    observer: {
      committed({ records, summaries }) {
        seen.written += summaries.length;
        for (const [outcome, count] of Object.entries(records)) {
          seen.records[outcome as keyof typeof seen.records] += count;
        }
      },
    },
    ...options,
  });
  const running = consumer.run(stop.signal);
  return {
    consumer,
    seen,
    errors,
    async stop() {
      stop.abort();
      await running;
    },
  };
}

summaryTest(
  "each change is told of once; what is nothing new, older or malformed changes nothing",
  async (engines) => {
    const { records, changes } = lifecycles(40);
    const bad = [
      { partition: 0, key: null, value: "{" },
      { partition: 1, key: "x", value: null },
      { partition: 2, key: "y", value: flightValue({ ident: "<b>" }) },
      { partition: 2, key: "z", value: "x".repeat(100_000) },
    ];
    await engines.append([...records.slice(0, 200), ...bad, ...records.slice(200)]);
    const one = await consuming(engines);
    await engines.caughtUp();
    await engines.caughtUp();
    await one.stop();
    assert.deepEqual(await engines.changes([...changes.keys()]), changes);
    const told = [...changes.values()].reduce((sum, count) => sum + count);
    assert.equal(one.seen.records.changed, told + 6);
    assert.equal(one.seen.records.older, 60);
    assert.equal(one.seen.records.refused, bad.length);
    assert.deepEqual(one.errors, []);
    const letters = await engines.letters();
    assert.deepEqual(letters.map(({ reason }) => reason).sort(), [
      "empty_value",
      "invalid_json",
      "invalid_json",
      "out_of_range",
    ]);
    assert.deepEqual(
      new Set(letters.map(({ group, topic }) => `${group} ${topic}`)),
      new Set([`${GROUPS.summaries} ${FLIGHT_DATA_TOPIC}`]),
    );

    // The log knows where the group stands: for those who watch it, and for another program in our place.
    const committed = await engines.log.committedOffsets(GROUPS.summaries, [FLIGHT_DATA_TOPIC]);
    const ranges = await engines.log.ranges([FLIGHT_DATA_TOPIC]);
    assert.deepEqual(
      committed.map(({ partition, offset }) => [partition, offset]).sort(),
      ranges.map(({ partition, end }) => [partition, end]).sort(),
    );

    const again = await consuming(engines);
    await engines.caughtUp();
    await again.stop();
    assert.deepEqual(again.seen, { written: 3, records: { changed: 3, unchanged: 0, older: 0, refused: 0 } });
    assert.deepEqual(await engines.changes([...changes.keys()]), changes);
  },
);

summaryTest(
  "a store that fails before, after and instead of a commit costs no change and doubles none",
  async (engines) => {
    const { records, changes } = lifecycles(60);
    const store = await engines.store.open();
    let commits = 0;
    const failing: SummaryStore = Object.create(store, {
      commit: {
        value: async (...args: Parameters<SummaryStore["commit"]>) => {
          const turn = commits++ % 4;
          if (turn === 1) throw new Error("lost before it was stored");
          await store.commit(...args);
          if (turn === 3) throw new Error("stored, and the answer lost");
        },
      },
      // Private members are the store's own.
      ...Object.fromEntries(
        (["claim", "flights", "newest", "check"] as const).map((name) => [name, {
          value: (...args: unknown[]) => (store[name] as (...args: unknown[]) => unknown)(...args),
        }]),
      ),
    });
    const one = await consuming(engines, { store: failing });
    for (let at = 0; at < records.length; at += 60) await engines.append(records.slice(at, at + 60));
    await engines.caughtUp();
    await one.stop();
    assert.ok(one.errors.length >= 2, one.errors.join("\n"));
    assert.deepEqual(await engines.changes([...changes.keys()]), changes);
  },
);

summaryTest("two share the work, and when one leaves the other goes on where it was", async (engines) => {
  const { records, changes } = lifecycles(80);
  const [one, two] = await Promise.all([consuming(engines), consuming(engines)]);
  const assigned = () => [one, two].map(({ consumer }) => consumer.assigned?.length ?? 0);
  await until("both have partitions", () => {
    const [first, second] = assigned();
    return first! > 0 && second! > 0 && first! + second! === 3;
  });
  await engines.append(records.slice(0, 500));
  await engines.caughtUp();
  assert.ok(one.seen.written > 0 && two.seen.written > 0, JSON.stringify([one.seen, two.seen]));
  await engines.append(records.slice(500, 700));
  await one.stop();
  await engines.append(records.slice(700));
  await engines.caughtUp();
  await two.stop();
  assert.deepEqual(await engines.changes([...changes.keys()]), changes);
});

summaryTest("who takes over from another program goes on where the group stood", async (engines) => {
  await engines.append([0, 1, 2].map((partition) => ({
    partition,
    key: "old",
    value: flightValue({ fa_flight_id: `old-${partition}` }),
  })));
  const ranges = await engines.log.ranges([FLIGHT_DATA_TOPIC]);
  await engines.log.commitOffsets(
    GROUPS.summaries,
    ranges.map(({ topic, partition, end }) => ({ topic, partition, offset: end })),
  );
  const one = await consuming(engines);
  await engines.caughtUp();
  await one.stop();
  assert.equal((await engines.changes(["old-0", "old-1", "old-2"])).size, 0);
  assert.equal(one.seen.records.changed, 3);
});

summaryTest("of several changes read at once the last is told of, and all are counted", async (engines) => {
  const { records, changes } = lifecycles(8);
  await engines.append(records);
  const texts: string[] = [];
  const writer = new SummaryWriter();
  const write = writer.write.bind(writer);
  writer.write = async (flight, signal) => {
    texts.push(flight.fa_flight_id);
    return await write(flight, signal);
  };
  const one = await consuming(engines, { writer });
  await engines.caughtUp();
  await one.stop();
  assert.equal(texts.filter((id) => changes.has(id)).length, 8);
  assert.deepEqual(await engines.changes([...changes.keys()]), changes);
  const { text } = (await (await engines.store.open()).newest("UAL1003"))!;
  assert.match(text, /UAL1003 .* is cancelled/);
});

realSummaryTest(
  "connections to the database that are cut again and again cost no change and double none",
  async (engines) => {
    const { records, changes } = lifecycles(80);
    const one = await consuming(engines);
    for (let at = 0; at < records.length; at += 40) {
      await engines.append(records.slice(at, at + 40));
      await engines.store.sql!`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'airline-llm-summary-service'`;
    }
    await engines.caughtUp();
    await one.stop();
    assert.ok(one.errors.length > 0);
    assert.deepEqual(await engines.changes([...changes.keys()]), changes);
  },
);
