import assert from "node:assert/strict";
import { AccessControl, SESSION_COOKIE } from "../../process/http/access_control.ts";

const none = { authorization: undefined, cookie: undefined };

for (
  const [host, allowed] of [
    ["localhost:8000", true],
    ["127.0.0.1:8000", true],
    ["127.0.0.1", true],
    ["[::1]:8000", true],
    ["LOCALHOST", true],
    ["metrics.example.com", true],
    ["evil.example.com", false],
    ["localhost.evil.example.com", false],
    ["127.0.0.1.evil.example.com:8000", false],
    ["", false],
    [undefined, false],
  ] as const
) {
  Deno.test(`a request that comes by the name ${host} is ${allowed ? "answered" : "refused"}`, () => {
    assert.equal(new AccessControl({ allowedHosts: ["metrics.example.com"] }).hostAllowed(host), allowed);
  });
}

Deno.test("without a token everybody may ask; with one, only who brings it", () => {
  assert.equal(new AccessControl({}).allowed(none), true);
  const access = new AccessControl({ token: "open sesame-42".replace(" ", "-") });
  assert.equal(access.allowed(none), false);
  assert.equal(access.allowed({ ...none, authorization: "Bearer open-sesame-42" }), true);
  assert.equal(access.allowed({ ...none, authorization: "bearer open-sesame-42" }), true);
  for (
    const wrong of [
      "Bearer open-sesame-4",
      "Bearer open-sesame-422",
      "open-sesame-42",
      "Basic open-sesame-42",
      "Bearer ",
    ]
  ) {
    assert.equal(access.allowed({ ...none, authorization: wrong }), false, wrong);
  }
});

Deno.test("the cookie of a login lets in for twelve hours, and none that was changed does", () => {
  let nowMs = 1_700_000_000_000;
  const access = new AccessControl({ token: "secret", now: () => nowMs });
  const header = access.sessionCookie();
  assert.match(header, /HttpOnly/);
  assert.match(header, /SameSite=Strict/);
  assert.ok(!header.includes("secret"));
  const cookie = header.split(";")[0]!;
  assert.equal(access.allowed({ ...none, cookie: `other=1; ${cookie}` }), true);
  const [expires, signature] = cookie.slice(SESSION_COOKIE.length + 1).split(".");
  const later = `${SESSION_COOKIE}=${Number(expires) + 1}.${signature}`;
  assert.equal(access.allowed({ ...none, cookie: later }), false);
  assert.equal(access.allowed({ ...none, cookie: `${SESSION_COOKIE}=${expires}.` }), false);
  nowMs += 12 * 3_600_000 + 1000;
  assert.equal(access.allowed({ ...none, cookie }), false);
  assert.equal(new AccessControl({ token: "secret", now: () => nowMs }).allowed({ ...none, cookie }), false);
});
