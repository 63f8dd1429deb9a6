--- @include run
--- @include transitions
-- What a worker that has read an entry of the queue asks before it does anything with the run.

-- Whether the entry is the one in which the run stands. One that is another run's, or nobody's any more, is dropped.
local function is_current(entry, id)
	if get('run') == id and get('status') == 'running' and get('phase') == 'queued' and get('entry') == entry then
		return true
	end
	if get('entry') ~= entry then
		redis.call('XACK', queue, GROUP, entry)
		redis.call('XDEL', queue, entry)
	end
	return false
end

-- What to answer at once where the run goes nowhere from here: to a stale entry, or where the run is past its deadline
-- and now has ended. Nothing: go on.
local function out_of_the_queue(entry, id, problem)
	if not is_current(entry, id) then
		return { 'stale', now }
	end
	if now >= number('run_deadline') then
		finish('error', '{}', expired(problem), '')
		return told('expired')
	end
end
