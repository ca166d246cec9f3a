/** One clear line for each way in which a warehouse cannot be reached. */

import { shownHost } from "./database_address.ts";
import type { DatabaseAddress } from "./database_address.ts";

/** The warehouse cannot be reached or refuses us; the message says where it is and what to do. */
export class WarehouseUnavailableError extends Error {
  override name = "WarehouseUnavailableError";
}

/** What drivers and servers put on their errors. */
interface DriverError extends Error {
  code?: string;
}

/** Codes of a connection that could not be made, or broke. */
const NO_ANSWER: Record<string, string> = {
  ECONNREFUSED: "the connection is refused",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name is not known",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ETIMEDOUT: "it does not answer in time",
  CONNECT_TIMEOUT: "it does not answer in time",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  CONNECTION_CLOSED: "the connection was cut",
  CONNECTION_DESTROYED: "the connection was cut",
  CONNECTION_ENDED: "the connection was cut",
  // The server's own words for it, by SQL state.
  "57P01": "the server ended the connection",
  "57P02": "the server ended the connection",
  "57P05": "the server ended the connection",
  "25P03": "the server ended the connection",
  "08003": "the connection was cut",
  "08006": "the connection was cut",
};

/** Whether an error is a connection that could not be made, or broke. */
export function isConnectionLoss(error: unknown): boolean {
  return error instanceof Error && Object.hasOwn(NO_ANSWER, (error as DriverError).code ?? "");
}

/**
 * The one line for an error that came while connecting, or `undefined` where the warehouse was reached and the
 * error is about something else.
 */
export function unavailable(
  error: unknown,
  address: DatabaseAddress,
  embedded: boolean,
): WarehouseUnavailableError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, message } = error as DriverError;
  const where = shownHost(address);
  const noAnswer = code === undefined ? undefined : NO_ANSWER[code];
  const say = (text: string) => new WarehouseUnavailableError(text, { cause: error });
  if (noAnswer !== undefined) {
    return say(
      embedded
        ? `The embedded warehouse does not answer at ${where} (${noAnswer}): start it with deno task warehouse`
        : `Postgres does not answer at ${where} (${noAnswer}): is it running? Check the host and port in DATABASE_URL`,
    );
  }
  switch (code) {
    case "28P01":
    case "28000":
      return say(
        `Postgres at ${where} refuses user "${address.user}" (${message}): check the user and password in DATABASE_URL`,
      );
    case "3D000":
      return say(
        `There is no database "${address.database}" at ${where}: create it, or check the name in DATABASE_URL`,
      );
    case "53300":
      return say(
        `Postgres at ${where} takes no more connections (${message}): close some, or raise max_connections`,
      );
    case "57P03":
      return say(`Postgres at ${where} is not ready (${message}): try again in a moment`);
  }
  if (/certificate|tls|ssl|handshake/i.test(`${code ?? ""} ${message}`)) {
    return say(
      `No TLS connection to Postgres at ${where} (${message}): check sslmode and sslrootcert in DATABASE_URL`,
    );
  }
  return undefined;
}
