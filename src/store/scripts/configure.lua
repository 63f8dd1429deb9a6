#!lua
--- @include arguments
--- @include budget
--- @include clock
--- @include events
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
--   connections                   JSON: what the app has named for which provider
--   wishes                        JSON: how those of the secrets were asked for that Slipway has made
--   budgets                       of its tenant: see budget.lua
-- Returns {word, version, list}: written; changed; over (a budget is used up; then which: see budget.lua).

local version = redis.call('HGET', payload, 'version') or '0'
if version ~= arg.version then
	return { 'changed', version }
end
local UNUSED_KEPT = 86400 -- seconds
-- A run keeps the events of its app for longer than that.
local has_run = redis.call('TTL', events) > UNUSED_KEPT or redis.call('EXISTS', ledger) == 1
local retention = tonumber(arg.retention)
local seconds = has_run and retention or math.min(UNUSED_KEPT, retention)
local stored = redis.call('HMGET', payload, 'inputs', 'config', 'env', 'secrets', 'wishes', 'connections')
-- An app that was configured by an older version has none.
local connections = stored[6] or '{}'
if stored[1] == arg.inputs and stored[2] == arg.config and stored[3] == arg.env and stored[4] == arg.secrets and
	stored[5] == arg.wishes and connections == arg.connections then
	count_use({}, has_run)
	keep_payload(seconds)
	return { 'written', version }
end
local more, parts = { bytes = 0 }, { arg.inputs, arg.config, arg.env, arg.secrets, arg.wishes,
	arg.connections }
for i, part in ipairs(parts) do
	more.bytes = more.bytes + #part - #(stored[i] or '')
end
local over = over_budget(more)
if over then
	return { 'over', version, over }
end
mark_layout()
count_use(more, has_run)
version = redis.call('HINCRBY', payload, 'version', 1)
redis.call('HSET', payload, 'inputs', arg.inputs, 'config', arg.config, 'env', arg.env, 'secrets', arg.secrets,
	'wishes', arg.wishes, 'connections', arg.connections, 'changed_at', now)
keep_payload(seconds)
if has_run then
	list_app(arg.app)
end
trim_apps(arg.retention)
add_event('configured', '-', 'version ' .. version)
expire_not_before(events, seconds)
return { 'written', tostring(version) }
