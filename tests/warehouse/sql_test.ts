import { deepEqual, equal, match } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { splitStatements } from "../../scripts/_split_statements.ts";
import { SqlOutput } from "../../scripts/_sql_output.ts";
import type { SqlColumn, SqlFormat, SqlRow } from "../../scripts/_sql_output.ts";
import { prepareWarehouse } from "../../warehouse/migrate.ts";
import { onEachWarehouse } from "./_warehouse_support.ts";

const PROGRAM = fileURLToPath(new URL("../../scripts/sql.ts", import.meta.url));

// Source: PostgreSQL, "Lexical Structure".
const TEXTS: [string, string[]][] = [
  ["select 1", ["select 1"]],
  [" select 1 ;\n select 2; ", ["select 1", "select 2"]],
  [";; -- nothing\n /* here; */", []],
  ["select ';' , \"a;b\", E'it\\'s;', 'it''s;'; select 2", [
    "select ';' , \"a;b\", E'it\\'s;', 'it''s;'",
    "select 2",
  ]],
  ["do $$ begin; end $$; do $a$ $$; $a$", ["do $$ begin; end $$", "do $a$ $$; $a$"]],
  ["select 1 /* a /* b; */ ; */ + 1 -- end;\n; select 2", ["select 1 /* a /* b; */ ; */ + 1", "select 2"]],
  ["select a$b; select '", ["select a$b", "select '"]],
];

for (const [text, expected] of TEXTS) {
  Deno.test(`splitStatements() cuts ${JSON.stringify(text)}`, () => {
    const statements = splitStatements(text);
    deepEqual(statements.map((statement) => statement.text), expected);
    for (const { text: part, offset } of statements) equal(text.slice(offset, offset + part.length), part);
  });
}

const COLUMNS: SqlColumn[] = [
  { name: "n", type: 23 },
  { name: "price", type: 1700 },
  { name: "name", type: 25 },
  { name: "at", type: 1184 },
  { name: "ok", type: 16 },
  { name: "inputs", type: 3802 },
];
const ROWS: SqlRow[] = [
  ["1", "140.00", "Zoë \u001b[2J", "2025-11-28 14:00:00.5+00", "t", '{"a": 1}'],
  ["20000", null, "", null, "f", null],
];

const FORMATS: [SqlFormat, string, string][] = [
  [
    "table",
    "    n   price  name         at                      ok  inputs\n" +
    "─────  ──────  ───────────  ──────────────────────  ──  ────────\n" +
    '    1  140.00  Zoë \\x1b[2J  2025-11-28T14:00:00.5Z  t   {"a": 1}\n' +
    "20000       ∅               ∅                       f   ∅\n",
    "n  price  name  at  ok  inputs\n─  ─────  ────  ──  ──  ──────\n",
  ],
  [
    "csv",
    "n,price,name,at,ok,inputs\n" +
    '1,140.00,Zoë \u001b[2J,2025-11-28T14:00:00.5Z,t,"{""a"": 1}"\n' +
    '20000,,"",,f,\n',
    "n,price,name,at,ok,inputs\n",
  ],
  [
    "json",
    '[\n{"n":1,"price":140.00,"name":"Zoë \\u001b[2J","at":"2025-11-28T14:00:00.5Z","ok":true,"inputs":{"a": 1}},\n' +
    '{"n":20000,"price":null,"name":"","at":null,"ok":false,"inputs":null}\n]\n',
    "[]\n",
  ],
  [
    "ndjson",
    '{"n":1,"price":140.00,"name":"Zoë \\u001b[2J","at":"2025-11-28T14:00:00.5Z","ok":true,"inputs":{"a": 1}}\n' +
    '{"n":20000,"price":null,"name":"","at":null,"ok":false,"inputs":null}\n',
    "",
  ],
];

for (const [format, expected, empty] of FORMATS) {
  Deno.test(`SqlOutput prints ${format}, in one batch or several, or without rows`, () => {
    const print = (...batches: SqlRow[][]) => {
      const output = new SqlOutput(format, COLUMNS);
      return batches.map((batch) => output.rows(batch)).join("") + output.end();
    };
    equal(print(ROWS), expected);
    if (format !== "table") equal(print([ROWS[0]!], [ROWS[1]!]), expected);
    equal(print(), empty);
  });
}

async function sql(
  url: string,
  args: string[],
  stdin = "",
): Promise<{ code: number; out: string; error: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--no-prompt",
      `--allow-net=${new URL(url).host}`,
      "--allow-env=DATABASE_URL,WAREHOUSE_PORT,NO_COLOR",
      "--ignore-env",
      PROGRAM,
      ...args,
    ],
    env: { DATABASE_URL: url, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
}

onEachWarehouse(
  "deno task sql asks, only reads unless told, and names the place of a mistake",
  async (test) => {
    const { sql: client, close } = await test.open(1);
    await prepareWarehouse(client);
    const one = await sql(test.url, [
      "--format",
      "table",
      "select 1 as n, timestamptz '2025-11-28 15:00+01' as at",
    ]);
    deepEqual([one.code, one.out], [0, "n  at\n─  ────────────────────\n1  2025-11-28T14:00:00Z\n"]);
    match(one.error, /^\(1 row, \d+ ms\)\n$/);

    const several = await sql(test.url, ["-"], "select 1 as a;\n-- two;\nselect ';' as b where false;");
    deepEqual([several.code, several.out], [0, "a\n1\nb\n"]);

    const mistake = await sql(test.url, ["select 1 as a;\n select é, nonsense from dim_flight"]);
    deepEqual([mistake.code, mistake.out], [1, "a\n1\n"]);
    match(mistake.error, /\n✖ column "é" does not exist at line 2, column 9\n$/);

    for (const attempt of ["delete from dim_flight", "commit; delete from dim_flight"]) {
      const refused = await sql(test.url, [attempt]);
      equal(refused.code, 1);
      match(
        refused.error,
        /✖ cannot execute DELETE in a read-only transaction; use --write to allow changes\n$/,
      );
    }
    const written = await sql(test.url, [
      "--write",
      "insert into dim_flight (flight_id) values ('a'), ('b'); vacuum dim_flight; delete from dim_flight where flight_id = 'a' returning flight_id",
    ]);
    deepEqual([written.code, written.out], [0, "flight_id\na\n"], written.error);
    match(written.error, /^\(INSERT 2, \d+ ms\)\n\(VACUUM, \d+ ms\)\n\(1 row, \d+ ms\)\n$/);
    const later = await sql(test.url, [
      "--format",
      "ndjson",
      "select flight_id, total_seats from dim_flight",
    ]);
    equal(later.out, '{"flight_id":"b","total_seats":null}\n');

    const many = await sql(test.url, ["select n from generate_series(1, 2500) as n"]);
    deepEqual(many.out.trim().split("\n").slice(-2), ["2499", "2500"]);
    match(many.error, /^\(2500 rows, /);

    deepEqual(await sql(test.url, [" -- nothing"]), {
      code: 2,
      out: "",
      error: "✖ There is no statement to run\n",
    });
    match((await sql(test.url, ["copy dim_flight to stdout"])).error, /✖ COPY is not for here/);
    await close();
  },
);

Deno.test("deno task sql says that no warehouse answers", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const { port } = listener.addr as Deno.NetAddr;
  const { code, out, error } = await sql(`postgres://airline:s3cr3t@127.0.0.1:${port}/airline_dw`, [
    "select 1",
  ]);
  deepEqual([code, out], [1, ""]);
  match(error, /^✖ Postgres does not answer at 127\.0\.0\.1:\d+ \(the connection is refused\): .*\n$/);
});
