/** A database of the real Postgres on a small disk. */

import postgres from "postgres";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import type { SmallDisk } from "./_small_disk.ts";

/** Puts the pipeline's database on a small disk, which takes a server of this machine and its superuser; returns what takes it away again. */
export async function moveDatabase(pipeline: ExamPipeline, disk: SmallDisk): Promise<() => Promise<void>> {
  const url = new URL(pipeline.env.DATABASE_URL!);
  const database = url.pathname.slice(1);
  const server = new URL(Deno.env.get("DATABASE_URL")!);
  const tablespace = `exam_${crypto.randomUUID().slice(0, 8)}`;
  const admin = postgres(server.href, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create tablespace ${tablespace} location '${disk.folder}'`);
  await admin.unsafe(`alter database ${database} set tablespace ${tablespace}`);
  return async () => {
    await admin.unsafe(`drop tablespace ${tablespace}`);
    await admin.end();
  };
}
