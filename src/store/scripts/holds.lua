--- @include clock
--- @include ready
-- What holds runs on the queue: somebody has paused what they are of, or as many are being run as a limit allows. It is
-- named tenant:<tenant>, app:<tenant>:<app>, action:<action>, workflow:<workflow> or provider:<provider>. A tenant, or
-- an app, that is held takes no part in the turns meanwhile. A run that is held by one of the others goes from its lane
-- to those of what holds it (ready.lua): so it is in nobody's way, and costs nothing until that may go on.
--
--   paused   hash: what -> JSON {by, at, reason}
--   running  hash: what -> how many of it are being run
--   held     zset: what, by when it is looked at again
--   holds    hash: what -> why, for people
--   waits:<what>  zset: runs that were begun and that a limit holds, since when; what is not so any more is passed over
--   behind:<tenant or app>  hash, by name: what else holds runs of it that could go on otherwise
local HELD_MS = 1000
local WAITS_KEPT_MS = 3600000
local WAKES_MAX = 8 -- runs that are looked at where a limit is free again

local function waits_of(what)
	return of_partition .. 'waits:' .. what
end

local function put_waiting(what, name)
	redis.call('ZADD', waits_of(what), 'NX', now, name)
	redis.call('PEXPIRE', waits_of(what), WAITS_KEPT_MS)
end

local paused, running, held, holds
each_call(function()
	paused, running = of_partition .. 'paused', of_partition .. 'running'
	held, holds = of_partition .. 'held', of_partition .. 'holds'
end)

-- Who has paused something and why, as a sentence; nil where nobody has.
local function why_paused(kind, name)
	local text = redis.pcall('HGET', paused, kind .. ':' .. name)
	if type(text) ~= 'string' then
		return nil
	end
	local fine, known = pcall(cjson.decode, text)
	known = fine and type(known) == 'table' and known or {}
	return ("the %s '%s' is paused by %s since %s: %s"):format(kind, name, tostring(known.by or 'somebody'),
		tostring(known.at or 'some time'), tostring(known.reason or 'no reason was given'))
end

-- It may hold nothing any more: whoever takes runs next looks at it. Gives whether it held anything.
local function look_again(what)
	return stands(held, what) and type(redis.pcall('ZADD', held, 'XX', 0, what)) == 'number'
end

-- One that was counted is being run no longer: what that has held may go on.
local function uncount(counted)
	local frees = false
	for what in counted:gmatch('%S+') do
		local left = redis.pcall('HINCRBY', running, what, -1)
		if type(left) == 'number' and left <= 0 then
			redis.call('HDEL', running, what)
		end
		frees = look_again(what) or frees
	end
	if frees then
		ring(BELLS_MAX)
	end
end
