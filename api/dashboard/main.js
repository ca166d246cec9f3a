// @ts-check
/** Starts the page. */

import { showBoard } from "./board.js";
import { isDark } from "./chart.js";
import { showCharts } from "./charts.js";
import { ask, connect } from "./connection.js";
import { showDecisions } from "./decisions_feed.js";
import { byId } from "./dom.js";
import { openFlight, showFlightView } from "./flight_view.js";
import { setAirports } from "./format.js";
import { showPipeline } from "./pipeline_strip.js";
import { touch } from "./store.js";

const THEME = "airline-theme";

function followTheme() {
  const button = byId("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => button.textContent = isDark() ? "Light" : "Dark";
  const stored = localStorage.getItem(THEME);
  if (stored === "dark" || stored === "light") document.documentElement.dataset.theme = stored;
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(THEME, theme);
    show();
    dispatchEvent(new Event("themechange"));
  });
  dark.addEventListener("change", show);
  show();
}

followTheme();
showPipeline();
showBoard({ openFlight });
showDecisions({ openFlight });
showFlightView();
showCharts();
connect();
// Until they are known, times are shown in UTC.
ask("/airports").then(({ rows }) => {
  setAirports(rows);
  touch("flights");
}).catch(() => {});
