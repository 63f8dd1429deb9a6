#!lua flags=no-writes
--- @include arguments
--- @include group
--- @include run
-- How many entries of the queue workers take before those of some runs. Changes nothing, and looks at a bounded part.
--
-- KEYS: of a run (run.lua), whichever; slipway:{p}:due.
-- Arguments:
--   entries  their ids, with spaces between
--   most     how many entries to count at most
-- Returns a number for each: more than `most` where there are more; -1 where a worker has read it, or it is gone.

local most = tonumber(arg.most)

-- Takes up to so many of those that go first, then of the others: workers take them in this order.
local function list_ahead()
	local first, place, count = redis.pcall('ZRANGE', more_keys[1], 0, most), {}, 0
	local function add(id)
		if not place[id] then
			place[id], count = count, count + 1
		end
	end
	for _, name in ipairs(first.err and {} or first) do
		add(name:match('^[^:]*'))
	end
	return place, add
end

local function last_delivered()
	local groups = redis.pcall('XINFO', 'GROUPS', queue)
	for _, group in ipairs(groups.err and {} or groups) do
		local fields = {}
		for i = 1, #group - 1, 2 do
			fields[group[i]] = group[i + 1]
		end
		if fields.name == GROUP then
			return fields['last-delivered-id']
		end
	end
	return '0-0'
end

local function is_after(id, other)
	local ms, sequence = id:match('^(%d+)-(%d+)$')
	local other_ms, other_sequence = other:match('^(%d+)-(%d+)$')
	ms, other_ms = tonumber(ms) or 0, tonumber(other_ms) or 0
	return ms > other_ms or ms == other_ms and (tonumber(sequence) or 0) > (tonumber(other_sequence) or 0)
end

local last, place, add = last_delivered(), list_ahead()
local waiting = redis.pcall('XRANGE', queue, '(' .. last, '+', 'COUNT', most + 1)
for _, entry in ipairs(waiting.err and {} or waiting) do
	add(entry[1])
end
local answer = {}
for id in arg.entries:gmatch('%S+') do
	answer[#answer + 1] = math.min(place[id] or is_after(id, last) and most + 1 or -1, most + 1)
end
return answer
