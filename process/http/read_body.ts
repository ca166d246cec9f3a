/** Reads what a caller sends without trusting its size or its pace. */

import { ApiProblem } from "./problem.ts";

/**
 * The whole body of a request as text.
 *
 * @param options `bytesMax`: no more is taken; `withinMs`: no longer is waited, however busily the caller sends.
 * @throws {ApiProblem} 413 for a body that is larger, 408 for one that takes longer, 400 for one that breaks off.
 */
export async function readBody(
  request: Request,
  { bytesMax, withinMs }: { bytesMax: number; withinMs: number },
): Promise<string> {
  if (request.body === null) return "";
  const reader = request.body.getReader();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new ApiProblem(408, `The body has not arrived within ${withinMs / 1000} s`)),
    withinMs,
  );
  try {
    return await Promise.race([readWhole(reader, bytesMax), late.promise]);
  } catch (error) {
    // The rest is not waited for.
    reader.cancel().catch(() => {});
    if (error instanceof ApiProblem) throw error;
    throw new ApiProblem(400, "The body breaks off");
  } finally {
    clearTimeout(timer);
  }
}

async function readWhole(reader: ReadableStreamDefaultReader<Uint8Array>, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > bytesMax) throw new ApiProblem(413, `The body is larger than ${bytesMax} bytes`);
    text += decoder.decode(value, { stream: true });
  }
}
