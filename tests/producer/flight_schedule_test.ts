import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { ScheduleError } from "../../producer/csv_table.ts";
import type { Flight } from "../../producer/flight.ts";
import { FlightSchedule } from "../../producer/flight_schedule.ts";
import { parseScheduleFile } from "../../producer/flight_schedule_file.ts";
import { aircraft, builtInSchedule, builtInWeek, DAY_MS, START_MS, timeZones } from "./_support.ts";

const HEADER =
  "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance";

/** The flights of a one-row schedule on a date. */
function rolled(row: string, date: string): Flight {
  const week = parseScheduleFile(`${HEADER}\n${row}\n`, "test.csv", timeZones);
  const schedule = new FlightSchedule({ week, timeZones, aircraft, seed: 1 });
  const flights = schedule.flightsOn(Temporal.PlainDate.from(date));
  equal(flights.length, 1);
  return flights[0]!;
}

/** Departure and arrival of a row on a date, worked out by hand from the zones' offsets on that date. */
const TIMES: [name: string, row: string, date: string, departure: string, arrival: string][] = [
  [
    "in winter, New York to Las Vegas overnight in UTC: UTC−5 to UTC−8",
    "2013,7,8,2,2115,167,206,2349,137,DL,1729,N3766,JFK,LAS,279,2248",
    "2025-11-24",
    "2025-11-25T02:15:00.000Z",
    "2025-11-25T07:49:00.000Z",
  ],
  [
    "in summer the same local times are an hour earlier",
    "2013,7,8,2,2115,167,206,2349,137,DL,1729,N3766,JFK,LAS,279,2248",
    "2025-07-07",
    "2025-07-08T01:15:00.000Z",
    "2025-07-08T06:49:00.000Z",
  ],
  [
    "an overnight arrival at an airport that the source lacks (Aguadilla, UTC−4)",
    "2013,7,8,4,2359,5,401,340,21,B6,839,N579JB,JFK,BQN,207,1576",
    "2025-11-24",
    "2025-11-25T04:59:00.000Z",
    "2025-11-25T07:40:00.000Z",
  ],
  [
    "Honolulu, UTC−10: ten and a half hours, the same local day",
    "2013,7,8,1000,1000,0,1430,1430,0,HA,51,N382HA,JFK,HNL,600,4983",
    "2025-11-24",
    "2025-11-24T15:00:00.000Z",
    "2025-11-25T00:30:00.000Z",
  ],
  [
    "Phoenix keeps standard time in summer",
    "2013,7,8,800,800,0,1000,1000,0,US,1,N1,JFK,PHX,300,2153",
    "2025-07-07",
    "2025-07-07T12:00:00.000Z",
    "2025-07-07T17:00:00.000Z",
  ],
  [
    "over the date line the arrival is on the local day before",
    "2013,7,9,30,30,0,1000,1000,0,HA,446,N1,AKL,HNL,500,4400",
    "2025-11-25",
    "2025-11-24T11:30:00.000Z",
    "2025-11-24T20:00:00.000Z",
  ],
  [
    "a time that the clocks skip (02:30 on 8 March 2026) lies an hour on",
    "2013,7,14,230,230,0,900,900,0,UA,7,N1,JFK,LAX,300,2475",
    "2026-03-08",
    "2026-03-08T07:30:00.000Z",
    "2026-03-08T16:00:00.000Z",
  ],
  [
    "of a time that comes twice (01:30 on 2 November 2025) the first is meant",
    "2013,7,14,130,130,0,900,900,0,UA,7,N1,JFK,LAX,300,2475",
    "2025-11-02",
    "2025-11-02T05:30:00.000Z",
    "2025-11-02T17:00:00.000Z",
  ],
  [
    "2400 is the midnight that ends the day",
    "2013,7,8,2400,2400,0,130,130,0,UA,7,N1,JFK,BOS,45,187",
    "2025-11-24",
    "2025-11-25T05:00:00.000Z",
    "2025-11-25T06:30:00.000Z",
  ],
];

for (const [name, row, date, departure, arrival] of TIMES) {
  Deno.test(`flightsOn() turns local times into UTC: ${name}`, () => {
    const flight = rolled(row, date);
    equal(new Date(flight.scheduledDepartureMs).toISOString(), departure);
    equal(new Date(flight.scheduledArrivalMs).toISOString(), arrival);
  });
}

