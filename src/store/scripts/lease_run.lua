--- @include run_limits
--- @include states
-- The lease of a run that was taken off the queue, and what its worker is told of it. Its arguments are those of
-- take.lua.

-- What its worker is told of it where that is there.
local TOLD_TOO = { 'crashes', 'checkpoint', 'request', 'outage_at', 'outage_ms', 'outage_seen', 'paused_ms' }
local GOES_WHEN_TAKEN = { 'ready_at', 'reason', 'detail', 'declines', 'aside' }

-- The lease of it, whose token is another one in each claim: the version grows with each change, and time goes on where
-- Redis went back to before this one. The time for its work counts from the first attempt. `was` has it all then. Gives
-- the deadline.
local function lease_run(was, app, workflow, step)
	local version, deadline = word_of(version_after(was.version)), was.run_deadline
	if not was.started_at then
		deadline = now + number_in(was.run_ms)
		was.started_at, was.run_deadline = now_text, word_of(deadline)
	end
	was.phase, was.lease_until = 'executing', word_of(now + arg.lease_ms)
	was.lease = was.run .. '/' .. (was.attempt or '') .. '/' .. version .. '/' .. now_text
	local new = { 'phase', was.phase, 'lease_until', was.lease_until, 'worker', arg.worker, 'version', version,
		'changed_at', now_text, 'lease', was.lease, 'started_at', was.started_at,
		'run_deadline', was.run_deadline }
	if counts_runs then
		new[#new + 1], new[#new + 2] = 'counted', count(run_tenant, app, workflow, step)
	end
	set(unpack(new))
	clear_known(was, GOES_WHEN_TAKEN)
	return deadline
end

-- What its worker is told of it: values in an order that store/queue.c knows, then names with theirs. Each word of a
-- reply has its price.
local function fields_told(was)
	local fields = { was.run, was.status, was.phase, was.input or '', was.attempt or '', was.attempts or '',
		was.queued_at or '', was.started_at, was.run_deadline, nil, nil, nil, nil, nil, nil, nil }
	for i = 1, #TOLD_TOO do
		local field = TOLD_TOO[i]
		if was[field] then
			fields[#fields + 1], fields[#fields + 2] = field, was[field]
		end
	end
	return fields
end
