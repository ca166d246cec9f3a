// @ts-check
/** Says why the login did not work. */

const [page] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
const reason = page?.responseStatus === 429
  ? "often"
  : new URLSearchParams(location.search).has("wrong")
  ? "wrong"
  : undefined;
const shown = reason === undefined ? null : document.getElementById(reason);
if (shown !== null) shown.hidden = false;
