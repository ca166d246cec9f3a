import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { openWarehouse } from "../../warehouse/connect.ts";
import { parseDatabaseUrl } from "../../warehouse/database_address.ts";
import type { DatabaseAddress } from "../../warehouse/database_address.ts";
import { tlsOptions } from "../../warehouse/_tls.ts";
import { errorMessage } from "../../warehouse/_postgres_messages.ts";
import { onEachWarehouse } from "./_warehouse_support.ts";

const BASE: DatabaseAddress = {
  host: "db.example",
  port: 5432,
  user: "airline",
  password: "secret",
  database: "airline_dw",
  sslMode: "prefer",
  connectTimeoutMs: 10_000,
};

// Source: libpq, "Connection URIs" and "Secure TCP/IP Connections".
const ADDRESSES: [string, Partial<DatabaseAddress>][] = [
  ["postgres://airline:secret@db.example/airline_dw", {}],
  ["postgresql://airline:secret@db.example:6543/airline_dw", { port: 6543 }],
  ["postgres://airline@db.example/airline_dw", { password: "" }],
  ["postgres://airline:secret@db.example", { database: "airline" }],
  ["postgres://airline:secret@[::1]:5433/airline_dw", { host: "::1", port: 5433 }],
  ["postgres://air%40line:p%40s%3As%2Fw%25@db.example/airline_dw", {
    user: "air@line",
    password: "p@s:s/w%",
  }],
  ["postgres://airline:p@s:s/w#r?d@db.example/airline_dw", { password: "p@s:s/w#r?d" }],
  ["postgres://airline:100%off@db.example/airline_dw", { password: "100%off" }],
  ["postgres://airline:secret@db.example/airline_dw?application_name=a@b", {}],
  ["postgres://airline:secret@db.example/airline_dw?sslmode=verify-full", { sslMode: "verify-full" }],
  ["postgres://airline:secret@db.example/airline_dw?sslmode=require", { sslMode: "require" }],
  [
    "postgres://airline:secret@db.example/airline_dw?sslmode=require&sslrootcert=/ca.pem",
    { sslMode: "verify-ca", sslRootCertFile: "/ca.pem" },
  ],
  [
    "postgres://airline:secret@db.example/airline_dw?sslrootcert=system",
    { sslMode: "verify-full", sslRootCertFile: "system" },
  ],
  ["postgres://airline:secret@db.example/airline_dw?connect_timeout=3", { connectTimeoutMs: 3000 }],
  [
    "postgres://airline:secret@db.example/airline_dw?options=-c%20search_path%3Drealtime&channel_binding=require",
    { options: "-c search_path=realtime" },
  ],
];

for (const [url, expected] of ADDRESSES) {
  Deno.test(`parseDatabaseUrl() reads ${url}`, () => {
    deepEqual(parseDatabaseUrl(url), { ...BASE, ...expected });
  });
}

const NO_ADDRESSES: [string, RegExp][] = [
  ["mysql://airline:secret@db.example/airline_dw", /is no postgres:/],
  ["postgres://airline:secret@one.example,two.example/airline_dw", /with one host/],
  ["postgres://airline:secret@/airline_dw", /names no host/],
  ["postgres://db.example/airline_dw", /names no user/],
  ["postgres://airline:secret@db.example:70000/airline_dw", /port 70000/],
  [
    "postgres://airline:secret@db.example/airline_dw?sslmode=yes",
    /sslmode=yes, expected one of disable, allow/,
  ],
  ["postgres://airline:secret@db.example/airline_dw?connect_timeout=soon", /connect_timeout=soon/],
];

for (const [url, expected] of NO_ADDRESSES) {
  Deno.test(`parseDatabaseUrl() refuses ${url}, without its password`, () => {
    throws(() => parseDatabaseUrl(url), (error: Error) => {
      match(error.message, expected);
      return !error.message.includes("secret");
    });
  });
}

/** A server that says something to whoever connects, and nothing else. */
async function withServer(
  answer: Uint8Array | undefined,
  test: (port: number) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sockets: Deno.TcpConn[] = [];
  const serving = (async () => {
    for await (const socket of listener) {
      sockets.push(socket);
      if (answer === undefined) continue;
      await socket.read(new Uint8Array(1024)).catch(() => {});
      await socket.write(answer).catch(() => {});
    }
  })();
  try {
    await test((listener.addr as Deno.NetAddr).port);
  } finally {
    listener.close();
    await serving.catch(() => {});
    for (const socket of sockets) {
      try {
        socket.close();
      } catch {
        // The other side was first.
      }
    }
  }
}

/** Opens in vain; the message must be one line without the password. */
async function refusal(port: number, query: string, embedded = false): Promise<string> {
  let message = "";
  await rejects(
    openWarehouse({
      url: `postgres://airline:s3cr3t-word@127.0.0.1:${port}/airline_dw?${query}`,
      embedded,
      applicationName: "airline-test",
    }),
    (error: Error) => {
      equal(error.name, "WarehouseUnavailableError");
      message = error.message;
      return true;
    },
  );
  ok(!message.includes("s3cr3t-word") && !message.includes("\n"));
  return message;
}

