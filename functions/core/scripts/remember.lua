#!lua flags=allow-key-locking
-- Remember who was first to come with something.
--
-- KEYS  1 what they came with
-- ARGV  1 token    of who comes
--       2 keep_ms  how long it is remembered
--
-- Returns {token, first}: of who comes, and of who was first. Run twice by the same, it answers the
-- same.
local first = redis.call('GET', KEYS[1])
if not first then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return {ARGV[1], first or ARGV[1]}
