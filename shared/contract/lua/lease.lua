-- LEASE: who tidies a lane up. Asked again and again by whoever can; one has it, until he asks no more for its time.
--
-- KEYS  1 janitor
-- ARGV  1 worker  2 how long, ms
-- Answer  {who has it}
local owner = redis.pcall('GET', KEYS[1])
-- What is no text stands there by mistake.
if type(owner) == 'string' and owner ~= ARGV[1] then return {owner} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {ARGV[1]}
