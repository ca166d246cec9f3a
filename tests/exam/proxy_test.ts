import { deepEqual, equal } from "node:assert/strict";
import { Buffer } from "node:buffer";
import net from "node:net";
import { KAFKA_API, watchKafka } from "./_kafka_watch.ts";
import { watchPostgres } from "./_postgres_watch.ts";
import type { PostgresEvent } from "./_postgres_watch.ts";
import { TcpProxy } from "./_tcp_proxy.ts";
import type { ConnectionWatch, Network } from "./_tcp_proxy.ts";

/** A server that sends back what it gets, and a proxy before it. */
async function withEcho(
  options: { watch?: () => ConnectionWatch; network?: Network },
  body: (proxy: TcpProxy, received: () => number) => Promise<void>,
): Promise<void> {
  let received = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      received += bytes.length;
      socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as net.AddressInfo;
  const { watch, network = {} } = options;
  const proxy = await TcpProxy.start({ hostname: "127.0.0.1", port }, watch === undefined ? {} : { watch });
  proxy.network = network;
  try {
    await body(proxy, () => received);
  } finally {
    await proxy.stop();
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

async function read(connection: Deno.Conn, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count;) {
    const part = await connection.read(bytes.subarray(at));
    if (part === null) throw new Error(`The connection ended after ${at} of ${count} bytes`);
    at += part;
  }
  return bytes;
}

for (const network of [{}, { sliceBytesMax: 3 }, { latencyMs: 5, bytesPerSecond: 20_000 }]) {
  Deno.test(`a proxy carries all bytes in order over a network of ${JSON.stringify(network)}`, () =>
    withEcho({ network }, async (proxy) => {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
      const sent = crypto.getRandomValues(new Uint8Array(500));
      await connection.write(sent);
      deepEqual(await read(connection, sent.length), sent);
    }));
}

Deno.test("a reset reaches the client after the server has taken what was sent", () =>
  withEcho({ watch: () => ({ toClient: () => "reset" }) }, async (proxy, received) => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
    await connection.write(new Uint8Array(10));
    const outcome = await connection.read(new Uint8Array(10)).catch((error) => error.name);
    equal(outcome, "ConnectionReset");
    equal(received(), 10);
  }));

Deno.test("a stalled connection brings nothing, and ends with its client", () =>
  withEcho({ watch: () => ({ toClient: () => "stall" }) }, async (proxy, received) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
    await connection.write(new Uint8Array(10));
    while (received() < 10) await new Promise((resolve) => setTimeout(resolve, 5));
    equal(proxy.connections, 1);
    connection.close();
    while (proxy.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }));

/** Hands bytes over one by one, as a bad network may. */
function byteByByte(look: (bytes: Buffer) => unknown, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at++) look(bytes.subarray(at, at + 1));
}

Deno.test("the Postgres watch tells statements inside a transaction from those outside", () => {
  const heard: PostgresEvent[] = [];
  const watch = watchPostgres((event, { applicationName, serverPid }) => {
    equal(applicationName, "etl");
    equal(serverPid, 7);
    heard.push(event);
    return undefined;
  });
  const message = (type: string, body: string) => {
    const text = Buffer.from(body, "latin1");
    const length = Buffer.alloc(4);
    length.writeInt32BE(text.length + 4);
    return Buffer.concat([Buffer.from(type), length, text]);
  };
  const toServer = (...messages: Buffer[]) =>
    byteByByte(watch.toServer!.bind(watch), Buffer.concat(messages));
  const toClient = (...messages: Buffer[]) =>
    byteByByte(watch.toClient!.bind(watch), Buffer.concat(messages));
  toServer(
    message("", "\x04\xd2\x16\x2f"),
    message("", "\x00\x03\x00\x00user\0me\0application_name\0etl\0\0"),
  );
  toClient(
    Buffer.from("N"),
    message("R", "\0\0\0\0"),
    message("K", "\0\0\0\x07\0\0\0\x01"),
    message("Z", "I"),
  );
  toServer(message("Q", "begin\0"));
  toClient(message("C", "BEGIN\0"), message("Z", "T"));
  toServer(message("P", "s1\0insert into t\0\0\0"), message("B", "\0s1\0\0\0"), message("S", ""));
  toClient(message("C", "INSERT 0 1\0"), message("Z", "T"));
  toServer(message("Q", "commit\0"));
  toClient(message("C", "COMMIT\0"), message("Z", "I"));
  deepEqual(heard, [
    { kind: "statement", text: "begin", inTransaction: false },
    { kind: "done", tag: "BEGIN", inTransaction: false },
    { kind: "statement", text: "insert into t", inTransaction: true },
    { kind: "done", tag: "INSERT 0 1", inTransaction: true },
    { kind: "statement", text: "commit", inTransaction: true },
    { kind: "done", tag: "COMMIT", inTransaction: true },
  ]);
});

Deno.test("the Kafka watch knows which request an answer is for", () => {
  const heard: string[] = [];
  const watch = watchKafka(({ api, clientId }) => {
    heard.push(`${api} ${clientId}`);
    return undefined;
  });
  const frame = (...parts: Buffer[]) => {
    const body = Buffer.concat(parts);
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length);
    return Buffer.concat([length, body]);
  };
  const request = (api: number, id: number, client: string) => {
    const header = Buffer.alloc(10);
    header.writeInt16BE(api, 0);
    header.writeInt32BE(id, 4);
    header.writeInt16BE(client.length, 8);
    return frame(header, Buffer.from(client), Buffer.alloc(300));
  };
  const answer = (id: number) => {
    const header = Buffer.alloc(4);
    header.writeInt32BE(id);
    return frame(header, Buffer.alloc(100));
  };
  byteByByte(
    watch.toServer!.bind(watch),
    Buffer.concat([request(KAFKA_API.produce, 5, "one"), request(KAFKA_API.endTxn, 6, "two")]),
  );
  byteByByte(watch.toClient!.bind(watch), Buffer.concat([answer(6), answer(5)]));
  deepEqual(heard, [`${KAFKA_API.endTxn} two`, `${KAFKA_API.produce} one`]);
});
