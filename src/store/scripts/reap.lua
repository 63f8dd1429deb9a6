#!lua flags=allow-oom
--- @include arguments
--- @include transitions
-- Puts right one run whose time in delayed or live has come:
--   waiting, retrying, blocked, declined; due  -> queued
--   blocked on needs                           -> queued where these are done by now, else blocked on
--   executing with a lease that ran out       -> queued, crashes + 1; after the last crash in a row -> error
--   the same, where no worker could renew      -> left alone for a lease
--   queued without a place on the queue        -> queued anew
--   past the run's deadline, and not executing -> error; one that nobody has begun has none while it is queued
--   gone or ended                             -> out of all indexes
-- It is what `slipway verify --repair` calls as well, so whatever state it meets, it leads on from there.
--
-- KEYS: of the run (run.lua); slipway:{p}:pulse (see pulse.lua).
-- Arguments:
--   member        its name in delayed and live
--   expired       error JSON for the deadline
--   lost          error JSON for lost workers
--   crashes_max   how many in a row end a run
--   lease_ms      how long leases last (0: it is an operator who asks: what is blocked on needs is not left to wait)
-- Returns {word}: what was done; where a run ended or was taken over {word, now, facts}.

local pulse = unpack(more_keys)
if get('status') ~= 'running' or get('run') == false then
	redis.call('ZREM', delayed, arg.member)
	if redis.call('ZREM', live, arg.member) == 1 and redis.call('EXISTS', run) == 0 then
		leave_budget_if_kept() -- a hand has deleted it, and it was counted as live
	end
	leave_ready(get('aside'))
	-- An ended run needs nothing of what a live one holds.
	if get('ready_at') or get('lease') then
		leave()
	end
	return { 'forgotten' }
end
expect_queue()

-- Until when a lease that ran out is left alone. One that was given up is not: its holder has crashed.
local function spared_until(lease_ms)
	local known = redis.pcall('GET', pulse)
	local last, spared = (type(known) == 'string' and known or ''):match('^(%d+) (%d+)$')
	if lease_ms == 0 or not last or number('lease_until') == 0 then
		return 0
	end
	-- Nobody has looked for so long: the next look will say for how long leases are left alone.
	return math.max(tonumber(spared), now - last > lease_ms / 3 and now + 1 or 0)
end

local phase = get('phase')
if phase ~= 'queued' then
	leave_ready(get('aside'))
end
if phase == 'executing' then
	local lease_until = number('lease_until')
	if lease_until > now then
		redis.call('ZADD', live, lease_until, member())
		redis.call('ZREM', delayed, member())
		return { 'leased' }
	end
	if ended_by_cancel() then
		return told('cancelled')
	end
	local spared = spared_until(tonumber(arg.lease_ms))
	if spared > now then
		redis.call('ZADD', live, spared, member())
		redis.call('ZREM', delayed, member())
		return { 'spared' }
	end
	set('lost_lease', get('lease'))
	if redis.call('HINCRBY', run, 'crashes', 1) >= tonumber(arg.crashes_max) then
		finish('error', '{}', arg.lost, '')
		return told('lost')
	end
	local worker = get('worker') or 'a worker'
	enqueue()
	changed('queued', worker .. ' was lost; taken over')
	return told('taken over')
end

-- Left to workers of another build: it has no place on the queue, and comes back as others do that are due.
local declined = phase == 'queued' and get('due')
local unbegun = phase == 'queued' and not declined and not get('started_at')
local deadline = number('run_deadline')
if phase == 'queued' then
	deadline = deadline + stood_paused(get('started_at'), get('reason'), get(declined and 'due' or 'ready_at'))
end
if now >= deadline and not unbegun then
	finish('error', '{}', expired(arg.expired), '')
	return told('expired')
end

local function requeue(first)
	if deadline > number('run_deadline') then
		set('run_deadline', word_of(deadline))
	end
	enqueue(first)
end

if phase ~= 'queued' or declined then
	local due, reason = number('due'), get('reason')
	local for_needs = phase == 'blocked' and get('needs') and (reason == 'needs' or reason == 'need_failed')
	if due > now and not (for_needs and tonumber(arg.lease_ms) == 0) then
		leave()
		redis.call('ZADD', delayed, due, member())
		redis.call('ZADD', live, due, member())
		return { 'delayed' }
	end
	if for_needs then
		reconsider()
		return { 'reconsidered' }
	end
	requeue(true)
	if not declined then
		changed('queued', 'due')
	end
	return { 'due' }
end

local tenant, app, step = place_of_run()
if redis.call('ZSCORE', lanes_of(tenant) .. ':' .. app, step) then
	join_turns(tenant, app)
end
if is_ready(get('aside')) then
	redis.call('ZREM', delayed, member())
	redis.call('ZADD', live, now + QUEUED_LOOK_MS, member())
	keep(seconds_kept())
	return { 'queued' }
end
requeue()
changed('queued', 'it had lost its place; queued anew')
return { 'requeued' }
