--- @include clock
--- @include group
--- @include run
--- @include retention
-- The places where a live run stands, and how each change of one is told.
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

-- For builds that no longer have the workflow, and could not know which runs to look for.
local function remember_step(seconds)
	local steps = ledger:sub(1, -#'ledger' - 1) .. 'steps' -- workflow:step of each that has had a run
	redis.pcall('HSETNX', steps, get('workflow') .. ':' .. get('action'), 1)
	expire_not_before(steps, seconds)
end

-- A change that is none of the run's own: its version grows, clients see it, and it is kept anew.
local function touched()
	redis.call('HINCRBY', run, 'version', 1)
	set('changed_at', now)
	redis.pcall('ZADD', apps, now, get('app'))
	local seconds = seconds_kept()
	redis.call('EXPIRE', run, seconds)
	keep_payload(seconds)
	remember_step(seconds)
	return seconds
end

-- Ends every change of a run: clients see it, and people can read about it.
local function changed(event, detail)
	local seconds = touched()
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
		get('action'), 'run', get('run'), 'definition',
		get('definition') or '')
	set('phase', 'queued', 'entry', entry)
	clear('due')
	redis.call('ZREM', delayed, member())
	redis.call('ZADD', live, now + QUEUED_CHECK_MS, member())
end

-- waiting, retrying, blocked, or queued and declined by a worker of another build: the run stands in delayed until it
-- is due, and has neither entry nor lease.
local function delay(phase, milliseconds)
	local due = math.min(now + milliseconds, number('run_deadline'))
	drop_entry()
	set('phase', phase, 'due', due)
	redis.call('ZADD', delayed, due, member())
	redis.call('ZADD', live, due, member())
end
