// @ts-check
/** Shows why a promotion was decided, where the pointer is near its marker. */

import { colorAt } from "./chart.js";
import { reasonOf } from "./decisions_feed.js";
import { element } from "./dom.js";
import { utcTime } from "./format.js";

/** @typedef {import("./charts.js").Details} Details */

const TIP_DISTANCE = 24;

/** Shows a promotion's reason beside the pointer. @param {Details[]} flights */
export function promotionTips(flights) {
  const tip = element("div", { class: "tip", hidden: true });
  const markers = flights.flatMap(({ flight, promotions }, at) =>
    promotions.map((decision) => ({ flight, decision, color: colorAt(at) }))
  );
  return {
    hooks: {
      init: (/** @type {any} */ plot) => plot.over.append(tip),
      setCursor: (/** @type {any} */ plot) => {
        const { left, top } = plot.cursor;
        let nearest;
        let least = TIP_DISTANCE;
        for (const marker of markers) {
          const x = plot.valToPos(Date.parse(marker.decision.event_time) / 1000, "x");
          const y = plot.valToPos(marker.decision.discount_percentage, "discount");
          const distance = Math.hypot(x - left, y - top);
          if (distance < least) [nearest, least] = [{ ...marker, x, y }, distance];
        }
        tip.hidden = nearest === undefined;
        if (nearest === undefined) return;
        const { flight, decision, x, y } = nearest;
        tip.replaceChildren(
          element("strong", {
            text: `${flight.flight_id.split("_")[0]}: −${decision.discount_percentage} %`,
          }),
          element("span", { text: reasonOf(decision) }),
          element("span", { class: "muted", text: utcTime(decision.event_time) }),
        );
        const wide = plot.over.clientWidth;
        tip.style.left = `${Math.max(0, Math.min(x + 12, wide - 230))}px`;
        tip.style.top = `${Math.max(0, y - 20)}px`;
      },
    },
  };
}
