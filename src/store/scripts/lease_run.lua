--- @include run_limits
--- @include states
-- The lease of a run that was taken off the queue, and what its worker is told of it. Its arguments are those of
-- take.lua.

-- Of no interest to a worker, written anew, or gone.
local NOT_TAKEN = { digest = true, definition = true, outputs = true, uses = true, needs = true, basis = true,
	retention = true, run_ms = true, gives = true, kept_output = true, kept_gives = true, kept_basis = true,
	kept_run = true, phase = true, version = true, changed_at = true, ready_at = true, reason = true, detail = true,
	declines = true, aside = true }
local GOES_WHEN_TAKEN = { 'ready_at', 'reason', 'detail', 'declines', 'aside' }

-- The lease of it, whose token is another one in each claim: the version grows with each change, and time goes on where
-- Redis went back to before this one. The time for its work counts from the first attempt. Gives its fields as a list.
local function lease_run(was, is_first)
	local lease_until = word_of(now + arg.lease_ms)
	local version = word_of(version_after(was.version))
	local lease = was.run .. '/' .. (was.attempt or '') .. '/' .. version .. '/' .. now_text
	local new = { 'phase', 'executing', 'lease_until', lease_until, 'worker', arg.worker, 'version', version,
		'changed_at', now_text, 'lease', lease }
	if counts_runs then
		local app, _, workflow, step = names_of(own_name())
		new[#new + 1], new[#new + 2] = 'counted', count(run_tenant, app, workflow, step)
	end
	if is_first then
		was.run_deadline = word_of(now + number_in(was.run_ms))
		new[#new + 1], new[#new + 2] = 'started_at', now_text
		new[#new + 1], new[#new + 2] = 'run_deadline', was.run_deadline
	end
	set(unpack(new))
	clear_known(was, GOES_WHEN_TAKEN)
	was.lease, was.lease_until = lease, lease_until
	return new
end

-- What a worker is told of the run: what was read of it, but what goes, and what is new behind that; in the same list.
local function fields_taken(list, new)
	local count, all = 0, #list
	for i = 1, all, 2 do
		local name = list[i]
		if not NOT_TAKEN[name] then
			list[count + 1], list[count + 2] = name, list[i + 1]
			count = count + 2
		end
	end
	for i = 1, math.max(#new, all - count) do
		list[count + i] = new[i]
	end
	return list
end
