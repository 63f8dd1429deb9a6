#!lua flags=allow-oom
-- executing -> executing: the lease lasts anew from now.
--
-- ARGV: token, lease in ms; 0 gives the lease up: its holder has crashed.
-- Returns {word}: held, cancel (held, but somebody wants the run to end), lost.
if not held(ARGV[1]) then
	return { 'lost' }
end
set('lease_until', ARGV[2] == '0' and 0 or now + ARGV[2])
redis.call('ZADD', live, now + ARGV[2], member())
return { get('cancel') and 'cancel' or 'held' }
