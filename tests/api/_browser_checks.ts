/**
 * The page in a real browser: `CHECK ORIGIN EXECUTABLE`. A program of its own, because the browser's driver wants more
 * rights than the tests have. Fails where the page is not as it should be; "stop-api", "start-api" and "track FLIGHT_ID"
 * on standard output ask the test for just that.
 */

import assert from "node:assert/strict";
import axe from "axe-core";
import { chromium } from "playwright-core";
import type { Page } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const [check, origin, executablePath] = Deno.args as [string, string, string];
const errors: string[] = [];
const strangers: string[] = [];

async function openPage(): Promise<{ page: Page; close: () => Promise<void> }> {
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    const { protocol, origin: of } = new URL(request.url());
    if (of !== origin && protocol !== "blob:" && protocol !== "data:") strangers.push(request.url());
  });
  await page.goto(`${origin}/`);
  await page.waitForSelector("#board-rows tr[aria-rowindex]");
  return { page, close: () => browser.close() };
}

const cells = (page: Page) =>
  page.$$eval(
    "#board-rows tr[aria-rowindex]",
    (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent ?? "")),
  );

/** Opens a flight that the tracker tells of. */
async function openTracked(page: Page): Promise<void> {
  // The last to leave: those that left leave the board, too.
  const { rows } = await (await fetch(`${origin}/flights?limit=1&sort=departure&direction=desc`)).json();
  console.log(`track ${rows[0].flight_id}`);
  await page.goto(`${origin}/?flight=${encodeURIComponent(rows[0].flight_id)}`);
  await page.waitForSelector("#flight-view[open] .tracking dl");
}

const CHECKS: Record<string, (page: Page) => Promise<void>> = {
  async use(page) {
    await page.waitForSelector("#trend canvas");
    await page.waitForSelector("#pressure canvas");
    await page.waitForSelector("#decisions li[data-id]");
    assert.equal(await page.textContent("#connection-text"), "Live");

    // Search narrows the rows, and the address keeps it.
    const origins = new Set((await cells(page)).map(([, route]) => route!.slice(0, 3)));
    const [origin] = origins;
    await page.fill("#search", `${origin} →`);
    await page.waitForURL(/[?&]q=/);
    assert.ok((await cells(page)).every(([, route]) => route!.startsWith(`${origin} →`)));
    await page.fill("#search", "");

    // Sorting by load factor, highest first.
    await page.click("th[data-key=load] button");
    await page.waitForSelector("th[data-key=load][aria-sort=descending]");
    const loads = (await cells(page)).map((row) => Number.parseInt(row[4]!));
    assert.deepEqual(loads.slice(0, 10), loads.slice(0, 10).toSorted((a, b) => b - a));

    // Two flights into the charts, and one opened; Back closes it.
    await page.locator("#board-rows input[type=checkbox]").nth(0).check();
    await page.locator("#board-rows input[type=checkbox]").nth(1).check();
    await page.waitForSelector("#chart-flights:has-text('2 flights')");
    await page.locator("#board-rows tr[aria-rowindex] button").first().click();
    await page.waitForSelector("#flight-view[open] canvas");
    assert.match(page.url(), /flight=/);
    await page.goBack();
    await page.waitForSelector("#flight-view", { state: "hidden" });

    // By keyboard alone.
    await page.focus("#board-scroll");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#flight-view[open] h2");
    await page.keyboard.press("Escape");

    const [csv] = await Promise.all([
      page.waitForEvent("download"),
      page.click("#trend button[aria-label$=CSV]"),
    ]);
    const text = await Deno.readTextFile((await csv.path())!);
    assert.match(text, /^flight_id,metric_time,seats_remaining,discount_percentage,reason\r\n/);
    assert.ok(text.split("\r\n").length > 10);
    const [png] = await Promise.all([
      page.waitForEvent("download"),
      page.click("#trend button[aria-label$=PNG]"),
    ]);
    const bytes = await Deno.readFile((await png.path())!);
    assert.deepEqual([...bytes.slice(1, 4)], [...new TextEncoder().encode("PNG")]);

    // Where the tracker runs: status, position and summary beside the bookings; what it says is text.
    await openTracked(page);
    await page.waitForSelector("#flight-view[open] canvas");
    const told = (await page.textContent(".tracking"))!;
    assert.match(told, /En Route \/ On Time/);
    assert.match(told, /41\.00° N, 80\.50° W, 35,000 ft, 450 kt/);
    assert.match(told, /On time <b>so far<\/b>\./);
    await page.waitForSelector(".tracking svg[aria-label*='now at 41.00° N'] .aircraft");
    assert.equal((await page.$$(".tracking svg .airport")).length, 2);

    assert.deepEqual(strangers, []);
    // The minute windows have no table here, which the page does without.
    assert.deepEqual(errors.filter((error) => !error.includes("503")), []);
  },

  async live(page) {
    const clock = () => page.textContent("#clock");
    const clockMoves = async () => {
      const before = await clock();
      while (await clock() === before) await page.waitForTimeout(100);
    };
    await clockMoves();
    console.log("stop-api");
    await page.waitForSelector(".connection.stale");
    console.log("start-api");
    await page.waitForSelector(".connection.live");
    await clockMoves();
  },

  async light(page) {
    await accessible(page, "light");
  },

  async dark(page) {
    await accessible(page, "dark");
  },
};

async function accessible(page: Page, colorScheme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.waitForSelector("#trend canvas");
  for (const open of [false, true]) {
    if (open) await openTracked(page);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<axe.AxeResults>("axe.run()");
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
  }
}

const { page, close } = await openPage();
try {
  await CHECKS[check]!(page);
} finally {
  await close();
}
