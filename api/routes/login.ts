/** `/login`: takes the token that somebody typed, and gives the cookie that lets their browser in. */

import { readBody } from "../../process/http/read_body.ts";
import { ApiProblem } from "../../process/http/problem.ts";
import type { Api, ApiParts } from "../app.ts";

const FORM_BYTES_MAX = 4096;
const FORM_WITHIN_MS = 5000;

export function addLogin(app: Api, { gate, files }: Pick<ApiParts, "gate" | "files">): void {
  app.post("/login", async (context) => {
    // A form of another site's page must not log anybody in.
    const origin = context.req.header("origin");
    const own = origin === undefined ||
      (URL.canParse(origin) && new URL(origin).host === context.req.header("host"));
    if (!own) {
      throw new ApiProblem(
        403,
        `Forms are taken from this server's own page only, not from ${origin.slice(0, 200)}`,
      );
    }
    const text = await readBody(context.req.raw, { bytesMax: FORM_BYTES_MAX, withinMs: FORM_WITHIN_MS });
    const token = new URLSearchParams(text).get("token");
    if (token === null) {
      throw new ApiProblem(
        400,
        "The form has no token: send token=… as application/x-www-form-urlencoded",
      );
    }
    try {
      if (!gate.admitsLogin(context, token)) return context.redirect("/login?wrong");
    } catch (error) {
      // A person sees the form again, which says it in words.
      const form = context.req.header("accept")?.includes("text/html") && files.answer(context, "/login");
      if (!(error instanceof ApiProblem) || !form) throw error;
      return new Response(form.body, {
        status: error.status,
        headers: { ...Object.fromEntries(form.headers), ...error.headers },
      });
    }
    context.header("set-cookie", gate.access.sessionCookie());
    return context.redirect("/");
  });
}
