/** A port that nobody listens on. */

/** A port of 127.0.0.1 that was free a moment ago; somebody else may take it before its user does. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}