Deno.test("flightsOn() takes the real week's flights of the same weekday", () => {
  const schedule = builtInSchedule();
  // Rows of flights.csv by date: grep -c '^2013,7,8,' and so on; 8 July 2013 was a Monday.
  const rowsByDay = [1004, 1001, 1004, 1006, 1002, 811, 931];
  for (const [day, rows] of rowsByDay.entries()) {
    const date = Temporal.PlainDate.from("2025-11-24").add({ days: day });
    const flights = schedule.flightsOn(date);
    equal(flights.length, rows);
    equal(new Set(flights.map(({ flightId }) => flightId)).size, rows);
    ok(flights.every(({ flightId }) => flightId.includes(`_${date}`)));
  }
});

Deno.test("a designator that leaves twice on a date gets -2 on the second", () => {
  const flights = builtInSchedule().flightsOn(Temporal.PlainDate.from("2025-11-29"))
    .filter(({ flightId }) => flightId.startsWith("WN2269_"));
  deepEqual(
    flights.map(({ flightId, originAirport, destinationAirport }) => [
      flightId,
      originAirport,
      destinationAirport,
    ]),
    [["WN2269_2025-11-29", "LGA", "STL"], ["WN2269_2025-11-29-2", "EWR", "DEN"]],
  );
});

Deno.test("the built-in week keeps its cancellations and delays", () => {
  const flights = builtInSchedule().departingBetween(START_MS + 12 * 3_600_000, START_MS + 7.5 * DAY_MS);
  const cancelled = flights.filter(({ outcome }) => outcome.kind === "cancelled").length;
  equal(builtInWeek.filter(({ outcome }) => outcome.kind === "cancelled").length, 298);
  ok(cancelled > 250 && cancelled <= 298, `${cancelled} cancelled`);
  const { outcome } = rolled(
    "2013,7,8,2,2115,167,206,2349,137,DL,1729,N3766,JFK,LAS,279,2248",
    "2025-11-24",
  );
  deepEqual(outcome, { kind: "flown", departureDelayMinutes: 167, arrivalDelayMinutes: 137 });
});

Deno.test("every flight of the week takes half an hour to twelve hours and has 30 to 400 seats", () => {
  for (const flight of builtInSchedule().departingBetween(START_MS, START_MS + 7 * DAY_MS)) {
    const minutes = (flight.scheduledArrivalMs - flight.scheduledDepartureMs) / 60_000;
    ok(minutes >= 30 && minutes <= 720, `${flight.flightId} takes ${minutes} minutes`);
    ok(flight.totalSeats >= 30 && flight.totalSeats <= 400, `${flight.flightId}: ${flight.totalSeats} seats`);
  }
});

Deno.test("seats come from the register, slips of it and unknown aircraft get the stated defaults", () => {
  deepEqual(aircraft("N104UW", "US"), { aircraftType: "A320-214", seats: 182 });
  deepEqual(aircraft("N178JB", "B6"), { aircraftType: "ERJ 190-100 IGW", seats: 100 });
  deepEqual(aircraft("N0EGMQ", "MQ"), { aircraftType: "EMB-145LR", seats: 50 });
  deepEqual(aircraft("NA", "AA"), { aircraftType: "737-823", seats: 150 });
  deepEqual(aircraft("NA", "BA"), { aircraftType: "A320-232", seats: 150 });
});

Deno.test("find() knows a flight by its id, and no other", () => {
  const schedule = builtInSchedule();
  equal(schedule.find("WN2269_2025-11-29-2")?.destinationAirport, "DEN");
  for (const id of ["WN2269_2025-11-29-3", "BA210_2025-11-28", "x", "UA1_2025-02-31", "UA1_2025-13-01"]) {
    equal(schedule.find(id), undefined, id);
  }
});

