#!lua flags=no-writes
--- @include arguments
--- @include clock
--- @include run
--- @include dependants
--- @include ready
-- Changes nothing: looks whether a run stands where it should. A live run stands in exactly one place: on the queue, in
-- a lane that takes part in the turns or among those that were begun; with a worker, who renews its lease; or in
-- delayed. An ended one stands in none.
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
local status, phase = get('status'), get('phase')
local tenant, app, step = place_of_run()
local stands = redis.pcall('ZSCORE', begun, arg.member)
local in_lane = redis.pcall('ZSCORE', lanes_of(tenant) .. ':' .. app, step)
local aside = get('aside')
stands = type(stands) == 'string' or type(in_lane) == 'string' or aside and is_aside(tenant, app, step, aside)

-- When what it needs changed last; 0: not known.
local function change_of_needs()
	local last = 0
	each_need(get('needs'), function(name)
		local times = redis.pcall('HMGET', of_tenant .. name, 'changed_at', 'finished_at', 'queued_at')
		last = math.max(last, not times.err and tonumber(times[1] or times[2] or times[3] or 0) or 0)
	end)
	return last
end

-- What waits for needs is told when one of them changes, and looks by itself every minute.
local function inspect_needs()
	local reason = get('reason')
	if phase ~= 'blocked' or not get('needs') or reason ~= 'needs' and reason ~= 'need_failed' then
		return
	end
	if math.max(number('due'), tonumber(due or 0)) > now + NEEDS_RECHECK_MS then
		fault('it is blocked, and nobody looks for more than a minute whether what it needs is done')
	end
	local missing, failed = look_at_needs(get('needs'), get('uses'))
	local changed_at = change_of_needs()
	if changed_at == 0 or not overdue(changed_at + NEEDS_RECHECK_MS) then
		return
	end
	if #missing == 0 then
		fault('it is blocked, and all that it needs is done')
	elseif failed and reason == 'needs' then
		fault('it waits for its needs, and ', readable(failed.name), ' ', failed.how == 'failed' and
			'has failed' or failed.how)
	elseif not failed and reason == 'need_failed' then
		fault('it says that a need has failed, and none has')
	end
end

local function inspect_live()
	-- Left to a worker of another build: it waits as those do whose time has not come.
	local declined = phase == 'queued' and get('due')
	if phase == 'queued' and not declined then
		if not stands then
			fault('it is queued, but it does not stand on the queue')
		elseif not is_ready(aside) then
			fault('it is queued, but its app takes no part in the turns')
		end
	elseif phase == 'executing' then
		if not get('lease') then
			fault('it is executing, but nobody holds its lease')
		elseif overdue(number('lease_until')) then
			fault('its lease ran out ', seconds_ago(number('lease_until')), ' and no worker took it over')
		end
	elseif phase == 'waiting' or phase == 'retrying' or phase == 'blocked' or declined then
		if not due then
			fault('it is ', phase, ', but nothing will bring it back')
		elseif overdue(due) then
			fault('it was due ', seconds_ago(due), ' and no worker queued it')
		end
	else
		fault("its phase '", phase or '', "' is none that there is")
	end
	if stands and (phase ~= 'queued' or declined) then
		fault('it is ', phase, ' and stands on the queue as well')
	end
	if due and not declined and (phase == 'queued' or phase == 'executing') then
		fault('it is ', phase, ' and stands among the delayed as well')
	end
	if not look then
		fault('no worker looks at it: it is not in the index of live runs')
	elseif overdue(look) then
		fault('it was to be looked at ', seconds_ago(look), ' and no worker did')
	end
	inspect_needs()
	local of_app, _, of_workflow = own_names()
	if get('deployment') and redis.call('EXISTS', deployment_key(of_app, of_workflow)) == 0 then
		fault('the deployment that it is part of is gone: cancel the workflow, or start it again')
	end
	local begun_or_waits = phase ~= 'queued' or declined or get('started_at')
	if phase ~= 'executing' and begun_or_waits and overdue(number('run_deadline')) then
		fault('its deadline passed ', seconds_ago(number('run_deadline')), ' and nobody ended it')
	end
end

if status and not get('run') then
	fault('it has no run id: something wrote to a run that was gone')
end
if status == 'running' then
	inspect_live()
elseif status == 'done' or status == 'error' then
	if stands or get('lease') then
		fault('it has ended, but still has a place on the queue or a lease')
	end
elseif status then
	fault("its status '", status, "' is none that there is")
end
if status ~= 'running' and (due or look or not status and stands) then
	fault(status and 'it has ended' or 'there is no such run',
		', but it stands on the queue or in an index of live runs')
end
return faults
