--- @include clock
--- @include run
-- What is told of a run that has ended, or gone to another worker: to the worker, for its log, and to people.
local FACTS = { 'run', 'status', 'reason', 'error', 'attempt', 'crashes', 'queued_at', 'request' }

-- An answer with what a log tells of a run that has ended, or gone to another worker, behind word and time. `is`: its
-- fields by name, where they are known.
local function told(word, is)
	local facts = {}
	is = is or read(FACTS)
	for _, field in ipairs(FACTS) do
		facts[#facts + 1], facts[#facts + 2] = field, is[field] or ''
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
