--- @include arguments
--- @include lease
--- @include retention
--- @include transitions
-- executing -> executing: stores the checkpoint, a row of the ledger, or a line of the log. Where a row goes, or is of
-- another thing from now on, the steps that are done with the thing that it was of get the mark `removed`.
--
-- Arguments of the write:
--   token         of the lease
--   checkpoint    '': as it is
--   field, value  a row of the ledger ('': none); a field without a value is taken out
--   replaces      '1' where the row is of another thing than the one that stands there
--   log           a line ('': none)
-- Gives {word}: written, lost.

-- Field of the ledger -> "workflow:step=run " of each step that wrote it.
local function key_of_makers()
	return ledger:sub(1, -#'ledger' - 1) .. 'makers'
end

-- Calls back with each step that wrote the row, and its run.
local function each_maker(call)
	for step, id in (redis.call('HGET', key_of_makers(), arg.field) or ''):gmatch('(%S+)=(%S+) ') do
		call(step, id)
	end
end

local function remember_maker()
	local _, _, me = place_of_run()
	local all = ''
	each_maker(function(step, id)
		if step ~= me then
			all = all .. step .. '=' .. id .. ' '
		end
	end)
	redis.call('HSET', key_of_makers(), arg.field, all .. me .. '=' .. get('run') .. ' ')
end

-- The run that has made a result may be an earlier one than that which keeps it, or waits to.
local function mark_makers()
	local of_app = ledger:sub(1, -#'ledger' - 1)
	each_maker(function(step, id)
		local found = redis.pcall('HMGET', of_app .. step, 'run', 'status', 'kept_run', 'version')
		if found.err then
			return -- a key that a hand has broken is no step's
		elseif (found[3] or found[1]) == id and found[2] == 'done' then
			redis.call('HSET', of_app .. step, 'removed', now, 'changed_at', now, 'version',
				version_after(found[4]))
			tell_users(names_of(own_name()) .. ':' .. step)
		elseif found[3] == id then
			redis.call('HDEL', of_app .. step, 'kept_output', 'kept_gives', 'kept_basis', 'kept_run')
		end
	end)
	redis.call('HDEL', key_of_makers(), arg.field)
end

function WRITES.progress()
	local field, value = arg.field, arg.value
	if not is_held_by(arg.token) then
		return { 'lost' }
	end
	if field ~= '' then
		redis.call('HLEN', ledger)
		redis.call('HLEN', key_of_makers())
	end
	set_unless_empty('checkpoint', arg.checkpoint)
	if field ~= '' and value ~= '' then
		if arg.replaces == '1' then
			mark_makers()
		end
		remember_maker()
		redis.call('HSET', ledger, field, value)
		changed('owns', field)
	elseif field ~= '' and redis.call('HDEL', ledger, field) == 1 then
		mark_makers()
		changed('removed', field)
	end
	if arg.log ~= '' then
		note('log', arg.log)
	end
	return { 'written' }
end
