--- @include clock
--- @include run
-- What has happened to an app, for people: a list of lines, the newest first. A stream takes five times the memory.
--
-- A line is `ID EVENT WHAT DETAIL`. ID is ms-number, as in a stream: each is another, and more than the one before it.
-- WHAT is workflow.step.run, or workflow, or `-`; or `^`, where it is what the line before it in time has.
local EVENTS_KEPT = 300
local NAMED_EVERY = 8 -- of the lines of one run the first, and then one in so many, say which run it is
local NAMED_LAST = '7' -- the last of so many, counted from 0

local function what_of(line)
	return line:match('^%S+ %S+ (%S+)')
end

-- Of the last event: its time, and its number and time as texts; then which of the lines says what it is of, and what.
-- A clock that went back does not take ids back, nor do lines that a hand has put before them.
local function look_at_last(lines)
	local at, number_of, place, stands
	for i = 1, #lines do
		local found_at, found_number, what = lines[i]:match('^(%d+)-(%d+) %S+ (%S+)')
		if found_at and not at then
			at, number_of = found_at, found_number
		end
		if not found_at then
			found_at, found_number = lines[i]:match('^(%d+)-(%d+) ')
			what = what_of(lines[i])
		end
		if what ~= '^' and not place then
			place, stands = i, what
		end
		if at and place then
			break
		end
	end
	return tonumber(at or 0), number_of, at, place or NAMED_EVERY, stands
end

-- The oldest go, down to one that says what it is of.
local function trim_events(count)
	while count > EVENTS_KEPT do
		repeat
			redis.call('RPOP', events)
			count = count - 1
		until count == 0 or what_of(redis.call('LINDEX', events, -1)) ~= '^'
	end
end

-- The first of all, where there is no list.
local function begin_events(event, what)
	redis.call('LPUSH', events, now_text .. '-0 ' .. event .. ' ' .. what)
end

-- One or several of the same thing, each an event and its detail. No run is to suffer from what somebody has done to
-- the events. Gives how many lines there were with these.
local function add_events(what, words)
	local lines = redis.pcall('LRANGE', events, '0', NAMED_LAST)
	if lines.err then
		return
	end
	local at, number_of, at_text, place, stands = look_at_last(lines)
	local added = { nil, nil }
	if at < now then
		number_of, at_text = -1, now_text
	else
		number_of = tonumber(number_of)
	end
	for i = 1, #words, 2 do
		local detail = words[i + 1] or ''
		local is_said = stands == what and place <= NAMED_EVERY
		number_of, place = number_of + 1, is_said and place + 1 or 1
		local ends = detail ~= '' and ' ' .. detail or ''
		added[#added + 1] = at_text .. '-' .. word_of(number_of) .. ' ' .. words[i] .. ' ' ..
			(is_said and '^' or what) .. ends
		stands = what
	end
	local count = redis.call('LPUSH', events, unpack(added))
	trim_events(count)
	return count
end

local function add_event(event, what, detail)
	return add_events(what, { event, detail })
end
