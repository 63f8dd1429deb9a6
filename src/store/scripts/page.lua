#!lua flags=no-writes
--- @include arguments
--- @include ended
--- @include events
-- Reads a part of the events of an app, or of its runs that have ended, the newest first, as XREVRANGE gives a stream.
-- Changes nothing.
--
-- KEYS: of a run (run.lua) without workflow and step.
-- Arguments:
--   list   events or history
--   after  the id behind which it begins ('': with the newest)
--   count  how many, at most
-- Returns a list of {id, fields as a flat list}.

local CHUNK = 50
local most, entries = tonumber(arg.count), {}

local function is_wanted(id)
	return arg.after == '' or is_newer(arg.after, id)
end

-- ---- events ----

local NAMES = { 'workflow', 'action', 'run' }

local function fields_of_event(event, what, detail)
	local fields, i = { 'event', event, 'detail', detail }, 1
	for word in what:gmatch('[^.]+') do
		if what ~= '-' and NAMES[i] then
			fields[#fields + 1], fields[#fields + 2] = NAMES[i], word
		end
		i = i + 1
	end
	return fields
end

-- From the oldest on, for each line may say what the next one is of. What a hand has written there is left out.
local function read_events()
	local lines, what, newest_last = redis.call('LRANGE', events, 0, -1), '-', {}
	for i = #lines, 1, -1 do
		local id, event, said, detail = lines[i]:match('^(%d+%-%d+) (%S+) (%S+) ?(.*)$')
		if id then
			what = said == '^' and what or said
			if is_wanted(id) then
				newest_last[#newest_last + 1] = { id, fields_of_event(event, what, detail) }
			end
		end
	end
	for i = #newest_last, math.max(#newest_last - most + 1, 1), -1 do
		entries[#entries + 1] = newest_last[i]
	end
end

-- ---- runs that have ended ----

local function flat(found)
	local fields = {}
	for name, value in pairs(found) do
		if name ~= 'id' then
			fields[#fields + 1], fields[#fields + 2] = name, value
		end
	end
	return fields
end

local function end_of_line(line)
	local words = line:match('^[^\n]*'):gmatch('%S+')
	local found = { id = words() }
	for _, name in ipairs(ENDED_WORDS) do
		local word = words()
		found[name] = word ~= '-' and word or nil
	end
	for name, value in line:gmatch('\n(%l+) ([^\n]*)') do
		found[name] = found[name] and found[name] .. '\n' .. value or value
	end
	return found
end

local told = {} -- by hashes, the newest first

local function take(found)
	if #entries < most then
		entries[#entries + 1] = { found.id, flat(found) }
	end
end

local function take_told(newer_than)
	while told[1] and (not newer_than or is_newer(told[1].id, newer_than)) do
		take(table.remove(told, 1))
	end
end

local function read_history(of_app)
	each_end_told(of_app, function(found)
		if is_wanted(found.id) then
			told[#told + 1] = found
		end
	end)
	table.sort(told, function(one, other)
		return is_newer(one.id, other.id)
	end)
	local from, lines = 0, nil
	repeat
		lines = redis.call('LRANGE', of_app .. 'history', from, from + CHUNK - 1)
		for _, line in ipairs(lines) do
			local id = line:match('^(%d+%-%d+) ')
			if id and is_wanted(id) then
				take_told(id)
				take(end_of_line(line))
			end
		end
		from = from + #lines
	until #lines < CHUNK or #entries == most
	take_told()
end

if arg.list == 'events' then
	read_events()
else
	read_history(ledger:sub(1, -#'ledger' - 1))
end
return entries
