/**
 * The page in a real browser, against running processes. Runs where `CHROMIUM` names one, as the tests of the real
 * engines run where those are named.
 */

import assert from "node:assert/strict";

import axe from "axe-core";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { eventually, freePort, openPipeline } from "../pipeline/_pipeline.ts";
import type { Pipeline } from "../pipeline/_pipeline.ts";

const EXECUTABLE = Deno.env.get("CHROMIUM") ?? "";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A page whose errors and requests to elsewhere are kept. */
interface WatchedPage {
  page: Page;
  errors: string[];
  strangers: string[];
}

async function watched(browser: Browser, origin: string): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
  const errors: string[] = [];
  const strangers: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    const { protocol, origin: of } = new URL(request.url());
    if (of !== origin && protocol !== "blob:" && protocol !== "data:") strangers.push(request.url());
  });
  return { page, errors, strangers };
}

/** Producer, consumer and API over an embedded log, with a day of history. */
async function withPage(
  test: (
    context: WatchedPage & { pipeline: Pipeline; port: number; restartApi: () => Promise<void> },
  ) => Promise<void>,
): Promise<void> {
  const pipeline = await openPipeline("embedded");
  const port = freePort();
  pipeline.env.PIPELINE_PROCESSES = "none";
  const metrics = ["--metrics-port", "0"];
  pipeline.start("producer", [...metrics, "--backfill", "8d", "--flights-per-day", "20", "--speed", "600"]);
  pipeline.start("consumer", metrics);
  const startApi = () => pipeline.start("api", ["--port", String(port), "--access-log", "none"]);
  let api = startApi();
  await api.says("API started");
  const origin = `http://127.0.0.1:${port}`;
  await eventually("decisions are known", async () => {
    const response = await fetch(`${origin}/decisions?limit=1`);
    return (await response.json()).rows.length > 0;
  });
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
  try {
    const context = await watched(browser, origin);
    await context.page.goto(`${origin}/`);
    await context.page.waitForSelector("#board-rows tr[aria-rowindex]");
    const restartApi = async () => {
      await api.stop();
      await context.page.waitForSelector(".connection.stale");
      api = startApi();
      await api.says("API started");
    };
    await test({ ...context, pipeline, port, restartApi });
  } finally {
    await browser.close();
    await pipeline.close();
  }
}

const cells = (page: Page) =>
  page.$$eval(
    "#board-rows tr[aria-rowindex]",
    (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent ?? "")),
  );

if (EXECUTABLE !== "") {
  Deno.test("the page shows the board, decisions and both charts, filters, sorts, opens a flight, and asks nobody else", async () => {
    await withPage(async ({ page, errors, strangers }) => {
      await page.waitForSelector("#trend canvas");
      await page.waitForSelector("#pressure canvas");
      await page.waitForSelector("#decisions li[data-id]");
      assert.equal(await page.textContent("#connection-text"), "Live");

      // Search narrows the rows, and the address keeps it.
      const origins = new Set((await cells(page)).map(([, route]) => route!.slice(0, 3)));
      const [origin] = origins;
      await page.fill("#search", `${origin} →`);
      await page.waitForFunction('location.search.includes("q=")');
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
      await page.waitForFunction(
        'document.querySelector("#chart-flights").textContent.startsWith("2 flights")',
      );
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

      assert.deepEqual(strangers, []);
      // The minute windows have no table here, which the page does without.
      assert.deepEqual(errors.filter((error) => !error.includes("503")), []);
    });
  });

  Deno.test("what happens is on the page by itself, also after the API was away", async () => {
    await withPage(async ({ page, restartApi }) => {
      const clock = () => page.textContent("#clock");
      const clockMoves = async (from: string | null) => {
        while (await clock() === from) await page.waitForTimeout(100);
      };
      const before = await clock();
      await clockMoves(before);
      await restartApi();
      await page.waitForSelector(".connection.live");
      const after = await clock();
      await clockMoves(after);
    });
  });

  for (const scheme of ["light", "dark"] as const) {
    Deno.test(`the page has no serious accessibility finding, ${scheme}`, async () => {
      await withPage(async ({ page }) => {
        await page.emulateMedia({ colorScheme: scheme });
        await page.waitForSelector("#trend canvas");
        for (const open of [false, true]) {
          if (open) {
            await page.locator("#board-rows tr[aria-rowindex] button").first().click();
            await page.waitForSelector("#flight-view[open] dl");
          }
          await page.evaluate(axe.source);
          const { violations } = await page.evaluate(() =>
            (globalThis as unknown as { axe: typeof axe }).axe.run()
          );
          const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
          assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
        }
      });
    });
  }
}
