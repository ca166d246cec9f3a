/**
 * Asks one server over connections that stay open, and takes the answers as they come over the wire: nothing is unpacked
 * or parsed, so that a measurement is of the server and not of its client.
 */

const decoder = new TextDecoder("latin1");
const HEAD_END = "\r\n\r\n";

/** One connection, one request at a time. */
class Connection {
  readonly #stream: Deno.TcpConn;
  readonly #buffer = new Uint8Array(256 * 1024);

  constructor(stream: Deno.TcpConn) {
    stream.setNoDelay(true);
    this.#stream = stream;
  }

  /** Sends a request; gives the answer's status and the bytes of its body. */
  async ask(request: Uint8Array): Promise<{ status: number; bytes: number }> {
    for (let at = 0; at < request.length;) at += await this.#stream.write(request.subarray(at));
    let head = "";
    let bytes = 0;
    for (;;) {
      const read = await this.#stream.read(this.#buffer);
      if (read === null) throw new Error("The server closed the connection");
      head += decoder.decode(this.#buffer.subarray(0, read));
      const end = head.indexOf(HEAD_END);
      if (end === -1) continue;
      bytes = head.length - end - HEAD_END.length;
      head = head.slice(0, end);
      break;
    }
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? NaN);
    if (Number.isNaN(length)) throw new Error(`The answer has no length: ${head}`);
    while (bytes < length) {
      const read = await this.#stream.read(this.#buffer);
      if (read === null) throw new Error("The server closed the connection");
      bytes += read;
    }
    return { status: Number(head.slice(9, 12)), bytes };
  }

  close(): void {
    this.#stream.close();
  }
}

/** Connections to a server, made as they are needed. */
export class PlainClient {
  readonly #address: { hostname: string; port: number };
  readonly #idle: Connection[] = [];
  readonly #all: Connection[] = [];

  constructor(address: { hostname: string; port: number }) {
    this.#address = address;
  }

  /** Asks for a path, compressed where the server does so. */
  async get(path: string): Promise<{ status: number; bytes: number }> {
    const { hostname, port } = this.#address;
    let connection = this.#idle.pop();
    if (connection === undefined) {
      connection = new Connection(await Deno.connect({ hostname, port }));
      this.#all.push(connection);
    }
    const answer = await connection.ask(
      new TextEncoder().encode(
        `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nAccept-Encoding: gzip\r\n\r\n`,
      ),
    );
    this.#idle.push(connection);
    return answer;
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }
}
