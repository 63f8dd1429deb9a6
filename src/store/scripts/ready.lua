--- @include clock
--- @include run
-- The queue: who is next. Tenants take turns, and the apps of a tenant take turns, whatever each of them has queued:
-- whoever was served goes to the end, and so does whoever comes. What was begun stands apart, before all that is new.
--
--   ready                 zset: tenants that have runs to take, in the order of their turns
--   ready:<tenant>        zset: its apps that have runs to take, the same
--   ready:<tenant>:<app>  zset, the lane of the app: workflow:step of each run, in the order of queueing
--   begun                 zset: tenant:app:workflow:step of each run that was begun and is due again, since when
--   aside:<what holds>    the same as ready, with its tenants, apps and lanes: runs that something holds (holds.lua)
--   bell                  list, capped: rung by who puts something on the queue, waited at by workers that are idle
local BELLS_MAX = 16
local TURN_MS = 1 / 1024 -- between turns that begin in one ms: a number that scores hold exactly

local begun, bell
local nobody_begun -- stands in begun: where this call has looked, and put none there since
each_call(function()
	begun, bell, nobody_begun = of_partition .. 'begun', of_partition .. 'bell', false
end)

local function lanes_of(tenant, root)
	return (root or ready) .. ':' .. tenant
end

-- Where runs stand that something holds.
local function root_of(aside)
	return of_partition .. 'aside:' .. aside
end

-- The run's tenant, app, and name within its app.
local function place_of_run()
	return member():match('^([^:]*):([^:]*):(.*)$')
end

-- Puts a tenant, or an app, behind those that wait for their turn. Its score is since when it waits: so the turns of
-- those that something held can be compared with these.
local function put_last(key, name)
	local last = redis.call('ZRANGE', key, '-1', '-1', 'WITHSCORES')
	if last[1] ~= name then
		redis.call('ZADD', key, math.max(now, (tonumber(last[2]) or 0) + TURN_MS), name)
	end
end

-- A lane that has runs takes part in the turns.
local function join_turns(tenant, app, root)
	local lanes = lanes_of(tenant, root)
	if not redis.call('ZSCORE', lanes, app) then
		put_last(lanes, app)
	end
	if not redis.call('ZSCORE', root or ready, tenant) then
		put_last(root or ready, tenant)
	end
end

-- What has no runs to take any more takes no part in the turns.
local function leave_turns(tenant, app, root)
	local lanes = lanes_of(tenant, root)
	if redis.call('EXISTS', lanes .. ':' .. app) == 0 then
		redis.pcall('ZREM', lanes, app)
	end
	if redis.call('EXISTS', lanes) == 0 then
		redis.pcall('ZREM', root or ready, tenant)
	end
end

-- Wakes one that waits. What nobody hears is looked for within a second all the same.
local function ring(bells)
	local count = redis.pcall('LLEN', bell)
	if type(count) == 'number' and count < bells then
		redis.call('RPUSH', bell, 1)
	end
end

-- Puts a run that nobody has begun on the queue: behind the others of its app, or before them.
local function put_new(first)
	local tenant, app, step = place_of_run()
	local lane, rank = lanes_of(tenant) .. ':' .. app, first and 0 or -1
	local beside = redis.call('ZRANGE', lane, rank, rank, 'WITHSCORES')
	redis.call('ZADD', lane, (tonumber(beside[2]) or 0) + (first and -1 or 1), step)
	join_turns(tenant, app)
	ring(BELLS_MAX)
end

local function put_ready(first)
	if not get('started_at') then
		return put_new(first)
	end
	redis.call('ZADD', begun, now, member())
	nobody_begun = false
	ring(BELLS_MAX)
end

-- Takes the run off the queue, wherever it stands there. `aside`: the field of the run, what holds it.
local function leave_ready(aside)
	local tenant, app, step = place_of_run()
	redis.pcall('ZREM', begun, member())
	for _, root in ipairs({ ready, aside and root_of(aside) }) do
		if redis.pcall('ZREM', lanes_of(tenant, root) .. ':' .. app, step) == 1 then
			leave_turns(tenant, app, root)
		end
	end
end

local function stands(key, name)
	return type(redis.pcall('ZSCORE', key, name)) == 'string'
end

-- Whether an app takes part in the turns, or is held for a while: see holds.lua.
local function has_turn(tenant, app)
	local held = of_partition .. 'held'
	return stands(held, 'app:' .. tenant .. ':' .. app) or stands(lanes_of(tenant), app) and
		(stands(ready, tenant) or stands(held, 'tenant:' .. tenant))
end

-- Whether a run stands where what holds it is looked at.
local function is_aside(tenant, app, step, aside)
	local root = root_of(aside)
	local lanes = lanes_of(tenant, root)
	return stands(lanes .. ':' .. app, step) and stands(lanes, app) and stands(root, tenant) and
		stands(of_partition .. 'held', aside)
end

-- Whether a worker will find the run: it has its place, and the lane that it stands in takes part in the turns.
local function is_ready(aside)
	local tenant, app, step = place_of_run()
	return stands(begun, member()) or aside and is_aside(tenant, app, step, aside) or
		stands(lanes_of(tenant) .. ':' .. app, step) and has_turn(tenant, app)
end
