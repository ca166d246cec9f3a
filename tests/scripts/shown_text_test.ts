import { equal } from "node:assert/strict";
import { shownLine, shownText } from "../../scripts/_shown_text.ts";

Deno.test("shownText() shows control characters instead of sending them to the terminal", () => {
  equal(shownText("a\x1b[31mred\x1b[0m\x07\r\u009bz"), "a\\x1b[31mred\\x1b[0m\\x07\\x0d\\x9bz");
  equal(shownText('{\n\t"é": "✈️"}'), '{\n\t"é": "✈️"}');
});

Deno.test("shownLine() is one line of at most so many characters", () => {
  equal(shownLine(" a\n\n b\tc ", 80), "a b c");
  equal(shownLine("abcdefgh", 5), "abcd…");
  equal(shownLine("abcde", 5), "abcde");
});
