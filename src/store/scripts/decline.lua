#!lua flags=allow-oom
--- @include arguments
--- @include transitions
-- queued -> queued: why a run that take.lua has left to other builds waits, where none of the workers that live has its
-- definition; or that one has it by now. For clients it is queued all the time. Neither an attempt nor a crash is
-- counted. Only a change of the reason is one that clients and events see: the rest may repeat for hours.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   run      id of the run
--   reason   no_worker_for_version, or '' where a living worker has the definition
--   detail   a sentence for people: of the status, or of the events only where there is no reason
-- Returns {word}: declined; stale (it is another run by now, or waits for something else).

local DECLINED_LAST_MS = 5000
local DECLINED_EACH_MS = 4 -- for each run that waits for its time: 250 of them come back in a second, however many

local status, phase, id, due, reason = unpack(redis.call('HMGET', run, 'status', 'phase', 'run', 'due', 'reason'))
if status ~= 'running' or phase ~= 'queued' or not due or id ~= arg.run then
	return { 'stale' }
end
local is_news = (reason or '') ~= arg.reason
if arg.reason == '' then
	clear('reason', 'detail', 'declines')
else
	set('reason', arg.reason, 'detail', arg.detail)
	redis.call('HINCRBY', run, 'declines', 1)
	-- While somebody lives who has it, it is soon his turn; else it is asked for more rarely.
	delay('queued', math.max(math.min(DECLINED_MS * number('declines'), DECLINED_LAST_MS),
		DECLINED_EACH_MS * redis.call('ZCARD', delayed)))
end
if is_news then
	changed('queued', arg.detail)
end
return { 'declined' }
