/** The contract's part on transactions: all or nothing, and only by the newest owner. */

import assert from "node:assert/strict";
import { FencedError, RecordTooLargeError } from "../../event_log/event_log.ts";
import { contractTest, numbered, numberOf, type Open, readAll, readTopics } from "./_contract_support.ts";

export function transactionContract(engine: string, open: Open): void {
  contractTest(engine, open, "a transaction stores its records and its offsets", async (bench) => {
    const [input, output] = [await bench.topic(), await bench.topic()];
    const state = await bench.topic({ cleanup: "compact" });
    const appender = await bench.log.appender();
    await appender.append([0, 1, 2].flatMap((partition) => [
      { topic: input, partition, key: null, value: "a" },
      { topic: input, partition, key: null, value: "b" },
    ]));
    await appender.close();
    const group = bench.unique("group");
    const transactor = await bench.log.transactor(bench.unique("transactor"));
    await transactor.commit({
      records: [...numbered(output, 30), ...numbered(state, 17)],
      offsets: { group, positions: [{ topic: input, partition: 0, offset: 2 }] },
    });
    await transactor.commit({
      records: [],
      offsets: { group, positions: [{ topic: input, partition: 1, offset: 1 }] },
    });
    await transactor.commit({ records: numbered(output, 5, { from: 30 }) });
    await transactor.commit({ records: [] });
    await transactor.close();

    const other = await bench.connect();
    assert.equal((await readAll(other, output)).length, 35);
    assert.equal((await readAll(other, state)).length, 17);
    const offsets = await other.committedOffsets(group, [input]);
    assert.deepEqual(offsets.toSorted((a, b) => a.partition - b.partition), [
      { topic: input, partition: 0, offset: 2 },
      { topic: input, partition: 1, offset: 1 },
    ]);
  });

  contractTest(engine, open, "fifty transactions in quick succession keep their order", async (bench) => {
    const topic = await bench.topic({ partitions: 1 });
    const group = bench.unique("group");
    const transactor = await bench.log.transactor(bench.unique("transactor"));
    for (let at = 0; at < 50; at++) {
      await transactor.commit({
        records: numbered(topic, 4, { from: at * 4 }),
        offsets: { group, positions: [{ topic, partition: 0, offset: at }] },
      });
    }
    await transactor.close();
    const numbers = (await readTopics(bench.log, [topic], 200)).map(numberOf);
    assert.deepEqual(numbers, Array.from({ length: 200 }, (_, n) => n));
    assert.deepEqual(await bench.log.committedOffsets(group, [topic]), [{ topic, partition: 0, offset: 49 }]);
  });

  contractTest(
    engine,
    open,
    "a new owner of a transactor's id fences the old one, of which nothing is stored",
    async (bench) => {
      const topic = await bench.topic({ partitions: 1 });
      const group = bench.unique("group");
      const id = bench.unique("transactor");
      const offsets = (offset: number) => ({ group, positions: [{ topic, partition: 0, offset }] });
      const old = await bench.log.transactor(id);
      bench.defer(() => old.close());
      assert.equal(old.id, id);
      await old.commit({ records: numbered(topic, 2), offsets: offsets(1) });

      const other = await bench.connect();
      const owner = await other.transactor(id);
      await assert.rejects(
        () => old.commit({ records: numbered(topic, 50, { from: 1000 }), offsets: offsets(2) }),
        FencedError,
      );
      await owner.commit({ records: numbered(topic, 2, { from: 2 }) });
      assert.deepEqual(await other.committedOffsets(group, [topic]), [{ topic, partition: 0, offset: 1 }]);
      await assert.rejects(() => old.commit({ records: numbered(topic, 1, { from: 2000 }) }));
      await owner.commit({ records: numbered(topic, 1, { from: 4 }) });
      await owner.close();
      assert.deepEqual((await readAll(bench.log, topic)).map(numberOf), [0, 1, 2, 3, 4]);
    },
  );

  contractTest(engine, open, "transactors with different ids do not disturb each other", async (bench) => {
    const topic = await bench.topic();
    const logs = [bench.log, await bench.connect()];
    const transactors = await Promise.all(
      [0, 1, 2, 3].map((n) => logs[n % 2]!.transactor(bench.unique(`transactor-${n}`))),
    );
    await Promise.all(transactors.map(async (transactor, writer) => {
      for (let at = 0; at < 10; at++) {
        await transactor.commit({ records: numbered(topic, 5, { from: writer * 50 + at * 5 }) });
      }
      await transactor.close();
    }));
    assert.equal(new Set((await readTopics(bench.log, [topic], 200)).map(numberOf)).size, 200);
  });

  contractTest(
    engine,
    open,
    "a transactor that closes without a commit stores nothing, and its id serves again",
    async (bench) => {
      const topic = await bench.topic();
      const id = bench.unique("transactor");
      const first = await bench.log.transactor(id);
      await first.close();
      const second = await bench.log.transactor(id);
      await second.commit({ records: numbered(topic, 3) });
      await second.close();
      assert.equal((await readAll(bench.log, topic)).length, 3);
    },
  );

  contractTest(
    engine,
    open,
    "a transaction with a record that is too large stores nothing at all",
    async (bench) => {
      const topic = await bench.topic({ partitions: 1 });
      const group = bench.unique("group");
      const id = bench.unique("transactor");
      const transactor = await bench.log.transactor(id);
      const tooLarge = { topic, key: "k", value: "x".repeat(10_000_000) };
      await assert.rejects(
        () =>
          transactor.commit({
            records: [...numbered(topic, 3), tooLarge],
            offsets: { group, positions: [{ topic, partition: 0, offset: 0 }] },
          }),
        RecordTooLargeError,
      );
      await transactor.close();
      const again = await bench.log.transactor(id);
      await again.commit({ records: numbered(topic, 1, { from: 9 }) });
      await again.close();
      assert.deepEqual((await readAll(bench.log, topic)).map(numberOf), [9]);
      assert.deepEqual(await bench.log.committedOffsets(group, [topic]), []);
    },
  );

  contractTest(
    engine,
    open,
    "a compacted topic folds to the last value of each key, without the deleted ones",
    async (bench) => {
      const topic = await bench.topic({ partitions: 1, cleanup: "compact" });
      const id = bench.unique("transactor");
      const expected = new Map<string, string>();
      for (let owner = 0; owner < 3; owner++) {
        const transactor = await bench.log.transactor(id);
        for (let round = 0; round < 5; round++) {
          const records = Array.from({ length: 40 }, (_, n) => {
            const value = (n + round) % 7 === 0 ? null : `${owner}/${round}/${n}`;
            return { topic, key: `key-${n}`, value };
          });
          await transactor.commit({ records });
          for (const { key, value } of records) {
            if (value === null) expected.delete(key);
            else expected.set(key, value);
          }
        }
        await transactor.close();
      }
      const records = await readAll(await bench.connect(), topic);
      const state = new Map<string, string>();
      let lastOffset = -1;
      for (const { key, value, offset } of records) {
        assert.ok(offset > lastOffset, "offsets rise");
        lastOffset = offset;
        if (value === null) state.delete(key!);
        else state.set(key!, value);
      }
      assert.deepEqual([...state].sort(), [...expected].sort());
    },
  );
}
