--- @include run
-- What stays readable of a run that has ended: for as long as its hash is its own, that has it; then a line of the list
-- `history` (history.lua). The line is `ID STATUS WORKFLOW STEP RUN DIGEST DEFINITION ATTEMPT CRASHES QUEUED_AT
-- STARTED_AT`, `-` for what is not known, and lines behind that: each a name and a value.
local HISTORY_VALUE_MAX = 4096 -- bytes of one value
local ENDED_WORDS = { 'status', 'workflow', 'action', 'run', 'digest', 'definition', 'attempt', 'crashes', 'queued_at',
	'started_at' }
local ENDED_UNSAID = { attempt = '1', crashes = '0' } -- what most have does not stand in the hash (ending.lua)
local ENDED_LINES = { 'deployment', 'reason', 'request', 'actor', 'failures', 'input', 'output', 'error' }

-- An id is ms-number, as in a stream. Of two, those of later ms are before the others, and of the same ms the greater
-- numbers. What is no id is before all.
local function parts_of_id(text)
	local at, number_of = text:match('^(%d+)-(%d+)')
	return tonumber(at) or math.huge, tonumber(number_of) or math.huge
end

local function is_newer(text, than)
	local at, number_of = parts_of_id(text)
	local than_at, than_number = parts_of_id(than)
	return at > than_at or at == than_at and number_of > than_number
end

-- Of runs that end in the same ms their own ids tell which is which, by as many digits as a number has.
local function id_of_end(finished_at, run_id)
	return ('%s-%.0f'):format(finished_at, tonumber(run_id:match('^%x*'):sub(1, 13), 16) or 0)
end

-- The end that is told by a hash, as {id =, and its fields}; nil where there is none, or `history` has it. A run that
-- kept the result of an earlier one has done nothing.
local function end_told_by(key)
	local words = redis.pcall('HMGET', key, 'finished_at', 'in_history', unpack(ENDED_WORDS))
	if words.err or words[2] or words[3] ~= 'done' and words[3] ~= 'error' or not tonumber(words[1]) then
		return nil
	end
	local lines = redis.call('HMGET', key, unpack(ENDED_LINES))
	if lines[2] == 'reused' then
		return nil
	end
	local found = { id = id_of_end(words[1], words[6] or '') }
	for i, name in ipairs(ENDED_WORDS) do
		found[name] = words[i + 2] or ENDED_UNSAID[name]
	end
	found.workflow, found.action = key:match('([^:]*):([^:]*)$')
	for i, name in ipairs(ENDED_LINES) do
		local value = lines[i]
		if value and value ~= '' and value ~= '{}' and #value <= HISTORY_VALUE_MAX then
			found[name] = value
		end
	end
	return found
end

-- Calls back with each end of an app that is told by a hash.
local function each_end_told(of_app, call)
	local steps = redis.pcall('HKEYS', of_app .. 'steps')
	for _, step in ipairs(steps.err and {} or steps) do
		local found = end_told_by(of_app .. step)
		if found then
			call(found)
		end
	end
end
