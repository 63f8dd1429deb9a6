#!lua flags=allow-oom
-- executing -> retrying: a transient failure; the next attempt comes when due.
--
-- ARGV: token, checkpoint, delay in ms, reason, detail. Returns {word}: written, lost.
if not held(ARGV[1]) then
	return { 'lost' }
end
if ended_by_cancel() then
	return { 'written' }
end
set_unless_empty('checkpoint', ARGV[2])
set('reason', ARGV[4], 'detail', ARGV[5])
redis.call('HINCRBY', run, 'attempt', 1)
delay('retrying', ARGV[3])
changed('retrying', ARGV[5])
return { 'written' }