const SAYS: [string, Uint8Array | undefined, string, RegExp][] = [
  [
    "a wrong password",
    errorMessage("FATAL", "28P01", 'password authentication failed for user "airline"'),
    "sslmode=disable",
    /refuses user "airline" \(password authentication failed.*check the user and password in DATABASE_URL/,
  ],
  [
    "a database that is not there",
    errorMessage("FATAL", "3D000", 'database "airline_dw" does not exist'),
    "sslmode=disable",
    /^There is no database "airline_dw" at 127\.0\.0\.1:\d+: create it, or check the name/,
  ],
  [
    "a server that starts up",
    errorMessage("FATAL", "57P03", "the database system is starting up"),
    "sslmode=disable",
    /is not ready \(the database system is starting up\): try again in a moment/,
  ],
  [
    "too many connections",
    errorMessage("FATAL", "53300", "sorry, too many clients already"),
    "sslmode=disable",
    /takes no more connections/,
  ],
  [
    "no answer",
    undefined,
    "sslmode=disable&connect_timeout=0.2",
    /\(it does not answer in time\): is it running\?/,
  ],
  ["no answer about TLS", undefined, "sslmode=require&connect_timeout=0.2", /\(it does not answer in time\)/],
  [
    "no TLS where it is a must",
    new TextEncoder().encode("N"),
    "sslmode=require",
    /offers no TLS, and DATABASE_URL has sslmode=require/,
  ],
];

for (const [name, answer, query, expected] of SAYS) {
  Deno.test(`openWarehouse() says ${name} in one line`, async () => {
    await withServer(answer, async (port) => match(await refusal(port, query), expected));
  });
}

for (const [answer, expected] of [["N", 0], ["S", 0x16]] as const) {
  const how = answer === "N" ? "goes on without TLS where none is offered" : "begins TLS where it is offered";
  Deno.test(`openWarehouse() with sslmode=prefer and a certificate of its own ${how}`, async () => {
    const file = await Deno.makeTempFile();
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const firstBytes: number[] = [];
    const serving = (async () => {
      for await (const socket of listener) {
        const bytes = new Uint8Array(1024);
        // The request for TLS has 8 bytes; what comes instead is the beginning of a session, plain or not.
        while (await socket.read(bytes).catch(() => null) === 8) {
          await socket.write(new TextEncoder().encode(answer)).catch(() => {});
          bytes[0] = 0xff;
        }
        firstBytes.push(bytes[0]!);
        socket.close();
      }
    })();
    const { port } = listener.addr as Deno.NetAddr;
    await refusal(port, `sslmode=prefer&sslcert=${file}&sslkey=${file}&connect_timeout=2`);
    listener.close();
    await serving;
    ok(firstBytes.includes(expected), `${firstBytes}`);
    await Deno.remove(file);
  });
}

Deno.test("openWarehouse() says how to start what does not answer", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = (listener.addr as Deno.NetAddr).port;
  listener.close();
  match(
    await refusal(port, ""),
    /Postgres does not answer at 127\.0\.0\.1:\d+ \(the connection is refused\): is it/,
  );
  match(
    await refusal(port, "", true),
    /^The embedded warehouse does not answer .*: start it with deno task warehouse$/,
  );
});

const CERTIFICATE = { subject: { CN: "db.example" }, subjectaltname: "DNS:db.example, IP Address:192.0.2.7" };

Deno.test("tlsOptions() checks what libpq checks", async () => {
  interface Tls {
    rejectUnauthorized: boolean;
    ca?: string[];
    checkServerIdentity: (host: string, certificate: unknown) => Error | undefined;
  }
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "an authority");
  const options = (address: Partial<DatabaseAddress>) =>
    tlsOptions({ ...BASE, ...address }) as Promise<unknown>;
  equal(await options({ sslMode: "disable" }), false);
  equal(await options({ sslMode: "prefer" }), "prefer");
  deepEqual(await options({ sslMode: "require" }), { rejectUnauthorized: false });
  const own = { cert: "an authority", key: "an authority", rejectUnauthorized: false };
  for (const sslMode of ["allow", "prefer", "require"] as const) {
    deepEqual(await options({ sslMode, sslCertFile: file, sslKeyFile: file }), own);
  }

  const authority = await options({
    sslMode: "verify-ca",
    host: "other.example",
    sslRootCertFile: file,
  }) as Tls;
  deepEqual([authority.rejectUnauthorized, authority.ca], [true, ["an authority"]]);
  equal(authority.checkServerIdentity("other.example", CERTIFICATE), undefined);

  // The host of the URL counts, not the name that the driver hands on: for an IP address it is "localhost".
  const full = async (host: string) =>
    (await options({ sslMode: "verify-full", host }) as Tls).checkServerIdentity("localhost", CERTIFICATE);
  equal(await full("db.example"), undefined);
  equal(await full("192.0.2.7"), undefined);
  ok(await full("other.example") instanceof Error);
  ok(await full("192.0.2.8") instanceof Error);
  await Deno.remove(file);
  await rejects(
    options({ sslMode: "verify-ca", sslRootCertFile: file }),
    /Cannot read ".*", which sslrootcert/,
  );
});

onEachWarehouse("numbers keep their worth, and times their instant", async (test) => {
  const { sql, close } = await test.open();
  const [row] = await sql`
    select 9007199254740991::bigint as safe, 9007199254740993::bigint as large, 0.1::numeric(12,2) as money,
      '2025-11-28T14:00:00.123Z'::timestamptz as time, ${[1, 2]}::int[] as list`;
  deepEqual(row, {
    safe: 9007199254740991,
    large: 9007199254740993n,
    money: "0.10",
    time: new Date("2025-11-28T14:00:00.123Z"),
    list: [1, 2],
  });
  await close();
});
