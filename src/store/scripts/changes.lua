--- @include gathered
--- @include run
-- Tells those that wait for a change of an app: slipway-api holds their requests, and reads this stream while it holds
-- any (see store/changes.h). An app stands there once a script, as a script is one change to everybody else.
local CHANGES_KEPT = '1000' -- store/changes.c counts on it

local changes, told_of
local tells -- how the command goes on behind its name
each_call(function()
	changes, told_of = of_partition .. 'changes', {}
	tells = changes .. ' MAXLEN ~ ' .. CHANGES_KEPT .. ' *'
end)

-- Its name, which the caller is to tell; nil: it has been told.
local function untold(app)
	local name = run_tenant .. ':' .. app
	if told_of[name] then
		return nil
	end
	told_of[name] = true
	return name
end

-- Nobody's run is to suffer from what somebody has done to the stream: who waits looks by himself in the end. The words
-- are an `a` before each name.
local function tell_all_waiting(words)
	redis.pcall('XADD', changes, 'MAXLEN', '~', CHANGES_KEPT, '*', unpack(words))
end

local function tell_waiting(app)
	local name = untold(app)
	if name and gathered then
		gather('XADD', tells, 'a', name)
	elseif name then
		tell_all_waiting({ 'a', name })
	end
end
