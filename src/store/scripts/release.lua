#!lua flags=allow-oom
-- executing -> queued: a worker that is told to stop hands its run back; no attempt and no crash is counted.
--
-- ARGV: token. Returns {word}: written, lost.
expect_queue()
local answer = turned_away(ARGV[1])
if answer then
	return answer
end
enqueue()
changed('queued', 'handed back')
return { 'written' }
