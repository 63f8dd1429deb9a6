#!lua flags=allow-oom
-- executing -> executing: the lease lasts anew from now.
--
-- ARGV: token, lease in ms. Returns {word}: held, cancel (held, but somebody wants the run to end), lost.
if not held(ARGV[1]) then
	return { 'lost' }
end
set('lease_until', now + ARGV[2])
redis.call('ZADD', live, now + ARGV[2], member())
return { get('cancel') and 'cancel' or 'held' }
