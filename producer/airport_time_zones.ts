/**
 * The IANA time zone of each airport: `data/airports.csv`, and a table of those that a schedule may name beside
 * it. The four Caribbean airports are destinations of the built-in week that the source has no row for; the
 * others are the largest airports elsewhere, for schedules of the user's own.
 *
 * @module
 */

import { readCsvTable } from "./csv_table.ts";

const FURTHER_ZONES: Record<string, string> = {
  "America/Puerto_Rico": "BQN SJU PSE",
  "America/St_Thomas": "STT",
  "America/Toronto": "YYZ YUL YOW",
  "America/Vancouver": "YVR",
  "America/Edmonton": "YYC",
  "America/Mexico_City": "MEX",
  "America/Cancun": "CUN",
  "America/Bogota": "BOG",
  "America/Sao_Paulo": "GRU GIG",
  "America/Argentina/Buenos_Aires": "EZE",
  "America/Santiago": "SCL",
  "America/Lima": "LIM",
  "Europe/London": "LHR LGW MAN STN LTN EDI GLA BHX",
  "Europe/Dublin": "DUB",
  "Europe/Lisbon": "LIS OPO",
  "Europe/Madrid": "MAD BCN AGP PMI",
  "Europe/Paris": "CDG ORY NCE LYS",
  "Europe/Brussels": "BRU",
  "Europe/Amsterdam": "AMS",
  "Europe/Berlin": "FRA MUC BER DUS HAM",
  "Europe/Zurich": "ZRH GVA",
  "Europe/Vienna": "VIE",
  "Europe/Rome": "FCO MXP VCE",
  "Europe/Copenhagen": "CPH",
  "Europe/Oslo": "OSL",
  "Europe/Stockholm": "ARN",
  "Europe/Helsinki": "HEL",
  "Europe/Warsaw": "WAW",
  "Europe/Prague": "PRG",
  "Europe/Budapest": "BUD",
  "Europe/Athens": "ATH",
  "Europe/Istanbul": "IST SAW",
  "Africa/Cairo": "CAI",
  "Africa/Johannesburg": "JNB",
  "Africa/Lagos": "LOS",
  "Africa/Nairobi": "NBO",
  "Asia/Jerusalem": "TLV",
  "Asia/Dubai": "DXB AUH",
  "Asia/Qatar": "DOH",
  "Asia/Riyadh": "RUH JED",
  "Asia/Kolkata": "DEL BOM BLR MAA",
  "Asia/Bangkok": "BKK",
  "Asia/Singapore": "SIN",
  "Asia/Kuala_Lumpur": "KUL",
  "Asia/Jakarta": "CGK",
  "Asia/Hong_Kong": "HKG",
  "Asia/Shanghai": "PVG PEK CAN",
  "Asia/Taipei": "TPE",
  "Asia/Manila": "MNL",
  "Asia/Seoul": "ICN",
  "Asia/Tokyo": "NRT HND KIX",
  "Australia/Sydney": "SYD",
  "Australia/Melbourne": "MEL",
  "Australia/Brisbane": "BNE",
  "Australia/Perth": "PER",
  "Pacific/Auckland": "AKL",
};

/** Zone names by airport code, from the text of `airports.csv` and the table above. */
export function airportTimeZones(airportsCsv: string): ReadonlyMap<string, string> {
  const zones = new Map<string, string>();
  for (const [zone, codes] of Object.entries(FURTHER_ZONES)) {
    for (const code of codes.split(" ")) zones.set(code, zone);
  }
  for (const row of readCsvTable(airportsCsv, "airports.csv", ["faa", "tzone"])) {
    zones.set(row.get("faa"), row.get("tzone"));
  }
  return zones;
}

/**
 * The instant of a local time, in milliseconds since 1970. A time that the clocks skip in spring is taken as far
 * behind the gap as it lies in it; of a time that comes twice in autumn the first is meant (Temporal's
 * "compatible").
 *
 * @param minuteOfDay 0 to 1440.
 */
export function localInstantMs(date: Temporal.PlainDate, minuteOfDay: number, timeZone: string): number {
  return date.toPlainDateTime().add({ minutes: minuteOfDay }).toZonedDateTime(timeZone).epochMilliseconds;
}
