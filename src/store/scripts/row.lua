--- @include serve
-- Turns that are looked up at once. Where one tenant alone has runs, and nothing holds any, the apps that are next are
-- looked up for all runs that are wanted; and what becomes of their turns is asked once, behind the last of them. Till
-- then their names stand where they stood. Of four commands for each run, that leaves less than one.

-- Such a turn may be the first of several. `served` are those that had a run, with their lanes.
function TURN.begin_row(turn)
	local is_alone = turn and #taking.sources == 1 and not anything_holds and not turn.others
	if is_alone and turn.other_apps and taking.wanted > 1 then
		local apps = redis.call('ZRANGE', turn.lanes, '1', word_of(taking.wanted - 1))
		taking.row = { first = turn, apps = apps, at = 0, served = {}, lanes = {} }
	end
	return turn
end

-- The turn behind the last one; nil: it is to be looked up.
function TURN.next_in_row()
	local row = taking.row
	local app = row and row.apps[row.at + 1]
	if not app then
		return TURN.end_row()
	end
	row.at = row.at + 1
	return { source = row.first.source, root = row.first.root, tenant = row.first.tenant, lanes = row.first.lanes,
		app = app, other_apps = true }
end

function TURN.add_to_row(turn)
	local count = #taking.row.served + 1
	taking.row.served[count], taking.row.lanes[count] = turn.app, turn.lanes .. ':' .. turn.app
end

-- Mostly no app that was served has any runs left.
function TURN.end_row()
	local row = taking.row
	taking.row = nil
	if not row or not row.served[1] then
		return
	end
	local first = row.first
	if redis.call('EXISTS', unpack(row.lanes)) == 0 then
		redis.call('ZREM', first.lanes, unpack(row.served))
	else
		for _, app in ipairs(row.served) do
			TURN.end_turn({ root = first.root, tenant = first.tenant, lanes = first.lanes, app = app,
				other_apps = true }, true)
		end
	end
	if not SOURCE.exists(first.lanes) then
		redis.call('ZREM', first.root, first.tenant)
	end
end
