-- From one value to another, as it is said in a sentence.
--
--   was      any jsonb
--   value    any other one
--   returns  '“a” → “b”'; empty when no few words tell them apart
--
-- Of two long texts, the words around their first difference.
create function private.change_phrase(was jsonb, value jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  before    text := was #>> '{}';
  after     text := value #>> '{}';
  same      integer := 0;
  different integer;
  middle    integer;
begin
  if jsonb_typeof(was) = 'string' and jsonb_typeof(value) = 'string'
    and greatest(length(before), length(after)) > 60
  then
    different := least(length(before), length(after)) + 1;
    while different - same > 1 loop
      middle := (same + different) / 2;
      if left(before, middle) = left(after, middle) then
        same := middle;
      else
        different := middle;
      end if;
    end loop;
    if same > 30 then
      before := '…' || substr(before, same - 20);
      after := '…' || substr(after, same - 20);
    end if;
    was := to_jsonb(before);
    value := to_jsonb(after);
  end if;

  before := private.value_phrase(was);
  after := private.value_phrase(value);
  return case when before = after then '' else before || ' → ' || after end;
end;
$$;
