/**
 * What every event log promises, whichever engine carries it: one suite, run by each adapter's test file.
 *
 * The suite makes topics and groups of its own under names that occur once, deletes the topics afterwards, and
 * assumes nothing of an engine: offsets may have gaps, a group may take seconds to form. Deadlines only say when
 * to give up.
 *
 * @module
 */

import type { EventLog } from "../../event_log/event_log.ts";
import { groupContract } from "./_contract_groups.ts";
import { handoverContract } from "./_contract_handover.ts";
import { readerContract } from "./_contract_readers.ts";
import { recordContract } from "./_contract_records.ts";
import { topicContract } from "./_contract_topics.ts";
import { transactionContract } from "./_contract_transactions.ts";

/**
 * Registers the suite.
 *
 * @param name the engine, in front of each test's name
 * @param open opens a further connection to the same log, as another process would; called several times a test
 */
export function eventLogContract(name: string, open: () => Promise<EventLog>): void {
  topicContract(name, open);
  recordContract(name, open);
  transactionContract(name, open);
  readerContract(name, open);
  groupContract(name, open);
  handoverContract(name, open);
}
