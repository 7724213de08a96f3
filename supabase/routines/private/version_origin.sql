-- What is stored about who made a version and how, out of what a caller says of it. The actor is no
-- part of it: author_id comes from the token.
--
--   origin   as sent: {kind?, agent?, conversation?, turn?}; null: nothing is said
--   kind     what the version is, whatever the caller says; null: the caller decides
--   facts    object: what else is known of it
--   returns  {kind, agent?, conversation?, turn?}, and the facts
--
-- Raises
--   PT422 invalid_argument  anything else, with the key that is wrong
create function private.version_origin(
  origin jsonb,
  kind   text default null,
  facts  jsonb default '{}'
) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
declare
  kinds constant text[] := '{user,agent,sync,import}';
  keys  constant text[] := '{kind,agent,conversation,turn}';
  wrong text;
begin
  if jsonb_typeof(origin) <> 'object' then
    perform private.refuse_origin();
  end if;

  select k.key into wrong
    from jsonb_object_keys(origin) as k (key)
   where k.key <> all (keys)
      or jsonb_typeof(origin -> k.key) <> 'string'
      or length(origin ->> k.key) not between 1 and 200
      or k.key = 'kind' and origin ->> 'kind' <> all (kinds)
   order by k.key
   limit 1;
  if wrong is not null then
    perform private.refuse_origin(
      wrong,
      case when wrong = 'kind' then kinds when wrong <> all (keys) then keys end
    );
  end if;

  -- Whoever names an agent, or what it did that in, says that it was one.
  return coalesce(origin, '{}')
    || jsonb_build_object('kind', coalesce(
         version_origin.kind,
         origin ->> 'kind',
         case when coalesce(origin, '{}') = '{}' then 'user' else 'agent' end
       ))
    || facts;
end;
$$;
