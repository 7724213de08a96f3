#!lua flags=allow-key-locking
-- After a write, or on news of one made elsewhere: drop all answers and leases. Blocks stay, but for
-- the one of the write that has ended.
--
-- KEYS  compositions and users, any number
-- ARGV  1 now    ms
--       2 token  of the write that has ended; of news, one that nobody has
--
-- Returns the token.
for _, key in ipairs(KEYS) do
  local now, last, writers = tonumber(ARGV[1]), 0, ''
  for token, until_ms in string.gmatch(redis.call('HGET', key, 'w') or '', '(%x+)=(%d+);') do
    if tonumber(until_ms) > now and token ~= ARGV[2] then
      writers = writers .. token .. '=' .. until_ms .. ';'
      last = math.max(last, tonumber(until_ms))
    end
  end
  redis.call('UNLINK', key)
  if last > 0 then
    redis.call('HSET', key, 'u', string.format('%.0f', last), 'w', writers)
    redis.call('PEXPIRE', key, string.format('%.0f', last - now))
  end
end
return ARGV[2]
