#!lua flags=allow-oom
--- @include arguments
--- @include transitions
-- Puts right one run whose time in delayed or live has come:
--   waiting, retrying, blocked, declined; due  -> queued
--   blocked on needs                           -> queued where these are done by now, else blocked on
--   executing with a lease that ran out       -> queued, crashes + 1; after the last crash in a row -> error
--   the same, where no worker could renew      -> left alone for a lease
--   queued without an entry, or with one that was read and never claimed -> queued anew
--   past the run's deadline, and not executing -> error
--   gone or ended                             -> out of both indexes
-- It is what `slipway verify --repair` calls as well, so whatever state it meets, it leads on from there.
--
-- KEYS: of the run (run.lua); slipway:{p}:pulse (see pulse.lua), slipway:{p}:due.
-- Arguments:
--   member        its name in delayed and live
--   expired       error JSON for the deadline
--   lost          error JSON for lost workers
--   crashes_max   how many in a row end a run
--   unclaimed_ms  after which an entry that was read must have been claimed
--   lease_ms      how long leases last (0: it is an operator who asks)
-- Returns {word}: what was done; where a run ended or was taken over {word, now, facts}.

local pulse, due_first = unpack(more_keys)
if get('status') ~= 'running' or get('run') == false then
	redis.call('ZREM', delayed, arg.member)
	redis.call('ZREM', live, arg.member)
	-- An ended run needs nothing of what a live one holds.
	if get('entry') or get('lease') then
		drop_entry()
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

-- What was begun goes before what is new, however long the queue is: its entry stands at the end of that, and is named
-- where workers look first. No more than that: nothing is lost where it is.
local function enqueue_first()
	enqueue()
	redis.pcall('ZADD', due_first, now, table.concat({ get('entry'), get('run'), member(),
		get('definition') or '' }, ':'))
	redis.pcall('ZREMRANGEBYRANK', due_first, 0, -1001)
	redis.pcall('PEXPIRE', due_first, 60000)
end

local phase = get('phase')
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
	enqueue_first()
	changed('queued', worker .. ' was lost; taken over')
	return told('taken over')
end

if now >= number('run_deadline') then
	finish('error', '{}', expired(arg.expired), '')
	return told('expired')
end

-- Declined by a worker of another build: its entry is gone, and it comes back as others do that are due.
local declined = phase == 'queued' and not get('entry') and get('due')
if phase ~= 'queued' or declined then
	local due = number('due')
	if due > now then
		drop_entry()
		redis.call('ZADD', delayed, due, member())
		redis.call('ZADD', live, due, member())
		return { 'delayed' }
	end
	local reason = get('reason')
	if phase == 'blocked' and get('needs') and (reason == 'needs' or reason == 'need_failed') then
		reconsider()
		return { 'reconsidered' }
	end
	enqueue_first()
	if not declined then
		changed('queued', 'due')
	end
	return { 'due' }
end

-- An entry's id is milliseconds and a sequence number; later ones are greater.
local function id_not_after(id, other)
	local ms, sequence = id:match('^(%d+)-(%d+)$')
	local other_ms, other_sequence = other:match('^(%d+)-(%d+)$')
	if ms ~= other_ms then
		return tonumber(ms) < tonumber(other_ms)
	end
	return tonumber(sequence) <= tonumber(other_sequence)
end

-- Whether the group has given the entry to somebody already: it will not give it again by itself.
local function was_delivered(entry)
	local groups = redis.pcall('XINFO', 'GROUPS', queue)
	for _, group in ipairs(groups.err and {} or groups) do
		for i = 1, #group - 1, 2 do
			if group[i] == 'last-delivered-id' then
				return id_not_after(entry, group[i + 1])
			end
		end
	end
	return false
end

local QUEUED_CHECK_LAST_MS = 10000
local entry = get('entry')
local found = entry and redis.pcall('XRANGE', queue, entry, entry)
if found and not found.err and #found == 1 then
	local pending = redis.pcall('XPENDING', queue, GROUP, entry, entry, 1)
	local unclaimed = not pending.err and #pending == 1 and pending[1][3] >= tonumber(arg.unclaimed_ms)
	-- Its reader was struck off the group, and what it had read with it.
	if not pending.err and #pending == 0 and was_delivered(entry) then
		unclaimed = true
	end
	if not unclaimed then
		redis.call('ZREM', delayed, member())
		-- The longer it has stood in the queue, the more rarely it is looked at: a long queue costs little.
		local age = now - tonumber(entry:match('^%d+'))
		local pause = math.min(math.max(age, QUEUED_CHECK_MS), QUEUED_CHECK_LAST_MS)
		if #pending == 1 then
			pause = arg.unclaimed_ms
		end
		redis.call('ZADD', live, now + pause, member())
		return { 'queued' }
	end
end
enqueue()
changed('queued', 'its entry was lost; queued anew')
return { 'requeued' }
