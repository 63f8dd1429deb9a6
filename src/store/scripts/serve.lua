--- @include sources
-- Whose turn it is, in whichever source, and which of his runs nothing holds. What something holds goes aside once, and
-- is in nobody's way from then on.
local TURN = {}
-- In one call: runs that go aside, and turns in which nothing is found; tenants and apps that are held, among runs that
-- something else has held.
local MOST = { passes = 64, turned = 32 }

function TURN.pop_first(key)
	local popped = redis.pcall('ZPOPMIN', key)
	return not popped.err and popped[1] or nil
end

-- Who has waited longest for a turn: source, tenant and app, and whether others wait with them.
function TURN.next_turn()
	local best
	for _, source in ipairs(taking.sources) do
		local tenant, others, since = SOURCE.first_of(source.root, source.root == ready and redis.call)
		if tenant then
			local lanes = lanes_of(tenant, source.root)
			local app, other_apps, app_since = SOURCE.first_of(lanes)
			app_since = app_since or 0
			if not best or since < best.since or since == best.since and app_since < best.app_since then
				best = { source = source, root = source.root, tenant = tenant, since = since,
					others = others, lanes = lanes, app = app, app_since = app_since,
					other_apps = other_apps }
			end
		end
	end
	return best
end

-- Who was served goes behind all others in each source.
function TURN.put_behind(name, key_of)
	local since = now
	for _, source in ipairs(taking.sources) do
		local last = redis.pcall('ZRANGE', key_of(source), '-1', '-1', 'WITHSCORES')
		since = math.max(since, (tonumber(last[2]) or 0) + TURN_MS)
	end
	for _, source in ipairs(taking.sources) do
		redis.pcall('ZADD', key_of(source), 'XX', since, name)
	end
end

function TURN.put_turn_behind(turn)
	TURN.put_behind(turn.app, function(source)
		return lanes_of(turn.tenant, source.root)
	end)
	TURN.put_behind(turn.tenant, function(source)
		return source.root
	end)
end

-- Who has no runs any more has no turns. While something holds runs, others may come to where there were none.
function TURN.end_turn(turn, is_served)
	if is_served and taking.row then
		return TURN.add_to_row(turn)
	end
	local app_stays = turn.app and SOURCE.exists(turn.lanes .. ':' .. turn.app)
	if turn.app and not app_stays then
		redis.call('ZREM', turn.lanes, turn.app)
	end
	local tenant_stays = app_stays or turn.app and (turn.other_apps or SOURCE.exists(turn.lanes))
	if not tenant_stays then
		redis.call('ZREM', turn.root, turn.tenant)
	end
	if is_served and #taking.sources > 1 then
		TURN.put_turn_behind(turn)
	elseif is_served then
		if app_stays and (turn.other_apps or anything_holds) then
			put_last(turn.lanes, turn.app)
		end
		if tenant_stays and (turn.others or anything_holds) then
			put_last(turn.root, turn.tenant)
		end
	end
end

-- A tenant or an app that is held. On the queue it takes no part in the turns till then. Where something else has held
-- runs of it, others there go first.
function TURN.hold_turn(turn, turns, name, what, why)
	local source = turn.source
	SOURCE.hold(what, why)
	if turn.root == ready then
		redis.call('ZREM', turns, name)
		if not SOURCE.exists(turn.lanes) then
			redis.call('ZREM', ready, turn.tenant)
		end
		return
	end
	redis.call('HSET', of_partition .. 'behind:' .. what, source.what, 1)
	put_last(turns, name)
	source.count = source.count + 1
	if source.turned[what] then
		SOURCE.close_for_a_while(source)
	elseif source.count == MOST.turned then
		SOURCE.close(source)
	end
	source.turned[what] = true
end

-- Whether something holds the run, which goes there then. Whoever claims another that is no run sees what is wrong.
function TURN.goes_aside(turn, step)
	local what, why = SOURCE.hold_of_new(turn.source.what, step:match('^([^:]*):?(.*)$'))
	if not what then
		return false
	end
	local key = of_partition .. 'app:' .. turn.tenant .. ':' .. turn.app .. ':' .. step
	local found = redis.pcall('HMGET', key, 'status', 'phase', 'due')
	if found.err or found[1] ~= 'running' or found[2] ~= 'queued' or found[3] then
		return false
	end
	SOURCE.put_aside(turn.tenant, turn.app, step, what, why)
	if not why then
		SOURCE.open_again(what)
	end
	return true
end

-- The first run of a lane that nothing holds; those before it go aside.
function TURN.first_free(turn)
	while taking.passes < MOST.passes do
		local step = TURN.pop_first(turn.lanes .. ':' .. turn.app)
		if not step or not anything_holds or not TURN.goes_aside(turn, step) then
			return step
		end
		taking.passes = taking.passes + 1
	end
end

-- Takes the run whose turn it is. Nothing where that is held, or there is none.
function TURN.serve(turn)
	local source = turn.source
	if source.what and why_held(source.kind, source.name) then
		return SOURCE.close_for_a_while(source)
	end
	local tenant = turn.tenant
	local why = anything_holds and why_held('tenant', tenant)
	if why then
		return TURN.hold_turn(turn, turn.root, tenant, 'tenant:' .. tenant, why)
	end
	local of_app = anything_holds and turn.app and tenant .. ':' .. turn.app
	why = of_app and why_held('app', of_app)
	if why then
		return TURN.hold_turn(turn, turn.lanes, turn.app, 'app:' .. of_app, why)
	end
	local step = turn.app and TURN.first_free(turn)
	TURN.end_turn(turn, step)
	return step
end
