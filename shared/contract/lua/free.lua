-- FREE: a slot, or a place among the live calls, of a call that is not there.
--
-- KEYS  1 janitor  2 slots  3 live  4 deadlines  5 card
-- ARGV  1 who tidies up  2 call_sid
-- Answer  {'OK', how many entries went}  or  {'FENCED', who}: another one tidies up  or  {'CHANGED'}: there is a card now
local owner = redis.call('GET', KEYS[1])
if owner ~= ARGV[1] then return {'FENCED', owner or ''} end
local state = redis.call('HGET', KEYS[5], 'state')
if state and state ~= 'ended' then return {'CHANGED'} end
local gone = 0
for at = 2, 4 do gone = gone + redis.call('ZREM', KEYS[at], ARGV[2]) end
return {'OK', tostring(gone)}
