#!lua flags=allow-oom
--- @include arguments
--- @include entry
--- @include transitions
-- queued -> queued: a worker of another build than the run's leaves it to one that has its definition. The run comes
-- off the queue and stands in delayed until it is due; for clients it is queued all the time. Neither an attempt nor a
-- crash is counted. Only a change of the reason is one that clients and events see: the rest may repeat for hours.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   entry    id of the entry
--   run      id of the run
--   reason   no_worker_for_version, or '' where a living worker has the definition
--   detail   a sentence for people: of the status, or of the events only where there is no reason
--   expired  error JSON for the deadline
-- Returns {word, now}: declined, stale; {word, now, facts of the end}: expired.

local DECLINED_MS, DECLINED_LAST_MS = 1000, 5000

local answer = out_of_the_queue(arg.entry, arg.run, arg.expired)
if answer then
	return answer
end
local is_news = (get('reason') or '') ~= arg.reason
if arg.reason == '' then
	clear('reason', 'detail', 'declines')
else
	set('reason', arg.reason, 'detail', arg.detail)
	redis.call('HINCRBY', run, 'declines', 1)
end
-- While somebody lives who has it, it is soon his turn; else it is asked for more rarely.
delay('queued', math.min(DECLINED_MS * math.max(number('declines'), 1), DECLINED_LAST_MS))
if is_news then
	changed('queued', arg.detail)
end
return { 'declined', now }
