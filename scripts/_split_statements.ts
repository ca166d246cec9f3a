/** Cuts a text of SQL into its statements. */

/** A statement, and where in the text it begins. */
export interface Statement {
  text: string;
  offset: number;
}

// What may hold a semicolon that ends nothing, by Postgres's lexical rules; block comments nest and are read by hand.
const TOKEN =
  /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$([A-Za-z_]\w*)?\$[\s\S]*?(?:\$\1\$|$)|--[^\n]*|\/\*|;|[A-Za-z_][\w$]*|[^]/g;

/** The statements of `text` without their semicolons; those that are only space and comments are left out. */
export function splitStatements(text: string): Statement[] {
  const statements: Statement[] = [];
  let start = -1;
  let end = 0;
  const finish = () => {
    if (start !== -1) statements.push({ text: text.slice(start, end), offset: start });
    start = -1;
  };
  const tokens = new RegExp(TOKEN);
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    const token = match[0];
    if (token === ";") {
      finish();
    } else if (token === "/*") {
      tokens.lastIndex = commentEnd(text, match.index);
    } else if (!token.startsWith("--") && token.trim() !== "") {
      if (start === -1) start = match.index;
      end = match.index + token.length;
    }
  }
  finish();
  return statements;
}

/** Where the block comment that begins at `at` ends. */
function commentEnd(text: string, at: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = at;
  let depth = 0;
  for (let match = marks.exec(text); match !== null; match = marks.exec(text)) {
    depth += match[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}
