-- TURN: what the model got of its callers moves from `caller` to `turn`, for many calls of one brain at once.
-- `turn` always rolls: it holds what a next session must be told, and nothing older.
--
-- KEYS  three a call: card, caller, turn
-- ARGV  1 ttl ms  2 the brain, then five a call: brain epoch; the last entry of `caller` that moves ('' = none); the first
--       one to keep there; what moves, as one piece of audio; the first entry of `turn` to keep
-- A piece of `turn` has the id of the last entry that it was made of, so that one who asks twice moves once.
-- Answer  one a call: {'OK'} (also of an ended call, whose audio is gone: its owner is told so by END),
--         {'FENCED', owner, epoch}, {'ABSENT'}, or {'REFUSED'} by Redis (nothing has moved: ask again)
local TTL, BRAIN = ARGV[1], ARGV[2]

local function append(turn, first, id, audio)
  local added = redis.pcall('XADD', turn, 'NOMKSTREAM', 'MINID', first, id, 'v', '1', 'a', audio)
  if not added then
    redis.call('XADD', turn, id, 'v', '1', 'a', audio)
    redis.call('PEXPIRE', turn, TTL)
  elseif added.err and not string.find(added.err, 'equal or smaller', 1, true) then
    error(added.err)
  end
end

local function move(card, caller, turn, at)
  local has = redis.call('HMGET', card, 'state', 'brain_epoch', 'brain')
  if not has[1] then return {'ABSENT'} end
  if has[1] == 'ended' then return {'OK'} end
  if has[2] ~= ARGV[at] or has[3] ~= BRAIN then return {'FENCED', has[3] or '', has[2] or '0'} end
  local id, first = ARGV[at + 1], ARGV[at + 4]
  if id == '' then
    redis.call('XTRIM', turn, 'MINID', first)
  else
    append(turn, first, id, ARGV[at + 3])
    redis.call('XTRIM', caller, 'MINID', ARGV[at + 2])
  end
  return {'OK'}
end

-- Trims nothing; but a Redis without memory takes a script whose first write needs none.
redis.pcall('XTRIM', KEYS[2], 'MINID', '0')
local answers = {}
for index = 1, #KEYS / 3 do
  local key = index * 3 - 2
  local done, answer = pcall(move, KEYS[key], KEYS[key + 1], KEYS[key + 2], index * 5 - 2)
  answers[index] = done and answer or {'REFUSED'}
end
return answers
