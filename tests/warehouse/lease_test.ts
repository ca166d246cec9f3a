import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { acquireLease, assertLease, LeaseLostError } from "../../warehouse/lease.ts";
import type { Lease, LeaseAttempt } from "../../warehouse/lease.ts";
import { prepareWarehouse } from "../../warehouse/migrate.ts";
import { onEachWarehouse } from "./_warehouse_support.ts";

const HOUR_MS = 3_600_000;

function taken(attempt: LeaseAttempt): Lease {
  ok(attempt.acquired);
  return attempt.lease;
}

onEachWarehouse("a lease has one holder, and a late one cannot store anything", async (test) => {
  const { sql, close } = await test.open();
  const other = await test.open();
  await prepareWarehouse(sql);

  // Of several at once, one gets it; the others are told who.
  const attempts = await Promise.all(
    ["a", "b", "c", "d"].map((holder, at) =>
      acquireLease(at % 2 === 0 ? sql : other.sql, "etl", { ttlMs: HOUR_MS, holder })
    ),
  );
  const winner = attempts.findIndex(({ acquired }) => acquired);
  const name = "abcd"[winner]!;
  for (const attempt of attempts) {
    if (!attempt.acquired) equal(attempt.holder, name);
  }
  equal(attempts.filter(({ acquired }) => acquired).length, 1);
  const first = taken(attempts[winner]!);
  equal(first.token, 1);
  await first.renew();
  await sql.begin((tx) => assertLease(tx, "etl", first.token));

  // Its time runs out unnoticed: nobody has taken it, so what was done under it still counts.
  const expire = () =>
    sql`update lease set expires_at = clock_timestamp() - interval '1 second' where name = 'etl'`;
  await expire();
  await sql.begin((tx) => assertLease(tx, "etl", first.token));
  await first.renew();
  const held = await acquireLease(other.sql, "etl", { ttlMs: HOUR_MS, holder: "e" });
  ok(!held.acquired && held.expiresAt.getTime() > Date.now());

  // Another takes over: the first one's transaction fails as a whole.
  await expire();
  const second = taken(await acquireLease(other.sql, "etl", { ttlMs: HOUR_MS, holder: "e" }));
  equal(second.token, 2);
  await rejects(
    sql.begin(async (tx) => {
      await tx`insert into etl_watermark (log_id, topic, partition, next_offset) values ('log', 'bookings', 0, 1)`;
      await assertLease(tx, "etl", first.token);
    }),
    LeaseLostError,
  );
  equal((await sql`select * from etl_watermark`).length, 0);
  await rejects(first.renew(), LeaseLostError);
  await first.release();
  await other.sql.begin((tx) => assertLease(tx, "etl", second.token));

  // Given back, it is free at once, and its token is of no use any more.
  await second.release();
  await rejects(sql.begin((tx) => assertLease(tx, "etl", second.token)), LeaseLostError);
  await rejects(second.renew(), LeaseLostError);
  const third = taken(await acquireLease(sql, "etl", { ttlMs: HOUR_MS, holder: "f" }));
  equal(third.token, 3);

  // The same holder, who was not told that he has it, takes it again; what he began before counts no more.
  equal(taken(await acquireLease(sql, "etl", { ttlMs: HOUR_MS, holder: "f" })).token, 4);
  await rejects(third.renew(), LeaseLostError);
  equal(taken(await acquireLease(sql, "another", { ttlMs: HOUR_MS, holder: "f" })).token, 1);

  deepEqual([...await sql`select name, holder from lease order by name`], [
    { name: "another", holder: "f" },
    { name: "etl", holder: "f" },
  ]);
  await close();
  await other.close();
});

onEachWarehouse("nobody takes a lease over between the check and the commit", async (test) => {
  const { sql, close } = await test.open();
  const other = await test.open();
  await prepareWarehouse(sql);
  const first = taken(await acquireLease(sql, "etl", { ttlMs: HOUR_MS, holder: "first" }));
  await sql`update lease set expires_at = clock_timestamp() - interval '1 second'`;
  const order: string[] = [];
  let attempt: Promise<LeaseAttempt> | undefined;
  await sql.begin(async (tx) => {
    await assertLease(tx, "etl", first.token);
    attempt = acquireLease(other.sql, "etl", { ttlMs: HOUR_MS, holder: "second" }).then((result) => {
      order.push("taken over");
      return result;
    });
    // The other one's statement reaches the server while this transaction is open.
    await tx`select pg_sleep(0.3)`;
    order.push("committing");
  });
  equal(taken(await attempt!).token, 2);
  deepEqual(order, ["committing", "taken over"]);
  await close();
  await other.close();
});
