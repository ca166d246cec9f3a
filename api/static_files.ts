/** Which files the page is made of; paths are relative to this module. */

const DASHBOARD_SCRIPTS = [
  "board",
  "board_columns",
  "board_filters",
  "chart",
  "charts",
  "connection",
  "decisions_feed",
  "dom",
  "flight_curve",
  "flight_view",
  "format",
  "login",
  "main",
  "pipeline_strip",
  "promotion_tips",
  "route_map",
  "store",
  "tracking",
  "url_state",
  "viewers_chart",
];

const DASHBOARD_STYLES = ["theme", "board", "charts", "flight", "page", "login"];

/** The files of the dashboard and of the documentation, by path. */
export const DASHBOARD_FILES: Record<string, string> = {
  "/": "dashboard/index.html",
  "/login": "dashboard/login.html",
  "/dashboard/favicon.svg": "dashboard/favicon.svg",
  ...Object.fromEntries(DASHBOARD_STYLES.map((name) => [`/dashboard/${name}.css`, `dashboard/${name}.css`])),
  ...Object.fromEntries(DASHBOARD_SCRIPTS.map((name) => [`/dashboard/${name}.js`, `dashboard/${name}.js`])),
  "/dashboard/uplot.js": "../node_modules/uplot/dist/uPlot.iife.min.js",
  "/dashboard/uplot.css": "../node_modules/uplot/dist/uPlot.min.css",
  "/docs": "dashboard/docs.html",
  "/docs/docs.js": "dashboard/docs.js",
  "/docs/swagger-ui.css": "../node_modules/swagger-ui-dist/swagger-ui.css",
  "/docs/swagger-ui.js": "../node_modules/swagger-ui-dist/swagger-ui-bundle.js",
};
