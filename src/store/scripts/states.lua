--- @include changes
--- @include clock
--- @include events
--- @include holds
--- @include run
--- @include retention
-- The places where a live run stands, and how each change of one is told.
local DECLINED_MS = 1000 -- for how long a run is left to workers of other builds, at first
local QUEUED_LOOK_MS = 43200000 -- when the reaper looks at a queued run by itself: before what it has expires

-- Nothing takes back what a script has done before it fails. So a key that a hand has made something else is an error
-- here, before the first write: half a change would be a run that nobody finds any more. The hash of the run itself is
-- what each script reads first.
each_call(function()
	redis.call('ZCARD', delayed)
	redis.call('ZCARD', live)
end)

-- The same for the queue, asked by those that put something on it; a run can end without one.
local function expect_queue()
	local tenant, app = place_of_run()
	redis.call('ZCARD', begun)
	redis.call('ZCARD', ready)
	redis.call('ZCARD', lanes_of(tenant))
	redis.call('ZCARD', lanes_of(tenant) .. ':' .. app)
end

-- Events, and the list of apps, are for people: no run is to suffer from what somebody has done to them. Without
-- seconds the events last long enough, unless this is the first one.
local function note(event, detail, seconds, id)
	local _, _, workflow, step = own_names()
	local count = add_event(event, table.concat({ workflow, step, id or get('run') or '' }, '.'), detail)
	if count == 1 then
		redis.call('EXPIRE', events, (seconds or seconds_kept()) + SPARE)
	elseif seconds then
		expire_not_before(events, seconds, SPARE)
	end
end

-- workflow:step of each that has had a run: for builds that no longer have the workflow, and could not know which runs
-- to look for.
local function steps_of_app()
	return ledger:sub(1, -#'ledger' - 1) .. 'steps'
end

local function remember_step(seconds)
	local steps = steps_of_app()
	local _, _, step = place_of_run()
	if redis.pcall('HSETNX', steps, step, 1) ~= 1 or
		redis.call('EXPIRE', steps, seconds + SPARE, 'NX') == 0 then
		expire_not_before(steps, seconds, SPARE)
	end
end

-- The run stays for so long, and with it what it has of its app.
local function keep(seconds)
	redis.call('EXPIRE', run, word_of(seconds))
	keep_payload(seconds)
	remember_step(seconds)
end

-- Clients see a change of the app, whose version has been set.
local function show(app)
	list_app(app)
	tell_waiting(app)
end

-- A change that is none of the run's own: its version grows, clients see it, and it is kept anew.
local function touched()
	local version, status, retention, deadline = unpack(redis.call('HMGET', run, 'version', 'status', 'retention',
		'run_deadline'))
	set('version', version_after(version), 'changed_at', now)
	show((own_names()))
	local seconds = seconds_kept_by(status, retention, deadline)
	keep(seconds)
	return seconds
end

-- Ends every change of a run: clients see it, and people can read about it.
local function changed(event, detail)
	local seconds = touched()
	note(event, detail, seconds)
end

-- The run stands on the queue no longer, and nobody has it.
local wake_held
local function give_up_place(phase, counted, aside)
	if phase == 'queued' then
		leave_ready(aside)
	end
	if counted then
		uncount(counted)
		wake_held(counted)
	end
end

local function leave()
	give_up_place(unpack(redis.call('HMGET', run, 'phase', 'counted', 'aside')))
	clear('ready_at', 'lease', 'lease_until', 'worker', 'counted', 'aside')
end

-- queued: the run stands on the queue, in exactly one place, and nobody has a lease. `first`: before others of its app.
local function enqueue(first)
	leave()
	put_ready(first)
	set('phase', 'queued', 'ready_at', now)
	clear('due')
	redis.call('ZREM', delayed, member())
	redis.call('ZADD', live, now + QUEUED_LOOK_MS, member())
end

local function is_held_begun()
	local was = redis.pcall('HMGET', run, 'status', 'phase', 'reason', 'started_at', 'due')
	return not was.err and was[1] == 'running' and was[2] == 'queued' and was[3] == 'turn' and was[4] and was[5]
end

-- A run that was begun, and that the same limit holds, goes before all that is new.
function wake_held(counted)
	for what in counted:gmatch('%S+') do
		local is_woken = false
		for _ = 1, WAKES_MAX do
			local name = not is_woken and redis.pcall('ZPOPMIN', waits_of(what))[1]
			if not name then
				break
			end
			pcall(as_member, name, function()
				is_woken = is_held_begun()
				if is_woken then
					enqueue()
				end
			end)
		end
	end
end

-- The time of a run that was begun stands while it is paused, also where a look at it is overdue: for how long that is.
-- `since`: when it was due, if that is known.
local function stood_paused(started_at, reason, since)
	local at = started_at and reason == 'paused' and number_in(since) or 0
	return at > 0 and math.max(now - at, 0) or 0
end

-- waiting, retrying, blocked, or queued and left to a worker of another build: the run stands in delayed until it is
-- due; it is not on the queue, and nobody has a lease.
local function delay(phase, milliseconds)
	local due = math.min(now + milliseconds, number('run_deadline'))
	leave()
	set('phase', phase, 'due', due)
	redis.call('ZADD', delayed, due, member())
	redis.call('ZADD', live, due, member())
end
