#!lua flags=allow-key-locking
-- Hold a body under its etag, for nobody in particular: who misses next is spared the document.
--
-- No lease is needed. A body is read only through an entry or after the database has named its
-- etag, and the etag covers all of it.
--
-- KEYS  1 the composition
-- ARGV  1 now         ms
--       2 etag
--       3 keep_ms     how long the key is kept at least
--       4 max_bodies  of the composition's hash
--       5 body
--
-- Returns 'HELD', or 'BUSY': somebody is writing, and it would be dropped at once.
local composition = redis.call('HMGET', KEYS[1], 'u', 'e')
if tonumber(composition[1] or 0) > tonumber(ARGV[1]) then
  return 'BUSY'
end
if redis.call('HSETNX', KEYS[1], 'b:' .. ARGV[2], ARGV[5]) == 0 then
  return 'HELD'
end

local list = (composition[2] or '') .. ARGV[2] .. ' '
local _, count = string.gsub(list, ' ', '')
if count > tonumber(ARGV[4]) then
  local oldest, others = string.match(list, '^(%x+) (.*)$')
  redis.call('HDEL', KEYS[1], 'b:' .. oldest)
  list = others
end
redis.call('HSET', KEYS[1], 'e', list)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 'HELD'
