#!lua
--- @include arguments
--- @include clock
--- @include run
--- @include layout
--- @include retention
-- Stores what is cached for an app, if nobody changed it since it was read. What says the same keeps its version: two
-- clients that configure the same do not stand in each other's way. Of an app that has run nothing it goes after a day.
--
-- KEYS: of a run (run.lua) without workflow and step.
-- Arguments:
--   version                       the one that was read ('0': none)
--   app                           its id
--   retention                     in seconds
--   inputs, config, env, secrets  JSON
-- Returns {word, version}: written, changed.

local version = redis.call('HGET', payload, 'version') or '0'
if version ~= arg.version then
	return { 'changed', version }
end
local UNUSED_KEPT = 86400 -- seconds
-- A run keeps the events of its app for longer than that.
local has_run = redis.call('TTL', events) > UNUSED_KEPT or redis.call('EXISTS', ledger) == 1
local seconds = has_run and arg.retention or math.min(UNUSED_KEPT, arg.retention)
local stored = redis.call('HMGET', payload, 'inputs', 'config', 'env', 'secrets')
if stored[1] == arg.inputs and stored[2] == arg.config and stored[3] == arg.env and stored[4] == arg.secrets then
	keep_payload(seconds)
	return { 'written', version }
end
mark_layout()
version = redis.call('HINCRBY', payload, 'version', 1)
redis.call('HSET', payload, 'inputs', arg.inputs, 'config', arg.config, 'env', arg.env, 'secrets', arg.secrets,
	'changed_at', now)
keep_payload(seconds)
if has_run then
	redis.pcall('ZADD', apps, now, arg.app)
end
trim_apps(arg.retention)
redis.pcall('XADD', events, 'MAXLEN', '~', EVENTS_KEPT, '*', 'event', 'configured', 'detail', 'version ' .. version)
redis.call('EXPIRE', events, seconds)
return { 'written', tostring(version) }
