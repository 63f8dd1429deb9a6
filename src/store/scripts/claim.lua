#!lua flags=allow-oom
-- queued -> executing: takes the lease, whose token is run, attempt, entry and time. An entry that is not the run's
-- current one is dropped; a run past its deadline ends.
--
-- ARGV: entry id, run id, worker, lease in ms, error JSON for the deadline.
-- Returns {word, now, token, hash as a flat list, ledger as a flat list}; words: claimed, stale; or {expired, now,
-- facts of the end}.
local entry, id, worker, lease_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if get('run') ~= id or get('status') ~= 'running' or get('phase') ~= 'queued' or get('entry') ~= entry then
	if get('entry') ~= entry then
		redis.call('XACK', queue, GROUP, entry)
		redis.call('XDEL', queue, entry)
	end
	return { 'stale', now }
end
if now >= number('run_deadline') then
	finish('error', '{}', expired(ARGV[5]), '')
	return told('expired')
end

local owned = redis.call('HGETALL', ledger)
-- The time makes it another one where Redis went back to before this claim, and gives the entry out once more.
local token = id .. '/' .. get('attempt') .. '/' .. entry .. '/' .. now
set('phase', 'executing', 'lease', token, 'lease_until', now + lease_ms, 'worker', worker)
redis.call('HSETNX', run, 'started_at', now)
clear('reason', 'detail')
redis.call('ZADD', live, now + lease_ms, member())
changed('executing', 'attempt ' .. get('attempt') .. ' on ' .. worker)
return { 'claimed', now, token, redis.call('HGETALL', run), owned }
