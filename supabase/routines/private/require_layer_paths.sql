-- Refuse paths at which a layer changes nothing.
--
--   paths   as reset_layer() takes them
--   base    the document that the layer was made on
--   wanted  what it looks like with the layer
--
-- Raises
--   PT404 layer_path_not_found  the layer changes nothing there, nor below
--   PT422 invalid_argument      they are no flat list, a path is null, or there are too many
create function private.require_layer_paths(paths text[], base jsonb, wanted jsonb) returns void
language plpgsql immutable
set search_path = ''
as $$
declare
  most    constant integer := 500;
  listed  constant integer := 100;
  changes constant text[] := (private.layer_changes(base, wanted)).changes;
  nth     bigint;
begin
  -- In this order: null is looked for in flat lists alone.
  if (case
       when array_ndims(paths) > 1 then true
       else cardinality(paths) > most or array_position(paths, null) is not null
     end)
  then
    raise exception 'paths are a flat list of at most % JSON Pointers, none null', most using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'paths'),
      hint    = 'Send paths around several of them, or none to take everything back.';
  end if;

  select min(p.nth) - 1 into nth
    from unnest(paths) with ordinality as p (path, nth)
   where not exists (
           select from unnest(changes) as c (path)
            where c.path = p.path
               or starts_with(c.path, p.path || '/')
               -- A part of something that the layer adds.
               or starts_with(p.path, c.path || '/')
              and not record_image_eq(
                    row (private.take_back(base, wanted, array[p.path])), row (wanted)
                  )
         );
  if nth is not null then
    raise exception 'the layer changes nothing at one of the paths' using
      errcode = 'PT404',
      detail  = jsonb_build_object(
        'code', 'layer_path_not_found', 'index', nth, 'paths', to_jsonb(changes[:listed])
      ),
      hint    = 'Take one of paths, which are what the layer changes, or one around some of them.';
  end if;
end;
$$;
