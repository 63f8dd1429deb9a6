#!lua flags=allow-oom
-- Takes an entry that cannot be run off the queue and keeps it, with the reason, where an operator finds it. KEYS[1]
-- is slipway:{p}:dead here.
--
-- ARGV: entry id, reason, what the entry held as text. Returns {word}: buried, gone.
redis.call('XACK', queue, GROUP, ARGV[1])
-- Two may come upon the same entry; it is kept once.
if redis.call('XDEL', queue, ARGV[1]) == 0 then
	return { 'gone' }
end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', 1000, '*', 'entry', ARGV[1], 'reason', ARGV[2], 'held', ARGV[3])
return { 'buried' }
