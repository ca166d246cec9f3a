/** A flight to test with, and upstreams on loopback that do as they are told. */

import type { TrackedFlight } from "../../tracker/tracked_flight.ts";

export const FLIGHT: TrackedFlight = {
  ident: "UAL1545",
  fa_flight_id: "UAL1545-1764300000-schedule-0001",
  status: "Scheduled",
  aircraft_type: "B738",
  origin: "EWR",
  destination: "ORD",
  scheduled_out: "2025-11-28T12:00:00.000Z",
  actual_out: null,
  scheduled_in: "2025-11-28T14:00:00.000Z",
  actual_in: null,
  latitude: null,
  longitude: null,
  altitude: null,
  groundspeed: null,
};

/** The same in AeroAPI's words. */
export const AEROAPI_FLIGHT = {
  ident: "UAL1545",
  ident_icao: "UAL1545",
  ident_iata: "UA1545",
  fa_flight_id: "UAL1545-1764300000-schedule-0001",
  status: "Scheduled",
  aircraft_type: "B738",
  cancelled: false,
  diverted: false,
  departure_delay: 0,
  origin: { code: "KEWR", code_icao: "KEWR", code_iata: "EWR" },
  destination: { code: "KORD", code_icao: "KORD", code_iata: "ORD" },
  scheduled_out: "2025-11-28T12:00:00Z",
  actual_out: null,
  scheduled_in: "2025-11-28T14:00:00Z",
  actual_in: null,
};

/** A server on loopback. */
export interface Stub {
  url: string;
  requests: { method: string; path: string; headers: Headers }[];
  /** What the next requests get. */
  answer: (request: Request) => Response | Promise<Response>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server that answers as `answer` says, to be changed at any time. */
export function stubServer(answer: Stub["answer"]): Stub {
  const stop = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, (request) => {
    const { pathname, search } = new URL(request.url);
    stub.requests.push({ method: request.method, path: pathname + search, headers: request.headers });
    return stub.answer(request);
  });
  const stub: Stub = {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests: [],
    answer,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
  return stub;
}

/** An answer of AeroAPI with these legs. */
export function aeroApiAnswer(...flights: unknown[]): Response {
  return Response.json({ flights, links: null, num_pages: 1 });
}

/** A body of so many megabytes, made as it is read. */
export function hugeBody(megabytes: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent++ >= megabytes) controller.close();
      else controller.enqueue(new Uint8Array(1_000_000).fill(32));
    },
  });
}
