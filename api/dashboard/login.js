// @ts-check
/** Says that the token was wrong. */
if (new URLSearchParams(location.search).has("wrong")) {
  const wrong = document.getElementById("wrong");
  if (wrong !== null) wrong.hidden = false;
}
