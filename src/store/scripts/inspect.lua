#!lua flags=no-writes
--- @include arguments
--- @include clock
--- @include run
-- Changes nothing: looks whether a run stands where it should. A live run stands in exactly one of queue (an entry on
-- the stream, that the group has given to nobody or to a worker that has yet to claim it), lease (an entry, and
-- somebody who renews it) and delayed; an ended one in none.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   member      its name in delayed and live
--   overdue_ms  after which what is due must have been done
-- Returns a list of what does not hold, in words.

local faults = {}

local function fault(...)
	faults[#faults + 1] = table.concat({ ... })
end

local function overdue(time)
	return now - time > tonumber(arg.overdue_ms)
end

local function seconds_ago(time)
	return math.floor((now - time) / 1000) .. ' s ago'
end

local due = redis.call('ZSCORE', delayed, arg.member)
local look = redis.call('ZSCORE', live, arg.member)
local status, phase, entry = get('status'), get('phase'), get('entry')

local function expect_entry()
	local found = entry and redis.pcall('XRANGE', queue, entry, entry)
	if not found or found.err or #found == 0 then
		fault('it is ', phase, ', but its entry is not on the queue')
	end
end

local function inspect_live()
	-- Left to a worker of another build: it waits as those do whose time has not come.
	local declined = phase == 'queued' and not entry and get('due')
	if phase == 'queued' and not declined then
		expect_entry()
	elseif phase == 'executing' then
		expect_entry()
		if not get('lease') then
			fault('it is executing, but nobody holds its lease')
		elseif overdue(number('lease_until')) then
			fault('its lease ran out ', seconds_ago(number('lease_until')), ' and no worker took it over')
		end
	elseif phase == 'waiting' or phase == 'retrying' or phase == 'blocked' or declined then
		if entry then
			fault('it is ', phase, ' and has an entry on the queue as well')
		end
		if not due then
			fault('it is ', phase, ', but nothing will bring it back')
		elseif overdue(due) then
			fault('it was due ', seconds_ago(due), ' and no worker queued it')
		end
	else
		fault("its phase '", phase or '', "' is none that there is")
	end
	if due and not declined and (phase == 'queued' or phase == 'executing') then
		fault('it is ', phase, ' and stands among the delayed as well')
	end
	if not look then
		fault('no worker looks at it: it is not in the index of live runs')
	elseif overdue(look) then
		fault('it was to be looked at ', seconds_ago(look), ' and no worker did')
	end
	if phase ~= 'executing' and overdue(number('run_deadline')) then
		fault('its deadline passed ', seconds_ago(number('run_deadline')), ' and nobody ended it')
	end
end

if status and not get('run') then
	fault('it has no run id: something wrote to a run that was gone')
end
if status == 'running' then
	inspect_live()
elseif status == 'done' or status == 'error' then
	if entry or get('lease') then
		fault('it has ended, but still has an entry or a lease')
	end
elseif status then
	fault("its status '", status, "' is none that there is")
end
if status ~= 'running' and (due or look) then
	fault(status and 'it has ended' or 'there is no such run', ', but it stands in an index of live runs')
end
return faults
