/** No promotions at all: what every other policy is measured against. */

import type { PromotionPolicy } from "./policy.ts";

/** Never decides anything. */
export const none: PromotionPolicy = {
  name: "none",
  version: 1,
  evaluate: () => undefined,
};
