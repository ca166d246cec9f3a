/** From changes of the API's own picture to live updates: four times a second, each changed flight once. */

import { decisionRow } from "./answered_rows.ts";
import type { ApiParts } from "./app.ts";
import type { FlightBoard } from "./flight_board.ts";
import type { FeedUpdate } from "./live_feed.ts";
import { pipelineBody } from "./routes/pipeline.ts";
import type { MinuteWindow } from "./stream_metrics.ts";

type Update = Omit<FeedUpdate, "number">;

/** See the module. */
export class LiveUpdates {
  readonly #parts: Pick<ApiParts, "follower" | "viewers" | "feed" | "watch">;
  #board: FlightBoard | undefined;
  #wasCaughtUp = false;
  #version = 0;

  constructor(parts: Pick<ApiParts, "follower" | "viewers" | "feed" | "watch">) {
    this.#parts = parts;
  }

  /** Rises whenever what the API answers from has changed. */
  get version(): number {
    return this.#version;
  }

  /** Publishes what changed on the board since the last call. */
  publishBoard(): void {
    const { follower, feed } = this.#parts;
    const { board, caughtUp } = follower;
    const changes = board.takeChanges();
    const isAnotherLog = this.#board !== undefined && board !== this.#board;
    const isWhole = caughtUp && !this.#wasCaughtUp;
    if (board !== this.#board || changes.flights.size > 0 || changes.decisions.length > 0) this.#version++;
    this.#board = board;
    this.#wasCaughtUp = caughtUp;
    // Who listens has the old log's flights, or a part of this one's: ask anew.
    if (isAnotherLog || isWhole) feed.publish([{ kind: "reset", subject: null, data: "{}" }]);
    // What is read while catching up is nobody's news.
    if (!caughtUp || isWhole) return;
    feed.publish([
      ...[...changes.flights].map((flightId) => this.#flightUpdate(flightId)),
      ...changes.decisions.map((decision): Update => ({
        kind: "decision",
        subject: null,
        data: JSON.stringify(decisionRow(decision)),
      })),
    ]);
  }

  /** Publishes changed viewer figures. */
  publishViewers({ streams, windows }: { streams: string[]; windows: MinuteWindow[] }): void {
    this.#version++;
    const flights = streams.filter((id) => this.#parts.follower.board.flight(id) !== undefined);
    this.#parts.feed.publish([
      ...flights.map((flightId) => this.#flightUpdate(flightId)),
      ...windows.map((window): Update => ({
        kind: "window",
        subject: `${window.window_start} ${window.stream_id}`,
        data: JSON.stringify(window),
      })),
    ]);
  }

  /** Publishes how the pipeline does. */
  publishPipeline(): void {
    const data = JSON.stringify(pipelineBody(this.#parts));
    this.#parts.feed.publish([{ kind: "pipeline", subject: "pipeline", data }]);
  }

  #flightUpdate(flightId: string): Update {
    const flight = this.#parts.follower.board.flight(flightId);
    return flight === undefined
      ? { kind: "flight_gone", subject: flightId, data: JSON.stringify({ flight_id: flightId }) }
      : {
        kind: "flight",
        subject: flightId,
        data: JSON.stringify({ ...flight, active_viewers: this.#parts.viewers.of(flightId) }),
      };
  }
}
