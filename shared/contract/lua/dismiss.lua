-- DISMISS: a consumer of a group that nobody is any more. One that was handed something stays: others take it first.
--
-- KEYS  1 janitor  2 the stream
-- ARGV  1 who tidies up  2 group  3 consumer  4 ms for which it has asked for nothing, at least
-- Answer  {'OK'}  or  {'FENCED', who}: another one tidies up  or  {'CHANGED'}: it is not idle, has entries, or is gone
local owner = redis.call('GET', KEYS[1])
if owner ~= ARGV[1] then return {'FENCED', owner or ''} end
for _, words in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[2], ARGV[2])) do
  local told = {}
  for at = 1, #words, 2 do told[words[at]] = words[at + 1] end
  if told['name'] == ARGV[3] then
    if told['pending'] ~= 0 or told['idle'] < tonumber(ARGV[4]) then return {'CHANGED'} end
    redis.call('XGROUP', 'DELCONSUMER', KEYS[2], ARGV[2], ARGV[3])
    return {'OK'}
  end
end
return {'CHANGED'}
