/** One client's session with the embedded warehouse: its start, its turns with the engine, its end. */

import { ClientConnection } from "./_client_connection.ts";
import { CopyIn, copyKind, REFUSED_COPY } from "./_copy_in.ts";
import { EngineSession } from "./_engine_session.ts";
import {
  code,
  concat,
  errorMessage,
  int32,
  message,
  ProtocolError,
  READY,
  SYNC,
  texts,
} from "./_postgres_messages.ts";
import type { Startup } from "./_postgres_messages.ts";
import { StatementNames } from "./_statement_names.ts";
import type { NameOwners } from "./_statement_names.ts";

export interface SessionOptions {
  engine: EngineSession;
  nameOwners: NameOwners;
  database: string;
  /** Whether there are too many sessions already. */
  full: boolean;
  onReady: () => void;
  onClosed: () => void;
}

/** Messages of the extended protocol: a batch of them ends with Sync. */
const EXTENDED = new Set([..."PBDEC"].map(code));
const PROTOCOL_3_0 = 3 << 16;

export class ClientSession {
  readonly #id: number;
  readonly #engine: EngineSession;
  readonly #names: StatementNames;
  readonly #connection: ClientConnection;
  readonly #options: SessionOptions;
  readonly #settings: Map<string, string>;
  #copy: CopyIn | undefined;
  #batchOpen = false;
  #holdsEngine = false;

