-- What update_from_upstream() would do.
--
--   composition_id  a fork
--   returns         {upstream_id, from_version, to_version, up_to_date, patch, sentences, conflicts,
--                   merged?}
--
-- Raises what private.require_composition_role(), private.require_upstream() and
-- private.upstream_merge() raise.
--
-- Definer rights: it looks past the policies.
create function private.preview_upstream(composition_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  upstream public.user_compositions;
  fork     public.user_compositions;
  merge    record;
  answer   jsonb;
  becomes  jsonb;
begin
  perform private.require_composition_role(preview_upstream.composition_id, 'viewer');
  upstream := private.require_upstream(preview_upstream.composition_id);
  select c.* into fork
    from public.user_compositions as c
   where c.id = preview_upstream.composition_id;

  merge := private.upstream_merge(fork, upstream);
  becomes := coalesce(merge.merged, merge.head);
  answer := jsonb_build_object(
    'upstream_id', upstream.id,
    'from_version', fork.forked_from_version,
    'to_version', upstream.current_version,
    'up_to_date', fork.forked_from_version = upstream.current_version,
    'patch', private.json_diff(merge.head, becomes),
    'sentences', private.diff_sentences(merge.head, becomes),
    'conflicts', merge.conflicts
  );
  return case
    when merge.merged is null then answer
    else jsonb_set(answer, '{merged}', merge.merged)
  end;
end;
$$;
