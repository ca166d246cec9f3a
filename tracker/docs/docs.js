// @ts-nocheck: the documentation's library brings no types
/** Shows the gateway's document. */
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
});
