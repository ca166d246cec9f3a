import { equal } from "node:assert/strict";
import { isLateWrite } from "../../warehouse/_late_writes.ts";

function typeErrorAt(place: string): TypeError {
  const error = new TypeError("Cannot read properties of null (reading 'write')");
  error.stack = `TypeError: ${error.message}\n    at ${place}`;
  return error;
}

Deno.test("only the driver's own late write is let pass", () => {
  const driver = "file:///p/node_modules/.deno/postgres@3.4.9/node_modules/postgres/src/connection.js:255:22";
  equal(isLateWrite(typeErrorAt(`Immediate.nextWrite (${driver})`)), true);
  equal(isLateWrite(typeErrorAt(`Immediate.handle (${driver})`)), false);
  equal(isLateWrite(typeErrorAt("Immediate.nextWrite (file:///p/etl/run.ts:1:1)")), false);
  equal(isLateWrite(new Error(typeErrorAt(`Immediate.nextWrite (${driver})`).stack)), false);
});
