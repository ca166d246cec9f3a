/**
 * A run of the ETL that dies where it is told to, as if by a power cut: `LAKE STEP` or, with a warehouse,
 * `LAKE load URL embedded|real`. `FULL=1` builds all anew. Prints the steps that it passed.
 */

import { runEtl } from "../../etl/etl_run.ts";

const [root, deadlyStep, url, engine] = Deno.args as [string, string, string?, string?];

function die(): void {
  Deno.kill(Deno.pid, "SIGKILL");
  // The signal is on its way: nothing more may happen.
  for (;;);
}

await runEtl({ raw: `${root}/raw`, gold: `${root}/gold`, rejected: `${root}/rejected` }, {
  onStep: (step) => {
    console.log(step);
    if (step === deadlyStep) die();
  },
  full: Deno.env.get("FULL") === "1",
  onLoad: () => {
    if (deadlyStep === "load") die();
  },
  ...(url === undefined ? {} : { warehouse: { url, embedded: engine === "embedded" } }),
});
