-- Look for what a name came to for a viewer: a context, say. That is two answers in one: which
-- composition was chosen, and how it was answered. Where one of them is missing, hand out the leases
-- under which it may be filled in.
--
-- It is not flagged allow-key-locking, as the other scripts are: which composition it reads is known
-- only once it runs, so that key and its counts cannot be among KEYS.
--
-- KEYS  1 the user
-- ARGV  1 viewer      as in read.lua
--       2 name        the digest of what is asked for
--       3 now         ms
--       4 nonce       random: becomes the lease where there is none
--       5 lease_ms    how long a lease lives that nothing is filled in under
--       6 known_etag  of the answer that the caller has already, or '-'
--
-- Returns, always with the nonce, by which the caller knows that this is its own answer
--   {'H', nonce, etag, meta, body}            the answer
--   {'S', nonce, etag, meta}                  the answer is the one that the caller knows
--   {'N', nonce, meta}                        nothing is chosen for this viewer
--   {'C', nonce, viewer_lease}                not known which composition is chosen
--   {'M', nonce, lease, viewer_lease, held, composition_id}
--                                             known, but not its answer; held as in read.lua
--   {'B', nonce}                              somebody is writing: ask the database, do not fill
local now, nonce, fingerprint = tonumber(ARGV[3]), ARGV[4], string.sub(ARGV[1], 33)
local user = redis.call('HMGET', KEYS[1], 'g', 'u', 'x:' .. fingerprint .. ARGV[2])

if tonumber(user[2] or 0) > now then
  return {'B', nonce}
end

-- Short, as in read.lua.
local function lease(key, held)
  if not held then
    held = nonce
    redis.call('HSET', key, 'g', held)
    if redis.call('PTTL', key) < tonumber(ARGV[5]) then
      redis.call('PEXPIRE', key, ARGV[5])
    end
  end
  return held
end

-- A choice needs no nonce: it lies where whatever invalidates drops all of it.
local expires, kind, choice = string.match(user[3] or '', '^(%d+)|(%a)|(.*)$')
if not expires or tonumber(expires) <= now then
  return {'C', nonce, lease(KEYS[1], user[1])}
end
if kind == 'n' then
  return {'N', nonce, choice}
end

local prefix = string.match(KEYS[1], '^%w+')
local key = prefix .. ':c:' .. choice
local composition = redis.call('HMGET', key, 'g', 'u', 'e', 'p:' .. ARGV[1] .. ARGV[2])
if tonumber(composition[2] or 0) > now then
  return {'B', nonce}
end

if composition[4] and user[1] then
  local of, ends, etag, meta = string.match(composition[4], '^(%x+)|(%d+)|(%x+)|(.*)$')
  if of == user[1] and tonumber(ends) > now then
    local answer = {'S', nonce, etag, meta}
    if etag ~= ARGV[6] then
      local body = redis.call('HGET', key, 'b:' .. etag)
      answer = body and {'H', nonce, etag, meta, body}
    end
    if answer then
      local counts = prefix .. ':u:' .. tonumber(string.sub(choice, -1), 16)
      if redis.call('HINCRBY', counts, 'h:' .. choice, 1) == 1 then
        redis.call('PEXPIRE', counts, 604800000)
      end
      return answer
    end
  end
end

return {
  'M', nonce, lease(key, composition[1]), lease(KEYS[1], user[1]), composition[3] or '', choice
}
