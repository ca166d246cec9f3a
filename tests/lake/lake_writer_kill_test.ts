import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { ALL_TOPICS, LAKE_TOPICS } from "../../events/topics.ts";
import type { EventLog } from "../../event_log/event_log.ts";
import { openKafkaEventLog } from "../../event_log/kafka_event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { listRawFiles } from "../../lake/raw_files.ts";
import { readManifest } from "../../lake/manifest.ts";
import { startLakeWriter, stopLakeWriter, until } from "./_lake_process.ts";
import { booking, lakeLines, namesIn, withFolder } from "./_lake_support.ts";

const KILLS = 6;
const RECORDS_A_CALL = 200;

interface Engine {
  name: string;
  /** The environment that leads the process to the log, and the log. */
  open: (folder: string) => Promise<{ log: EventLog; env: Record<string, string> }>;
}

const ENGINES: Engine[] = [{
  name: "embedded log",
  async open(folder) {
    const file = `${folder}/log.sqlite`;
    return { log: await openSqliteEventLog({ file }), env: { EVENT_LOG_FILE: file } };
  },
}];
const kafkaBrokers = Deno.env.get("KAFKA_BROKERS") ?? "";
if (kafkaBrokers !== "") {
  ENGINES.push({
    name: "Kafka",
    async open() {
      const topicPrefix = `test-${crypto.randomUUID().slice(0, 8)}.`;
      return {
        log: await openKafkaEventLog({
          brokers: kafkaBrokers.split(","),
          clientId: "lake-test",
          topicPrefix,
        }),
        env: { KAFKA_BROKERS: kafkaBrokers, KAFKA_TOPIC_PREFIX: topicPrefix },
      };
    },
  });
}

/** Appends bookings, every 50th of them broken and every other call in a transaction, until told to stop. */
async function feed(log: EventLog, signal: AbortSignal): Promise<number> {
  const appender = await log.appender();
  const transactor = await log.transactor(`feeder-${crypto.randomUUID()}`);
  let count = 0;
  for (let call = 0; !signal.aborted; call++) {
    const records = Array.from({ length: RECORDS_A_CALL }, (_, at) => {
      const number = count + at;
      const value = number % 50 === 49 ? `broken ${number}` : booking(number);
      return { topic: "bookings", key: `flight-${number % 31}`, value };
    });
    if (call % 2 === 0) await appender.append(records);
    else await transactor.commit({ records });
    count += records.length;
    await delay(10);
  }
  await appender.close();
  await transactor.close();
  return count;
}

for (const engine of ENGINES) {
  Deno.test(`${engine.name}: a lake writer that is killed again and again writes every record once`, () =>
    withFolder(async (folder) => {
      const { log, env } = await engine.open(folder);
      await log.createTopics([...ALL_TOPICS]);
      const raw = `${folder}/lake/raw`;
      const start = () =>
        startLakeWriter(
          { ...env, LAKE_DIR: `${folder}/lake` },
          ["--seal-events", "300", "--seal-age", "200ms"],
        );
      const stop = new AbortController();
      const feeding = feed(log, stop.signal);
      const files = async () => (await listRawFiles(raw, "bookings")).sealed.length;
      for (let round = 0; round < KILLS; round++) {
        const before = await files();
        const writer = start();
        await until("some files are finished", async () => await files() >= before + 2 + round);
        await delay(round * 7);
        writer.kill("SIGKILL");
        assert.equal(await writer.ended, null);
      }
      stop.abort();
      const count = await feeding;
      const writer = start();
      const good = count - count / 50;
      const offsets = async () =>
        (await lakeLines(raw, "bookings")).map(({ _partition, _offset }) => `${_partition}/${_offset}`);
      await until("all good records are in the lake", async () => (await offsets()).length >= good);
      await stopLakeWriter(writer);

      const lines = await lakeLines(raw, "bookings");
      assert.equal(lines.length, good);
      assert.equal(new Set(await offsets()).size, good);
      assert.equal(new Set(lines.map(({ booking_id }) => booking_id)).size, good);
      // A letter may be stored twice by a crash; its id is the same then, and every refused record has one.
      const ids = (await lakeLines(raw, "dead_letters")).map(({ dead_letter_id }) => dead_letter_id);
      assert.equal(new Set(ids).size, count / 50);
      for (const topic of LAKE_TOPICS) {
        const { sealed } = await listRawFiles(raw, topic);
        const { entries, brokenLines } = await readManifest(`${raw}/${topic}`);
        assert.equal(brokenLines, 0);
        assert.deepEqual([...entries.keys()].toSorted(), sealed.map(({ name }) => name).toSorted());
        assert.ok(!(await namesIn(`${raw}/${topic}`)).some((name) => name.endsWith(".tmp")));
      }
      const ends = new Map((await log.ranges(["bookings"])).map(({ partition, end }) => [partition, end]));
      for (const { partition, offset } of await log.committedOffsets("lake-writer", ["bookings"])) {
        // Kafka's end counts the markers of transactions after the last record.
        assert.ok(offset <= ends.get(partition)! && offset >= ends.get(partition)! - 2);
      }
      await log.deleteTopics(ALL_TOPICS.map(({ name }) => name));
      await log.close();
    }));
}
