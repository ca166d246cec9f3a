/** The gateway over a flight data service, asked through its port: what a client can send that a library would not. */

import assert from "node:assert/strict";
import { AEROAPI_FLIGHT, aeroApiAnswer, FLIGHT, stubServer } from "./_tracker_support.ts";
import { trackerStack } from "./_tracker_stack.ts";

const encoder = new TextEncoder();

/** Sends bytes as they are and gives the answer, whole. */
async function send(port: number, request: Uint8Array): Promise<{ status: number; body: string }> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(request);
  const text = await new Response(connection.readable).text();
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);
  return { status, body: text.slice(text.indexOf("\r\n\r\n") + 4) };
}

const get = (port: number, path: string, host = "localhost") =>
  send(port, encoder.encode(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));

const PATHS = [
  "/api/v1/flight/../../actuator/prometheus",
  "/api/v1/flight/..",
  "/api/v1/flight/%2e%2e/UA1",
  "/api/v1/flight/./UA1",
  "/api/v1/flight/..%2f..%2factuator",
  "/api/v1/flight/UA1%2f..%2fUA2",
  "/api/v1/flight/UA1%2Fsummary",
  "/api/v1/flight/UA1%5c..",
  "/api/v1/flight/%252e%252e%252fUA1",
  "/api/v1/flight/..;",
  "/api/v1/flight/UA1%00",
  "/api/v1/flight/UA1%0d%0aX-Evil:1",
  "/api/v1/flight/🛫",
  "/api/v1/flight/%F0%9F%9B%AB",
  "/api/v1/flight/%FF%FE",
  "/api/v1/flight/UA١",
  "/api/v1/flight/UA１",
  "/api/v1/flight/ſA1",
  `/api/v1/flight/${"A".repeat(10_240)}`,
  `/api/v1/flight/UA${"1".repeat(10_240)}`,
];
for (const path of PATHS) {
  Deno.test(`${path.slice(0, 50)} is 400 with problem details, and nothing is asked upstream`, async () => {
    await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
    await using stack = trackerStack(stub);
    const { status, body } = await get(stack.port, path);
    assert.equal(status, 400, body);
    assert.equal(JSON.parse(body).status, 400);
    assert.equal(stub.requests.length, 0);
  });
}

Deno.test("names of hosts that are none are refused, and break nothing", async () => {
  await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
  await using stack = trackerStack(stub);
  for (const host of ["evil.example.com", "[::", "a b", "@", ""]) {
    const { status } = await get(stack.port, "/api/v1/flight/UA1", host);
    assert.ok(status === 421 || status === 400, `${host}: ${status}`);
  }
  assert.equal(stub.requests.length, 0);
});

Deno.test("two bodies in one request, as smugglers send them, reach nobody behind the gateway", async () => {
  await using stub = stubServer(() => aeroApiAnswer());
  await using stack = trackerStack(stub);
  const inner = "GET /api/v1/flight/UA2 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const { body } = await send(
    stack.port,
    encoder.encode(
      "GET /api/v1/flight/UA1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
        `Content-Length: ${inner.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    ),
  );
  assert.ok(!body.includes("UA2"), body);
  assert.ok(stub.requests.every(({ path }) => path.includes("UAL1?")), JSON.stringify(stub.requests));
});

Deno.test("five hundred who ask the gateway at once cost one call upstream", async () => {
  await using stub = stubServer(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return aeroApiAnswer(AEROAPI_FLIGHT);
  });
  await using stack = trackerStack(stub);
  const answers = await Promise.all(
    Array.from({ length: 500 }, async () => {
      const response = await fetch(`${stack.url}/api/v1/flight/UA1545`);
      return [response.status, await response.json()];
    }),
  );
  for (const answer of answers) assert.deepEqual(answer, [200, FLIGHT]);
  assert.equal(stub.requests.length, 1);
});

const SCHEMATHESIS = Deno.env.get("SCHEMATHESIS") ?? "";
if (SCHEMATHESIS !== "") {
  Deno.test("thousands of requests made up from the gateway's document find nothing wrong", async () => {
    const hanging: (() => void)[] = [];
    // An upstream as bad as it can be: what it does depends on the number.
    await using stub = stubServer((request) => {
      const number = Number(/(\d+)$/.exec(new URL(request.url).pathname)?.[1]);
      switch (number % 5) {
        case 0:
          return aeroApiAnswer();
        case 1:
          return new Response("", { status: 500 });
        case 2:
          return new Promise<Response>((resolve) => hanging.push(() => resolve(new Response())));
        case 3:
          return new Response("{");
        default:
          return aeroApiAnswer(AEROAPI_FLIGHT);
      }
    });
    await using stack = trackerStack(stub, { timeoutMs: 20 });
    const folder = await Deno.makeTempDir();
    const config = `${folder}/schemathesis.toml`;
    await Deno.writeTextFile(
      config,
      '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", 502, 503, 504]\n',
    );
    const { code, stdout } = await new Deno.Command(SCHEMATHESIS, {
      args: [
        "--config-file",
        config,
        "run",
        `${stack.url}/openapi.json`,
        "--checks=all",
        "--max-examples=1100",
        "--phases=examples,coverage,fuzzing",
        "--no-color",
        "--seed=1",
      ],
      cwd: folder,
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(code, 0, text);
    const cases = Number(/(\d+) generated/.exec(text)?.[1]);
    assert.ok(cases >= 2000, text);
    for (const answer of hanging) answer();
    await Deno.remove(folder, { recursive: true });
  });
}
