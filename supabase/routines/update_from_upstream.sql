-- Take over into a fork what was changed since in the composition that it was made from: a merge of
-- both, from the version that they have in common.
--
--   composition_id  a fork that the caller may edit; to see what would become of it, may view
--   apply           whether to do it; false: say what it would do
--   on_conflict     where both changed the same: 'reject', nothing is done; 'keep', it stays there as
--                   it is in the fork
--   base_version    the head of the fork that the caller has seen; null: whatever it is
--   message         what changed, in words; null: nothing to say
--   origin          how it came to be (docs/history.md); its kind is upstream, whatever is sent
--   returns         {composition_id?, version?, content_hash?, title?, updated_at?, upstream_id,
--                   from_version, to_version, up_to_date, merged?, conflicts, patch?, sentences?}
--
--   composition_id … updated_at  the fork as it is now; only with apply
--   from_version                 the version of upstream_id that both had in common …
--   to_version                   … and the one that they have in common then, the head
--   up_to_date                   whether these are the same: then nothing is done
--   merged                       true with apply; else the document that it would be. None where the
--                                changes do not go together
--   conflicts                    where both changed the same (docs/merge.md), with the fork as head
--   patch, sentences             what would change in the fork; only without apply
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 upstream_not_found     it is no fork; or what it was made from is gone, in the trash, or
--                                not readable by the caller
--   PT404 version_not_found      the version that both have in common was deleted for its age
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT409 merge_conflict         both changed the same, with all conflicts; with 'keep', only where
--                                the changes do not go together
--   PT409 version_conflict       saved by someone since base_version was read
--   PT410 composition_trashed    in the trash
--   PT422 invalid_document       a limit was lowered since
--   PT422 invalid_argument       apply is null, the message is too long, or on_conflict or origin is
--                                not known
--
-- Definer rights: nobody may write versions in any other way.
create function public.update_from_upstream(
  composition_id uuid,
  apply          boolean default false,
  on_conflict    text default 'reject',
  base_version   integer default null,
  message        text default null,
  origin         jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  made jsonb := private.version_origin(update_from_upstream.origin, 'upstream');
  fork public.user_compositions;
begin
  if apply is null then
    perform private.refuse_argument('', 'apply');
  end if;
  if on_conflict is null or on_conflict not in ('reject', 'keep') then
    perform private.refuse_choice('on_conflict', '{reject,keep}');
  end if;

  if not apply then
    return private.preview_upstream(update_from_upstream.composition_id);
  end if;

  fork := private.lock_fork(update_from_upstream.composition_id);
  if fork.current_version <> update_from_upstream.base_version then
    perform private.refuse_stale(fork, update_from_upstream.base_version);
  end if;
  return private.apply_upstream(fork, on_conflict = 'keep', made, update_from_upstream.message);
end;
$$;
