/**
 * Serves one embedded Postgres (PGlite) to many clients over the Postgres protocol.
 *
 * The engine has a single session. So one client at a time owns it: from the first message of a batch until the
 * engine is ready for the next query outside of a transaction; then the next client in line has its turn. What a driver
 * expects to be its session's alone is kept apart: names of prepared statements, and the settings that Postgres reports
 * (search path, time zone, date style, read-only). Temporary tables, roles, advisory locks and LISTEN are not.
 *
 * (The engine's own socket server takes turns message by message: a statement that one client has parsed is then
 * executed by another, and one `COPY … FROM STDIN` ends the engine.)
 *
 * @module
 */

import type { PGlite } from "@electric-sql/pglite";
import { PortError } from "../process/metrics_server.ts";
import { ClientSession } from "./_client_session.ts";
import { EngineSession } from "./_engine_session.ts";
import type { NameOwners } from "./_statement_names.ts";
import { errorMessage } from "./_postgres_messages.ts";

export interface PostgresServerOptions {
  /** 0 picks a free one. */
  port: number;
  /** The one database that clients may name. */
  database: string;
  /** Milliseconds after which a client that does nothing in an open transaction is cut off. Default 10,000. */
  idleInTransactionTimeoutMs?: number;
  /** Default 100. */
  connectionsMax?: number;
  /** The engine is of no use any more. */
  onFatal?: (error: unknown) => void;
}

/** Shorter than that of a Postgres of many sessions: here everybody waits, and perhaps for one after the other. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;

/** The only address it listens on: it lets everyone in. */
const HOSTNAME = "127.0.0.1";

function listen(port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: HOSTNAME, port });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new PortError(
      `Port ${port} on ${HOSTNAME} is taken. Is another warehouse or a Postgres running there? Stop it, or choose another port by WAREHOUSE_PORT`,
    );
  }
}

/**
 * Finds out early that the port cannot be had.
 *
 * @throws {PortError} as {@link PostgresServer.start} does.
 */
export function assertPortFree(port: number): void {
  listen(port).close();
}

/** Figures since the server began. */
export interface ServerStatistics {
  connections: number;
  batchesTotal: number;
  idleTransactionsEndedTotal: number;
}

/** Work of the server's own that waits for its turn. */
interface OwnWork {
  run: () => Promise<void>;
  /** Told instead when there will be no turn. */
  giveUp: () => void;
}

/** A server that is listening. */
export class PostgresServer {
  readonly #listener: Deno.TcpListener;
  readonly #engine: EngineSession;
  readonly #options: Required<Pick<PostgresServerOptions, "database" | "connectionsMax">>;
  readonly #idleTimeoutMs: number;
  readonly #onFatal: (error: unknown) => void;
  readonly #sessions = new Set<ClientSession>();
  readonly #nameOwners: NameOwners = new Map();
  /** What wants the engine, in order: sessions with messages, and work of the server's own. */
  #line: (ClientSession | OwnWork)[] = [];
  #owner: ClientSession | undefined;
  #working = false;
  #stopped = false;
  #broken = false;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 1;
  readonly statistics: ServerStatistics = { connections: 0, batchesTotal: 0, idleTransactionsEndedTotal: 0 };
  /** Resolves when the server has stopped accepting. */
  readonly #accepting: Promise<void>;

  private constructor(listener: Deno.TcpListener, engine: EngineSession, options: PostgresServerOptions) {
    this.#listener = listener;
    this.#engine = engine;
    this.#options = { database: options.database, connectionsMax: options.connectionsMax ?? 100 };
    this.#idleTimeoutMs = options.idleInTransactionTimeoutMs ?? IDLE_IN_TRANSACTION_TIMEOUT_MS;
    this.#onFatal = options.onFatal ?? (() => {});
    this.#accepting = this.#accept();
  }

