#!lua flags=allow-oom
--- @include arguments
--- @include group
-- Takes an entry that cannot be run off the queue and keeps it, with the reason, where an operator finds it.
--
-- KEYS: slipway:{p}:dead, slipway:{p}:queue.
-- Arguments:
--   entry   its id
--   reason  why it cannot be run
--   held    what it held, as text
-- Returns {word}: buried, gone.

local dead, queue = unpack(KEYS)
redis.call('XACK', queue, GROUP, arg.entry)
-- Two may come upon the same entry; it is kept once.
if redis.call('XDEL', queue, arg.entry) == 0 then
	return { 'gone' }
end
redis.call('XADD', dead, 'MAXLEN', '~', 1000, '*', 'entry', arg.entry, 'reason', arg.reason, 'held', arg.held)
return { 'buried' }
