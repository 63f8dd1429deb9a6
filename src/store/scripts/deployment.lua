--- @include changes
--- @include clock
--- @include events
--- @include history
--- @include run
-- The deployment of a workflow is what its steps are: it is settled whenever one of them changes.

local suspended -- the workflow of which a script changes many steps: it is settled once, at the end (dependants.lua)
each_call(function()
	suspended = nil
end)

local function deployment_key(app, workflow)
	return of_tenant .. app .. ':' .. workflow .. ':_deployment'
end

-- What has become of the steps: whether one is live, and goes on without anybody's help; whether one has failed, or
-- waits for one that has, of whichever app. A step that somebody has run by itself, with another input, does not do
-- what the deployment was asked for.
local function look_at_steps(of_workflow, steps, id)
	local open, failed = false, false
	for step in steps:gmatch('%S+') do
		local found = redis.pcall('HMGET', of_tenant .. of_workflow .. step, 'status', 'reason', 'deployment')
		local status, reason, deployment = unpack(found.err and {} or found)
		if deployment ~= id then
			failed = true
		elseif status == 'running' and reason == 'need_failed' then
			failed = true
		elseif status == 'running' then
			open = true
		elseif status ~= 'done' then
			failed = true
		end
	end
	return open, failed
end

-- The status that the steps of a deployment give it.
local function what_steps_say(of_workflow, steps, id)
	local open, failed = look_at_steps(of_workflow, steps or '', id)
	return open and 'running' or failed and 'error' or 'done'
end

-- For how many seconds to keep a deployment that has ended.
local function seconds_of_deployment(key)
	return math.max(tonumber(redis.call('HGET', key, 'retention') or 0) or 0, RETENTION_LEAST)
end

-- running <-> error, and either -> done, by what its steps are. Gives whether it has changed. A deployment that is done
-- never changes again.
local function settle(of_workflow)
	if of_workflow == suspended then
		return false
	end
	local key = of_tenant .. of_workflow .. '_deployment'
	local found = redis.pcall('HMGET', key, 'status', 'steps', 'cancel', 'deployment')
	local status, steps, cancel, id = unpack(found.err and {} or found)
	if status ~= 'running' and status ~= 'error' then
		return false
	end
	local word = what_steps_say(of_workflow, steps, id)
	if word == status then
		return false
	end
	local seconds = seconds_of_deployment(key)
	redis.call('HSET', key, 'status', word, 'changed_at', now, 'version',
		version_after(redis.call('HGET', key, 'version')))
	expire_not_before(key, seconds)
	tell_waiting(of_workflow:match('^[^:]*'))
	redis.call('HDEL', key, 'finished_at', 'reason')
	if word == 'running' then
		forget_end(key)
	else
		redis.call('HSET', key, 'finished_at', now)
		if word == 'error' and cancel then
			redis.call('HSET', key, 'reason', 'cancelled')
		end
		-- Whoever goes on with a step later does not go on with the cancel.
		redis.call('HDEL', key, 'cancel')
		record_deployment(key, seconds)
	end
	add_event('deployment', of_workflow:match(':([^:]*):$'), word)
	expire_not_before(events, seconds)
	return true
end
