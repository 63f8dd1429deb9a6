-- The keys of a run and its app, all of one slot (see store/keys.h), and how the hash of the run is read and written.
local run, queue, delayed, live, events, apps, payload, ledger = unpack(KEYS)
local more_keys = { unpack(KEYS, 9) } -- what a script is given beside these; its head says what

local function get(field)
	return redis.call('HGET', run, field)
end

local function number(field)
	return tonumber(get(field) or 0) or 0
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

-- Names the run in the zsets delayed and live.
local function member()
	return get('app') .. ':' .. get('workflow') .. ':' .. get('action')
end

local of_tenant = payload:match('^(.*:)[^:]+:payload$') -- the beginning of the keys of all apps

-- Calls back with the keys of another run, named app:workflow:step, in the place of the script's own.
local function as_run(name, call)
	local own_run, own_events, own_payload, own_ledger = run, events, payload, ledger
	local of_app = of_tenant .. name:match('^[^:]*') .. ':'
	run, events, payload, ledger = of_tenant .. name, of_app .. 'events', of_app .. 'payload', of_app .. 'ledger'
	call()
	run, events, payload, ledger = own_run, own_events, own_payload, own_ledger
end
