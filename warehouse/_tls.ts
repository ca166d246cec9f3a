/** TLS to Postgres by libpq's `sslmode`. */

import { connect } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { PeerCertificate } from "node:tls";
import { OperatorError } from "../process/run_process.ts";
import type { DatabaseAddress } from "./database_address.ts";

/** What the driver takes as `ssl`. */
export async function tlsOptions(address: DatabaseAddress): Promise<false | "prefer" | object> {
  const { sslMode, sslRootCertFile, sslCertFile, sslKeyFile } = address;
  if (sslMode === "disable") return false;
  const authorities = sslRootCertFile === undefined || sslRootCertFile === "system"
    ? undefined
    : await read("sslrootcert", sslRootCertFile);
  const cert = sslCertFile === undefined ? undefined : await read("sslcert", sslCertFile);
  const key = sslKeyFile === undefined ? undefined : await read("sslkey", sslKeyFile);
  const own = { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  // "allow" would try without TLS first; with it first is at least as safe, and the driver does the same. By itself the
  // driver shows no certificate then: who has one asks first whether TLS is offered, see openWarehouse().
  const optional = sslMode === "allow" || sslMode === "prefer";
  if (optional && cert === undefined && key === undefined) return "prefer";
  if (optional || sslMode === "require") return { ...own, rejectUnauthorized: false };
  return {
    ...own,
    ...(authorities === undefined ? {} : { ca: [authorities] }),
    rejectUnauthorized: true,
    // Given the host ourselves: the driver names none where it is an IP address, and "localhost" would be checked then.
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      sslMode === "verify-ca" ? undefined : checkServerIdentity(address.host, certificate),
  };
}

async function read(name: string, file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new OperatorError(
      `Cannot read "${file}", which ${name} in DATABASE_URL names: ${(error as Error).message}`,
    );
  }
}

const SSL_REQUEST = new Uint8Array([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * Whether the server offers TLS. The driver starts a handshake whatever the server answers, and what comes of that
 * tells nobody anything: so it is asked first where TLS is a must.
 */
export function offersTls(address: DatabaseAddress): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.host, port: address.port });
    socket.setTimeout(address.connectTimeoutMs, () => {
      reject(Object.assign(new Error("No answer"), { code: "CONNECT_TIMEOUT" }));
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(Object.assign(new Error("Closed"), { code: "CONNECTION_CLOSED" })));
    socket.once("connect", () => socket.write(SSL_REQUEST));
    socket.once("data", (answer: Uint8Array) => {
      resolve(answer[0] === "S".charCodeAt(0));
      socket.destroy();
    });
  });
}
