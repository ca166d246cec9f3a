import assert from "node:assert/strict";
import { CrossOrigin, originsOf } from "../../tracker/cross_origin.ts";
import type { BrowserHeaders } from "../../tracker/cross_origin.ts";

const OPS = "https://ops.example.com";
const NOTHING: BrowserHeaders = {
  method: "GET",
  host: "localhost:8080",
  origin: undefined,
  site: undefined,
  mode: undefined,
  destination: undefined,
};

for (
  const [what, headers, refused] of [
    ["a program", {}, false],
    ["a program that posts", { method: "POST" }, false],
    ["an image in another site's page", { site: "cross-site", mode: "no-cors", destination: "image" }, true],
    ["another site's frame", { site: "cross-site", mode: "navigate", destination: "iframe" }, true],
    ["a link on another site", { site: "cross-site", mode: "navigate", destination: "document" }, false],
    ["our own page", { site: "same-origin", mode: "cors" }, false],
    ["a page on another port of this machine", { site: "same-site", mode: "cors" }, false],
    ["another site's form", { method: "POST", origin: "https://evil.example.com" }, true],
    ["a page without an origin that posts", { method: "POST", origin: "null" }, true],
    ["our own form", { method: "POST", origin: "http://localhost:8080" }, false],
    ["a page that was named", { site: "cross-site", mode: "cors", origin: OPS }, false],
    ["a browser that asks first", {
      method: "OPTIONS",
      origin: "https://evil.example.com",
      site: "cross-site",
    }, false],
  ] as [string, Partial<BrowserHeaders>, boolean][]
) {
  Deno.test(`${what} is ${refused ? "refused" : "answered"}`, () => {
    assert.equal(new CrossOrigin([OPS]).refuses({ ...NOTHING, ...headers }), refused);
  });
}

Deno.test("only those who were named may read answers, and what is kept says for whom", () => {
  const named = new CrossOrigin([OPS]);
  assert.equal(named.headersFor(OPS)["access-control-allow-origin"], OPS);
  assert.deepEqual(named.headersFor("https://evil.example.com"), { vary: "Origin" });
  assert.deepEqual(new CrossOrigin().headersFor(OPS), {});
  assert.equal(
    new CrossOrigin(["*"]).headersFor("https://any.example.com")["access-control-allow-origin"],
    "*",
  );
});

Deno.test("--cors-origins takes origins, and says what is none", () => {
  assert.deepEqual(originsOf(undefined), []);
  assert.deepEqual(originsOf(`${OPS}, http://localhost:3000`), [OPS, "http://localhost:3000"]);
  assert.deepEqual(originsOf("*"), ["*"]);
  for (const wrong of [`${OPS}/`, "ops.example.com", `${OPS}/app`, "null"]) {
    assert.throws(() => originsOf(wrong), /--cors-origins holds/);
  }
});
