import { equal, match } from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { ProgressBar } from "../../process/progress_bar.ts";

const plain = stripVTControlCharacters;

Deno.test("ProgressBar shows share, rate and the time left", () => {
  // 250 of 1,000 rows in 5 s are 50 rows/s: the other 750 take 15 s.
  const line = plain(new ProgressBar("Reading", 1000, "rows").line(250, 5));
  match(line, /^Reading █{7}░{21} {2}25 % {2}50 rows\/s, 15 s left$/);
});

Deno.test("ProgressBar never shows more than all, and knows no rate before time passed", () => {
  match(plain(new ProgressBar("Reading", 10, "rows").line(20, 1)), /^Reading █{28} 100 %/);
  equal(
    plain(new ProgressBar("Reading", 10, "rows").line(0, 0)),
    `Reading ${"░".repeat(28)}   0 %  0 rows/s`,
  );
  match(plain(new ProgressBar("Reading", 0, "rows").line(0, 1)), /100 %/);
});
