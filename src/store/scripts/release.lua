#!lua flags=allow-oom
-- executing -> queued: a worker that is told to stop hands its run back; no attempt and no crash is counted.
--
-- ARGV: token. Returns {word}: written, lost.
if not held(ARGV[1]) then
	return { 'lost' }
end
if ended_by_cancel() then
	return { 'written' }
end
enqueue()
changed('queued', 'handed back')
return { 'written' }
