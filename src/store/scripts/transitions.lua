--- @include clock
--- @include group
--- @include run
--- @include retention
-- How a run goes from one state to another; all that changes one includes this.
local QUEUED_CHECK_MS = 2000 -- when the reaper first makes sure that a queued run still has its entry

-- Nothing takes back what a script has done before it fails. So a key that a hand has made something else is an error
-- here, before the first write: half a change would be a run that nobody finds any more.
redis.call('HLEN', run)
redis.call('ZCARD', delayed)
redis.call('ZCARD', live)

-- The same for the queue, asked by those that put something on it; a run can end without one.
local function expect_queue()
	redis.call('XLEN', queue)
end

-- Events, and the list of apps, are for people: no run is to suffer from what somebody has done to them.
local function note(event, detail, seconds)
	redis.pcall('XADD', events, 'MAXLEN', '~', EVENTS_KEPT, '*', 'workflow', get('workflow'),
		'action', get('action'), 'run', get('run'), 'event', event, 'detail', detail or '')
	redis.call('EXPIRE', events, seconds)
end

-- Ends every change of a run: its version grows, people can read about it, clients see it.
local function changed(event, detail)
	redis.call('HINCRBY', run, 'version', 1)
	set('changed_at', now)
	redis.pcall('ZADD', apps, now, get('app'))
	local seconds = seconds_kept()
	redis.call('EXPIRE', run, seconds)
	keep_payload(seconds)
	note(event, detail, seconds)
end

local function drop_entry()
	local entry = get('entry')
	if entry then
		redis.pcall('XACK', queue, GROUP, entry)
		redis.pcall('XDEL', queue, entry)
	end
	clear('entry', 'lease', 'lease_until', 'worker')
end

-- queued: the run has exactly one entry on the stream, and no lease.
local function enqueue()
	drop_entry()
	local entry = redis.call('XADD', queue, '*', 'app', get('app'), 'workflow', get('workflow'), 'action',
		get('action'), 'run', get('run'))
	set('phase', 'queued', 'entry', entry)
	clear('due')
	redis.call('ZREM', delayed, member())
	redis.call('ZADD', live, now + QUEUED_CHECK_MS, member())
end

-- waiting, retrying, blocked: the run stands in delayed until it is due, and has neither entry nor lease.
local function delay(phase, milliseconds)
	local due = math.min(now + milliseconds, number('run_deadline'))
	drop_entry()
	set('phase', phase, 'due', due)
	redis.call('ZADD', delayed, due, member())
	redis.call('ZADD', live, due, member())
end

-- done, error: nothing changes any more. Its input is not needed again: by the digest it is known whether another
-- trigger asks for the same.
local function finish(status, output, problem, reason)
	drop_entry()
	redis.call('ZREM', delayed, member())
	redis.call('ZREM', live, member())
	clear('phase', 'due', 'input', 'reason', 'detail', 'cancel', 'lost_lease', 'outage_at')
	set('status', status, 'finished_at', now, 'output', output)
	if problem ~= '' then
		set('error', problem)
	else
		clear('error')
	end
	if reason ~= '' then
		set('reason', reason)
	end
	changed(status, reason)
end

-- An answer with what a log tells of a run that has ended, or gone to another worker, behind word and time.
local function told(word)
	local facts = {}
	for _, field in ipairs({ 'run', 'status', 'reason', 'error', 'attempt', 'crashes', 'queued_at', 'request' }) do
		facts[#facts + 1], facts[#facts + 2] = field, get(field) or ''
	end
	return { word, now, facts }
end

-- The error of a run that is past its deadline, with what it waited for: without that, nobody would know what to do.
local function expired(problem)
	local detail, known = get('detail') or '', cjson.decode(problem)
	if detail == '' or not known.message then
		return problem
	end
	known.message = known.message .. '; last state: ' .. detail
	return cjson.encode(known)
end

-- A run that somebody wants to end goes no further: it ends instead of whatever was to come. Gives whether it did.
local function ended_by_cancel()
	local problem = get('cancel')
	if problem then
		finish('error', '{}', problem, '')
	end
	return problem
end
