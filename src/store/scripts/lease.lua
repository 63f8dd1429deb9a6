--- @include run
--- @include transitions
-- How a worker's right to a run is checked: no write of one goes past this.

-- Whether the caller's lease is the current one. Every write of a worker asks this first.
local function held(token)
	return get('status') == 'running' and get('lease') == token
end

-- What to answer at once to a worker that wants the run to go on: it has lost its lease, or the run was to end and now
-- has. Nothing: go on.
local function turned_away(token)
	if not held(token) then
		return { 'lost' }
	end
	return ended_by_cancel() and told('written')
end
