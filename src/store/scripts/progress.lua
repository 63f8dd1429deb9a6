#!lua flags=allow-oom
--- @include arguments
--- @include lease
--- @include retention
--- @include transitions
-- executing -> executing: stores the checkpoint, a row of the ledger, or a line of the log. Where a row goes, or is of
-- another thing from now on, the steps that are done with the thing that it was of get the mark `removed`.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   token         of the lease
--   checkpoint    '': as it is
--   field, value  a row of the ledger ('': none); a field without a value is taken out
--   replaces      '1' where the row is of another thing than the one that stands there
--   log           a line ('': none)
-- Returns {word}: written, lost.

local field, value = arg.field, arg.value
local of_app = ledger:sub(1, -#'ledger' - 1)
local makers = of_app .. 'makers' -- field of the ledger -> "workflow:step=run " of each step that wrote it

-- Calls back with each step that wrote the row, and its run.
local function each_maker(call)
	for step, id in (redis.call('HGET', makers, field) or ''):gmatch('(%S+)=(%S+) ') do
		call(step, id)
	end
end

local function remember_maker()
	local me, all = get('workflow') .. ':' .. get('action'), ''
	each_maker(function(step, id)
		if step ~= me then
			all = all .. step .. '=' .. id .. ' '
		end
	end)
	redis.call('HSET', makers, field, all .. me .. '=' .. get('run') .. ' ')
end

-- The run that has made a result may be an earlier one than that which keeps it, or waits to.
local function mark_makers()
	each_maker(function(step, id)
		local found = redis.call('HMGET', of_app .. step, 'run', 'status', 'kept_run')
		if (found[3] or found[1]) == id and found[2] == 'done' then
			redis.call('HSET', of_app .. step, 'removed', now, 'changed_at', now)
			redis.call('HINCRBY', of_app .. step, 'version', 1)
			tell_users(get('app') .. ':' .. step)
		elseif found[3] == id then
			redis.call('HDEL', of_app .. step, 'kept_output', 'kept_gives', 'kept_basis', 'kept_run')
		end
	end)
	redis.call('HDEL', makers, field)
end

if not held(arg.token) then
	return { 'lost' }
end
if field ~= '' then
	redis.call('HLEN', ledger)
	redis.call('HLEN', makers)
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
	note('log', arg.log, seconds_kept())
end
return { 'written' }
