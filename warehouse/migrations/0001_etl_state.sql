-- What the ETL keeps beside its rows, in the same transaction: how far it has come, its runs, and who may run.

create table public.etl_watermark (
  log_id text not null,
  topic text not null,
  partition integer not null,
  -- The offset of the next record to be loaded.
  next_offset bigint not null,
  updated_at timestamp with time zone not null default now(),
  primary key (log_id, topic, partition)
);
comment on table public.etl_watermark is
  'How far each partition is in the warehouse. Empty: the next ETL run rebuilds all tables from the lake';

create table public.etl_run (
  run_id text primary key,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone not null,
  -- Whether all tables were rebuilt from the lake.
  full_rebuild boolean not null,
  rows_read bigint not null,
  rows_new bigint not null,
  rows_rejected bigint not null
);
comment on table public.etl_run is 'ETL runs that were committed, newest last by finished_at';

create table public.lease (
  name text primary key,
  holder text not null,
  -- Rises by one with each new holder and never falls, so that a late one can be told from the current one.
  fencing_token bigint not null,
  expires_at timestamp with time zone not null
);
comment on table public.lease is 'Who may do what only one at a time may do, until when';
