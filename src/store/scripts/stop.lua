#!lua flags=allow-oom
--- @include arguments
--- @include stopping
-- running, error -> error: somebody ends a deployment. What has not begun ends here; what executes is ended by its
-- worker, within seconds, and the deployment with the last of it. Where a hand has deleted that, its steps end.
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
if status == 'done' then
	return answer('nothing')
end

local live_ones, executing

-- The steps of a deployment that is gone; what somebody triggered by itself is part of none.
local function steps_left()
	local names = redis.pcall('HKEYS', ledger:sub(1, -#'ledger' - 1) .. 'steps')
	local left = {}
	for _, name in ipairs(names.err and {} or names) do
		local workflow, step = name:match('^([^:]*):([^:]*)$')
		local part_of = redis.pcall('HGET', of_tenant .. arg.app .. ':' .. name, 'deployment')
		if workflow == arg.workflow and type(part_of) == 'string' then
			left[#left + 1] = step
		end
	end
	table.sort(left)
	return left
end

if not id then
	change_steps(of_workflow, function()
		live_ones, executing = stop_steps(of_workflow, steps_left())
	end)
	return answer(live_ones == 0 and 'nothing' or executing and 'cancelling' or 'cancelled')
end
change_steps(of_workflow, function()
	live_ones, executing = stop_steps(of_workflow, words_of(steps))
	if live_ones == 0 then
		return
	end
	-- With the last step that goes on by itself, it has ended; what is blocked may be left.
	redis.call('HSET', deployment, 'changed_at', now, unpack(status == 'error' and { 'reason', 'cancelled' } or
		{ 'cancel', 1 }))
	redis.call('HINCRBY', deployment, 'version', 1)
	tell_waiting(arg.app) -- a cancel that comes again may change no step
end)
if live_ones == 0 then
	return answer('nothing')
end
-- It had ended already: that it was cancelled then is not told by its end.
if status == 'error' then
	local seconds = seconds_of_deployment(deployment)
	expire_not_before(deployment, seconds)
	record_deployment(deployment, seconds)
end
return answer(executing and 'cancelling' or 'cancelled')
