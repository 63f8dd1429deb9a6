--- @include gathered
--- @include lease_run
--- @include run_limits
--- @include transitions
-- How a worker gets the lease of a run that was taken off the queue. It is a function, so that a script that ends runs
-- can take others in the same call. Its arguments are those of take.lua.
local KEPT_LATE_MS = 30000 -- from being queued until it is kept anew; below the minute that no promise is about
local HELD_BEGUN_MS = 5000 -- until a run that was begun, and is held, is looked at again
local BROKEN_MS = 5000 -- until a run is looked at again that some key kept from being taken

-- Whether the worker has the definition of the step that the run is of.
local function has_definition(was, workflow, step)
	step = ' ' .. workflow .. ':' .. step .. '='
	step = was.definition and step .. was.definition .. '=' or step
	return arg.definitions == '' or arg.definitions:find(step, 1, true)
end

-- It is not taken now, and looked at again in a while. Until it is known that it waits for something, that counts as
-- the queue.
local function put_off(milliseconds)
	if not get('started_at') and not get('reason') then
		set('run_deadline', now + number('run_ms'))
		keep(seconds_kept())
	end
	delay('queued', milliseconds)
end

-- What is kept of its app was kept when it was queued, for a little longer than was to be then.
local function keep_begun(was, is_first, seconds, owns, count_events)
	local is_late = is_first and now - number_in(was.queued_at) > KEPT_LATE_MS
	if is_late then
		keep(seconds)
	elseif is_first and owns then
		keep_payload(seconds)
	elseif is_first then
		expire_not_before(payload, seconds)
	end
	if is_late or count_events == 1 then
		expire_not_before(events, seconds, SPARE)
	end
end

local function claim(was, app, workflow, step)
	local owned = redis.call('HGETALL', ledger) -- before the first write: it may be no ledger
	local is_first = not was.started_at
	local deadline = lease_run(was, app, workflow, step)
	list_app(app)
	tell_waiting(app)
	local count_events = add_event('executing', workflow .. '.' .. step .. '.' .. was.run,
		'attempt ' .. (was.attempt or '') .. ' on ' .. arg.worker)
	keep_begun(was, is_first, seconds_kept_by('running', was.retention, deadline), owned[1], count_events)
	local name = member()
	gather('ZADD', live, was.lease_until, name)
	return { 'claimed', name, was.lease, fields_told(was), owned[1] and owned }
end

-- One that was begun has no lane that could be held: it waits by itself, until another that the same limit counts ends
-- (states.lua), and looks now and then. While somebody has paused it, its time stands.
local function hold_begun(was, app, workflow, step)
	local of_app = run_tenant .. ':' .. app
	local what, why, is_paused = 'tenant:' .. run_tenant, why_held('tenant', run_tenant)
	if not why then
		what, why = 'app:' .. of_app, why_held('app', of_app)
	end
	if not why then
		what, why, is_paused = hold_of_step(workflow, step)
	end
	if not why then
		return false
	end
	local reason = is_paused and 'paused' or 'turn'
	if is_paused then
		set('run_deadline', word_of(number_in(was.run_deadline) + HELD_BEGUN_MS))
		keep(seconds_kept())
	end
	set('reason', reason, 'detail', why)
	delay('queued', HELD_BEGUN_MS)
	if not is_paused then
		put_waiting(what, member())
	end
	if was.reason ~= reason or was.detail ~= why then
		changed('queued', why)
	end
	return true
end

-- What was held as paused has the time for which it was held, not that until somebody has looked again: of that it gets
-- what reap.lua has not given it.
local function give_back_pause(was)
	local stood = stood_paused(was.started_at, was.reason, was.ready_at)
	if stood > 0 then
		was.run_deadline = word_of(number_in(was.run_deadline) + stood)
		set('run_deadline', was.run_deadline)
	end
end

-- What becomes of a run that was taken off the queue; nothing where its place was nobody's any more. A new one that was
-- taken `from_begun` was put there by a hand, past all that holds new runs: it still stands in its lane, or sweep.lua
-- sees that it does not.
local function claim_or_end(from_begun, app, workflow, step)
	local was = read_all()
	local is_new = not was.started_at
	if was.status ~= 'running' or was.phase ~= 'queued' or was.due or not was.run or is_new and from_begun then
		return nil
	end
	give_back_pause(was)
	-- A run that nobody has begun is late where nobody has its definition: else the queue is long.
	local is_known = has_definition(was, workflow, step)
	if (was.started_at or was.reason and not is_known) and now >= number_in(was.run_deadline) then
		finish('error', '{}', expired(arg.expired), '', nil, was)
		return { 'expired', member(), told('expired')[3] }
	end
	if not is_known then
		put_off(DECLINED_MS)
		return { 'declined', member(), was.run, was.definition or '' }
	end
	if was.started_at and anything_holds and hold_begun(was, app, workflow, step) then
		return nil
	end
	return claim(was, app, workflow, step)
end

-- What no worker can run is kept, with the reason, where an operator finds it.
local function bury(name, why)
	redis.pcall('XADD', of_partition .. 'dead', 'MAXLEN', '~', 1000, '*', 'entry', name, 'reason', why)
	redis.call('ZREM', live, name)
	redis.call('ZREM', delayed, name)
end

-- A key that a hand has broken costs no neighbour its turn: an error here would end a call that has given others their
-- leases. Where it is the run's own there is no run; else that is looked at again, if it can be.
local function set_aside(why)
	if redis.call('TYPE', run).ok ~= 'hash' then
		bury(member(), why)
	elseif get('status') == 'running' and not pcall(put_off, BROKEN_MS) then -- else what is broken is a neighbour's
		bury(member(), why)
	end
	return { 'broken', member(), why }
end

-- Claims one that was taken off the queue, maybe from among what was begun; gives what the caller is to be told.
local function take(tenant, name, from_begun)
	local app, workflow, step = name:match('^(%w[%w_-]*):(%w[%w_-]*):(%w[%w_-]*)$')
	if not app or tenant ~= run_tenant and not tenant:match('^%w[%w_-]*$') then
		bury(tenant .. ':' .. name, 'it names no run')
		return { 'broken', tenant .. ':' .. name, 'it names no run' }
	end
	go_to_tenant(tenant)
	go_to_run(name, app)
	local fine, told_of = pcall(claim_or_end, from_begun, app, workflow, step)
	if fine then
		return told_of
	end
	return set_aside(type(told_of) == 'table' and told_of.err or tostring(told_of))
end
