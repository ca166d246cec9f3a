/**
 * What may be on the disk after a power cut: everything that was synced, and of the rest what chance kept. Names of one
 * folder are kept in order, up to some point; content by blocks of 512 bytes, in any choice; a file may have its new
 * length without its new content. A folder that was made is there once something in it was synced, as every file system
 * with a journal has it; a file's name takes an fsync of its folder.
 *
 * @module
 */

import type { Change, Node } from "./_disk_changes.ts";
import type { DiskJournal } from "./_disk_journal.ts";
import type { Random } from "./experiment.ts";
import { oneOf, wholeNumber } from "./_random.ts";

const BLOCK_BYTES = 512;

/** How much of what was not synced is kept. */
const KEPT_SHARES = [0, 0, 0.2, 0.8, 1];

const FILES_KEPT = 0.85;

/** Chance's choices at one cut. */
interface Luck {
  random: Random;
  names: number;
  /** `by file`: most files in full, some not at all. */
  content: number | "by file";
  lengths: boolean;
}

/**
 * Makes the image of a cut after the first `count` changes in the folder `to`.
 *
 * @param options `wanted`: which entries of the root are made; the rest is left out.
 * @returns What chance did, in words.
 */
export function makeImage(
  journal: DiskJournal,
  count: number,
  to: string,
  options: { random: Random; wanted: (name: string) => boolean; kept?: Pick<Luck, "names" | "content"> },
): string {
  const { random, wanted } = options;
  const luck: Luck = {
    random,
    names: oneOf(random, KEPT_SHARES),
    content: random() < 0.3 ? "by file" : oneOf(random, KEPT_SHARES),
    lengths: random() < 0.5,
    ...options.kept,
  };
  const changes = journal.changes.slice(0, count);
  const synced = new Map<Node, number>();
  for (const change of changes) {
    if (change.kind === "sync") synced.set(change.node, Math.max(synced.get(change.node) ?? 0, change.upTo));
  }
  const names = namesAfter(journal, changes, { synced, reached: foldersReached(changes) }, luck);
  const content = new Map<Node, { change: Change; isSynced: boolean }[]>();
  changes.forEach((change, at) => {
    if (change.kind !== "write" && change.kind !== "truncate") return;
    const list = content.get(change.node);
    const entry = { change, isSynced: at < (synced.get(change.node) ?? 0) };
    if (list === undefined) content.set(change.node, [entry]);
    else list.push(entry);
  });
  const write = (folder: Node, path: string): void => {
    Deno.mkdirSync(path, { recursive: true });
    for (const [name, node] of names.get(folder) ?? []) {
      if (folder === journal.root && !wanted(name)) continue;
      if (node.kind === "folder") write(node, `${path}/${name}`);
      else writeFile(node, `${path}/${name}`, content.get(node) ?? [], luck);
    }
  };
  write(journal.root, to);
  const percent = (share: number | string) => typeof share === "string" ? share : `${share * 100} %`;
  return `of what was not synced ${percent(luck.names)} of the names kept, ${
    percent(luck.content)
  } of the content${luck.lengths ? ", all lengths" : ""}`;
}

/** Up to which change folders are reached by an fsync of something in them, at any depth: until there they are there. */
function foldersReached(changes: readonly Change[]): Map<Node, number> {
  const parents = new Map<Node, Node>();
  const reached = new Map<Node, number>();
  for (const change of changes) {
    if (change.kind === "name" || change.kind === "rename") parents.set(change.node, change.folder);
    if (change.kind !== "sync") continue;
    const { node, upTo } = change;
    for (let at = node.kind === "folder" ? node : parents.get(node); at !== undefined; at = parents.get(at)) {
      reached.set(at, Math.max(reached.get(at) ?? 0, upTo));
    }
  }
  return reached;
}

