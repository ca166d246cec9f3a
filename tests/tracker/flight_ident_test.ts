import assert from "node:assert/strict";
import { parseIdent } from "../../tracker/flight_ident.ts";

for (
  const [text, ident, iata] of [
    ["UA1545", "UAL1545", "UA"],
    ["UAL1545", "UAL1545", "UA"],
    ["ual123", "UAL123", "UA"],
    ["B61234", "JBU1234", "B6"],
    ["9E3459", "EDV3459", "9E"],
    ["BA0007", "BAW7", "BA"],
    ["ZZ1", "ZZ1", "ZZ"],
    ["XYZ12", "XYZ12", undefined],
  ] as const
) {
  Deno.test(`"${text}" is flight ${ident}`, () => {
    const parsed = parseIdent(text);
    assert.equal(parsed?.ident, ident);
    assert.equal(parsed?.iataDesignator, iata);
  });
}

for (
  const text of [
    "",
    "U1",
    "UA",
    "UA12345",
    "UAL12345",
    "1234",
    "121234",
    "UA1545A",
    "UA-15",
    "../UA1",
    "UA%31",
    "ＵＡ1",
    "UA1\n",
    "é1234",
    // Its capital is an S.
    "\u017fA1",
  ]
) {
  Deno.test(`${JSON.stringify(text)} is no flight number`, () => {
    assert.equal(parseIdent(text), undefined);
  });
}
