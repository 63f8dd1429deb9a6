#!lua flags=allow-oom
-- executing -> queued: a worker that is told to stop hands its run back; no attempt and no crash is counted.
--
-- ARGV: token. Returns {word}: written, lost.
if not held(ARGV[1]) then
	return { 'lost' }
end
enqueue()
changed('queued', 'handed back')
return { 'written' }
