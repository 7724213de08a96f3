-- Let caches forget the compositions of which a statement changed who may see them. A new link is
-- none of theirs: it shows nothing before somebody opens or accepts it. A share that ends by itself
-- is none either: load_composition() says when it will.
--
-- Definer rights: callers may not write the outbox.
create function private.invalidate_shares() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  ids uuid[];
begin
  if tg_op = 'INSERT' then
    ids := array(select distinct s.composition_id from added as s where s.token_hash is null);
  elsif tg_op = 'UPDATE' then
    ids := array(
      with was as (
        select b.composition_id, b.user_id, b.organization_id, b.token_hash, b.role, b.expires_at
          from before as b
      ),
      is_now as (
        select a.composition_id, a.user_id, a.organization_id, a.token_hash, a.role, a.expires_at
          from after as a
      )
      select f.composition_id from (table was except table is_now) as f
      union
      select f.composition_id from (table is_now except table was) as f
    );
  else
    ids := array(select distinct s.composition_id from gone as s);
  end if;
  perform private.note_invalidations(ids, '{}');
  return null;
end;
$$;

create trigger shared_compositions_invalidate_inserted
  after insert on public.shared_compositions
  referencing new table as added
  for each statement execute function private.invalidate_shares();

create trigger shared_compositions_invalidate_updated
  after update on public.shared_compositions
  referencing old table as before new table as after
  for each statement execute function private.invalidate_shares();

create trigger shared_compositions_invalidate_deleted
  after delete on public.shared_compositions
  referencing old table as gone
  for each statement execute function private.invalidate_shares();
