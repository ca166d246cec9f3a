import { deepEqual, equal, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import net from "node:net";
import { KafkaAvailability } from "../../event_log/_kafka_availability.ts";
import { BrokerLink } from "../../event_log/_kafka_link.ts";

const API_VERSIONS = 18;
const MINE = 99;

/** A broker that answers what version it is, and from its second connection on also request 99, by its place. */
async function startSilentBroker(): Promise<{ port: number; closed: number[]; stop(): Promise<void> }> {
  const closed: number[] = [];
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    const place = ++connections;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      closed.push(place);
      sockets.delete(socket);
    });
    // Requests are so small that each comes in one piece.
    socket.on("data", (request: Buffer) => {
      const key = request.readInt16BE(4);
      const correlationId = request.readInt32BE(8);
      if (key === MINE && place === 1) return;
      const answer = key === API_VERSIONS ? apiVersions() : Buffer.from([place]);
      const frame = Buffer.alloc(8);
      frame.writeInt32BE(4 + answer.length, 0);
      frame.writeInt32BE(correlationId, 4);
      socket.write(Buffer.concat([frame, answer]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as net.AddressInfo).port,
    closed,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Error code 0, the versions 0 to 2 of one request, no throttling. */
function apiVersions(): Buffer {
  const answer = Buffer.alloc(16);
  answer.writeInt32BE(1, 2);
  answer.writeInt16BE(API_VERSIONS, 6);
  answer.writeInt16BE(2, 10);
  return answer;
}

Deno.test("a request that is not answered in time ends its connection, and the next one goes over a new one", async () => {
  const broker = await startSilentBroker();
  const link = new BrokerLink("127.0.0.1", broker.port, {
    brokers: [`127.0.0.1:${broker.port}`],
    clientId: "test",
    connectionTimeoutMs: 5_000,
    requestTimeoutMs: 200,
    availability: new KafkaAvailability(() => {}),
    log: () => {},
  });
  const ask = () =>
    link.send({
      api: { key: MINE, version: 0, name: "Mine" },
      encode: () => {},
      decode: (reader) => reader.int8(),
    }, 0);
  try {
    await rejects(ask(), { name: "KafkaJSRequestTimeoutError" });
    // Until the connection is closed, what is asked fails at once and is asked again.
    let place: number | undefined;
    for (let tries = 0; place === undefined && tries < 20; tries++) {
      place = await ask().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    equal(place, 2);
    deepEqual(broker.closed, [1]);
  } finally {
    await link.close(new Error("The test is over"));
    await broker.stop();
  }
});
