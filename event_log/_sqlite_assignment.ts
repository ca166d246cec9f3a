/** Who of a group owns which partition number. */

/**
 * Deals the numbers 0 … `partitions - 1` to the members: as evenly as can be, and each stays with its owner where
 * that allows it. The same arguments give the same answer, and the answer, given back as `owners`, gives itself.
 *
 * @param owners by partition number, who owned it so far
 * @param members in the order in which they joined; at least one
 */
export function assignPartitions(
  owners: ReadonlyMap<number, string | null>,
  members: readonly string[],
  partitions: number,
): Map<number, string> {
  const share = Math.floor(partitions / members.length);
  let larger = partitions % members.length;
  const counts = new Map(members.map((member) => [member, 0]));
  const assigned = new Map<number, string>();
  const give = (partition: number, member: string) => {
    const count = counts.get(member)! + 1;
    if (count === share + 1) larger--;
    counts.set(member, count);
    assigned.set(partition, member);
  };
  const hasRoom = (member: string) => {
    const count = counts.get(member);
    return count !== undefined && (count < share || (count === share && larger > 0));
  };
  for (let partition = 0; partition < partitions; partition++) {
    const owner = owners.get(partition);
    if (owner && hasRoom(owner)) give(partition, owner);
  }
  for (let partition = 0; partition < partitions; partition++) {
    if (!assigned.has(partition)) give(partition, members.find(hasRoom)!);
  }
  return assigned;
}
