#!lua flags=no-writes
--- @include arguments
--- @include clock
--- @include run
--- @include holds
-- How many runs workers take before some that are queued: as long as nothing else comes, and one worker takes them, who
-- begins with what was begun. Changes nothing, and looks at a bounded part.
--
-- KEYS: of a run (run.lua), whichever of the tenant.
-- Arguments:
--   runs  their names app:workflow:step, each with its action behind it, and all with spaces between
--   most  how many to count at most
-- Returns for each a number: more than `most` where there are more, -1 where it does not stand on the queue; then
-- `paused` or `turn` and what holds it, or '' twice.

local most = tonumber(arg.most)
local own_tenant = place_of_run()

-- Up to so many of a zset; none where a hand has made it something else.
local function first_of(key)
	local found = redis.pcall('ZRANGE', key, 0, most)
	return found.err and {} or found
end

-- In which order lanes are served: each as often as it has runs; count of those that were served, by tenant and app.
local function serve_in_turn(root, tenants, call)
	local turns, served = {}, 0
	for _, tenant in ipairs(tenants) do
		local lanes = {}
		for _, app in ipairs(first_of(lanes_of(tenant, root))) do
			local left = redis.pcall('ZCARD', lanes_of(tenant, root) .. ':' .. app)
			lanes[#lanes + 1] = { app = app, left = type(left) == 'number' and left or 0, taken = 0 }
		end
		turns[#turns + 1] = { tenant = tenant, lanes = lanes }
	end
	while #turns > 0 and served <= most do
		local turn = table.remove(turns, 1)
		local lane = table.remove(turn.lanes, 1)
		if lane and lane.left > 0 then
			call(turn.tenant, lane.app, lane.taken, served)
			served, lane.left, lane.taken = served + 1, lane.left - 1, lane.taken + 1
			if lane.left > 0 then
				table.insert(turn.lanes, lane)
			end
		end
		if #turn.lanes > 0 then
			table.insert(turns, turn)
		end
	end
	return served
end

-- Of the lanes below a root, or the tenant's own of these: places by app and rank, and how many there are; looked up
-- once.
local known = {}
local function places_of(root, of_own)
	local key = of_own and lanes_of(own_tenant, root) or root
	if not known[key] then
		local places = {}
		local tenants = of_own and { own_tenant } or first_of(root)
		local all = serve_in_turn(root, tenants, function(tenant, app, rank, before)
			if tenant == own_tenant then
				places[app .. ' ' .. rank] = before
			end
		end)
		known[key] = { places = places, all = all }
	end
	return known[key].places, known[key].all
end

local function is_held(what)
	return redis.pcall('HEXISTS', holds, what) == 1
end

local count_begun = redis.pcall('ZCARD', begun)
count_begun = type(count_begun) == 'number' and count_begun or 0

local function rank_in(key, name)
	local rank = redis.pcall('ZRANK', key, name)
	return type(rank) == 'number' and rank
end

local function count_before(name, aside)
	local app, step = name:match('^([^:]*):(.*)$')
	local rank = rank_in(begun, own_tenant .. ':' .. name)
	if rank then
		local _, count_new = places_of(ready)
		return rank + math.min(rank, count_new)
	end
	local root = aside and root_of(aside) or ready
	rank = rank_in(lanes_of(own_tenant, root) .. ':' .. app, step)
	if not rank then
		return -1
	end
	if not aside and is_held('app:' .. own_tenant .. ':' .. app) then
		return rank -- of its app, which is held
	end
	local of_own = not aside and is_held('tenant:' .. own_tenant)
	local before = places_of(root, of_own)[app .. ' ' .. rank] or most + 1
	return (aside or of_own) and before or before + math.min(before + 1, count_begun)
end

local answer = {}
local function hold_of(name, action, aside)
	local app, workflow = name:match('^([^:]*):([^:]*):')
	local why = why_paused('tenant', own_tenant) or why_paused('workflow', workflow) or
		why_paused('provider', action:match('^[^.]*'))
	if why then
		return 'paused', why
	end
	for _, what in ipairs({ 'app:' .. own_tenant .. ':' .. app, 'tenant:' .. own_tenant, aside }) do
		why = redis.pcall('HGET', holds, what)
		if type(why) == 'string' then
			return 'turn', why
		end
	end
	return '', ''
end

for name, action in arg.runs:gmatch('(%S+) (%S+)') do
	local aside = redis.pcall('HGET', of_tenant .. name, 'aside')
	aside = type(aside) == 'string' and aside or nil
	local before = count_before(name, aside)
	answer[#answer + 1] = math.min(before, most + 1)
	answer[#answer + 1], answer[#answer + 2] = hold_of(name, action, aside)
end
return answer
