/** The permission sets of `deno.json`, and what two of them allow together. */

import { join } from "node:path";
import { listOf, PROJECT_DIR } from "./_permission_lists.ts";
import type { PermissionEntry } from "./_permission_lists.ts";

/** A named set of `deno.json`. */
type PermissionSet = Partial<
  Record<"read" | "write" | "net" | "env" | "sys" | "run" | "ffi", PermissionEntry>
>;

let declared: Record<string, PermissionSet> | undefined;

/** The permission sets of `deno.json`. */
export function permissionSets(): Record<string, PermissionSet> {
  declared ??= JSON.parse(Deno.readTextFileSync(join(PROJECT_DIR, "deno.json"))).permissions as Record<
    string,
    PermissionSet
  >;
  return declared;
}

/** Everything that one or the other set allows; what one of them denies stays denied where the other allows nothing in it. */
export function united(one: PermissionSet, other: PermissionSet): PermissionSet {
  const both: PermissionSet = {};
  for (const kind of ["read", "write", "net", "env", "sys", "run", "ffi"] as const) {
    const [left, right] = [listOf(one[kind]), listOf(other[kind])];
    const allow = left === true || right === true ? true : [...new Set([...left, ...right])];
    const deny = [...deniedBy(one[kind], right), ...deniedBy(other[kind], left)];
    both[kind] = deny.length === 0 ? allow : { allow, deny };
  }
  return both;
}

function deniedBy(entry: PermissionEntry | undefined, allowed: true | string[]): string[] {
  if (typeof entry !== "object" || Array.isArray(entry) || allowed === true) return [];
  const denied = listOf(entry.deny);
  return denied === true
    ? []
    : denied.filter((path) => !allowed.some((other) => other === path || other.startsWith(`${path}/`)));
}
