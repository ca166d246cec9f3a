/**
 * Where a Postgres is and how it wants to be talked to, from a `postgres://` URL, as libpq reads it. Passwords with
 * unescaped special characters are taken too: many a `.env` holds one.
 *
 * @module
 */

import { UsageError } from "../process/command_line.ts";

/** How much of TLS is asked for, as libpq means it. */
const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = typeof SSL_MODES[number];

/** A database's address. */
export interface DatabaseAddress {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  sslMode: SslMode;
  /** PEM file of the authorities to trust, or `system`. */
  sslRootCertFile?: string;
  /** PEM files of a client's own certificate and key. */
  sslCertFile?: string;
  sslKeyFile?: string;
  /** libpq's `options`: `-c name=value` for the session. */
  options?: string;
  /** Milliseconds. */
  connectTimeoutMs: number;
}

/** How long a connection may take to be made, unless `connect_timeout` says otherwise. */
const CONNECT_TIMEOUT_MS = 10_000;

// The user part ends at the first "@" behind which a host, a port, a path and a query without another "@" can stand;
// so a password may hold "@", "/", "#" and "?" as they are.
const AFTER_USER = /^(\[[0-9a-fA-F:.%]+\]|[^/:?#@[\],]*)(?::(\d*))?(?:\/([^?@]*))?(?:\?(.*))?$/;

/**
 * Parses a URL such as `postgres://user:password@host:5432/database?sslmode=require`.
 *
 * @throws {UsageError} that says what is wrong and never shows the password.
 */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  const scheme = /^postgres(?:ql)?:\/\//.exec(url);
  if (scheme === null) {
    throw new UsageError("DATABASE_URL is no postgres://user:password@host:port/database");
  }
  const rest = url.slice(scheme[0].length);
  let userPart = "";
  let match: RegExpExecArray | null = rest.includes("@") ? null : AFTER_USER.exec(rest);
  for (let at = rest.indexOf("@"); at !== -1; at = rest.indexOf("@", at + 1)) {
    match = AFTER_USER.exec(rest.slice(at + 1));
    if (match !== null) {
      userPart = rest.slice(0, at);
      break;
    }
  }
  if (match === null) {
    throw new UsageError("DATABASE_URL is no postgres://user:password@host:port/database with one host");
  }
  const query = new URLSearchParams(match[4] ?? "");
  const host = (match[1] ?? "").replace(/^\[|\]$/g, "");
  if (host === "") throw new UsageError("DATABASE_URL names no host");
  const colon = userPart.indexOf(":");
  const user = decoded(colon === -1 ? userPart : userPart.slice(0, colon));
  if (user === "") throw new UsageError("DATABASE_URL names no user");
  const port = match[2] === undefined || match[2] === "" ? 5432 : Number(match[2]);
  if (port < 1 || port > 65535) {
    throw new UsageError(`DATABASE_URL has port ${port}, expected one from 1 to 65535`);
  }
  const rootCertFile = query.get("sslrootcert") || undefined;
  const certFile = query.get("sslcert") || undefined;
  const keyFile = query.get("sslkey") || undefined;
  const options = query.get("options") || undefined;
  return {
    host,
    port,
    user,
    password: colon === -1 ? "" : decoded(userPart.slice(colon + 1)),
    database: decoded(match[3] ?? "") || user,
    sslMode: sslModeOf(query.get("sslmode"), rootCertFile),
    ...(rootCertFile === undefined ? {} : { sslRootCertFile: rootCertFile }),
    ...(certFile === undefined ? {} : { sslCertFile: certFile }),
    ...(keyFile === undefined ? {} : { sslKeyFile: keyFile }),
    ...(options === undefined ? {} : { options }),
    connectTimeoutMs: timeoutOf(query.get("connect_timeout")),
  };
}

function sslModeOf(given: string | null, rootCertFile: string | undefined): SslMode {
  // As libpq: the system's authorities are only worth something with the host's name checked.
  const mode = given || (rootCertFile === "system" ? "verify-full" : "prefer");
  if (!(SSL_MODES as readonly string[]).includes(mode)) {
    throw new UsageError(`DATABASE_URL has sslmode=${mode}, expected one of ${SSL_MODES.join(", ")}`);
  }
  // As libpq: "require" with a file of authorities means that the certificate is checked against them.
  if (mode === "require" && rootCertFile !== undefined) return "verify-ca";
  return mode as SslMode;
}

function timeoutOf(given: string | null): number {
  if (given === null || given === "") return CONNECT_TIMEOUT_MS;
  const seconds = Number(given);
  if (!Number.isFinite(seconds) || seconds < 0) {
    throw new UsageError(`DATABASE_URL has connect_timeout=${given}, expected seconds`);
  }
  return seconds === 0 ? CONNECT_TIMEOUT_MS : seconds * 1000;
}

/** Percent-decoded, or as it is where it was never encoded (`50%off`). */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `host:port`, as messages show it. */
export function shownHost(address: { host: string; port: number }): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
