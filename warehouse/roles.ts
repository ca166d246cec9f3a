/**
 * Roles on a real Postgres: the connecting user (`airline`) owns everything, and `airline_reader` may only read, for BI
 * tools. (The embedded warehouse has no roles to speak of: all its clients are the same superuser.)
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import type { Sql } from "./connect.ts";

/** The role that BI tools use. It cannot log in until it has a password. */
export const READER_ROLE = "airline_reader";

/** SQL states of a missing right. */
const NOT_ALLOWED = new Set(["42501", "0LP01"]);
const EXISTS = "42710";

/**
 * Creates the reader where it is missing and lets it read every table and view in `public` that is ours, those to come
 * included. Returns what the connecting user has no right to do, in words; that is no failure.
 *
 * @param options `readerPassword`: the reader may log in with it. It is sent hashed.
 */
export async function setUpRoles(sql: Sql, options: { readerPassword?: string } = {}): Promise<string[]> {
  const { readerPassword } = options;
  const warnings: string[] = [];
  const attempt = async (statement: string, warning: string) => {
    try {
      await sql.unsafe(statement);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === EXISTS) return;
      if (!NOT_ALLOWED.has(code ?? "")) throw error;
      warnings.push(`${warning} (${message})`);
    }
  };
  const [me] = await sql<{ name: string; database: string }[]>`
    select current_user::text as name, current_database()::text as database`;
  const [{ reader } = { reader: false }] = await sql<{ reader: boolean }[]>`
    select exists (select from pg_catalog.pg_roles where rolname = ${READER_ROLE}) as reader`;
  if (!reader) {
    await attempt(
      `create role ${READER_ROLE} nologin`,
      `User "${
        me!.name
      }" may not create the role ${READER_ROLE}: ask an administrator to, then run this again`,
    );
    if (warnings.length > 0) return warnings;
  }
  if (readerPassword !== undefined) {
    await attempt(
      `alter role ${READER_ROLE} login password '${scramVerifier(readerPassword)}'`,
      `User "${me!.name}" may not set the password of ${READER_ROLE}: ask an administrator to`,
    );
  }
  await attempt(
    `grant connect on database ${quoted(me!.database)} to ${READER_ROLE}`,
    `Cannot let ${READER_ROLE} connect to database "${me!.database}"`,
  );
  await attempt(
    `grant usage on schema public to ${READER_ROLE}`,
    `Cannot let ${READER_ROLE} use schema public`,
  );
  const relations = await sql<{ name: string }[]>`
    select relname::text as name from pg_catalog.pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
      and pg_catalog.pg_has_role(relowner, 'USAGE')
    order by 1`;
  for (const { name } of relations) {
    await attempt(
      `grant select on public.${quoted(name)} to ${READER_ROLE}`,
      `Cannot let ${READER_ROLE} read ${name}`,
    );
  }
  await attempt(
    `alter default privileges in schema public grant select on tables to ${READER_ROLE}`,
    `Cannot let ${READER_ROLE} read tables to come`,
  );
  const [{ creates } = { creates: false }] = await sql<{ creates: boolean }[]>`
    select pg_catalog.has_schema_privilege(${READER_ROLE}, 'public', 'CREATE') as creates`;
  if (creates) {
    warnings.push(
      `${READER_ROLE} may create tables in schema public, as everyone may on Postgres 14 and older. To end that: grant create on schema public to ${
        quoted(me!.name)
      }; revoke create on schema public from public`,
    );
  }
  return warnings;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const SCRAM_ITERATIONS = 4096;

/**
 * What Postgres stores of a password (SCRAM-SHA-256, RFC 5803), so that the password itself appears in no statement and
 * no log.
 */
export function scramVerifier(password: string, salt: Uint8Array = randomBytes(16)): string {
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, SCRAM_ITERATIONS, 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  const storedKey = createHash("sha256").update(clientKey).digest("base64");
  const serverKey = createHmac("sha256", salted).update("Server Key").digest("base64");
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${
    Buffer.from(salt).toString("base64")
  }$${storedKey}:${serverKey}`;
}