  /**
   * Starts serving `engine`, which must not be used by anyone else from now on.
   *
   * @throws {PortError} when the port is taken.
   */
  static async start(engine: PGlite, options: PostgresServerOptions): Promise<PostgresServer> {
    const session = await EngineSession.open(engine);
    return new PostgresServer(listen(options.port), session, options);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async #accept(): Promise<void> {
    for (;;) {
      let socket: Deno.TcpConn;
      try {
        socket = await this.#listener.accept();
      } catch (error) {
        if (this.#stopped) return;
        // A client that went away between the handshake and now; the listener itself is well.
        if (error instanceof Deno.errors.BadResource) return;
        continue;
      }
      const session = new ClientSession(this.#nextId++, socket, {
        engine: this.#engine,
        nameOwners: this.#nameOwners,
        database: this.#options.database,
        full: this.#sessions.size >= this.#options.connectionsMax,
        onReady: () => this.#enqueue(session),
        onClosed: () => this.#closed(session),
      });
      this.#sessions.add(session);
      this.statistics.connections = this.#sessions.size;
      void session.run();
    }
  }

  /** Runs work of the server's own when no client owns the engine. */
  exclusively<T>(work: (engine: PGlite) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(new Error("The engine has ended itself"));
      if (this.#broken) return giveUp();
      this.#line.push({ run: () => work(this.#engine.engine).then(resolve, reject), giveUp });
      void this.#work();
    });
  }

  #enqueue(session: ClientSession): void {
    if (session !== this.#owner && !this.#line.includes(session)) this.#line.push(session);
    void this.#work();
  }

  #closed(session: ClientSession): void {
    this.#sessions.delete(session);
    this.statistics.connections = this.#sessions.size;
    this.#line = this.#line.filter((other) => other !== session);
    if (session !== this.#owner && session.leavesTraces) {
      this.#line.push({ run: () => session.cleanUp(), giveUp: () => {} });
    }
    void this.#work();
  }

  /** Gives turns until there is nothing to do, or the owner has to act first. */
  async #work(): Promise<void> {
    if (this.#working || this.#broken) return;
    this.#working = true;
    try {
      for (;;) {
        const owner = this.#owner;
        if (owner !== undefined) {
          // What it left open is ended before anyone else has a turn.
          if (owner.closed) await owner.cleanUp().then(() => this.#owner = undefined);
          else if (owner.hasWork) await this.#turn(owner);
          else break;
          continue;
        }
        const next = this.#line.shift();
        if (next === undefined) break;
        if (!(next instanceof ClientSession)) await next.run();
        else if (next.hasWork) await this.#turn(next);
      }
    } catch (error) {
      // The engine has ended itself.
      this.#broken = true;
      const waiting = this.#line;
      this.#line = [];
      for (const next of waiting) if (!(next instanceof ClientSession)) next.giveUp();
      this.#onFatal(error);
      return;
    } finally {
      this.#working = false;
    }
  }

  async #turn(session: ClientSession): Promise<void> {
    this.statistics.batchesTotal++;
    await session.serve();
    clearTimeout(this.#idleTimer);
    if (session.holdsEngine) {
      this.#owner = session;
      this.#watch(session);
    } else {
      this.#owner = undefined;
      if (session.hasWork && !session.closed && !this.#line.includes(session)) this.#line.push(session);
    }
  }

  /** The owner is given a time to go on from its last turn, whatever the others who wait for it do meanwhile. */
  #watch(owner: ClientSession): void {
    this.#idleTimer = setTimeout(() => {
      if (this.#owner !== owner || owner.hasWork) return;
      this.statistics.idleTransactionsEndedTotal++;
      owner.close(
        errorMessage("FATAL", "25P03", "terminating connection due to idle-in-transaction timeout"),
      );
      // A stopped process does not even take these last words: its socket closes later, its turn ends now.
      void this.#work();
    }, this.#idleTimeoutMs);
  }

  /** Cuts off all clients, ends what they left open, and frees the port. The engine is its opener's again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#listener.close();
    await this.#accepting;
    const last = errorMessage("FATAL", "57P01", "terminating connection due to administrator command");
    for (const session of [...this.#sessions]) session.close(last);
    if (!this.#broken) await this.exclusively(() => Promise.resolve());
    clearTimeout(this.#idleTimer);
  }
}
