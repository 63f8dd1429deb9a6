#!lua
-- Stores what is cached for an app, if nobody changed it since it was read. What says the same keeps its version: two
-- clients that configure the same do not stand in each other's way. Of an app that has run nothing it goes after a day.
--
-- ARGV: version that was read ('0': none), app, retention in seconds, inputs, config, env, secrets.
-- Returns {word, version}: written, changed.
local version = redis.call('HGET', payload, 'version') or '0'
if version ~= ARGV[1] then
	return { 'changed', version }
end
local UNUSED_KEPT = 86400 -- seconds
-- A run keeps the events of its app for longer than that.
local has_run = redis.call('TTL', events) > UNUSED_KEPT or redis.call('EXISTS', ledger) == 1
local seconds = has_run and ARGV[3] or math.min(UNUSED_KEPT, ARGV[3])
local stored = redis.call('HMGET', payload, 'inputs', 'config', 'env', 'secrets')
local changed_any = false
for i = 1, 4 do
	changed_any = changed_any or stored[i] ~= ARGV[3 + i]
end
if not changed_any then
	keep_payload(seconds)
	return { 'written', version }
end
version = redis.call('HINCRBY', payload, 'version', 1)
redis.call('HSET', payload, 'inputs', ARGV[4], 'config', ARGV[5], 'env', ARGV[6], 'secrets', ARGV[7], 'changed_at', now)
keep_payload(seconds)
if has_run then
	redis.pcall('ZADD', apps, now, ARGV[2])
end
trim_apps(ARGV[3])
redis.pcall('XADD', events, 'MAXLEN', '~', EVENTS_KEPT, '*', 'event', 'configured', 'detail', 'version ' .. version)
redis.call('EXPIRE', events, seconds)
return { 'written', tostring(version) }
