--- @include holds
-- How many runs are run at a time: the limits that a worker has, and what holds a run that is next. Its arguments are
-- those of take.lua.
local limits -- tenant, app, or an action -> how many; reserve -> 1
local counts_runs, pauses_anything, anything_holds
each_call(function()
	limits = {}
	for name, most in arg.limits:gmatch('(%S+)=(%d+)') do
		limits[name] = tonumber(most)
	end
	counts_runs = next(limits) ~= nil
	pauses_anything = redis.call('EXISTS', paused) == 1
	anything_holds = counts_runs or pauses_anything
end)

-- What the worker knows of a step, as its definitions say it: the action.
local function action_of(workflow, step)
	local _, from = arg.definitions:find((' %s:%s='):format(workflow, step), 1, true)
	return from and arg.definitions:match('^[^= ]*=([^ ]*)', from + 1) or ''
end

-- Of a limit that is not the operator's.
local RESERVE = ': one executor is left to other tenants'

local NAMED = { tenant = "the tenant '%s'", app = "the app '%s'", action = "the action '%s'" }

-- Why something holds runs now, and whether somebody has paused it; nil where it does not.
local function why_held(kind, name)
	local why = pauses_anything and kind ~= 'app' and kind ~= 'action' and why_paused(kind, name)
	if why then
		return why, true
	end
	local most = limits[kind == 'action' and name or kind]
	local count = most and NAMED[kind] and tonumber(redis.call('HGET', running, kind .. ':' .. name) or 0)
	if count and count >= most then
		return ('%d runs of %s are being run, and no more may be%s'):format(count,
			NAMED[kind]:format(name:match('[^:]*$')), kind == 'tenant' and limits.reserve and RESERVE or '')
	end
end

-- What holds a run besides its tenant and its app, why, and whether somebody has paused it.
local function hold_of_step(workflow, step)
	local action = action_of(workflow, step)
	local all = { { 'workflow', workflow }, { 'provider', action:match('^[^.]*') }, { 'action', action } }
	for _, of in ipairs(all) do
		local why, is_paused = why_held(of[1], of[2])
		if why then
			return of[1] .. ':' .. of[2], why, is_paused
		end
	end
	return nil, nil, nil, action
end

-- What a run counts as.
local function counted_as(tenant, app, workflow, step)
	return { 'tenant:' .. tenant, 'app:' .. tenant .. ':' .. app, 'action:' .. action_of(workflow, step) }
end

-- Counts a run that begins; gives what it counts as.
local function count(...)
	local counted = counted_as(...)
	for _, key in ipairs(counted) do
		redis.call('HINCRBY', running, key, 1)
	end
	return table.concat(counted, ' ')
end
