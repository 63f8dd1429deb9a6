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
