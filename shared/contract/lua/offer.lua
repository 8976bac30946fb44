-- OFFER: a role that nobody has, and that waits in no stream, is offered again.
--
-- KEYS  1 janitor  2 card  3 orphans
-- ARGV  1 who tidies up  2 role  3 wall ms
-- Also writes card .. ':journal'.
-- Answer  {'OK'}  or  {'FENCED', who}: another one tidies up  or  {'CHANGED'}: somebody has it, or the call ends
--   or  {'ABSENT'}
local owner = redis.call('GET', KEYS[1])
if owner ~= ARGV[1] then return {'FENCED', owner or ''} end
local card, role = KEYS[2], ARGV[2]
local call = string.match(card, '^.-call:(.*)$')
local has = redis.call('HMGET', card, 'state', role, 'next')
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' or has[2] ~= '' or has[3] == 'apology' or has[3] == 'hangup' then return {'CHANGED'} end
redis.call('XADD', KEYS[3], '*', 'v', '1', 'call', call, 'role', role, 'why', 'lost', 'by', ARGV[1], 'heir', '')
redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'offered',
  'from', ARGV[1], 't', ARGV[3], 'role', role)
return {'OK'}