Deno.test("a smaller day gives each carrier its share and keeps designators over the week", () => {
  const schedule = builtInSchedule({ flightsPerDay: 60 });
  const whole = builtInSchedule();
  const monday = Temporal.PlainDate.from("2025-11-24");
  const byCarrier = (flights: readonly Flight[]) =>
    new Map([...Map.groupBy(flights, ({ airlineCode }) => airlineCode)].map(([k, v]) => [k, v.length]));
  const kept = byCarrier(schedule.flightsOn(monday));
  equal([...kept.values()].reduce((a, b) => a + b), 60);
  for (const [carrier, count] of byCarrier(whole.flightsOn(monday))) {
    const share = count * 60 / 1004;
    ok(Math.abs((kept.get(carrier) ?? 0) - share) < 1, `${carrier}: ${kept.get(carrier)} of ${share}`);
  }
  const designators = (date: Temporal.PlainDate) =>
    new Set(schedule.flightsOn(date).map(({ flightId }) => flightId.split("_")[0]));
  const both = designators(monday).intersection(designators(monday.add({ days: 1 })));
  ok(both.size >= 40, `${both.size} designators fly on Monday and Tuesday`);
  deepEqual(
    schedule.flightsOn(monday.add({ days: 7 })).map(({ flightId }) => flightId.split("_")[0]),
    schedule.flightsOn(monday).map(({ flightId }) => flightId.split("_")[0]),
  );
  const other = builtInSchedule({ flightsPerDay: 60, seed: 2 }).flightsOn(monday);
  ok(other.some(({ flightId }) => !schedule.find(flightId)), "another seed keeps other flights");
});

const GOOD = "2013,7,8,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400";

/** What is wrong with a schedule, and the message. */
const BROKEN: [name: string, text: string, message: string][] = [
  ["is empty", "", 'Cannot read "my.csv": line 1 lacks the columns year, month, day'],
  ["has no rows", `${HEADER}\n`, 'Cannot read "my.csv": it holds no flight'],
  [
    "lacks a column",
    `${HEADER.replace(",origin", "")}\n`,
    'Cannot read "my.csv": line 1 lacks the column origin; expected',
  ],
  [
    "has a short line",
    `${HEADER}\n${GOOD}\n2013,7,8,517,515,2,830,819,11\n`,
    "line 3 has 9 columns, expected 16",
  ],
  [
    "has an open quote",
    `${HEADER}\n${GOOD.replace("UA", '"UA')}\n`,
    "line 2 has a quote that is not closed",
  ],
  ["has no such time", `${HEADER}\n${GOOD.replace("515", "575")}\n`, 'line 2: sched_dep_time is "575"'],
  ["has a late hour", `${HEADER}\n${GOOD.replace("515", "2515")}\n`, 'line 2: sched_dep_time is "2515"'],
  [
    "has no such date",
    `${HEADER}\n${GOOD.replace("2013,7,8", "2013,2,31")}\n`,
    "line 2: 2013-2-31 is no date",
  ],
  ["has a word for a number", `${HEADER}\n${GOOD.replace("1400", "far")}\n`, 'line 2: distance is "far"'],
  ["has no scheduled arrival", `${HEADER}\n${GOOD.replace("819", "NA")}\n`, 'sched_arr_time is "NA"'],
  ["lacks a delay", `${HEADER}\n${GOOD.replace(",2,", ",NA,")}\n`, 'line 2: dep_delay is "NA"'],
  ["has an absurd delay", `${HEADER}\n${GOOD.replace(",2,", ",99999,")}\n`, 'dep_delay is "99999"'],
  [
    "has a bad carrier",
    `${HEADER}\n${GOOD.replace("UA", "u/a")}\n`,
    'carrier is "u/a", expected an airline code',
  ],
  [
    "has an unknown airport",
    `${HEADER}\n${GOOD.replace("IAH", "XXX")}\n`,
    'dest is "XXX", an airport whose time zone',
  ],
  [
    "holds more than a week",
    `${HEADER}\n${GOOD}\n${GOOD.replace("7,8", "7,15")}\n`,
    "line 3: the date 2013-07-15 is the same weekday as 2013-07-08 on line 2",
  ],
];

for (const [name, text, message] of BROKEN) {
  Deno.test(`parseScheduleFile() refuses a schedule that ${name}`, () => {
    throws(() => parseScheduleFile(text, "my.csv", timeZones), (error) => {
      ok(error instanceof ScheduleError);
      ok(error.message.includes(message), error.message);
      return true;
    });
  });
}

Deno.test("parseScheduleFile() takes Windows line ends, a byte order mark, quotes and columns in any order", () => {
  const columns = HEADER.split(",").toReversed();
  const values = GOOD.split(",").toReversed().map((value) => `"${value}"`);
  const text = `\uFEFF${columns.join(",")},note\r\n${values.join(",")},"a ""b"", c"\r\n\r\n`;
  deepEqual(
    parseScheduleFile(text, "my.csv", timeZones),
    parseScheduleFile(`${HEADER}\n${GOOD}`, "my.csv", timeZones),
  );
});
