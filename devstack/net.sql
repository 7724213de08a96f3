-- The schema of pg_net as its users see it; webhooks.py is the worker behind it. Run as
-- supabase_admin, as the extension is: it and not postgres owns what is here.

create schema if not exists net;
grant usage on schema net to public;

-- Lost in a crash, as there.
create unlogged table if not exists net.http_request_queue (
  id                   bigserial,
  method               text not null,
  url                  text not null,
  headers              jsonb,
  body                 bytea,
  timeout_milliseconds integer not null
);

create unlogged table if not exists net._http_response (
  id           bigint,
  status_code  integer,
  content_type text,
  headers      jsonb,
  content      text,
  timed_out    boolean,
  error_msg    text,
  created      timestamptz not null default now()
);
create index if not exists _http_response_created_idx on net._http_response (created);

grant all on all tables in schema net to public;
grant all on all sequences in schema net to public;

-- The worker hears of it when the transaction commits, and once however often it is called.
create or replace function net.wake() returns void language sql as $$
  select pg_notify('net', '')
$$;

create or replace function net._urlencode_string(string varchar) returns text
language sql immutable
set search_path = ''
as $$
  select coalesce(string_agg(
    case
      when bytes.letter ~ '^[A-Za-z0-9_.~-]$' then bytes.letter
      else '%' || upper(encode(bytes.byte, 'hex'))
    end, '' order by bytes.nth
  ), '')
    from (
      select n.nth, substr(raw.value, n.nth, 1) as byte,
             case when get_byte(raw.value, n.nth - 1) < 128
                  then chr(nullif(get_byte(raw.value, n.nth - 1), 0)) end as letter
        from (values (convert_to(string, 'UTF8'))) as raw (value),
             generate_series(1, length(raw.value)) as n (nth)
    ) as bytes
$$;

create or replace function net._enqueue(
  method               text,
  url                  text,
  params               jsonb,
  headers              jsonb,
  body                 bytea,
  timeout_milliseconds integer
) returns bigint
language plpgsql
as $$
declare
  request_id bigint;
  query      text;
begin
  select string_agg(net._urlencode_string(p.key) || '=' || net._urlencode_string(p.value), '&')
    into query
    from jsonb_each_text(params) as p;

  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (
    method,
    url || coalesce(case when strpos(url, '?') > 0 then '&' else '?' end || query, ''),
    headers,
    body,
    timeout_milliseconds
  )
  returning id into request_id;

  perform net.wake();
  return request_id;
end
$$;

create or replace function net.http_get(
  url                  text,
  params               jsonb   default '{}',
  headers              jsonb   default '{}',
  timeout_milliseconds integer default 5000
) returns bigint
language sql
as $$
  select net._enqueue('GET', url, params, headers, null, timeout_milliseconds)
$$;

create or replace function net.http_post(
  url                  text,
  body                 jsonb   default '{}',
  params               jsonb   default '{}',
  headers              jsonb   default '{"Content-Type": "application/json"}',
  timeout_milliseconds integer default 5000
) returns bigint
language plpgsql
as $$
declare
  content_type text := (
    select min(h.value) from jsonb_each_text(headers) as h where lower(h.key) = 'content-type'
  );
begin
  if content_type <> 'application/json' then
    raise exception 'Content-Type header must be "application/json"';
  end if;
  if content_type is null then
    headers := headers || '{"Content-Type": "application/json"}';
  end if;
  return net._enqueue(
    'POST', url, params, headers, convert_to(body::text, 'UTF8'), timeout_milliseconds
  );
end
$$;

create or replace function net.http_delete(
  url                  text,
  params               jsonb   default '{}',
  headers              jsonb   default '{}',
  timeout_milliseconds integer default 5000,
  body                 jsonb   default null
) returns bigint
language sql
as $$
  select net._enqueue(
    'DELETE', url, params, headers, convert_to(body::text, 'UTF8'), timeout_milliseconds
  )
$$;
