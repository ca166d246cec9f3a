/** Flight numbers as people write them, `UA1545`, `UAL1545` or `B61234`, in one form. */

/** ICAO designators of the airlines in our schedule, and of others that are often asked for, by IATA designator. */
const ICAO_BY_IATA: Readonly<Record<string, string>> = {
  "9E": "EDV",
  AA: "AAL",
  AC: "ACA",
  AF: "AFR",
  AS: "ASA",
  B6: "JBU",
  BA: "BAW",
  DL: "DAL",
  EI: "EIN",
  EK: "UAE",
  EV: "ASQ",
  F9: "FFT",
  FL: "TRS",
  FR: "RYR",
  HA: "HAL",
  IB: "IBE",
  KL: "KLM",
  LH: "DLH",
  LX: "SWR",
  MQ: "ENY",
  NH: "ANA",
  NK: "NKS",
  OO: "SKW",
  QF: "QFA",
  QR: "QTR",
  SQ: "SIA",
  TK: "THY",
  U2: "EZY",
  UA: "UAL",
  US: "AWE",
  VS: "VIR",
  VX: "VRD",
  W6: "WZZ",
  WN: "SWA",
  YV: "ASH",
};

const IATA_BY_ICAO = new Map(Object.entries(ICAO_BY_IATA).map(([iata, icao]) => [icao, iata]));

/** A flight number taken apart. */
export interface FlightIdent {
  /** With the ICAO designator where it is known, without leading zeros: `UAL1545`. What upstreams and caches use. */
  ident: string;
  /** The IATA designator where it is known: `UA`. */
  iataDesignator: string | undefined;
  /** `1545`. */
  number: string;
}

/** Two letters or digits, not both digits, or three letters; then one to four digits. */
const IDENT = /^([A-Z]{3}|(?!\d\d)[A-Z0-9]{2})(\d{1,4})$/;

/**
 * Takes a flight number apart; letters of either case. `undefined` where the text is none. `B61234` is flight 1234
 * of B6: the longest number that leaves a designator is meant only where there is no other way to read it.
 */
export function parseIdent(text: string): FlightIdent | undefined {
  // Letters of other alphabets become ours when they are made capitals: "ſ" an "S".
  if (!/^[A-Za-z0-9]{1,7}$/.test(text)) return undefined;
  const match = IDENT.exec(text.toUpperCase());
  if (match === null) return undefined;
  const designator = match[1]!;
  const number = match[2]!.replace(/^0+(?=\d)/, "");
  const iataDesignator = designator.length === 2 ? designator : IATA_BY_ICAO.get(designator);
  const icao = designator.length === 3 ? designator : ICAO_BY_IATA[designator];
  return { ident: `${icao ?? designator}${number}`, iataDesignator, number };
}
