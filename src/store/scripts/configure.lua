#!lua
-- Stores what is cached for an app, if nobody changed it since it was read. What says the same keeps its version: two
-- clients that configure the same do not stand in each other's way.
--
-- ARGV: version that was read ('0': none), app, retention in seconds, inputs, config, env, secrets.
-- Returns {word, version}: written, changed.
local version = redis.call('HGET', payload, 'version') or '0'
if version ~= ARGV[1] then
	return { 'changed', version }
end
local stored = redis.call('HMGET', payload, 'inputs', 'config', 'env', 'secrets')
local changed_any = false
for i = 1, 4 do
	changed_any = changed_any or stored[i] ~= ARGV[3 + i]
end
if not changed_any then
	keep_payload(ARGV[3])
	return { 'written', version }
end
version = redis.call('HINCRBY', payload, 'version', 1)
redis.call('HSET', payload, 'inputs', ARGV[4], 'config', ARGV[5], 'env', ARGV[6], 'secrets', ARGV[7], 'changed_at', now)
keep_payload(ARGV[3])
redis.pcall('ZADD', apps, now, ARGV[2])
trim_apps(ARGV[3])
redis.pcall('XADD', events, 'MAXLEN', '~', EVENTS_KEPT, '*', 'event', 'configured', 'detail', 'version ' .. version)
redis.call('EXPIRE', events, ARGV[3])
return { 'written', tostring(version) }
