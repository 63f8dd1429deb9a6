#!lua flags=allow-oom
--- @include arguments
--- @include clock
--- @include counts
--- @include measure
--- @include run
--- @include ready
--- @include retention
-- Looks whether live runs still have their places, a page at a time: a hand may have deleted a part of the queue, or
-- the index of live runs, and nothing else would ever look at those that stood there. What it finds is looked at by the
-- reaper, at once. However many runs are queued, it does no more in a second.
--
-- KEYS: of a run (run.lua), whichever: those that all runs share. slipway:{p}:sweep: how far it has come, and when; so
-- one worker does it at a time, whoever comes first.
-- Arguments:
--   retention  in seconds: what has not changed for so long goes off the lists of apps and tenants
-- Returns {word}: looked; rested (it is too early).

local EVERY_MS, IDLE_EVERY_MS = 1000, 10000
local RUNS_MAX, APPS_MAX, STEPS_MAX, TENANTS_MAX = 40, 10, 50, 10

local sweep, tenants = of_partition .. 'sweep', of_partition .. 'tenants'
local known = redis.pcall('HMGET', sweep, 'at', 'live', 'apps', 'tenant')
if known.err then
	redis.call('DEL', sweep)
	known = {}
end
local at, of_live = tonumber(known[1] or 0) or 0, tonumber(known[2] or 0) or 0
local of_apps, of_tenants = tonumber(known[3] or 0) or 0, tonumber(known[4] or 0) or 0
local count = redis.pcall('ZCARD', live)
local is_idle = type(count) ~= 'number' or count == 0
local every = is_idle and IDLE_EVERY_MS or EVERY_MS
if now >= at and now - at < every then
	return { 'rested' }
end

-- Calls back with a page of an index; gives where the next one begins, and how long this one was.
local function each_of_page(command, key, from, length, call)
	local found = redis.pcall(command, key, from, from + length - 1)
	for _, name in ipairs(found.err and {} or found) do
		call(name)
	end
	return not found.err and #found == length and from + length or 0, not found.err and #found or 0
end

local function look_now(name)
	redis.pcall('ZADD', live, now, name)
end

-- Whether an app takes part in the turns, or is held: asked once for all its runs.
local turns = {}
local function takes_turns(tenant, app)
	local name = tenant .. ':' .. app
	if turns[name] == nil then
		turns[name] = has_turn(tenant, app)
	end
	return turns[name]
end

-- Whether the live runs of a tenant are counted (budget.lua), and the bytes of its apps: asked once for each.
local kept_counts = {}
local function keeps_count(tenant, field)
	if kept_counts[tenant .. field] == nil then
		kept_counts[tenant .. field] = redis.pcall('HEXISTS', key_of_tenant('used', tenant), field) == 1
	end
	return kept_counts[tenant .. field]
end

-- A run from before its tenant had a budget of live runs.
local function count_live(tenant)
	add_to_count(key_of_tenant('used', tenant), 'live', 1)
	redis.call('HSET', run, 'budgeted', 1)
end

-- Two questions for most runs: there are many.
local function check_place(name)
	run = of_partition .. 'app:' .. name
	local found = redis.pcall('HMGET', run, 'status', 'phase', 'due', 'started_at', 'aside', 'budgeted')
	if found.err or found[1] ~= 'running' then
		return look_now(name)
	end
	local of = name:match('^[^:]*')
	if not found[6] and keeps_count(of, 'live') then
		count_live(of)
	end
	if found[2] ~= 'queued' or found[3] then
		return
	end
	local tenant, app, step = place_of_run()
	local in_lane = not found[4] and stands(lanes_of(tenant) .. ':' .. app, step) and takes_turns(tenant, app)
	if not in_lane and not is_ready(found[5]) then
		look_now(name)
	end
end

-- What the tenant's apps take of Redis is known by what was written: it is measured anew. No other app is to suffer
-- from what somebody has done to the keys of one.
local function measure(app)
	if keeps_count(run_tenant, 'bytes') then
		pcall(measure_app, app)
	end
end

-- Apps that are on no list (they have run nothing) or are gone: some of them, by chance.
local function measure_others()
	local found = keeps_count(run_tenant, 'bytes') and
		redis.pcall('HRANDFIELD', key_of_tenant('bytes'), APPS_MAX) or {}
	for _, app in ipairs(found.err and {} or found) do
		measure(app)
	end
end

-- A step that has had a run stands among those of its app. Of more than a page has room for, some are looked at.
local function check_steps(app)
	measure(app)
	local steps = redis.pcall('HRANDFIELD', of_tenant .. app .. ':steps', STEPS_MAX)
	for _, step in ipairs(steps.err and {} or steps) do
		local name = app .. ':' .. step
		local status = redis.pcall('HGET', of_tenant .. name, 'status')
		if status == 'running' and not redis.pcall('ZSCORE', live, run_tenant .. ':' .. name) then
			look_now(run_tenant .. ':' .. name)
		end
	end
end

-- One tenant after another, by name; of each the apps that have changed last come first. Gives how many were looked at.
local function check_apps_of_next(most)
	local tenant = redis.pcall('ZRANGE', tenants, of_tenants, of_tenants)[1]
	if not tenant then
		of_tenants, of_apps = 0, 0
		return most
	end
	go_to_tenant(tenant)
	if of_apps == 0 then
		trim_apps(arg.retention)
		measure_others()
	end
	local looked_at
	of_apps, looked_at = each_of_page('ZREVRANGE', apps, of_apps, most, check_steps)
	if of_apps > 0 then
		return looked_at
	end
	if redis.call('EXISTS', apps) == 1 then
		of_tenants = of_tenants + 1
	else
		redis.call('ZREM', tenants, tenant)
	end
	return looked_at
end

of_live = each_of_page('ZRANGE', live, of_live, RUNS_MAX, check_place)
-- Where nothing is live, that may be what a hand has deleted: as many are looked at in the same time.
local left = is_idle and APPS_MAX * IDLE_EVERY_MS / EVERY_MS or APPS_MAX
for _ = 1, TENANTS_MAX do
	left = left > 0 and left - check_apps_of_next(left) or 0
end
redis.call('HSET', sweep, 'at', now, 'live', of_live, 'apps', of_apps, 'tenant', of_tenants)
return { 'looked' }
