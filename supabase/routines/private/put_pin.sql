-- Pin a composition, in the place of what is pinned in the same context.
--
--   user_id          whose pin it is …
--   organization_id  … or whose default
--   context          where
--   composition_id   a composition locked by the caller
--   position         among the contexts of a page; null: where the pin before it was, or 0
--   origin           how it came to be: {"kind": …}
--   returns          the row
--
-- Raises
--   PT403 quota_exceeded    there are as many pins as a person or an organisation may have
--   PT422 invalid_argument  the context breaks its rule
--
-- Definer rights: nobody may write pins in any other way.
create function private.put_pin(
  user_id         uuid,
  organization_id uuid,
  context         text,
  composition_id  uuid,
  "position"      integer,
  origin          jsonb
) returns public.composition_pins
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  before   public.composition_pins;
  after    public.composition_pins;
  broken   text;
  argument text;
begin
  perform private.lock_pins(coalesce(put_pin.user_id, put_pin.organization_id));
  select p.* into before
    from public.composition_pins as p
   where p.user_id is not distinct from put_pin.user_id
     and p.organization_id is not distinct from put_pin.organization_id
     and p.context = put_pin.context;

  if before.id is null then
    perform private.require_room('max_pins', (
      select count(*)
        from public.composition_pins as p
       where p.user_id = put_pin.user_id or p.organization_id = put_pin.organization_id
    ));
  end if;

  insert into public.composition_pins as p
    (user_id, organization_id, context, composition_id, position)
  values
    (put_pin.user_id, put_pin.organization_id, put_pin.context, put_pin.composition_id,
     coalesce(put_pin.position, 0))
  on conflict on constraint composition_pins_context_once do update
     set composition_id = excluded.composition_id,
         position = coalesce(put_pin.position, p.position)
  returning p.* into after;

  perform private.note_turn_change(
    'pin',
    case when before.id is not null then to_jsonb(before) end,
    to_jsonb(after),
    put_pin.origin
  );
  return after;
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;
