import assert from "node:assert/strict";
import fc from "fast-check";
import { appendTimeMs, hasLakeFields, lakeLine } from "../../lake/lake_line.ts";

const PLACE = { partition: 2, offset: 1234, timestampMs: Date.UTC(2025, 10, 28, 14, 5, 6, 7) };
const FIELDS = '"_partition":2,"_offset":1234,"_timestamp":"2025-11-28T14:05:06.007Z"';

const LINES: [string, string, string][] = [
  ["an event keeps its bytes", '{"a":1.0,"b":"\\u00e9é"}', `{"a":1.0,"b":"\\u00e9é",${FIELDS}}`],
  ["an empty object takes no comma", "{}", `{${FIELDS}}`],
  ["an empty object with space in it takes no comma", " { } ", ` { ${FIELDS}}`],
  ["trailing whitespace goes", '{"a":1} \t\n', `{"a":1,${FIELDS}}`],
  ["space before the brace stays", '{"a":1 }', `{"a":1 ,${FIELDS}}`],
  [
    "line breaks between tokens become spaces",
    '{\n  "a": [\r\n    1\n  ]\n}',
    `{   "a": [      1   ] ,${FIELDS}}`,
  ],
  ["escaped line breaks stay", '{"a":"x\\ny"}', `{"a":"x\\ny",${FIELDS}}`],
  ["a brace at the end of a string is no end", '{"a":"}"}', `{"a":"}",${FIELDS}}`],
  ["a nested empty object is not the event", '{"a":{}}', `{"a":{},${FIELDS}}`],
];
for (const [name, value, line] of LINES) {
  Deno.test(`lakeLine(): ${name}`, () => {
    assert.equal(lakeLine(value, PLACE), line);
    JSON.parse(line);
  });
}

Deno.test("lakeLine() puts our fields on both sides of an event that has such fields itself", () => {
  const value = '{"_offset":7,"a":1}';
  assert.ok(hasLakeFields(JSON.parse(value)));
  assert.ok(hasLakeFields(JSON.parse('{"\\u005ftimestamp":null}')));
  assert.ok(!hasLakeFields({ offset: 1, nested: { _offset: 1 } }));
  const line = lakeLine(value, PLACE, true);
  assert.equal(line, `{${FIELDS},"_offset":7,"a":1,${FIELDS}}`);
  assert.equal(JSON.parse(line)._offset, 1234);
});

Deno.test("lakeLine() gives back any object of any layout with our three fields, on one line", () => {
  fc.assert(fc.property(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.constantFrom(undefined, 2, "\t", "\n"),
    fc.constantFrom("", " ", "\n", "\r\n\t"),
    (event, indent, tail) => {
      const line = lakeLine(JSON.stringify(event, null, indent) + tail, PLACE, hasLakeFields(event));
      assert.ok(!/[\r\n]/.test(line));
      const expected = JSON.parse(JSON.stringify(event));
      const { _partition, _offset, _timestamp, ...rest } = JSON.parse(line);
      for (const field of ["_partition", "_offset", "_timestamp"]) delete expected[field];
      assert.deepEqual(rest, expected);
      assert.deepEqual({ _partition, _offset, _timestamp }, {
        _partition: 2,
        _offset: 1234,
        _timestamp: "2025-11-28T14:05:06.007Z",
      });
    },
  ));
});

Deno.test("lakeLine() refuses a value that is no object", () => {
  assert.throws(() => lakeLine("[1]", PLACE), /ends in "\[1\]", expected "}"/);
  assert.throws(() => lakeLine("", PLACE), /expected "}"/);
});

Deno.test("append times that no clock shows are brought into the years of events", () => {
  assert.equal(appendTimeMs(1_700_000_000_000), 1_700_000_000_000);
  assert.equal(new Date(appendTimeMs(-1)).toISOString(), "1990-01-01T00:00:00.000Z");
  assert.equal(new Date(appendTimeMs(9e15)).toISOString(), "2199-12-31T23:59:59.999Z");
});
