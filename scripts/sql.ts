/**
 * `deno task sql`: asks the warehouse, the embedded one or that of `DATABASE_URL`.
 *
 * @module
 */

import { parseCommandLine, UsageError } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { databaseUrl } from "../process/settings.ts";
import { openWarehouse } from "../warehouse/connect.ts";
import type { Sql, SqlTransaction, Warehouse } from "../warehouse/connect.ts";
import { splitStatements } from "./_split_statements.ts";
import type { Statement } from "./_split_statements.ts";
import { SQL_FORMATS, SqlOutput } from "./_sql_output.ts";
import type { SqlColumn, SqlFormat } from "./_sql_output.ts";

const SPEC = {
  usage: "deno task sql",
  description: "Asks the warehouse and prints the answer. Only reads, unless --write is given.",
  positionals: { usage: '"SELECT …" (- reads it from standard input)', min: 1, max: 1 },
  options: {
    format: {
      type: "text",
      choices: SQL_FORMATS,
      value: "NAME",
      description: "How rows are printed; without it table on a terminal, csv into a pipe or file",
    },
    write: { type: "flag", description: "Allow changes; each statement is committed on its own" },
  },
  notes: [
    "Several statements are separated by semicolons and run in order; the first that fails ends it.",
    'Times are in UTC. Null is ∅ in a table, nothing in CSV (an empty text is "").',
    "Rows go to standard output, their count and all messages to standard error.",
    "",
    "Environment: DATABASE_URL, else the embedded warehouse on WAREHOUSE_PORT (default 5433).",
    'Example: deno task sql "select flight_id, load_factor from booking_pressure limit 10"',
  ],
} as const;

/**
 * The program's work.
 *
 * @throws {OperatorError} for a statement that fails: one line with the place in the text.
 */
async function runSql(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseCommandLine(SPEC, args);
  const text = positionals[0] === "-" ? await new Response(Deno.stdin.readable).text() : positionals[0]!;
  const statements = splitStatements(text);
  if (statements.length === 0) throw new UsageError("There is no statement to run");
  const format = (values.format as SqlFormat | undefined) ?? (Deno.stdout.isTerminal() ? "table" : "csv");
  const warehouse = await openWarehouse({ ...databaseUrl(), applicationName: "airline-sql", max: 1 });
  try {
    await warehouse.sql`set timezone to 'UTC'`;
    await warehouse.sql`set datestyle to 'ISO, YMD'`;
    for (const statement of statements) {
      const goOn = await runStatement(warehouse, statement, { format, write: values.write, signal }).catch(
        (error) => {
          throw placed(error, text, statement);
        },
      );
      if (!goOn) break;
    }
  } finally {
    await warehouse.close();
  }
}

/** Rows fetched at a time. */
const BATCH_ROWS = 1000;
/** Up to so many characters are gathered before the first is printed: a reader that pauses holds up nobody then. */
const GATHERED_MAX = 32 * 1024 * 1024;

/** Runs one statement and prints its rows; `false` when nobody reads them any more. */
async function runStatement(
  warehouse: Warehouse,
  statement: Statement,
  options: { format: SqlFormat; write: boolean; signal: AbortSignal },
): Promise<boolean> {
  const { format, write, signal } = options;
  if (/^copy\b/i.test(statement.text)) {
    throw new OperatorError("COPY is not for here: select the rows, with --format csv for a file");
  }
  const startedMs = performance.now();
  const printer = new GatheringPrinter();
  let output: SqlOutput | undefined;
  let rows = 0;
  const decoder = new TextDecoder();
  const ask = async (sql: Sql | SqlTransaction) => {
    // The extended protocol takes one statement at a time, so "commit; delete …" cannot leave the transaction.
    const query = sql.unsafe(statement.text).raw();
    const stop = () => query.cancel();
    if (!warehouse.embedded) signal.addEventListener("abort", stop, { once: true });
    try {
      const result = await query.cursor(BATCH_ROWS, (batch) => {
        // A statement without rows, such as INSERT, comes by here too, with its count.
        if (batch.length === 0) return;
        output ??= new SqlOutput(format, columnsOf(batch));
        rows += batch.length;
        const texts = (batch as unknown as (Uint8Array | null)[][]).map((row) =>
          row.map((value) => value === null ? null : decoder.decode(value))
        );
        if (!printer.print(output.rows(texts))) return warehouse.sql.CLOSE;
      });
      return result as unknown as { command: string | null; count: number | null; columns?: SqlColumn[] };
    } finally {
      signal.removeEventListener("abort", stop);
    }
  };
  const result = write
    ? await ask(warehouse.sql)
    : await warehouse.sql.begin("read only", (tx) => ask(tx)) as Awaited<ReturnType<typeof ask>>;
  const columns = columnsOf(result);
  if (output === undefined && columns.length > 0) output = new SqlOutput(format, columns);
  if (output !== undefined) printer.print(output.end());
  const stillRead = printer.flush();
  const milliseconds = Math.round(performance.now() - startedMs);
  const done = output === undefined
    ? `${result.command ?? "Done"}${result.count === null ? "" : ` ${result.count}`}`
    : `${rows} ${rows === 1 ? "row" : "rows"}`;
  note(`(${done}, ${milliseconds} ms)`);
  return stillRead;
}

function columnsOf(result: unknown): SqlColumn[] {
  return (result as { columns?: SqlColumn[] }).columns ?? [];
}

class GatheringPrinter {
  #parts: string[] = [];
  #characters = 0;
  #read = true;

  /** Prints some text, at once or later; `false` when nobody reads. */
  print(text: string): boolean {
    this.#parts.push(text);
    this.#characters += text.length;
    return this.#characters > GATHERED_MAX ? this.flush() : this.#read;
  }

  flush(): boolean {
    const text = this.#parts.join("");
    this.#parts = [];
    if (text !== "" && this.#read) this.#read = logger.info(text.replace(/\n$/, ""));
    return this.#read;
  }
}

/** A failed statement as one line with its place; other errors as they are. */
function placed(error: unknown, text: string, statement: Statement): unknown {
  if (!(error instanceof Error) || error.name !== "PostgresError") return error;
  const { code, position, hint, detail, message } = error as Error & {
    code?: string;
    position?: string;
    hint?: string;
    detail?: string;
  };
  const at = position === undefined ? "" : ` at ${placeOf(text, statement, Number(position))}`;
  const advice = code === "25006" ? "use --write to allow changes" : hint;
  const parts = [`${message}${at}`, detail, advice].filter((part) => part !== undefined);
  return new OperatorError(parts.join("; ").replaceAll("\n", " "), { cause: error });
}

/** Line and column, from 1, of a character (from 1, as Postgres counts) of a statement. */
function placeOf(text: string, statement: Statement, position: number): string {
  const before = text.slice(0, statement.offset) + [...statement.text].slice(0, position - 1).join("");
  const line = before.split("\n").length;
  const column = [...before.slice(before.lastIndexOf("\n") + 1)].length + 1;
  return `line ${line}, column ${column}`;
}

/** A word to the person, beside the rows. */
function note(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) await runProcess((signal) => runSql(Deno.args, signal));
