--- @include clock
--- @include run
-- What is told of a run that has ended, or gone to another worker: to the worker, for its log, and to people.
local FACTS = { 'run', 'status', 'reason', 'error', 'attempt', 'crashes', 'queued_at', 'request' }

-- An answer with what a log tells of a run that has ended, or gone to another worker, behind word and time. `is`: its
-- fields by name, where they are known.
local function told(word, is)
	is = is or read(FACTS)
	return { word, now, { 'run', is.run or '', 'status', is.status or '', 'reason', is.reason or '',
		'error', is.error or '', 'attempt', is.attempt or '1', 'crashes', is.crashes or '0',
		'queued_at', is.queued_at or '', 'request', is.request or '' } }
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
