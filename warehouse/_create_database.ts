/**
 * Makes an empty embedded database, in a worker: what it takes to make one (400 MB) is freed with the worker.
 *
 * @module
 */

import { PGlite } from "@electric-sql/pglite";

/** What the worker is told. */
export interface CreateRequest {
  dataDir: string;
  database: string;
  user: string;
}

/** What it answers: nothing, or why it failed. */
export interface CreateAnswer {
  error?: string;
}

const worker = self as unknown as {
  onmessage: (event: MessageEvent<CreateRequest>) => void;
  postMessage(answer: CreateAnswer): void;
};

worker.onmessage = async ({ data: { dataDir, database, user } }) => {
  try {
    const engine = await PGlite.create({ dataDir, onStdout: () => true, onStderr: () => true });
    await engine.exec(`create role ${user} superuser login`);
    await engine.exec(`create database ${database} owner ${user}`);
    await engine.close();
    worker.postMessage({});
  } catch (error) {
    worker.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
};
