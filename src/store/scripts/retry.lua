#!lua flags=allow-oom
-- executing -> retrying: a transient failure; the next attempt comes when due. It ends a row of crashes.
--
-- ARGV: token, checkpoint, delay in ms, reason, detail. Returns {word}: written, lost; where a cancel ends it
-- instead, {written, now, facts of the end}.
local answer = turned_away(ARGV[1])
if answer then
	return answer
end
set_unless_empty('checkpoint', ARGV[2])
set('reason', ARGV[4], 'detail', ARGV[5], 'crashes', 0)
clear('lost_lease')
redis.call('HINCRBY', run, 'attempt', 1)
delay('retrying', ARGV[3])
changed('retrying', ARGV[5])
return { 'written' }
