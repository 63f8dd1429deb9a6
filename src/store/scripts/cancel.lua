#!lua flags=allow-oom
--- @include arguments
--- @include transitions
-- queued, waiting, retrying, blocked -> error at once; executing -> executing, marked with the error that it is to end
-- with: its worker ends it, or whoever is next to change it.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   unbegun  error JSON for a run that never began
--   begun    error JSON for one that did
-- Returns {word, now, hash as a flat list}: cancelled, cancelling, nothing (it was not running).

local word, problem = 'nothing', get('started_at') and arg.begun or arg.unbegun
if get('status') == 'running' then
	if get('phase') == 'executing' then
		word = 'cancelling'
		if not get('cancel') then
			set('cancel', problem)
			changed('cancelling')
		end
	else
		word = 'cancelled'
		finish('error', '{}', problem, '')
	end
end
return { word, now, redis.call('HGETALL', run) }
