-- Set or clear a parameter of a composition, for everyone or in a layer.
--
--   parameter  as set_parameter() takes it; null: it is cleared
--   returns    as save_version(), or as get_layer()
--
-- The other arguments, and what it raises: set_parameter(), clear_parameter().
--
-- Definer rights: nobody may write versions or layers in any other way.
create function private.change_parameter(
  composition_id  uuid,
  name            text,
  parameter       jsonb,
  scope           text,
  organization_id uuid,
  base_version    integer,
  message         text,
  origin          jsonb
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  layer    record;
  head     public.user_compositions;
  document jsonb;
  changed  jsonb;
begin
  perform private.require_composition_role(change_parameter.composition_id, 'viewer');
  if change_parameter.name is null then
    perform private.refuse_argument('', 'name');
  elsif change_parameter.name !~ '^[A-Za-z0-9_-]{1,64}$' then
    raise exception 'the name of a parameter has another form' using
      errcode = 'PT422',
      detail  = jsonb_build_object(
        'code', 'invalid_argument', 'argument', 'name', 'expected', '1 to 64 of A-Z a-z 0-9 _ -'
      ),
      hint    = 'Send a name of the form that is expected.';
  end if;

  if change_parameter.scope in ('me', 'organization') then
    layer := private.layer_to_change(
      change_parameter.composition_id, change_parameter.scope, change_parameter.organization_id,
      change_parameter.base_version, with_layer => true
    );
    perform private.put_layer(
      change_parameter.composition_id,
      layer.holder,
      layer.base_version,
      layer.beneath,
      private.with_parameter(layer.shown, change_parameter.name, change_parameter.parameter),
      change_parameter.origin
    );
    return private.layer_summary(change_parameter.composition_id, layer.holder);
  elsif change_parameter.scope is distinct from 'composition' then
    perform private.refuse_choice('scope', '{composition,me,organization}');
  elsif change_parameter.organization_id is not null then
    perform private.refuse_choice('organization_id');
  end if;

  -- Before the document is read: what is the head now stays it until the change is saved.
  head := private.lock_composition(change_parameter.composition_id, 'editor');
  if head.current_version <> change_parameter.base_version then
    perform private.refuse_stale(head, change_parameter.base_version);
  end if;

  select d.document into document
    from public.compositions as d
   where d.content_hash = head.current_hash;
  changed := private.with_parameter(document, change_parameter.name, change_parameter.parameter);

  return private.save_document(
    composition_id => head.id,
    base_version   => head.current_version,
    document       => changed,
    kind           => 'save',
    origin         => change_parameter.origin,
    message        => coalesce(change_parameter.message, (
                        private.parameter_sentences(
                          coalesce(document -> 'parameters', '{}'), changed -> 'parameters'
                        )
                      )[1]),
    on_conflict    => 'reject'
  );
end;
$$;
