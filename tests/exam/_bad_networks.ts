/** The networks of the experiment with a slow one. */

import type { Network } from "./_tcp_proxy.ts";

/** A network, and whether it is so from the start of an ETL run or only becomes so in the middle of its load. */
export interface BadNetwork extends Network {
  name: string;
  duringLoad?: boolean;
}

/** Each of the ways in which a network is slow, and all of them. */
export const BAD_NETWORKS: readonly BadNetwork[] = [
  { name: "narrow", bytesPerSecond: 1000, duringLoad: true },
  { name: "late", latencyMs: 1000 },
  { name: "sliced", sliceBytesMax: 7 },
  { name: "late, narrow and sliced", latencyMs: 1000, bytesPerSecond: 1000, sliceBytesMax: 7 },
];
