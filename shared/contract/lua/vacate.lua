-- VACATE: places of calls that are over, or never came, are free again.
--
-- KEYS  1 admitted
-- ARGV  two a call: call_sid; the end of its lease as it was seen: one that was renewed since stays
-- Answer  {'OK', how many went}
local gone = 0
for at = 1, #ARGV, 2 do
  local lease = redis.call('ZSCORE', KEYS[1], ARGV[at])
  if lease and tonumber(lease) == tonumber(ARGV[at + 1]) then gone = gone + redis.call('ZREM', KEYS[1], ARGV[at]) end
end
return {'OK', tostring(gone)}
