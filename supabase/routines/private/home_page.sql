-- What load_home() answers, but for the composition itself.
--
--   user_id  whose page it is
--   pin      what is pinned as 'home' (private.chosen_pin()); null: nothing
--   skipped  how many pins were passed over before
--   etag     of what private.load() answers about it; null: nothing is pinned
--   page     {contexts, organizations, etag}
--
-- Definer rights: as load_home().
create function private.home_page(
  user_id     uuid,
  out pin     public.composition_pins,
  out skipped integer,
  out etag    text,
  out page    jsonb
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  choice constant record := private.chosen_pin('home', home_page.user_id);
begin
  pin := choice.pin;
  skipped := choice.skipped;
  if pin.id is not null then
    etag := private.load_etag(
      pin.composition_id, home_page.user_id, extra => private.pin_reason(pin)
    );
  end if;

  page := jsonb_build_object(
    'contexts', (
      select coalesce(
               jsonb_agg(
                 private.pin_place(p)
                 order by p.position, p.context collate "C", p.organization_id nulls first
               ),
               '[]'
             )
        from public.composition_pins as p
       where p.user_id = home_page.user_id
          or p.organization_id = any (array(
               select m.organization_id
                 from public.organization_members as m
                where m.user_id = home_page.user_id
             ))
    ),
    'organizations', (
      select coalesce(
               jsonb_agg(
                 jsonb_build_object('organization_id', o.id, 'name', o.name, 'role', m.role)
                 order by m.created_at, o.id
               ),
               '[]'
             )
        from public.organization_members as m
        join public.organizations as o on o.id = m.organization_id
       where m.user_id = home_page.user_id
    )
  );
  page := page || jsonb_build_object('etag', left(
    encode(private.content_hash(page || jsonb_build_object('home', etag)), 'hex'), 32
  ));
end;
$$;
