#!lua flags=allow-oom
-- executing -> waiting or blocked: comes back when due; no attempt is used up. It ends a row of crashes.
--
-- ARGV: token, checkpoint, phase, delay in ms, reason, detail. Returns {word}: written, lost; where a cancel ends it
-- instead, {written, now, facts of the end}.
local answer = turned_away(ARGV[1])
if answer then
	return answer
end
set_unless_empty('checkpoint', ARGV[2])
set('reason', ARGV[5], 'detail', ARGV[6], 'crashes', 0)
clear('lost_lease')
delay(ARGV[3], ARGV[4])
changed(ARGV[3], ARGV[6])
return { 'written' }
