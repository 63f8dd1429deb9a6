#!lua flags=allow-oom
--- @include arguments
--- @include entry
--- @include transitions
-- queued -> executing: takes the lease, whose token is run, attempt, entry and time. A run past its deadline -> error.
-- An entry that is not the run's current one is dropped.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   entry     id of the entry
--   run       id of the run
--   worker    who takes it
--   lease_ms  for how long
--   expired   error JSON for the deadline
-- Returns {word, now, token, hash as a flat list, ledger as a flat list}: claimed; {word, now}: stale; {word, now,
-- facts of the end}: expired.

local entry = arg.entry

local answer = out_of_the_queue(entry, arg.run, arg.expired)
if answer then
	return answer
end

local owned = redis.call('HGETALL', ledger)
-- The time makes it another one where Redis went back to before this claim, and gives the entry out once more.
local token = arg.run .. '/' .. get('attempt') .. '/' .. entry .. '/' .. now
set('phase', 'executing', 'lease', token, 'lease_until', now + arg.lease_ms, 'worker', arg.worker)
redis.call('HSETNX', run, 'started_at', now)
clear('reason', 'detail', 'declines')
redis.call('ZADD', live, now + arg.lease_ms, member())
changed('executing', 'attempt ' .. get('attempt') .. ' on ' .. arg.worker)
return { 'claimed', now, token, redis.call('HGETALL', run), owned }
