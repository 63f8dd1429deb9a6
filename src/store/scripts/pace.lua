#!lua flags=allow-oom
-- Spaces the calls of one credential that change something, over all workers: each gets a time of its own.
-- KEYS[1] is slipway:pace:<provider>:<credential>; its value is when the next one may go (ms since 1970).
--
-- ARGV: spacing ms, the longest that the caller would wait. Returns {ms to wait, 1 where that time is the caller's}.
local free = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0) or 0)
local wait, spacing = free - now, tonumber(ARGV[1])
if wait > tonumber(ARGV[2]) then
	return { wait, 0 }
end
redis.call('SET', KEYS[1], free + spacing, 'PX', wait + spacing)
return { wait, 1 }
