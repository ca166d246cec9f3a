/** A change of an engine's state: the new value of an entry; `null` removes it. */
export interface StateChange {
  key: string;
  value: string | null;
}
