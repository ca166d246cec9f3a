/** All experiments of the reliability exam, by number. */

import type { Experiment } from "./experiment.ts";
import { experiment as consumerKilled } from "./01_consumer_killed.ts";
import { experiment as brokerKilled } from "./02_broker_killed.ts";
import { experiment as zombie } from "./03_zombie.ts";
import { experiment as rebalances } from "./04_rebalances.ts";
import { experiment as lostAcknowledgement } from "./05_lost_acknowledgement.ts";
import { experiment as slowNetwork } from "./06_slow_network.ts";
import { experiment as lakeWriterKilled } from "./07_lake_writer_killed.ts";
import { experiment as powerCut } from "./08_power_cut.ts";
import { experiment as diskFull } from "./09_disk_full.ts";
import { experiment as etlKilled } from "./10_etl_killed.ts";
import { experiment as connectionLost } from "./11_connection_lost.ts";
import { experiment as poison } from "./12_poison.ts";
import { experiment as clockAndOrder } from "./13_clock_and_order.ts";
import { experiment as soak } from "./14_soak.ts";

export const EXPERIMENTS: readonly Experiment[] = [
  consumerKilled,
  brokerKilled,
  zombie,
  rebalances,
  lostAcknowledgement,
  slowNetwork,
  lakeWriterKilled,
  powerCut,
  diskFull,
  etlKilled,
  connectionLost,
  poison,
  clockAndOrder,
  soak,
];
