/** What the lake's folders tell at a look. */

/** Whether the lake has a folder of any of the topics. */
export async function hasFolderOf(rawFolder: string, topics: readonly string[]): Promise<boolean> {
  try {
    for await (const entry of Deno.readDir(rawFolder)) {
      if (entry.isDirectory && topics.includes(entry.name)) return true;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}

/** Bytes of a topic's raw files now, for the progress. */
export async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".jsonl")) bytes += (await Deno.stat(`${folder}/${name}`)).size;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return bytes;
}
