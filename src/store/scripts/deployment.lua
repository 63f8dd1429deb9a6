--- @include clock
--- @include history
--- @include run
-- The deployment of a workflow is what its steps are: it is settled whenever one of them changes.

local settles = true -- a script that changes many steps of one deployment settles it once, at its end

local function deployment_key(app, workflow)
	return of_tenant .. app .. ':' .. workflow .. ':_deployment'
end

-- What has become of the steps: whether one is live, and goes on without anybody's help; whether one has failed.
local function look_at_steps(of_workflow, steps)
	local open, failed = false, false
	for step in steps:gmatch('%S+') do
		local found = redis.pcall('HMGET', of_tenant .. of_workflow .. step, 'status', 'reason', 'failed_need')
		local status, reason, need = unpack(found.err and {} or found)
		local own = (need or ''):sub(1, #of_workflow) == of_workflow
		if status == 'running' and reason == 'need_failed' and own then
			failed = true
		elseif status == 'running' then
			open = true
		elseif status ~= 'done' then
			failed = true
		end
	end
	return open, failed
end

-- running <-> error, and either -> done, by what its steps are. Gives whether it has changed. A deployment that is done
-- never changes again.
local function settle(of_workflow)
	if not settles then
		return false
	end
	local key = of_tenant .. of_workflow .. '_deployment'
	local found = redis.pcall('HMGET', key, 'status', 'steps', 'cancel', 'retention')
	local status, steps, cancel, retention = unpack(found.err and {} or found)
	if status ~= 'running' and status ~= 'error' then
		return false
	end
	local open, failed = look_at_steps(of_workflow, steps or '')
	local word = open and 'running' or failed and 'error' or 'done'
	if word == status then
		return false
	end
	redis.call('HSET', key, 'status', word, 'changed_at', now)
	redis.call('HINCRBY', key, 'version', 1)
	redis.call('HDEL', key, 'finished_at', 'reason')
	if word ~= 'running' then
		redis.call('HSET', key, 'finished_at', now)
		if word == 'error' and cancel then
			redis.call('HSET', key, 'reason', 'cancelled')
		end
		record_deployment(key, math.max(tonumber(retention or 0) or 0, RETENTION_LEAST))
	end
	redis.pcall('XADD', events, 'MAXLEN', '~', EVENTS_KEPT, '*', 'workflow', of_workflow:match(':([^:]*):$'),
		'event', 'deployment', 'detail', word)
	return true
end
