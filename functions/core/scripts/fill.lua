#!lua flags=allow-key-locking
-- Store what the database answered after a miss, unless anything was invalidated since.
--
-- KEYS  1 the composition  2 the user  3 the counts of loads
-- ARGV  1 viewer          as in read.lua
--       2 lease           of the composition, from the miss
--       3 viewer_lease    of the user, from the miss
--       4 expires_at      ms: when the entry ends
--       5 keep_ms         how long the keys are kept at least: as long as the entry
--       6 etag            or '-': there is nothing for this viewer
--       7 max_fields      of the composition's hash
--       8 max_bodies      among them
--       9 composition_id  the name under which loads are counted
--      10 body_is         'here' (in the payload), 'held' (under this etag) or 'none'
--      11 meta_bytes      how much of the payload is the meta; the rest is the body
--      12 payload         missing if it is empty
--
-- Returns {'KEPT', etag, body?}, or instead of KEPT what it was refused for: LOST, the composition was
-- invalidated since the miss; REVOKED, the user was; FULL; GONE, no body is held under this etag.
-- The body comes with it where it is 'held'.
local field, etag, held = 'p:' .. ARGV[1], ARGV[6], nil
local payload, meta_bytes = ARGV[12] or '', tonumber(ARGV[11])

if ARGV[10] == 'held' then
  -- Found under an etag it is right whatever the leases are: the etag covers the whole answer.
  held = redis.call('HGET', KEYS[1], 'b:' .. etag)
  if not held then
    return {'GONE', etag}
  end
end

if etag ~= '-' and redis.call('HINCRBY', KEYS[3], 'm:' .. ARGV[9], 1) == 1 then
  redis.call('PEXPIRE', KEYS[3], 604800000)
end

-- Whatever invalidates drops the lease, and while somebody writes none is handed out. So equal
-- leases mean that what the database answered is what it would answer now.
local composition = redis.call('HMGET', KEYS[1], 'g', 'e', field)
if composition[1] ~= ARGV[2] then
  return {'LOST', etag, held}
end
if redis.call('HGET', KEYS[2], 'g') ~= ARGV[3] then
  return {'REVOKED', etag, held}
end

-- Where there are too many viewers, somebody else's entry makes room.
if not composition[3] and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[7]) then
  local evicted
  for _, name in ipairs(redis.call('HRANDFIELD', KEYS[1], 64)) do
    if string.sub(name, 1, 2) == 'p:' then
      evicted = name
      break
    end
  end
  if not evicted then
    return {'FULL', etag, held}
  end
  redis.call('HDEL', KEYS[1], evicted)
end

redis.call('HSET', KEYS[1], field,
  ARGV[3] .. '|' .. ARGV[4] .. '|' .. etag .. '|' .. string.sub(payload, 1, meta_bytes))

if ARGV[10] == 'here' and
  redis.call('HSETNX', KEYS[1], 'b:' .. etag, string.sub(payload, meta_bytes + 1)) == 1
then
  -- The oldest of too many bodies makes room; the list of those that are here is short.
  local list = (composition[2] or '') .. etag .. ' '
  local _, count = string.gsub(list, ' ', '')
  if count > tonumber(ARGV[8]) then
    local oldest, others = string.match(list, '^(%x+) (.*)$')
    redis.call('HDEL', KEYS[1], 'b:' .. oldest)
    list = others
  end
  redis.call('HSET', KEYS[1], 'e', list)
end

for nth = 1, 2 do
  if redis.call('PTTL', KEYS[nth]) < tonumber(ARGV[5]) then
    redis.call('PEXPIRE', KEYS[nth], ARGV[5])
  end
end
return {'KEPT', etag, held}
