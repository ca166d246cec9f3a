/** A program for the tests of runProcess(): does what its first argument says. */

import { OperatorError, runProcess } from "../../process/run_process.ts";
import { HelpRequested, UsageError } from "../../process/command_line.ts";
import { logger } from "../../process/logger.ts";

await runProcess(async (signal) => {
  switch (Deno.args[0]) {
    case "code":
      return Number(Deno.args[1]);
    case "operator":
      throw new OperatorError("The disk is full. Make room");
    case "usage":
      throw new UsageError("--count is wrong");
    case "help":
      throw new HelpRequested("the help");
    case "fault":
      throw new TypeError("not a function");
    case "denied":
      await Deno.readTextFile("/etc/hostname");
      return;
    case "wait":
      logger.info("waiting");
      await new Promise((resolve) => {
        const timer = setInterval(() => {}, 1000);
        signal.addEventListener("abort", () => {
          clearInterval(timer);
          resolve(undefined);
        });
      });
      logger.info("drained");
      return;
    case "drain slowly":
      logger.info("waiting");
      await new Promise((resolve) => {
        const timer = setInterval(() => {}, 1000);
        signal.addEventListener("abort", () => {
          clearInterval(timer);
          logger.info("asked to stop");
          setTimeout(resolve, 500);
        });
      });
      logger.info("drained");
      return;
    case "hang":
      logger.info("waiting");
      signal.addEventListener("abort", () => logger.info("asked to stop"));
      await new Promise(() => setInterval(() => {}, 1000));
  }
});
