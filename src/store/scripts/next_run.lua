--- @include row
-- Who is next on the queue. What it gives stands on the queue no longer.

-- Who has used up the looks of a call, at runs that all went aside, has had a turn: others do not wait for all of them.
function TURN.count_pass(turn)
	taking.passes = taking.passes + 1
	if taking.passes >= MOST.passes and turn.app then
		TURN.put_turn_behind(turn)
	end
end

function TURN.next_new()
	while taking.passes < MOST.passes do
		local turn = TURN.next_in_row() or TURN.begin_row(TURN.next_turn())
		if not turn then
			return nil
		end
		local step = TURN.serve(turn)
		if step then
			return turn.tenant, turn.app .. ':' .. step
		end
		TURN.count_pass(turn)
	end
end

function TURN.next_begun()
	local name = not nobody_begun and redis.call('ZPOPMIN', begun)[1]
	if name then
		return name:match('^([^:]*):?(.*)$')
	end
	nobody_begun = true
end

-- Takes a run off the queue: tenant, name, and whether it had begun before. Those that have go first, but a new one is
-- every second one at least: else more of them than workers can handle would keep new ones from ever starting.
local function next_run(after_begun)
	local tenant, name
	if after_begun then
		tenant, name = TURN.next_new()
	end
	if not tenant then
		tenant, name = TURN.next_begun()
		if tenant then
			return tenant, name, true
		end
		tenant, name = TURN.next_new()
	end
	return tenant, name, false
end

-- Others may take what is left, or find more than one call looks at; where nothing is, no bell is to wake anybody.
local function ring_again(found_all)
	TURN.end_row()
	local nothing_left = not found_all and taking.passes < MOST.passes
	local places = { begun }
	for i, source in ipairs(taking.sources) do
		places[i + 1] = source.root
	end
	if not nothing_left and redis.call('EXISTS', unpack(places)) > 0 then
		ring(1)
	elseif nothing_left and redis.call('EXISTS', bell) == 1 then
		redis.call('DEL', bell)
	end
end
