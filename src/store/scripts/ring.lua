--- @include dependants
-- Runs that would wait for one another for ever are refused before they are made. A ring is known once the last of its
-- runs is to be made: all others stand there blocked, with the names of what they need.
local RING_VISITS = 256
local RING_NAMES = 16 -- of a longer one the middle is left out

-- What a run, or a deployment, waits for, or may wait for again: each attempt of a run begins with what it needs, but
-- only the first with deployments that come before. One that is done or was never started waits for nothing.
local function waits_for(name)
	local found = redis.pcall('HMGET', of_tenant .. name, 'status', 'needs', 'started_at', 'steps')
	local status, needs, begun, steps = unpack(found.err and {} or found)
	local of_workflow = name:match('^(.*:)_deployment$')

	if of_workflow and (status == 'running' or status == 'error') then
		return ((steps or ''):gsub('%S+', of_workflow .. '%0'))
	end
	if status ~= 'running' or not needs then
		return ''
	end
	return begun and needs:gsub('%S+:_deployment', '') or needs
end

-- As people say it, from one that is to be made round to itself.
local function show_ring(ring, made)
	local first, names = 1, {}
	for i, name in ipairs(ring) do
		if made[name] and not made[ring[first]] then
			first = i
		end
	end
	for i = 0, #ring do
		local left_out = #ring > RING_NAMES and i > RING_NAMES / 2 and i < #ring - RING_NAMES / 2
		if not left_out then
			names[#names + 1] = readable_of_any(ring[(first - 1 + i) % #ring + 1])
		elseif names[#names] ~= '...' then
			names[#names + 1] = '...'
		end
	end
	return names
end

-- The names around a ring that the runs that are to be made would close, or nil. `made` has what each of them waits
-- for, by its name. Where there is too much to look at, nothing is refused: a ring says itself what it waits for.
local function find_ring(made)
	local path, place, finished, visits = {}, {}, {}, 0

	-- From a name that stands on the path already, round to itself; nil where none of it is to be made.
	local function ring_from(name)
		for i = place[name], #path do
			if made[path[i]] then
				return { unpack(path, place[name]) }
			end
		end
		return nil
	end

	local function visit(name)
		if place[name] then
			return ring_from(name)
		end
		if finished[name] or visits == RING_VISITS then
			return nil
		end
		visits = visits + 1
		path[#path + 1] = name
		place[name] = #path
		for need in (made[name] or waits_for(name)):gmatch('%S+') do
			local ring = visit(need)
			if ring then
				return ring
			end
		end
		path[#path], place[name] = nil, nil
		finished[name] = true
		return nil
	end

	for name in pairs(made) do
		local ring = visit(name)
		if ring then
			return show_ring(ring, made)
		end
	end
	return nil
end
