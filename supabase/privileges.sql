-- Closed until opened: what a new object grants before anyone says so.
--
-- A project made before October 2026 grants every new table, sequence and function of schema
-- public to anon, authenticated and service_role; a newer one grants the tables' lesser rights
-- only; both let PUBLIC execute every new function. After this file both start from nothing, and
-- supabase/policies opens what is meant to be open, by name.

alter default privileges revoke execute on functions from public;

alter default privileges in schema public
  revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public
  revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public
  revoke all on functions from anon, authenticated, service_role;

-- Helpers, settings and queues. PostgREST does not serve this schema; policies that run as the
-- caller do reach the helpers that policies/routines.sql names.
create schema private;

grant usage on schema private to authenticated;

-- How far two names are apart, for private.nearest(). A project that has it elsewhere moves it:
-- alter extension fuzzystrmatch set schema extensions.
create extension if not exists fuzzystrmatch with schema extensions;
