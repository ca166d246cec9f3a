/** Reads answers of others without trusting their size. */

/** An answer that is larger than was allowed. */
export class BodyTooLargeError extends Error {
  override name = "BodyTooLargeError";
}

/**
 * The body of an answer, whole. Where it is larger the rest is not taken and the connection is given up.
 *
 * @throws {BodyTooLargeError} above `bytesMax`.
 */
export async function boundedBody(
  response: Response | Request,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null) return new Uint8Array();
  // No more than the announced length is ever read, which is quick; what is compressed may be any size unpacked.
  const announced = response.headers.get("content-length");
  if (announced !== null && Number(announced) <= bytesMax && !response.headers.has("content-encoding")) {
    return new Uint8Array(await response.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop by an error cancels the stream.
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new BodyTooLargeError(`The body has more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
