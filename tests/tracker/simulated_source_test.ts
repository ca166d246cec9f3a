import assert from "node:assert/strict";
import { alongGreatCircle, distanceNm } from "../../tracker/great_circle.ts";
import { flightProfile } from "../../tracker/flight_profile.ts";
import { currentLeg } from "../../tracker/tracked_flight.ts";
import type { TrackedFlight } from "../../tracker/tracked_flight.ts";

const LAX = { latitude: 33 + 57 / 60, longitude: -(118 + 24 / 60) };
const JFK = { latitude: 40 + 38 / 60, longitude: -(73 + 47 / 60) };

Deno.test("LAX to JFK is 2,144 nautical miles, and 40 % of the way lies where the Aviation Formulary says", () => {
  // Ed Williams, Aviation Formulary V1.46, "Some examples": 0.623585 radians, which are 2144 nm where a nautical mile is
  // a minute of arc, 3437.75 nm of radius; at 40 %: 38°40.167' N, 101°37.570' W.
  assert.equal(Math.round(distanceNm(LAX, JFK) * 3437.75 / 3440.0695), 2144);
  const { latitude, longitude } = alongGreatCircle(LAX, JFK, 0.4);
  assert.ok(Math.abs(latitude - (38 + 40.167 / 60)) < 0.01, String(latitude));
  assert.ok(Math.abs(longitude + (101 + 37.57 / 60)) < 0.01, String(longitude));
});

Deno.test("a flight begins and ends on the ground, never goes back, and its speed covers its distance", () => {
  for (const [distance, minutes] of [[80, 35], [250, 60], [700, 110], [2144, 320]] as const) {
    const at = (elapsedMinutes: number) => flightProfile({ distanceNm: distance, minutes, elapsedMinutes });
    assert.equal(at(0).share, 0);
    assert.equal(at(0).altitude, 0);
    assert.equal(at(minutes).share, 1);
    assert.equal(at(minutes).altitude, 0);
    let covered = 0;
    let share = 0;
    const stepMinutes = minutes / 2000;
    for (let step = 0; step < 2000; step++) {
      const state = at((step + 0.5) * stepMinutes);
      assert.ok(state.share >= share);
      share = state.share;
      covered += state.groundspeed * stepMinutes / 60;
    }
    assert.ok(Math.abs(covered / distance - 1) < 0.01, `${covered} of ${distance} nm`);
  }
});

const leg = (id: string, more: Partial<TrackedFlight>): TrackedFlight => ({
  ident: "UAL1",
  fa_flight_id: id,
  status: "Scheduled",
  aircraft_type: null,
  origin: null,
  destination: null,
  scheduled_out: null,
  actual_out: null,
  scheduled_in: null,
  actual_in: null,
  latitude: null,
  longitude: null,
  altitude: null,
  groundspeed: null,
  ...more,
});
const NOW = Date.parse("2025-11-28T12:00:00Z");
const LANDED = leg("landed", {
  actual_out: "2025-11-28T05:00:00Z",
  actual_in: "2025-11-28T08:00:00Z",
  status: "Arrived",
});
const FLYING = leg("flying", { actual_out: "2025-11-28T11:00:00Z" });
const NEXT = leg("next", { scheduled_out: "2025-11-28T15:00:00Z" });
const LATER = leg("later", { scheduled_out: "2025-11-29T15:00:00Z" });

for (
  const [what, legs, expected] of [
    ["one under way comes first", [LATER, NEXT, FLYING, LANDED], "flying"],
    ["else the next", [LATER, NEXT, LANDED], "next"],
    ["else the last", [
      LANDED,
      leg("older", { actual_out: "2025-11-27T05:00:00Z", actual_in: "2025-11-27T08:00:00Z" }),
    ], "landed"],
    ["one that was cancelled is not under way", [
      leg("gone", { actual_out: "2025-11-28T11:00:00Z", status: "Cancelled" }),
      NEXT,
    ], "next"],
    ["one without times is better than none", [leg("bare", {})], "bare"],
    ["none of none", [], undefined],
  ] as const
) {
  Deno.test(`of the legs of an ident, ${what}`, () => {
    assert.equal(currentLeg([...legs], NOW)?.fa_flight_id, expected);
  });
}

Deno.test("a leg that is there twice, as a diverted one is, counts as it is told first", () => {
  const diverted = { ...FLYING, status: "Diverted" };
  assert.equal(currentLeg([diverted, FLYING], NOW)?.status, "Diverted");
});
