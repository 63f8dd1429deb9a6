#!lua flags=allow-oom
--- @include arguments
--- @include lease
-- executing -> executing: the lease lasts anew from now.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   token     of the lease
--   lease_ms  0 gives the lease up, for its holder has crashed
-- Returns {word}: held, cancel (held, but somebody wants the run to end), lost.

if not held(arg.token) then
	return { 'lost' }
end
set('lease_until', arg.lease_ms == '0' and 0 or now + arg.lease_ms)
redis.call('ZADD', live, now + arg.lease_ms, member())
return { get('cancel') and 'cancel' or 'held' }
