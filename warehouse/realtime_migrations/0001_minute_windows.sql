-- The minute windows of streams and the state they come from. "{schema}" stands for the schema they are kept in. A
-- database that the published programs have made holds the first two tables already: they are taken as they are.

create table if not exists {schema}.stream_metrics_minute (
  window_start timestamp with time zone not null,
  window_end timestamp with time zone not null,
  stream_id text not null,
  active_viewers integer not null default 0,
  chat_messages integer not null default 0,
  donations_usd double precision not null default 0,
  primary key (window_start, stream_id)
);
-- A writer that does not know of it writes windows that count as complete.
alter table {schema}.stream_metrics_minute add column if not exists complete boolean not null default true;
create index if not exists stream_metrics_minute_by_stream
  on {schema}.stream_metrics_minute (stream_id, window_start desc);
comment on table {schema}.stream_metrics_minute is
  'What happened on each stream in each minute of event time. Rows change until the watermark has passed them';
comment on column {schema}.stream_metrics_minute.active_viewers is
  'Distinct viewers who were present at any moment of the minute';
comment on column {schema}.stream_metrics_minute.complete is
  'Event time has passed the end of the minute, or the stream has gone quiet';

create table if not exists {schema}.stream_state (
  stream_id text primary key,
  active_viewers integer not null default 0,
  updated_at timestamp with time zone not null default now()
);
comment on table {schema}.stream_state is 'Distinct viewers who are present now, in event time';

create table {schema}.viewer_partition (
  log_id text not null,
  partition integer not null,
  -- Partitions of the topic: a stream belongs to one of them.
  partitions integer not null,
  -- Rises with each new owner, so that a former one can be told and stores nothing more.
  epoch bigint not null,
  -- Offsets of the next records to be taken.
  next_offset bigint,
  repartition_offset bigint,
  -- Clocks, as the program keeps them.
  progress text not null default '{}',
  updated_at timestamp with time zone not null default now(),
  primary key (log_id, partition)
);
comment on table {schema}.viewer_partition is 'How far each partition of stream.events is in the minute windows';

create table {schema}.viewer_state (
  log_id text not null,
  partition integer not null,
  -- Rises; all of a partition's chunks in this order are its state.
  sequence bigint not null,
  chunk bytea not null,
  primary key (log_id, partition, sequence)
);
-- Mostly hashes, which do not compress.
alter table {schema}.viewer_state alter column chunk set storage external;
comment on table {schema}.viewer_state is 'Who is present and what was counted, as far as windows may still change';
