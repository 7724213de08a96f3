#!lua flags=allow-key-locking
-- Hand over counts of loads and forget them.
--
-- KEYS  1 the counts
--
-- Returns names and counts in turn: 'h:<composition>' answered here, 'm:<composition>' by the
-- database.
local counts = redis.call('HGETALL', KEYS[1])
redis.call('UNLINK', KEYS[1])
return counts
