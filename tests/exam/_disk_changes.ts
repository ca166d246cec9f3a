/** Changes of files and folders, as a journal lists them. */

/** A file or folder, whatever it is called. */
export interface Node {
  readonly kind: "file" | "folder";
  /** Where its content is before the first change; `undefined` for one that was made since. */
  readonly base: string | undefined;
  readonly number: number;
}

/** One change, in the order in which the calls returned. */
export type Change =
  | { kind: "write"; node: Node; offset: number; bytes: Uint8Array }
  | { kind: "truncate"; node: Node; size: number }
  | { kind: "name"; folder: Node; name: string; node: Node }
  | { kind: "rename"; fromFolder: Node; fromName: string; folder: Node; name: string; node: Node }
  | { kind: "unname"; folder: Node; name: string }
  /** All changes of the node before the `upTo`th are on the disk. */
  | { kind: "sync"; node: Node; upTo: number };
