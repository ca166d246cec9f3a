import { deepEqual, equal, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { prepareWarehouse } from "../../warehouse/migrate.ts";
import { READER_ROLE, scramVerifier, setUpRoles } from "../../warehouse/roles.ts";
import { onEachWarehouse } from "./_warehouse_support.ts";

Deno.test("scramVerifier() makes what a server checks a login with", () => {
  // Source: RFC 7677, section 3: user "user", password "pencil"; the server's signature of that exchange.
  const verifier = scramVerifier("pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"));
  const serverKey = Buffer.from(verifier.split(":").at(-1)!, "base64");
  const exchange = "n=user,r=rOprNGfwEbeRWgbNEkqO," +
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096," +
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  equal(
    createHmac("sha256", serverKey).update(exchange).digest("base64"),
    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
  );
  equal(verifier.startsWith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"), true);
});

const FORBIDDEN = [
  "delete from fact_booking",
  "insert into lease values ('etl', 'me', 1, now())",
  "truncate dim_flight",
  "drop table fact_booking",
  "create table mine (a int)",
];

onEachWarehouse("the reader may read everything, later tables included, and change nothing", async (test) => {
  // Roles belong to a server; on the embedded one nobody is asked for one.
  if (test.embedded) return;
  const { sql, close } = await test.open(1);
  await prepareWarehouse(sql);
  deepEqual(await setUpRoles(sql), []);
  deepEqual(await setUpRoles(sql), []);
  // As a Python ETL does it: a table of the same name, made after the rights were given.
  await sql.unsafe("drop table fact_booking; create table fact_booking (booking_id text)");
  await sql.unsafe(`set role ${READER_ROLE}`);
  equal((await sql`select count(*) from fact_booking`)[0]!.count, 0);
  equal((await sql`select * from inventory_trend`).length, 0);
  for (const statement of FORBIDDEN) {
    await rejects(sql.unsafe(statement).execute(), /permission denied|must be owner/);
  }
  await sql`reset role`;
  await sql.unsafe(`drop owned by ${READER_ROLE}`);
  await close();
});

onEachWarehouse("without the right to create roles, it says so and goes on", async (test) => {
  if (test.embedded) return;
  const { sql, close } = await test.open(1);
  await prepareWarehouse(sql);
  const name = `airline_test_${crypto.randomUUID().slice(0, 8)}`;
  await sql.unsafe(`create role "${name}" nologin`);
  await sql.unsafe(`set role "${name}"`);
  const warnings = await setUpRoles(sql, { readerPassword: "s3cr3t-word" });
  await sql`reset role`;
  await sql.unsafe(`drop owned by "${name}"; drop role "${name}"`);
  equal(warnings.length > 0, true);
  equal(warnings.every((warning) => /may not|Cannot let/.test(warning) && !warning.includes("s3cr3t")), true);
  await close();
});