  constructor(id: number, socket: Deno.TcpConn, options: SessionOptions) {
    this.#id = id;
    this.#engine = options.engine;
    this.#options = options;
    this.#names = new StatementNames(id, options.nameOwners);
    this.#settings = new Map(options.engine.reported);
    this.#connection = new ClientConnection(socket, {
      onStartup: (startup) => this.#begin(startup),
      onReady: options.onReady,
      onProtocolError: (error) => this.close(errorMessage("FATAL", "08P01", error.message)),
      onClosed: options.onClosed,
    });
  }

  /** Reads until the connection ends. */
  run(): Promise<void> {
    return this.#connection.run();
  }

  get closed(): boolean {
    return this.#connection.closed;
  }

  /** Whether a turn would get anything done. */
  get hasWork(): boolean {
    return this.#connection.nextType !== undefined && !this.#connection.congested;
  }

  /** Whether nobody else may have a turn: a batch or a transaction is open. */
  get holdsEngine(): boolean {
    return this.#holdsEngine;
  }

  /** Whether there is something of it in the engine. */
  get leavesTraces(): boolean {
    return this.#names.any;
  }

  close(last?: Uint8Array): void {
    this.#connection.close(last);
  }

  #begin(startup: Startup): { answer: Uint8Array; begun: boolean } | "close" {
    if (startup.kind === "cancel") return "close";
    if (startup.kind === "tls") return { answer: new Uint8Array([code("N")]), begun: false };
    if (this.#options.full) {
      this.close(errorMessage("FATAL", "53300", "sorry, too many clients already"));
      return "close";
    }
    const user = startup.parameters.get("user") ?? "";
    const database = startup.parameters.get("database") ?? user;
    if (database !== this.#options.database) {
      this.close(errorMessage("FATAL", "3D000", `database "${database}" does not exist`));
      return "close";
    }
    for (
      const [name, value] of [...startup.parameters, ...settingsOf(startup.parameters.get("options") ?? "")]
    ) {
      const kept = EngineSession.keptApart(name);
      if (kept !== undefined) this.#settings.set(kept, value);
    }
    const further = [...startup.parameters.keys()].filter((name) => name.startsWith("_pq_."));
    const negotiate = startup.minorVersion > 0 || further.length > 0
      ? message("v", int32(PROTOCOL_3_0), int32(further.length), ...further)
      : new Uint8Array();
    const answer = concat([
      negotiate,
      message("R", int32(0)),
      ...[...this.#settings].map(([name, value]) => message("S", name, value)),
      message("K", int32(this.#id), int32(0)),
      READY,
    ]);
    return { answer, begun: true };
  }

  /** One turn: messages until the end of a batch, or as far as they have come. */
  async serve(): Promise<void> {
    try {
      await this.#serve();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.close(errorMessage("FATAL", "08P01", error.message));
    }
  }

  async #serve(): Promise<void> {
    if (!this.#holdsEngine) {
      const error = await this.#engine.use(this.#settings);
      if (error !== undefined) return this.close(errorMessage("FATAL", "22023", error));
    }
    while (this.hasWork && !this.closed) {
      const bytes = this.#connection.take();
      const type = String.fromCharCode(bytes[0]!);
      if (this.#copy !== undefined) {
        if (!"dcfHS".includes(type)) {
          this.close(errorMessage("FATAL", "08P01", `unexpected message type "${type}" during COPY`));
          return;
        }
        if (type === "d") this.#copy.push(bytes);
        if (type === "c" || type === "f") await this.#endCopy(bytes);
      } else if (type === "X") {
        this.close();
        return;
      } else if (EXTENDED.has(bytes[0]!)) {
        this.#batchOpen = true;
        await this.#send(this.#names.translate(withoutCopy(bytes)));
      } else if (type === "S") {
        this.#batchOpen = false;
        await this.#send(bytes);
      } else if (type === "Q") {
        const kind = copyKind(texts(bytes, 5, 1)[0]!);
        if (kind === "alone") {
          this.#copy = new CopyIn(bytes);
          this.#connection.send(this.#copy.response());
        } else {
          await this.#send(kind === "among others" ? message("Q", REFUSED_COPY) : bytes);
        }
      } else if (type === "H" || type === "F") {
        await this.#send(bytes);
      } else if (!"dcf".includes(type)) {
        // The engine would end itself on it. (Rests of a COPY that has failed are passed over, as Postgres does.)
        this.close(errorMessage("FATAL", "08P01", `invalid frontend message type ${bytes[0]}`));
        return;
      }
      this.#holdsEngine = this.#batchOpen || this.#copy !== undefined || this.#engine.inTransaction;
      // The end of a batch is the end of a turn, unless a transaction goes on.
      if (!this.#holdsEngine) return;
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    await this.#engine.run([bytes], this.#settings, (answer) => this.#connection.send(answer));
  }

  async #endCopy(last: Uint8Array): Promise<void> {
    const copy = this.#copy!;
    this.#copy = undefined;
    const answers: Uint8Array[] = [];
    await this.#engine.run([copy.whole(last)], this.#settings, (answer) => answers.push(answer));
    this.#connection.send(CopyIn.withoutResponse(concat(answers)));
  }

  /** Ends what the client left open, and makes the engine forget its statements. */
  async cleanUp(): Promise<void> {
    const ignore = () => {};
    await this.#engine.run([SYNC], this.#settings, ignore);
    if (this.#holdsEngine && this.#engine.inTransaction) {
      await this.#engine.run([message("Q", "rollback")], this.#settings, ignore);
    }
    this.#holdsEngine = false;
    await this.#engine.run([...this.#names.closeAll(), SYNC], this.#settings, ignore);
  }
}

/** A `COPY … FROM STDIN` that is prepared would end the engine: it becomes a statement that says so. */
function withoutCopy(bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== code("P")) return bytes;
  const [name, statement] = texts(bytes, 5, 2) as [string, string];
  return copyKind(statement) === "none" ? bytes : message("P", name, REFUSED_COPY, [0, 0]);
}

/** Settings in libpq's `options`: `-c name=value` or `--name=value`, with backslashes before spaces. */
function settingsOf(options: string): [string, string][] {
  const words = options.match(/(?:\\.|[^\s\\])+/g) ?? [];
  const settings: [string, string][] = [];
  for (let n = 0; n < words.length; n++) {
    const word = words[n]! === "-c" ? words[++n] ?? "" : words[n]!.replace(/^(-c|--)/, "");
    const match = /^([\w.-]+)=(.*)$/s.exec(word);
    if (match !== null) settings.push([match[1]!.replaceAll("-", "_"), match[2]!.replace(/\\(.)/gs, "$1")]);
  }
  return settings;
}
