#!lua flags=allow-key-locking
-- Before a write is sent to the database: drop all answers, and let none be read or filled in until
-- the write ends, or until no transaction can be running any more.
--
-- KEYS  compositions and users, any number
-- ARGV  1 now    ms
--       2 until  ms: when the block runs out if the write never ends here
--       3 token  of this write; several may be under way at once
--
-- Returns the token.
for _, key in ipairs(KEYS) do
  local now, last, writers = tonumber(ARGV[1]), tonumber(ARGV[2]), ''
  for token, until_ms in string.gmatch(redis.call('HGET', key, 'w') or '', '(%x+)=(%d+);') do
    if tonumber(until_ms) > now and token ~= ARGV[3] then
      writers = writers .. token .. '=' .. until_ms .. ';'
      last = math.max(last, tonumber(until_ms))
    end
  end
  redis.call('UNLINK', key)
  redis.call('HSET', key,
    'u', string.format('%.0f', last), 'w', writers .. ARGV[3] .. '=' .. ARGV[2] .. ';')
  redis.call('PEXPIRE', key, string.format('%.0f', last - now))
end
return ARGV[3]
