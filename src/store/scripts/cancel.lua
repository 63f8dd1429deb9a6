#!lua flags=allow-oom
--- @include arguments
--- @include transitions
-- queued, waiting, retrying, blocked -> error at once; executing -> executing, marked with the error that it is to end
-- with: its worker ends it, or whoever is next to change it. Whoever names the run that he means ends no other one.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   run      id of the run that is meant ('': whichever it is)
--   unbegun  error JSON for a run that never began
--   begun    error JSON for one that did
-- Returns {word, now, hash as a flat list}: cancelled, cancelling, nothing (none was live), other (another run
-- than the one that is meant is live).

local word, problem = 'nothing', get('started_at') and arg.begun or arg.unbegun
if get('status') == 'running' and arg.run ~= '' and get('run') ~= arg.run then
	word = 'other'
elseif get('status') == 'running' then
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
