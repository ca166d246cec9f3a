/**
 * What processes did to the files below a folder, as a list of changes, and which of them are on the disk: a change of a
 * file's content once an fsync of that file that began after it has returned, a change of a name once one of its folder
 * has. A file's fsync says nothing of its name.
 *
 * @module
 */

import type { Change, Node } from "./_disk_changes.ts";
import { bytesOf, type SystemCall, textOf } from "./_system_calls.ts";

/** An open file. Duplicates of a handle, and those that a child inherits, share it. */
interface OpenFile {
  node: Node;
  position: number;
  append: boolean;
}

/** What a path leads to. */
interface Found {
  folder: Node;
  name: string;
  node: Node | undefined;
}

interface Process {
  handles: Map<number, OpenFile>;
}

/** Follows the calls of a trace. */
export class DiskJournal {
  readonly changes: Change[] = [];
  /** The folder that is followed, with everything in it at the start. */
  readonly root: Node;
  readonly #path: string;
  readonly #names = new Map<Node, Map<string, Node>>();
  readonly #processes = new Map<number, Process>();
  /** How many changes there were when a thread's fsync began. */
  readonly #syncsBegun = new Map<number, number>();
  #nodes = 0;

  /** @param path Absolute path of the folder in the trace. @param basePath A copy of it as it was at the start. */
  constructor(path: string, basePath: string) {
    this.#path = path;
    this.root = this.#take(basePath, "folder");
  }

  /** The files of a folder at the start, by name. */
  readonly atStart = new Map<Node, Map<string, Node>>();

  #take(base: string, kind: Node["kind"]): Node {
    const node: Node = { kind, base, number: this.#nodes++ };
    if (kind === "file") return node;
    const names = new Map<string, Node>();
    for (const entry of Deno.readDirSync(base)) {
      names.set(entry.name, this.#take(`${base}/${entry.name}`, entry.isDirectory ? "folder" : "file"));
    }
    this.#names.set(node, names);
    this.atStart.set(node, new Map(names));
    return node;
  }

  #make(kind: Node["kind"]): Node {
    const node: Node = { kind, base: undefined, number: this.#nodes++ };
    if (kind === "folder") this.#names.set(node, new Map());
    return node;
  }

  /** Follows one call. */
  follow(call: SystemCall): void {
    const { phase, thread, name, args, result } = call;
    if (phase === "begin") {
      if (name === "fsync" || name === "fdatasync") this.#syncsBegun.set(thread, this.changes.length);
      return;
    }
    const { handles } = this.#process(thread);
    switch (name) {
      case "clone":
      case "clone3":
      case "fork":
      case "vfork":
        return this.#born(thread, result, args.join());
      case "close":
        handles.delete(Number(args[0]));
        return;
    }
    if (!(result >= 0)) return;
    const file = handles.get(Number(args[0]));
    switch (name) {
      case "open":
        return this.#open(handles, result, undefined, args[0]!, args[1]!);
      case "creat":
        return this.#open(handles, result, undefined, args[0]!, "O_CREAT|O_TRUNC");
      case "openat":
        return this.#open(handles, result, args[0], args[1]!, args[2]!);
      case "dup":
      case "dup2":
      case "dup3":
        if (file !== undefined) handles.set(result, file);
        else handles.delete(result);
        return;
      case "fcntl":
        if (file !== undefined && args[1]!.startsWith("F_DUPFD")) handles.set(result, file);
        return;
      case "rename":
        return this.#rename(handles, undefined, args[0]!, undefined, args[1]!);
      case "renameat":
      case "renameat2":
        return this.#rename(handles, args[0], args[1]!, args[2], args[3]!);
      case "unlink":
      case "rmdir":
        return this.#unname(this.#find(handles, undefined, args[0]!));
      case "unlinkat":
        return this.#unname(this.#find(handles, args[0], args[1]!));
      case "mkdir":
        return this.#mkdir(this.#find(handles, undefined, args[0]!));
      case "mkdirat":
        return this.#mkdir(this.#find(handles, args[0], args[1]!));
      case "truncate": {
        const node = this.#find(handles, undefined, args[0]!)?.node;
        if (node !== undefined) this.#truncate(node, Number(args[1]));
        return;
      }
      case "link":
      case "linkat":
        if ([...args].some((arg) => arg.startsWith('"') && this.#relative(textOf(arg)) !== undefined)) {
          throw new Error(`The exam's journal knows no ${name}: teach it`);
        }
        return;
    }
    if (file === undefined) return;
    switch (name) {
      case "lseek":
        file.position = result;
        return;
      case "write":
      case "writev": {
        if (file.append) file.position = this.#length(file.node);
        this.#write(file.node, file.position, bytesOf(args[1]!).subarray(0, result));
        file.position += result;
        return;
      }
      case "pwrite64":
        return this.#write(file.node, Number(args[3]), bytesOf(args[1]!).subarray(0, result));
      case "pwritev":
      case "pwritev2":
        return this.#write(file.node, Number(args[3]), bytesOf(args[1]!).subarray(0, result));
      case "ftruncate":
        return this.#truncate(file.node, Number(args[1]));
      case "fsync":
      case "fdatasync":
        this.changes.push({
          kind: "sync",
          node: file.node,
          upTo: this.#syncsBegun.get(thread) ?? this.changes.length,
        });
        return;
      case "copy_file_range":
      case "sendfile":
      case "fallocate":
      case "sync_file_range":
        throw new Error(`The exam's journal knows no ${name}: teach it`);
    }
  }

  #process(thread: number): Process {
    let process = this.#processes.get(thread);
    if (process === undefined) this.#processes.set(thread, process = { handles: new Map() });
    return process;
  }

  /** A thread shares its maker's handles, a process has copies of them. */
  #born(maker: number, child: number, flags: string): void {
    if (!(child > 0)) return;
    const { handles } = this.#process(maker);
    // Its own first calls, and those of its own threads, may have been seen before its maker's returned.
    const own = this.#process(child);
    const early = own.handles;
    own.handles = flags.includes("CLONE_FILES") ? handles : new Map(handles);
    for (const [handle, file] of early) own.handles.set(handle, file);
  }

