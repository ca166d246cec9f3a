-- What the ETL makes of the fact tables once a day is over: how flights fill, how far forecasts are off, and what followed
-- promotions. Each is replaced as a whole.

create table public.agg_booking_curve (
  -- The UTC day up to whose end flights that left are counted in.
  version date not null,
  -- LHR-BOS; * for all routes together.
  route text not null,
  -- ISO weekday of the departure in UTC, 1 is Monday; 0 for any.
  weekday integer not null,
  -- night, morning, afternoon, evening: six hours each of the UTC day; any.
  daypart text not null,
  -- * for all together: then mean_pickup is less what was given back.
  fare_bucket text not null,
  days_before double precision not null,
  flights integer not null,
  -- Shares of the seats.
  mean_load double precision,
  mean_pickup double precision not null,
  variance_pickup double precision not null,
  ratio double precision,
  variance_ratio double precision,
  primary key (route, weekday, daypart, fare_bucket, days_before)
);
comment on table public.agg_booking_curve is
  'How full flights of a route, weekday and time of day were by days before departure, and what they still took up';

create table public.agg_forecast_error (
  version date not null,
  -- additive and multiplicative pickup; final_is_average and no_change need no model.
  method text not null,
  days_before double precision not null,
  flights integer not null,
  mape double precision,
  -- Mean of forecast less final load factor.
  bias double precision,
  -- Share of flights whose final load factor lay in the 80 % interval.
  coverage double precision,
  primary key (method, days_before)
);
comment on table public.agg_forecast_error is
  'How far forecasts were off on the flights that left last, by curves of those that left before';

create table public.fact_promotion_outcome (
  event_id text primary key,
  promo_time timestamp with time zone not null,
  flight_id text not null,
  policy text,
  discount_percentage numeric(5,2) not null,
  load_factor_before double precision not null,
  -- Of bookings made after the promotion and not given back.
  bookings_after integer not null,
  seats_after integer not null,
  revenue_after numeric(14,2) not null,
  final_load_factor double precision not null,
  -- As it was forecast without the discount when the promotion was decided.
  forecast_load_factor double precision,
  forecast_load_factor_low double precision,
  forecast_load_factor_high double precision,
  above_forecast double precision,
  -- Always observational: what followed a promotion, not what it caused.
  evidence text not null
);
create index fact_promotion_outcome_flight_id on public.fact_promotion_outcome (flight_id);
comment on table public.fact_promotion_outcome is
  'What followed each promotion of a flight that has left. Observational: promoted flights differ from others, so this is not the effect of the promotion';

create table public.etl_note (
  name text primary key,
  value text not null
);
comment on table public.etl_note is 'What the ETL notes for itself: the day that the tables above are of';
