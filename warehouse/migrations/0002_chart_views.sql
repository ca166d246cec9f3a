-- The published charts, and revenue. Each view selects from a function whose body is text: Postgres then knows of no
-- dependency, and DROP TABLE on a fact table, which Python's ETL does at each run, goes through. The functions are
-- plain enough to be inlined, so a condition on a view reaches the tables' indexes. The casts cost nothing on our
-- types and let the charts work on tables that Python's ETL wrote as text.
set local check_function_bodies = off;

create function public.inventory_trend_rows()
returns table (
  metric_time timestamp with time zone,
  flight_id text,
  seats_remaining integer,
  discount_percentage numeric
)
language sql stable
as $$
  select
    m.metric_time,
    m.flight_id,
    m.total_seats - m.booked_seats,
    (
      -- A promotion is shown at the last metric before it; those before the first metric, at the first.
      select max(p.discount_percentage::numeric)
      from public.fact_promotions as p
      where p.flight_id = m.flight_id
        and (m.previous_time is null or p.promo_time::timestamptz >= m.metric_time)
        and (m.next_time is null or p.promo_time::timestamptz < m.next_time)
    )
  from (
    select
      f.metric_time::timestamptz as metric_time,
      f.flight_id,
      f.total_seats::integer as total_seats,
      f.booked_seats::integer as booked_seats,
      lag(f.metric_time::timestamptz) over flight as previous_time,
      lead(f.metric_time::timestamptz) over flight as next_time
    from public.fact_inventory_metrics as f
    window flight as (partition by f.flight_id order by f.metric_time::timestamptz)
  ) as m
$$;

create view public.inventory_trend as
select metric_time, flight_id, seats_remaining, discount_percentage
from public.inventory_trend_rows();
comment on view public.inventory_trend is
  'Seats remaining over time, with the discount where a promotion was decided';

create function public.booking_pressure_rows()
returns table (
  flight_id text,
  metric_time timestamp with time zone,
  minutes_to_departure integer,
  load_factor double precision
)
language sql stable
as $$
  select
    f.flight_id,
    f.metric_time::timestamptz,
    f.minutes_to_departure::integer,
    f.load_factor::double precision
  from public.fact_inventory_metrics as f
$$;

create view public.booking_pressure as
select flight_id, metric_time, minutes_to_departure, load_factor
from public.booking_pressure_rows();
comment on view public.booking_pressure is 'How full each flight is, by minutes to departure';

create function public.net_revenue_rows()
returns table (
  flight_id text,
  currency text,
  passengers bigint,
  gross_revenue numeric,
  cancelled_passengers bigint,
  cancelled_revenue numeric,
  net_revenue numeric
)
language sql stable
as $$
  select
    b.flight_id,
    b.currency,
    count(*),
    sum(b.passenger_price),
    count(c.booking_id),
    coalesce(sum(b.passenger_price) filter (where c.booking_id is not null), 0),
    coalesce(sum(b.passenger_price) filter (where c.booking_id is null), 0)
  from public.fact_booking as b
  left join public.fact_booking_cancellation as c on c.booking_id = b.booking_id
  group by b.flight_id, b.currency
$$;

create view public.net_revenue as
select flight_id, currency, passengers, gross_revenue, cancelled_passengers, cancelled_revenue, net_revenue
from public.net_revenue_rows();
comment on view public.net_revenue is 'Revenue of each flight and currency: bookings, less those given back';