  #relative(path: string): string[] | undefined {
    if (path === this.#path) return [];
    if (!path.startsWith(`${this.#path}/`)) return undefined;
    return path.slice(this.#path.length + 1).split("/").filter((part) => part !== "" && part !== ".");
  }

  /** What a path leads to; `undefined` where it lies outside, or its folder is not there. */
  #find(
    handles: Map<number, OpenFile>,
    at: string | undefined,
    path: string,
  ): Found | undefined {
    const text = textOf(path);
    let folder = this.root;
    let parts: string[] | undefined;
    if (text.startsWith("/") || at === undefined || at === "AT_FDCWD") parts = this.#relative(text);
    else {
      const opened = handles.get(Number(at))?.node;
      if (opened === undefined) return undefined;
      folder = opened;
      parts = text.split("/").filter((part) => part !== "" && part !== ".");
    }
    if (parts === undefined) return undefined;
    const name = parts.pop();
    if (name === undefined) return { folder, name: "", node: folder };
    for (const part of parts) {
      const next = this.#names.get(folder)?.get(part);
      if (next === undefined) return undefined;
      folder = next;
    }
    return { folder, name, node: this.#names.get(folder)?.get(name) };
  }

  #open(
    handles: Map<number, OpenFile>,
    handle: number,
    at: string | undefined,
    path: string,
    flags: string,
  ): void {
    handles.delete(handle);
    const found = this.#find(handles, at, path);
    if (found === undefined) return;
    let { node } = found;
    if (node === undefined) {
      if (!flags.includes("O_CREAT")) return;
      node = this.#make("file");
      this.#name(found.folder, found.name, node);
    } else if (flags.includes("O_TRUNC") && node.kind === "file") this.#truncate(node, 0);
    handles.set(handle, { node, position: 0, append: flags.includes("O_APPEND") });
  }

  #name(folder: Node, name: string, node: Node): void {
    this.#names.get(folder)!.set(name, node);
    this.changes.push({ kind: "name", folder, name, node });
  }

  #mkdir(found: Found | undefined): void {
    if (found !== undefined && found.node === undefined) {
      this.#name(found.folder, found.name, this.#make("folder"));
    }
  }

  #unname(found: Found | undefined): void {
    if (found?.node === undefined) return;
    this.#names.get(found.folder)!.delete(found.name);
    this.changes.push({ kind: "unname", folder: found.folder, name: found.name });
  }

  #rename(
    handles: Map<number, OpenFile>,
    fromAt: string | undefined,
    fromPath: string,
    toAt: string | undefined,
    toPath: string,
  ): void {
    const from = this.#find(handles, fromAt, fromPath);
    const to = this.#find(handles, toAt, toPath);
    if (from?.node === undefined || to === undefined) return;
    this.#names.get(from.folder)!.delete(from.name);
    this.#names.get(to.folder)!.set(to.name, from.node);
    this.changes.push({
      kind: "rename",
      fromFolder: from.folder,
      fromName: from.name,
      folder: to.folder,
      name: to.name,
      node: from.node,
    });
  }

  readonly #lengths = new Map<Node, number>();

  #length(node: Node): number {
    let length = this.#lengths.get(node);
    if (length === undefined) {
      length = node.base === undefined ? 0 : Deno.statSync(node.base).size;
      this.#lengths.set(node, length);
    }
    return length;
  }

  #write(node: Node, offset: number, bytes: Uint8Array): void {
    this.#lengths.set(node, Math.max(this.#length(node), offset + bytes.length));
    this.changes.push({ kind: "write", node, offset, bytes });
  }

  #truncate(node: Node, size: number): void {
    if (size === this.#length(node)) return;
    this.#lengths.set(node, size);
    this.changes.push({ kind: "truncate", node, size });
  }
}
