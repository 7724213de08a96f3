#!lua flags=allow-key-locking
-- What read.lua would answer a viewer, without the body, and changing nothing: for the audit.
--
-- KEYS  1 the composition  2 the user
-- ARGV  1 viewer  as in read.lua
--       2 now     ms
--
-- Returns {etag, meta}, the etag '-' where a read would say that there is nothing; nil where it would
-- miss.
local now = tonumber(ARGV[2])
local composition = redis.call('HMGET', KEYS[1], 'u', 'p:' .. ARGV[1])
local user = redis.call('HMGET', KEYS[2], 'g', 'u')
if not composition[2] or tonumber(composition[1] or 0) > now or tonumber(user[2] or 0) > now then
  return false
end
local nonce, expires, etag, meta = string.match(composition[2], '^(%x+)|(%d+)|([%x-]+)|(.*)$')
if nonce ~= user[1] or tonumber(expires) <= now then
  return false
end
if etag ~= '-' and redis.call('HEXISTS', KEYS[1], 'b:' .. etag) == 0 then
  return false
end
return {etag, meta}
