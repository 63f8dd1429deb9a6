#!lua
-- Stores what is cached for an app, if nobody changed it since it was read.
--
-- ARGV: version that was read ('0': none), app, retention in seconds, inputs, config, env, secrets.
-- Returns {word, version}: written, changed.
local version = redis.call('HGET', payload, 'version') or '0'
if version ~= ARGV[1] then
	return { 'changed', version }
end
version = redis.call('HINCRBY', payload, 'version', 1)
redis.call('HSET', payload, 'inputs', ARGV[4], 'config', ARGV[5], 'env', ARGV[6], 'secrets', ARGV[7], 'changed_at', now)
keep_payload(ARGV[3])
redis.pcall('ZADD', apps, now, ARGV[2])
trim_apps(ARGV[3])
redis.pcall('XADD', events, 'MAXLEN', '~', EVENTS_KEPT, '*', 'event', 'configured', 'detail', 'version ' .. version)
redis.call('EXPIRE', events, ARGV[3])
return { 'written', tostring(version) }
