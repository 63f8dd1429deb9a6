#!lua flags=allow-oom
--- @include arguments
--- @include lease
--- @include transitions
-- executing -> waiting or blocked: comes back when due; no attempt is used up. It ends a row of crashes.
-- A run that waits for a provider that is down knows since when; any other wait ends that.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   token           of the lease
--   checkpoint      '': as it is
--   phase           waiting or blocked
--   delay_ms        until it comes back
--   reason, detail  a word, a sentence
-- Returns {word}: written, lost; where a cancel ends it instead, {written, now, facts of the end}.

local answer = turned_away(arg.token)
if answer then
	return answer
end
set_unless_empty('checkpoint', arg.checkpoint)
set('reason', arg.reason, 'detail', arg.detail, 'crashes', 0)
clear('lost_lease')
if arg.reason == 'provider_down' then
	redis.call('HSETNX', run, 'outage_at', now)
else
	clear('outage_at')
end
delay(arg.phase, arg.delay_ms)
changed(arg.phase, arg.detail)
return { 'written' }
