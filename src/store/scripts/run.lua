--- @include keys
-- How the hash of a run is read and written.
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
		outputs = nil, attempt = nil, attempts = nil, queued_at = nil, started_at = nil, run_ms = nil,
		run_deadline = nil, retention = nil, version = nil, lease = nil }
	for i = 1, #list, 2 do
		found[list[i]] = list[i + 1]
	end
	return found
end

local numbers -- of texts, as many runs of a call say the same: it takes long to make one
each_call(function()
	numbers = {}
end)

-- What a field says. Where a hand has written none, or one that no time reaches, that is 0: what is made of it would be
-- an error, or for ever.
local NUMBER_MOST = 1e15
local function number_in(text)
	local value = numbers[text or '']
	if not value then
		value = tonumber(text or 0) or 0
		value = value < NUMBER_MOST and value > -NUMBER_MOST and value or 0
		numbers[text or ''] = value
	end
	return value
end

-- A whole number as the text that it is in Redis. Redis itself makes one of a number that it is given, like Lua of one
-- that stands in a text, in three times the time.
local DIGITS = { [0] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' }
local function word_of(value)
	return DIGITS[value] or ('%d'):format(value)
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
	local known = { nil, nil }
	for i = 1, #fields do
		if was[fields[i]] then
			known[#known + 1] = fields[i]
		end
	end
	if known[1] then
		clear(unpack(known))
	end
end
