--- @include clock
--- @include run
-- What is told of a run that has ended, or gone to another worker: to the worker, for its log, and to people.
local FACTS = { 'run', 'status', 'reason', 'error', 'attempt', 'crashes', 'queued_at', 'request' }

local FACTS_OF_SOME = { 'reason', 'error', 'crashes', 'request' }
local UNTOLD = { reason = '', error = '', crashes = '0', request = '' } -- what these are where nothing is told of them

-- An answer with what a log tells of a run that has ended, or gone to another worker, behind word and time. `is`: its
-- fields by name, where they are known.
local function told(word, is)
	is = is or read(FACTS)
	local facts = { 'run', is.run or '', 'status', is.status or '', 'attempt', is.attempt or '1',
		'queued_at', is.queued_at or '', nil, nil, nil, nil, nil, nil, nil, nil }
	for i = 1, #FACTS_OF_SOME do
		local field = FACTS_OF_SOME[i]
		local untold = UNTOLD[field]
		local value = is[field] or untold
		if value ~= untold then
			facts[#facts + 1], facts[#facts + 2] = field, value
		end
	end
	return { word, now, facts }
end

-- The error of a run that is past its deadline, with what it waited for: without that, nobody would know what to do.
local function expired(problem)
	local detail, known = get('detail') or '', cjson.decode(problem)
	if detail == '' or not known.message then
		return problem
	end
	known.message = known.message .. '; last state: ' .. detail
	return cjson.encode(known)
end
