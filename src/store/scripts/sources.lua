--- @include run_limits
-- Where new runs are taken from: the lanes of `ready`, and those of what has held runs (holds.lua) and may do so no
-- longer. How many wait there, and for how many apps, costs nothing.
local SOURCE = {}
local LOOKS_AGAIN = '16' -- at what may hold nothing any more, in one call

-- Of one call. sources: where runs are taken from, a root with what has held the runs there (none of `ready`);
-- looked: at what holds runs; passes: those that came to nothing; wanted: runs; row: turns that are known (row.lua).
local taking
each_call(function()
	taking = { sources = {}, looked = {}, passes = 0, wanted = 0, row = nil }
end)

-- With whether there are others, and since when it waits: of one source nobody asks that, and scores take long to read.
function SOURCE.first_of(key, ask)
	ask = ask or redis.pcall
	if #taking.sources == 1 then
		local found = ask('ZRANGE', key, '0', '1')
		return found[1], found[2], 0
	end
	local found = ask('ZRANGE', key, '0', '1', 'WITHSCORES')
	return found[1], found[3], tonumber(found[2])
end

function SOURCE.exists(key)
	return redis.call('EXISTS', key) == 1
end

-- What holds a run that is new, and why: where others wait for a limit already it waits behind them, unless it comes
-- `from` there.
function SOURCE.hold_of_new(from, workflow, step)
	local what, why, _, action = hold_of_step(workflow, step)
	local behind = not what and limits[action] and 'action:' .. action
	if behind and behind ~= from and redis.call('EXISTS', root_of(behind)) == 1 then
		return behind
	end
	return what, why
end

function SOURCE.hold(what, why)
	redis.call('ZADD', held, 'NX', now + HELD_MS, what)
	if why then
		redis.call('HSET', holds, what, why)
	end
end

-- Takes a run, which stands in no lane, to those of what holds it.
function SOURCE.put_aside(tenant, app, step, what, why)
	local root = root_of(what)
	put_last(lanes_of(tenant, root) .. ':' .. app, step)
	join_turns(tenant, app, root)
	redis.call('HSET', of_partition .. 'app:' .. tenant .. ':' .. app .. ':' .. step, 'aside', what)
	SOURCE.hold(what, why)
end

-- Looks, once, whether it holds nothing any more: then runs are taken from there, or it takes part in the turns again,
-- and so do its runs that something else has held.
function SOURCE.look_at(what)
	local kind, name = what:match('^(%a+):(.*)$')
	local has_lanes = kind == 'tenant' or kind == 'app'
	local why = kind and why_held(kind, name)
	if taking.looked[what] then
		return
	end
	taking.looked[what] = true
	if why and (has_lanes or SOURCE.exists(root_of(what))) then
		redis.call('ZADD', held, now + HELD_MS, what)
		redis.call('HSET', holds, what, why)
	elseif kind and not has_lanes and SOURCE.exists(root_of(what)) then
		redis.call('ZADD', held, now - HELD_MS, what) -- behind others that are due, whatever the clock does
		taking.sources[#taking.sources + 1] = { root = root_of(what), what = what, kind = kind, name = name,
			turned = {}, count = 0 }
	else
		redis.call('ZREM', held, what)
		redis.call('HDEL', holds, what)
	end
	if has_lanes and not why then
		SOURCE.bring_back(what, name:match('^([^:]*):?(.*)$'))
	end
end

-- A tenant or an app, where it has any runs.
function SOURCE.bring_back(what, tenant, app)
	local found = app ~= '' and app or (SOURCE.first_of(lanes_of(tenant)))
	if found and SOURCE.exists(lanes_of(tenant) .. ':' .. found) then
		join_turns(tenant, found)
	end
	local behind = of_partition .. 'behind:' .. what
	local others = redis.pcall('HKEYS', behind)
	redis.call('DEL', behind)
	table.sort(others.err and {} or others)
	for _, other in ipairs(others) do
		if stands(held, other) then
			SOURCE.look_at(other)
		end
	end
end

-- Where runs are to be taken from, in one call.
function SOURCE.find_all()
	local ask = anything_holds and redis.call or redis.pcall
	local due = ask('ZRANGEBYSCORE', held, '-inf', now_text, 'LIMIT', '0', LOOKS_AGAIN)
	for _, what in ipairs(due.err and {} or due) do
		SOURCE.look_at(what)
	end
	taking.sources[#taking.sources + 1] = { root = ready }
end

-- A run has come to those that something held. Nothing may hold it, where others there are held by their apps.
function SOURCE.open_again(what)
	for _, source in ipairs(taking.sources) do
		if source.what == what then
			return
		end
	end
	taking.looked[what] = nil
	SOURCE.look_at(what)
end

-- Nothing is taken from there in this call any more.
function SOURCE.close(source)
	for i = #taking.sources, 1, -1 do
		if taking.sources[i] == source then
			table.remove(taking.sources, i)
		end
	end
end

function SOURCE.close_for_a_while(source)
	redis.call('ZADD', held, now + HELD_MS, source.what)
	SOURCE.close(source)
end
