--- @include ready
--- @include retention
--- @include states
-- Runs that one call puts on the queue, all of one tenant. What each of them asks of the queue is asked once, and what
-- they put into the same key goes there at once, at the end of the call, or before one of them does anything else.

local pending -- lists of words, by what they are for; nil: there are none
local last_of -- who stands last in a zset of turns, by its key
local looked_for -- the queue was looked at: see look_for_place
local own_lanes, of_lane -- of the tenant: its lanes, and how the keys of these begin; nil: not needed yet
local look_at -- when the reaper looks at what is queued now, as text
each_call(function()
	pending, last_of, looked_for, own_lanes, of_lane, look_at = nil, {}, false, nil, nil, nil
end)

-- All of a call are of one tenant.
local function lane_of(app)
	if not of_lane then
		own_lanes = lanes_of(run_tenant)
		of_lane = own_lanes .. ':'
	end
	return of_lane .. app
end

local function look_at_last(key)
	local last = redis.call('ZRANGE', key, '-1', '-1', 'WITHSCORES')
	last_of[key] = { name = last[1], since = last[2] }
end

local function add(list, first, second)
	local count = #list
	list[count + 1], list[count + 2] = first, second
end

-- Before the first write, as expect_queue does. Gives the place of a new run in its lane, the last one; `is_first`: of
-- one that is not there.
local function look_for_place(app, is_first)
	local lane = lane_of(app)
	if not looked_for then
		redis.call('ZCARD', begun)
		looked_for = true
	end
	if not last_of[own_lanes] then
		look_at_last(ready)
		look_at_last(own_lanes)
	end
	if is_first then
		return '1'
	end
	local last = redis.call('ZRANGE', lane, '-1', '-1', 'WITHSCORES')
	return (tonumber(last[2]) or 0) + 1
end

-- Behind all others, as put_last does; one that stands there stays where it is.
local function add_last(list, key, name)
	local last = last_of[key]
	if last.name ~= name then
		local since = (tonumber(last.since) or 0) + TURN_MS
		last.name, last.since = name, math.max(now, since)
		add(list, since > now and since or now_text, name)
	end
end

-- With room for those of one run: to make it when they come takes longer than all else that is done with them.
local function new_pending()
	return { members = { nil }, live = { nil, nil }, lanes = { nil, nil }, tenants = {}, apps = { nil, nil },
		told = { nil, nil } }
end

-- The run is queued, at this place of its lane.
local function put_together(app, step, place)
	pending = pending or new_pending()
	look_at = look_at or word_of(now + QUEUED_LOOK_MS)
	redis.call('ZADD', lane_of(app), place, step)
	add_last(pending.lanes, own_lanes, app)
	add_last(pending.tenants, ready, run_tenant)
	local own = member()
	add(pending.members, own)
	add(pending.live, look_at, own)
	add(pending.apps, now_text, app)
	local name = untold(app)
	if name then
		add(pending.told, 'a', name)
	end
end

-- Wakes one for each of them.
local function ring_for(count)
	local bells = redis.pcall('LLEN', bell)
	local words = {}
	for i = 1, type(bells) == 'number' and math.min(count, BELLS_MAX - bells) or 0 do
		words[i] = '1'
	end
	if words[1] then
		redis.call('RPUSH', bell, unpack(words))
	end
end

-- All of that is done; what is looked at next may be another queue.
local function end_together()
	local list = pending
	pending, last_of = nil, {}
	if not list then
		return
	end
	redis.call('ZREM', delayed, unpack(list.members)) -- a hand may have put them there
	redis.call('ZADD', live, unpack(list.live))
	if list.lanes[1] then
		redis.call('ZADD', own_lanes, 'NX', unpack(list.lanes))
	end
	if list.tenants[1] then
		redis.call('ZADD', ready, 'NX', unpack(list.tenants))
	end
	ring_for(#list.members)
	list_apps(list.apps)
	if list.told[1] then
		tell_all_waiting(list.told)
	end
end
