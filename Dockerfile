# One image for every process; compose.yaml chooses the part by its command: topics, producer, consumer, lake, …
FROM denoland/deno:2.9.6

ENV DENO_DIR=/deno-dir \
    DENO_NO_UPDATE_CHECK=1
WORKDIR /app

# The libraries first: they change seldom, and exactly as locked.
COPY deno.json deno.lock ./
COPY api/dashboard/deno.json api/dashboard/
RUN deno install --frozen

# The programs and libraries stay root's: the processes can read them and nothing more.
COPY . .
RUN deno cache --frozen \
      scripts/*.ts producer/airline_producer.ts producer/event_generator.ts \
      streaming/consumer.ts streaming/viewer_metrics.ts lake/lake_writer.ts api/metrics_api.ts \
      tracker/service_registry.ts tracker/flightdata_service.ts tracker/llm_summary_service.ts tracker/api_gateway.ts \
      etl/build_warehouse.ts etl/etl_runner.ts warehouse/embedded_warehouse.ts \
 && mkdir -p data lake/raw lake/gold lake/rejected \
 && chown -R deno:deno data lake/raw lake/gold lake/rejected

USER deno
# A part runs under its own permission set here too: the launcher starts it.
ENTRYPOINT ["deno", "run", "-q", "-P=launcher", "scripts/launch.ts"]
CMD ["topics"]
