-- Keep search_text what search looks into: title, description and tags, folded
-- (private.fold_text()). A trigger and no generated column: that would be computed anew, and
-- written anew, with every save.
--
-- Definer rights: whoever renames a composition needs no right to the helper.
create function private.set_search_text() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  -- Cut: this comes before the constraints, which refuse what is longer. And cut again: a letter
  -- folds to three at most, a ligature to eighteen, which whoever searches would have to read.
  new.search_text := left(private.fold_text(left(
    concat_ws(e'\n', new.title, new.description, array_to_string(new.tags, e'\n')), 4000
  )), 12000);
  return new;
end;
$$;

create trigger user_compositions_search_text
  before insert or update of title, description, tags on public.user_compositions
  for each row execute function private.set_search_text();
