--- @include run
--- @include transitions
-- How a worker's right to a run is checked: no write of one goes past this.

local WRITES = {} -- kind -> does it to the run, with the arguments of one write; gives what to answer

local function is_held(status, lease, token)
	return status == 'running' and lease == token
end

-- Whether the caller's lease is the current one. Every write of a worker asks this first.
local function is_held_by(token)
	local was = redis.call('HMGET', run, 'status', 'lease')
	return is_held(was[1], was[2], token)
end

-- What to answer at once to a worker that wants the run to go on: it has lost its lease, or the run was to end and now
-- has. Nothing: go on.
local function turned_away(token)
	if not is_held_by(token) then
		return { 'lost' }
	end
	return ended_by_cancel() and told('written')
end
