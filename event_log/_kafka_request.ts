/**
 * Requests that the adapter writes itself, and how they travel on a connection of kafkajs: framed once and written as
 * they are, where kafkajs would copy a produce request of megabytes three times more.
 *
 * @module
 */

import type { KafkaConnection } from "./_kafka_internals.ts";
import { WireReader, WireWriter } from "./_kafka_wire.ts";

const HEADER_BYTES_MAX = 512;

/** A request and how its answer is read. */
export interface KafkaRequest<T> {
  /** Its number, version and name in Kafka's protocol guide. */
  api: { key: number; version: number; name: string };
  /** Of a version with the flexible encoding: headers then end in tagged fields. */
  flexible?: boolean;
  /** About how many bytes {@link KafkaRequest.encode} writes. */
  bytes?: number;
  encode(writer: WireWriter): void;
  decode(reader: WireReader): T;
  /** Where the broker may take longer than usual. */
  timeoutMs?: number;
}

/** Sends a request on a connection and returns its answer, or fails when none comes in time. */
export async function sendRequest<T>(
  connection: KafkaConnection,
  clientId: string,
  request: KafkaRequest<T>,
): Promise<T> {
  await connection.authenticate();
  connection.failIfNotConnected();
  const correlationId = connection.nextCorrelationId();
  const frame = encodeFrame(request, correlationId, clientId);
  const { payload } = await new Promise<{ payload: Uint8Array }>((resolve, reject) => {
    const { key, name, version } = request.api;
    connection.requestQueue.push({
      entry: { apiKey: key, apiName: name, apiVersion: version, correlationId, resolve, reject },
      expectResponse: true,
      requestTimeout: request.timeoutMs ?? null,
      sendRequest: () => void connection.socket.write(frame),
    });
  });
  const reader = new WireReader(payload);
  if (request.flexible) reader.skipTaggedFields();
  return request.decode(reader);
}

function encodeFrame<T>(request: KafkaRequest<T>, correlationId: number, clientId: string): Uint8Array {
  const writer = new WireWriter((request.bytes ?? 0) + HEADER_BYTES_MAX);
  writer.int32(0).int16(request.api.key).int16(request.api.version).int32(correlationId).string(clientId);
  if (request.flexible) writer.int8(0);
  request.encode(writer);
  writer.view.setInt32(0, writer.offset - 4);
  return writer.written();
}
