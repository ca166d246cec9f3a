/** A small disk of the exam's own: a file system in memory that can be filled up and freed again. Takes root. */

/** A mounted disk. */
export class SmallDisk {
  readonly folder: string;
  readonly #filler: string;
  #mounted = true;

  private constructor(folder: string) {
    this.folder = folder;
    this.#filler = `${folder}/filler`;
  }

  /**
   * Mounts a disk on `folder`, which is made.
   *
   * @param options `user`: the owner of its root, where it is another one.
   * @throws {Error} Where this user may not mount.
   */
  static async mount(folder: string, options: { mebibytes: number; user?: string }): Promise<SmallDisk> {
    await Deno.mkdir(folder, { recursive: true });
    await run("mount", ["-t", "tmpfs", "-o", `size=${options.mebibytes}m,mode=755`, "airline-exam", folder]);
    if (options.user !== undefined) await run("chown", [options.user, folder]);
    return new SmallDisk(folder);
  }

  /** Takes all room but about `leaveBytes`. */
  async fill(leaveBytes: number): Promise<void> {
    using file = await Deno.open(this.#filler, { write: true, create: true });
    const block = new Uint8Array(1024 * 1024);
    let length = 0;
    for (let size = block.length; size >= 4096;) {
      try {
        length += await file.write(block.subarray(0, size));
      } catch (error) {
        if ((error as { code?: string }).code !== "ENOSPC") throw error;
        size /= 2;
      }
    }
    await file.truncate(Math.max(0, length - leaveBytes));
  }

  /** Gives the room back. */
  async free(): Promise<void> {
    await Deno.remove(this.#filler).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }

  /** Takes the disk away and removes its folder; what is open there stays until it is closed. */
  async unmount(): Promise<void> {
    if (!this.#mounted) return;
    this.#mounted = false;
    await run("umount", ["--lazy", this.folder]);
    await Deno.remove(this.folder);
  }
}

async function run(program: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr).trim()}`);
  }
}
