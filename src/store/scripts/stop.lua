#!lua flags=allow-oom
--- @include arguments
--- @include transitions
-- running, error -> error: somebody ends a deployment. What has not begun ends here; what executes is ended by its
-- worker, within seconds, and the deployment with the last of it.
--
-- KEYS: of a run (run.lua), whose step is `_deployment`: its hash is that of the deployment.
-- Arguments:
--   app, workflow  of the deployment
--   deployment     its id ('': whichever is the last one)
--   unbegun        error JSON for a run that never began
--   begun          error JSON for one that did
-- Returns {word, now, hash of the deployment as a flat list}: cancelled, cancelling (a step executes still), nothing
-- (none was live), other (the last one has another id).

local of_workflow = arg.app .. ':' .. arg.workflow .. ':'
local deployment = run
local id, status, steps = unpack(redis.call('HMGET', deployment, 'deployment', 'status', 'steps'))

local function answer(word)
	return { word, now, redis.call('HGETALL', deployment) }
end

if arg.deployment ~= '' and id ~= arg.deployment then
	return answer('other')
end
if not id or status == 'done' then
	return answer('nothing')
end

-- Backwards: what needs another has ended before that has failed.
local names, live_ones, executing = {}, 0, false
for step in (steps or ''):gmatch('%S+') do
	table.insert(names, 1, step)
end
redis.call('HSET', deployment, 'cancel', 1)
settles = false
for _, step in ipairs(names) do
	as_run(of_workflow .. step, function()
		if get('status') ~= 'running' then
			return
		end
		live_ones = live_ones + 1
		local problem = get('started_at') and arg.begun or arg.unbegun
		if get('phase') ~= 'executing' then
			return finish('error', '{}', problem, '')
		end
		executing = true
		if not get('cancel') then
			set('cancel', problem)
			changed('cancelling')
		end
	end)
end
if live_ones == 0 then
	redis.call('HDEL', deployment, 'cancel')
	return answer('nothing')
end
redis.call('HSET', deployment, 'changed_at', now)
if status == 'error' then
	redis.call('HSET', deployment, 'reason', 'cancelled')
end
redis.call('HINCRBY', deployment, 'version', 1)
settles = true
settle(of_workflow)
return answer(executing and 'cancelling' or 'cancelled')
