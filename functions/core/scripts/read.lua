#!lua flags=allow-key-locking
-- Look for the answer that a viewer got before; where there is none, hand out the leases under
-- which one may be filled in.
--
-- KEYS  1 the composition  2 the user  3 the counts of loads
-- ARGV  1 viewer          the user's id, the fingerprint of the token's claims, and of an answer that
--                         is not the usual one the digest of its name
--       2 now             ms
--       3 nonce           random: becomes the lease where there is none
--       4 lease_ms        how long a lease lives that nothing is filled in under
--       5 known_etag      of the answer that the caller has already, or '-'
--       6 composition_id  the name under which loads are counted
--
-- Returns, always with the nonce, by which the caller knows that this is its own answer
--   {'H', nonce, etag, meta, body}            the answer
--   {'S', nonce, etag, meta}                  the answer is the one that the caller knows
--   {'N', nonce, meta}                        there is nothing for this viewer
--   {'M', nonce, lease, viewer_lease, held}   not known; held: etags of bodies, a space after each
--   {'B', nonce}                              somebody is writing: ask the database, do not fill
local now = tonumber(ARGV[2])
local composition = redis.call('HMGET', KEYS[1], 'g', 'u', 'e', 'p:' .. ARGV[1])
local user = redis.call('HMGET', KEYS[2], 'g', 'u')

if tonumber(composition[2] or 0) > now or tonumber(user[2] or 0) > now then
  return {'B', ARGV[3]}
end

if composition[4] and user[1] then
  -- The meta comes last, since it may be any bytes.
  local nonce, expires, etag, meta = string.match(composition[4], '^(%x+)|(%d+)|([%x-]+)|(.*)$')
  if nonce == user[1] and tonumber(expires) > now then
    if etag == '-' then
      return {'N', ARGV[3], meta}
    end
    local answer = {'S', ARGV[3], etag, meta}
    if etag ~= ARGV[5] then
      local body = redis.call('HGET', KEYS[1], 'b:' .. etag)
      -- One that had to make room is a miss like any other.
      answer = body and {'H', ARGV[3], etag, meta, body}
    end
    if answer then
      if redis.call('HINCRBY', KEYS[3], 'h:' .. ARGV[6], 1) == 1 then
        redis.call('PEXPIRE', KEYS[3], 604800000)  -- a week: nobody takes the counts
      end
      return answer
    end
  end
end

-- Short, so that asking for compositions that do not exist leaves little behind, and not for long.
local function lease(key, nonce)
  if not nonce then
    nonce = ARGV[3]
    redis.call('HSET', key, 'g', nonce)
    if redis.call('PTTL', key) < tonumber(ARGV[4]) then
      redis.call('PEXPIRE', key, ARGV[4])
    end
  end
  return nonce
end

return {'M', ARGV[3], lease(KEYS[1], composition[1]), lease(KEYS[2], user[1]), composition[3] or ''}
