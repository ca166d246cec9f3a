/** Files that may be missing: what a look or a removal says of them. */

/** Whether something lies at a path. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Removes a file, or with `recursive` a whole folder, that may be gone already. */
export async function removeIfThere(path: string, options: { recursive?: boolean } = {}): Promise<void> {
  try {
    await Deno.remove(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
