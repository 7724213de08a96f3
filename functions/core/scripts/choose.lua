#!lua flags=allow-key-locking
-- Store what the database chose for a viewer under a name, unless the viewer was invalidated since
-- the miss. Or forget it.
--
-- KEYS  1 the user
-- ARGV  1 fingerprint  of the token's claims
--       2 name         the digest of what was asked for
--       3 lease        of the user, from the miss
--       4 expires_at   ms: when the choice ends
--       5 keep_ms      how long the key is kept at least
--       6 max_fields   of the user's hash
--       7 choice       'c|' and a composition's id; 'n|' and the meta of the answer that nothing is
--                      chosen; missing: forget what was chosen
--
-- Returns {'KEPT', lease}, or for KEPT what it was refused for: REVOKED, the user was invalidated
-- since the miss; FULL.
local field = 'x:' .. ARGV[1] .. ARGV[2]
local user = redis.call('HMGET', KEYS[1], 'g', field)
if user[1] ~= ARGV[3] then
  return {'REVOKED', ARGV[3]}
end
if not ARGV[7] then
  redis.call('HDEL', KEYS[1], field)
  return {'KEPT', ARGV[3]}
end

-- Who asks for many names makes room with others of their own.
if not user[2] and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[6]) then
  local evicted
  for _, name in ipairs(redis.call('HRANDFIELD', KEYS[1], 8)) do
    if string.sub(name, 1, 2) == 'x:' then
      evicted = name
      break
    end
  end
  if not evicted then
    return {'FULL', ARGV[3]}
  end
  redis.call('HDEL', KEYS[1], evicted)
end

redis.call('HSET', KEYS[1], field, ARGV[4] .. '|' .. ARGV[7])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
return {'KEPT', ARGV[3]}
