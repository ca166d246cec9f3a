/** The order of write, fsync and rename in a traced run: what gets its final name has its content on the disk before. */

import type { Node } from "./_disk_changes.ts";
import type { DiskJournal } from "./_disk_journal.ts";

/** What a published name promises to be on the disk: its own content, or that of a whole folder. */
interface Promised {
  name: RegExp;
  folder?: string;
}

const PROMISED: readonly Promised[] = [
  { name: /^\/lake\/raw\/[^/]+\/[^/.][^/]*\.(jsonl|empty)$/ },
  { name: /^\/lake\/gold\/[^/]+\.parquet$/ },
  { name: /^\/lake\/gold\/_etl_state\.json$/ },
  { name: /^\/warehouse\/stopped$/, folder: "/warehouse/postgres/" },
];

/**
 * Checks every rename to a final name. Returns how many there were, and each that came before its content was synced,
 * in words.
 */
export function checkOrder(journal: DiskJournal): { checked: number; violations: string[] } {
  const paths = pathsAtStart(journal);
  /** Files with content that no fsync has covered, and since which change. */
  const unsynced = new Map<Node, number>();
  const violations: string[] = [];
  let checked = 0;
  /** What loses its name need not be on the disk. */
  const forget = (path: string) => {
    for (const node of unsynced.keys()) if (paths.get(node) === path) unsynced.delete(node);
  };
  journal.changes.forEach((change, at) => {
    switch (change.kind) {
      case "write":
      case "truncate":
        unsynced.set(change.node, at);
        return;
      case "sync": {
        const last = unsynced.get(change.node);
        if (last !== undefined && last < change.upTo) unsynced.delete(change.node);
        return;
      }
      case "name":
      case "rename": {
        const path = `${paths.get(change.folder)}/${change.name}`;
        forget(path);
        paths.set(change.node, path);
        const promised = PROMISED.find(({ name }) => name.test(path));
        if (promised === undefined || change.kind === "name") return;
        checked++;
        const open = promised.folder === undefined
          ? [...unsynced.keys()].filter((node) => node === change.node)
          : [...unsynced.keys()].filter((node) => paths.get(node)?.startsWith(promised.folder!));
        if (open.length > 0) {
          violations.push(
            `${path} got its name before ${open.length} files were synced, ${paths.get(open[0]!)} for one`,
          );
        }
        return;
      }
      case "unname":
        forget(`${paths.get(change.folder)}/${change.name}`);
    }
  });
  return { checked, violations };
}

function pathsAtStart(journal: DiskJournal): Map<Node, string> {
  const paths = new Map<Node, string>();
  const walk = (folder: Node, path: string): void => {
    paths.set(folder, path);
    for (const [name, node] of journal.atStart.get(folder) ?? []) {
      if (node.kind === "folder") walk(node, `${path}/${name}`);
      else paths.set(node, `${path}/${name}`);
    }
  };
  walk(journal.root, "");
  return paths;
}
