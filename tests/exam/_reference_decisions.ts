/**
 * Compares the decisions of the order that the consumer took with those of an undisturbed run over the finished log.
 *
 * A flight whose records all lie in its own partition must be decided the same by both. One with records that were passed
 * on (without a key, or of a topic with other partitions) need not: such a record arrives by way of another partition, a
 * commit or two late, and what came directly meanwhile was taken before it. Nobody can wait for it, since nothing tells
 * that it is on its way. For these flights the order that was recorded is what counts.
 *
 * @module
 */

type Decisions = Map<string, Record<string, unknown>>;

/** Flights that an undisturbed run over the finished log decides otherwise. */
export interface DecidedOtherwise {
  /** Flights of which records were passed on. */
  passedOn: string[];
  /** The others: there must be none where events were appended as their times rise. */
  direct: string[];
}

/**
 * Finds the flights that two runs decide differently.
 *
 * @param live Decisions by event id, in the order that the consumer recorded.
 * @param undisturbed The same in the order of event time.
 * @param passedOn Flights of which records were passed on.
 */
export function decidedOtherwise(
  live: Decisions,
  undisturbed: Decisions,
  passedOn: ReadonlySet<string>,
): DecidedOtherwise {
  const lines = (decisions: Decisions) =>
    new Map([...decisions].map(([id, event]) => [`${id} ${JSON.stringify(event)}`, String(event.flight_id)]));
  const before = lines(undisturbed);
  const after = lines(live);
  const flights = new Set<string>();
  for (const [line, flight] of [...before, ...after]) {
    if (!before.has(line) || !after.has(line)) flights.add(flight);
  }
  const isPassedOn = (flight: string) => passedOn.has(flight);
  return {
    passedOn: [...flights].filter(isPassedOn),
    direct: [...flights].filter((flight) => !isPassedOn(flight)),
  };
}