/** The entries of each folder. */
function namesAfter(
  journal: DiskJournal,
  changes: readonly Change[],
  { synced, reached }: { synced: ReadonlyMap<Node, number>; reached: ReadonlyMap<Node, number> },
  luck: Luck,
): Map<Node, Map<string, Node>> {
  // Up to which change each folder's names are kept.
  const edges = new Map<Node, number>();
  const edgeOf = (folder: Node): number => {
    let edge = edges.get(folder);
    if (edge === undefined) {
      const from = synced.get(folder) ?? 0;
      const share = luck.names === 0 || luck.names === 1 ? luck.names : luck.random();
      edge = from + Math.round((changes.length - from) * share);
      edges.set(folder, edge);
    }
    return edge;
  };
  const names = new Map([...journal.atStart].map(([folder, entries]) => [folder, new Map(entries)]));
  const of = (folder: Node) => {
    let entries = names.get(folder);
    if (entries === undefined) names.set(folder, entries = new Map());
    return entries;
  };
  changes.forEach((change, at) => {
    switch (change.kind) {
      case "name":
        if (at < edgeOf(change.folder) || at < (reached.get(change.node) ?? 0)) {
          of(change.folder).set(change.name, change.node);
        }
        return;
      case "unname":
        if (at < edgeOf(change.folder)) of(change.folder).delete(change.name);
        return;
      case "rename":
        // As one, and on the disk as soon as either folder is.
        if (
          at < (synced.get(change.folder) ?? 0) || at < (synced.get(change.fromFolder) ?? 0) ||
          at < edgeOf(change.folder) && at < edgeOf(change.fromFolder)
        ) {
          of(change.fromFolder).delete(change.fromName);
          of(change.folder).set(change.name, change.node);
        }
    }
  });
  return names;
}

function shareOf({ content, random }: Luck): number {
  return content !== "by file" ? content : random() < FILES_KEPT ? 1 : 0;
}

function writeFile(
  node: Node,
  path: string,
  list: { change: Change; isSynced: boolean }[],
  luck: Luck,
): void {
  if (list.length === 0) {
    if (node.base === undefined) Deno.writeFileSync(path, new Uint8Array(0));
    else Deno.copyFileSync(node.base, path);
    return;
  }
  const share = shareOf(luck);
  let bytes = node.base === undefined ? new Uint8Array(0) : Deno.readFileSync(node.base);
  let length = bytes.length;
  const grow = (size: number) => {
    if (size <= bytes.length) return;
    const larger = new Uint8Array(Math.max(size, bytes.length * 2));
    larger.set(bytes.subarray(0, length));
    bytes = larger;
  };
  for (const { change, isSynced } of list) {
    if (change.kind === "truncate") {
      // A change of the length alone is kept or not, as a whole.
      if (!isSynced && luck.random() >= share) continue;
      grow(change.size);
      if (change.size < length) bytes.fill(0, change.size, length);
      length = change.size;
    } else if (change.kind === "write") {
      const end = change.offset + change.bytes.length;
      grow(end);
      let kept = change.offset;
      for (let from = change.offset; from < end;) {
        const to = Math.min(end, (Math.floor(from / BLOCK_BYTES) + 1) * BLOCK_BYTES);
        if (isSynced || luck.random() < share) {
          bytes.set(change.bytes.subarray(from - change.offset, to - change.offset), from);
          kept = to;
        }
        from = to;
      }
      length = Math.max(length, isSynced || luck.lengths ? end : kept > change.offset ? kept : 0);
    }
  }
  Deno.writeFileSync(path, bytes.subarray(0, length));
}

/** A place for a cut: anywhere, at times the very end, but more often right behind a change of a name, or around a sync. */
export function drawCut(journal: DiskJournal, random: Random): number {
  const { changes } = journal;
  if (random() < 0.1) return changes.length;
  const at = wholeNumber(random, 0, changes.length);
  if (random() < 0.5) return at;
  const next = changes.findIndex(({ kind }, index) => index >= at && (kind === "rename" || kind === "sync"));
  return next < 0 ? at : next + wholeNumber(random, 0, 2);
}
