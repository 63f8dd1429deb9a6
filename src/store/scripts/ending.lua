--- @include counts
--- @include states
--- @include dependants
--- @include gathered
--- @include history
--- @include told
--- @include uses
-- How a run ends: its hash is read once, and written once.

-- What goes with its end, where it is there.
local GOES = { 'phase', 'due', 'declines', 'reason', 'detail', 'cancel', 'lost_lease', 'outage_at', 'outage_ms',
	'outage_seen', 'paused_ms', 'gives', 'error', 'ready_at', 'lease', 'lease_until', 'worker', 'counted', 'aside',
	'budgeted', 'checkpoint', 'attempts', 'run_ms', 'run_deadline', 'changed_at' }
local KEPT_RESULT = { 'kept_output', 'kept_gives', 'kept_basis', 'kept_run' }

-- What is known of the result that stood there: a run that never began, and ends, has not taken its place.
local function goes_of_result(field, status, reason, started_at)
	if status ~= 'done' and not started_at then
		return false
	end
	return reason ~= 'reused' or field ~= 'kept_run'
end

-- Its input, if small, stays for people: by the digest it is known whether another trigger asks for the same.
local function goes_of_input(input, reason)
	return reason == 'reused' or input == '' or #(input or '') > HISTORY_VALUE_MAX
end

-- What says nothing, or says once more what the output does. Most runs end so, and are kept long: see ended.lua and
-- uses.lua for how they are read.
local function add_needless(gone, was, output)
	if was.attempt == '1' then
		gone[#gone + 1] = 'attempt'
	end
	if was.crashes == '0' then
		gone[#gone + 1] = 'crashes'
	end
	if was.outputs and shows_outputs(output, was.outputs) then
		gone[#gone + 1] = 'outputs'
	end
end

-- Without what is given anew.
local function fields_that_go(was, given, status, reason, output)
	local count = 0
	-- As many as there mostly are: a list that knows its size takes half the time to fill.
	local gone = { nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil }
	for i = 1, #GOES do
		local field = GOES[i]
		if was[field] and (given[field] or '') == '' then
			count = count + 1
			gone[count] = field
		end
	end
	for i = 1, #KEPT_RESULT do
		local field = KEPT_RESULT[i]
		if was[field] and goes_of_result(field, status, reason, was.started_at) then
			gone[#gone + 1] = field
		end
	end
	if was.input and goes_of_input(was.input, reason) then
		gone[#gone + 1] = 'input'
	end
	if was.failures and reason == 'reused' then
		gone[#gone + 1] = 'failures'
	end
	add_needless(gone, was, output)
	return gone
end

local function leave_live()
	if gathered then
		gather('ZREM', live, member())
	else
		redis.call('ZREM', live, member())
	end
end

-- It is live no longer: see budget.lua. No run is to suffer from what somebody has done to the count.
local function leave_budget()
	local key = key_of_tenant('used')
	if add_to_count(key, 'live', -1) < 0 then
		redis.call('HSET', key, 'live', 0)
	end
end

-- The same where nobody knows any more whether it was counted: all live runs are, where its tenant has a count.
local function leave_budget_if_kept()
	if redis.pcall('HEXISTS', key_of_tenant('used'), 'live') == 1 then
		leave_budget()
	end
end

-- Clients see its end. It is kept for so long from then. What only runs write was kept when it began, for longer; its
-- app may have been configured since. Those that need it, and its deployment, are told: mostly there is none of all
-- that.
local function keep_and_tell(was, seconds, lines)
	local app, of_workflow, workflow, step = own_names()
	local what = workflow .. '.' .. step .. '.' .. (was.run or '')
	show(app)
	if was.started_at and now <= number_in(was.run_deadline) then
		redis.call('EXPIRE', run, word_of(seconds))
		local others = redis.call('EXISTS', ledger, payload, users_of(own_name()),
			of_tenant .. of_workflow .. '_deployment')
		if others > 0 then
			keep_payload(seconds)
		end
		if add_events(what, lines) == #lines / 2 then
			expire_not_before(events, seconds, SPARE)
		end
		return others > 0
	end
	keep(seconds)
	add_events(what, lines)
	expire_not_before(events, seconds, SPARE)
	return true
end

-- done, error: nothing changes any more. Gives the fields that it has now, and some that it had. `was`: its hash, where
-- that is known; `lines` of its log.
local function finish(status, output, problem, reason, gives, was, lines)
	was, lines = was or read_all(), lines or { nil, nil }
	local given = { gives = gives or '', error = problem, reason = reason }
	local fields = { 'status', status, 'finished_at', now_text, 'output', output, 'version',
		word_of(version_after(was.version)), nil, nil, nil, nil, nil, nil }
	for field, value in pairs(given) do
		if value ~= '' then
			fields[#fields + 1], fields[#fields + 2] = field, value
		end
	end

	give_up_place(was.phase, was.counted, was.aside)
	if was.phase ~= 'executing' then
		redis.call('ZREM', delayed, member())
	end
	leave_live()
	if was.budgeted then
		leave_budget()
	end
	local gone = fields_that_go(was, given, status, reason, output)
	if gone[1] then
		clear(unpack(gone))
	end
	set(unpack(fields))
	was.status, was.reason, was.error = status, reason, problem
	-- What it has used may be another by now.
	local basis, needs = was.basis, was.needs
	if status == 'done' and basis and needs then
		mark_stale(needs, basis)
	end
	lines[#lines + 1], lines[#lines + 2] = status, reason
	if keep_and_tell(was, seconds_kept_by(status, was.retention), lines) then
		tell_others()
	end
	return was
end
