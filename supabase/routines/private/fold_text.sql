-- A text as search compares it: without case and without accents. Compatibility forms are resolved
-- (ﬁ is fi, Ａ is a), marks on letters are dropped (é is e, ά is α), and so are the Hebrew and the
-- Arabic vowel points.
--
--   text     any text, or null
--   returns  the folded text; null for null
--
-- The collation is named, since what lower() does would otherwise depend on the database. What no
-- decomposition reaches is spelt out; a final sigma is a sigma wherever it stands.
create function private.fold_text(text text) returns text
language sql immutable
set search_path = ''
as $$
  select replace(replace(replace(
    translate(
      lower(
        regexp_replace(
          normalize(fold_text.text, nfkd),
          '[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]',
          '', 'g'
        ) collate "und-x-icu"
      ),
      'ıłøđħς', 'ilodhσ'
    ),
    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
$$;
