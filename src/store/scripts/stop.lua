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
-- What a hand has made something else is passed over, and counts as failed: a cancel always works.
local function stop_step()
	if redis.pcall('HGET', run, 'status') ~= 'running' then
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
end

change_steps(of_workflow, function()
	for _, step in ipairs(names) do
		as_run(of_workflow .. step, stop_step)
	end
	if live_ones == 0 then
		return
	end
	-- With the last step that goes on by itself, it has ended; what is blocked may be left.
	redis.call('HSET', deployment, 'changed_at', now, unpack(status == 'error' and { 'reason', 'cancelled' } or
		{ 'cancel', 1 }))
	redis.call('HINCRBY', deployment, 'version', 1)
end)
if live_ones == 0 then
	return answer('nothing')
end
return answer(executing and 'cancelling' or 'cancelled')
