-- Refuse a patch that is too dangerous to look at any closer.
--
--   patch          any jsonb, or null
--   levels_around  levels of nesting that stand around the parts of a document in it
--
-- Raises
--   PT422 invalid_patch  there is none, or it breaks a limit (private.limit_problems())
create function private.require_patch_in_limits(patch jsonb, levels_around integer default 0)
returns void
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb;
begin
  if patch is null then
    perform private.refuse_patch(
      'missing', null, 'there is no patch', 'Send what to change as patch.'
    );
  end if;

  problems := private.limit_problems(patch, levels_around);
  if problems <> '[]' then
    perform private.refuse_patch(
      problems -> 0 ->> 'code', null, 'the patch breaks a limit',
      'Send less in one patch: what is expected is the limit of a document.',
      jsonb_build_object('expected', problems -> 0 -> 'expected')
    );
  end if;
end;
$$;
