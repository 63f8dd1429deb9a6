-- The keys of a run and its app, all of one slot (see store/keys.h), and how the hash of the run is read and written.
local run, ready, delayed, live, events, apps, payload, ledger
local more_keys -- what a script is given beside these; its head says what
local of_partition -- the beginning of all of them
local run_tenant, of_tenant -- whose the run is; the beginning of the keys of all apps of that tenant

-- Whose keys are meant from now on. A tenant comes from the keys that a script was given, or from a member of what all
-- tenants share, never from an argument: no name within a tenant leads out of it.
local function go_to_tenant(tenant)
	if tenant == run_tenant then
		return
	end
	run_tenant, of_tenant = tenant, of_partition .. 'app:' .. tenant .. ':'
	apps = of_partition .. 'apps:' .. tenant
end

each_call(function()
	run, ready, delayed, live, events, apps, payload, ledger = unpack(KEYS)
	more_keys = { unpack(KEYS, 9) }
	of_partition = ready:sub(1, -#'ready' - 1)
	run_tenant = payload:match(':([^:]+):[^:]+:payload$')
	of_tenant = of_partition .. 'app:' .. run_tenant .. ':'
end)

local function get(field)
	return redis.call('HGET', run, field)
end

-- Several at once, by name.
local function read(fields)
	local values, found = redis.call('HMGET', run, unpack(fields)), {}
	for i = 1, #fields do
		found[fields[i]] = values[i] or nil
	end
	return found
end

-- All of it by name. A table that knows its size takes half the time to fill.
local function read_all()
	local list = redis.call('HGETALL', run)
	local found = { status = nil, phase = nil, due = nil, run = nil, input = nil, digest = nil, definition = nil,
		outputs = nil, attempt = nil, attempts = nil, crashes = nil, queued_at = nil, started_at = nil,
		run_ms = nil, run_deadline = nil, retention = nil, version = nil, basis = nil, ready_at = nil,
		changed_at = nil, request = nil, lease = nil, lease_until = nil, worker = nil, needs = nil, uses = nil,
		deployment = nil, actor = nil, checkpoint = nil }
	for i = 1, #list, 2 do
		found[list[i]] = list[i + 1]
	end
	return found
end

-- What a field says. Where a hand has written none, or one that no time reaches, that is 0: what is made of it would be
-- an error, or for ever.
local NUMBER_MOST = 1e15
local function number_in(text)
	local value = tonumber(text or 0) or 0
	return value < NUMBER_MOST and value > -NUMBER_MOST and value or 0
end

-- A whole number as the text that it is in Redis. Redis itself makes one of a number that it is given, like Lua of one
-- that stands in a text, in three times the time.
local function word_of(value)
	return ('%d'):format(value)
end

local function number(field)
	return number_in(get(field))
end

-- A version that a hand has broken begins anew.
local function version_after(version)
	return number_in(version) + 1
end

local function set(...)
	redis.call('HSET', run, ...)
end

local function set_unless_empty(field, value)
	if value ~= '' then
		set(field, value)
	end
end

local function clear(...)
	redis.call('HDEL', run, ...)
end

-- The same for what is known to be there, of what was read of it: looking for each of many that are not takes long.
local function clear_known(was, fields)
	local known = {}
	for i = 1, #fields do
		if was[fields[i]] then
			known[#known + 1] = fields[i]
		end
	end
	if known[1] then
		clear(unpack(known))
	end
end

-- Names the run in what all tenants share, such as delayed and live: tenant:app:workflow:step.
local function member()
	return run:sub(#of_partition + #'app:' + 1)
end

-- The same among those of its tenant, as in the needs of others: app:workflow:step.
local function own_name()
	return run:sub(#of_tenant + 1)
end

-- The parts of such a name: the app, `app:workflow:`, the workflow, and the step.
local function names_of(name)
	local of_workflow, app, workflow, step = name:match('^(([^:]*):([^:]*):)(.*)$')
	return app, of_workflow, workflow, step
end

local function go_to_run(name)
	local of_app = of_tenant .. name:match('^[^:]*') .. ':'
	run, events, payload, ledger = of_tenant .. name, of_app .. 'events', of_app .. 'payload', of_app .. 'ledger'
end

local function go_to_member(name)
	local tenant, own = name:match('^([^:]*):?(.*)$')
	go_to_tenant(tenant)
	go_to_run(own)
end

-- Calls back with the keys of another run of the tenant, named app:workflow:step, in the place of the script's own.
local function as_run(name, call)
	local own_run, own_events, own_payload, own_ledger = run, events, payload, ledger
	go_to_run(name)
	local fine, problem = pcall(call)
	run, events, payload, ledger = own_run, own_events, own_payload, own_ledger
	if not fine then
		error(problem, 0)
	end
end

-- The same for one of any tenant, named tenant:app:workflow:step.
local function as_member(name, call)
	local own_tenant = run_tenant
	go_to_tenant(name:match('^[^:]*'))
	local fine, problem = pcall(as_run, name:sub(#run_tenant + 2), call)
	go_to_tenant(own_tenant)
	if not fine then
		error(problem, 0)
	end
end
