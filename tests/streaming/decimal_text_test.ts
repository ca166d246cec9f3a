import { strictEqual } from "node:assert/strict";
import { DecimalTexts, HUNDREDTHS, THOUSANDTHS } from "../../streaming/_decimal_text.ts";

Deno.test("texts of fractions are those that JSON has, in any order and beyond what is kept", () => {
  for (const count of [700, 0, 1, 1000, 333, 19_999, 20_000, 365_123]) {
    strictEqual(THOUSANDTHS.text(count), JSON.stringify(count / 1000));
    strictEqual(HUNDREDTHS.text(count), JSON.stringify(count / 100));
  }
});

Deno.test("each text is made once", () => {
  let made = 0;
  const texts = new DecimalTexts((count) => {
    made++;
    return count / 6;
  });
  for (let round = 0; round < 3; round++) for (let count = 9; count >= 0; count--) texts.text(count);
  strictEqual(made, 10);
});
