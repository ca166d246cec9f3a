/** Whole lines out of a byte stream, in bounded memory. */

/** Longer lines are cut; what a person reads is shorter, and a process must not fill our memory. */
const LINE_LENGTH_MAX = 4096;

/** Calls `onLine` for each line of a stream (without its end), until the stream ends or breaks. */
export async function eachLine(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
  lengthMax = LINE_LENGTH_MAX,
): Promise<void> {
  let begun = "";
  let cut = false;
  const end = () => {
    onLine(cut ? `${begun}…` : begun.endsWith("\r") ? begun.slice(0, -1) : begun);
    begun = "";
    cut = false;
  };
  const take = (text: string) => {
    const parts = text.split("\n");
    parts.forEach((part, at) => {
      if (at > 0) end();
      if (cut) return;
      begun += part;
      if (begun.length > lengthMax) {
        begun = begun.slice(0, lengthMax);
        cut = true;
      }
    });
  };
  try {
    const decoder = new TextDecoder();
    for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
    take(decoder.decode());
  } catch {
    // The pipe broke: its process is gone, and says so by its exit code.
  }
  if (begun !== "") end();
}
