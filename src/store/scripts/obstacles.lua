--- @include budget
--- @include ring
-- What may be in the way of a deployment that is to be started or retried: see start.lua.

-- Steps with another input than asked for: all of them, or those that cannot be changed any more. What is being
-- cancelled will not be done.
local function differing_steps(steps, of_workflow, only_begun)
	local names = {}
	for _, step in ipairs(steps) do
		local found = redis.call('HMGET', of_tenant .. of_workflow .. step.step, 'status', 'digest', 'phase',
			'started_at', 'cancel')
		local replaceable = only_begun and found[3] == 'blocked' and not found[4]
		if found[1] == 'running' and (found[5] or found[2] ~= step.digest and not replaceable) or
			not only_begun and found[2] ~= step.digest then
			names[#names + 1] = step.step
		end
	end
	return names
end

-- What each step waits for that is to be made. One that is done and stays so needs only what is done: it is part of no
-- ring, whether it is made or not.
local function waits_of_all(steps, of_workflow)
	local waits, all = {}, {}
	for _, step in ipairs(steps) do
		local name = of_workflow .. step.step
		local found = redis.call('HMGET', of_tenant .. name, 'status', 'phase', 'started_at')
		if found[1] ~= 'running' or found[2] == 'blocked' and not found[3] then
			waits[name] = step.needs
		end
		all[#all + 1] = name
	end
	waits[of_workflow .. '_deployment'] = table.concat(all, ' ')
	return waits
end

-- How much of the tenant's budgets they take. A step that runs is joined, or makes room for the one in its place; each
-- other one may be made anew.
local function more_of_budgets(steps, of_workflow)
	local live = 0
	for _, step in ipairs(next(budgets) and steps or {}) do
		if redis.call('HGET', of_tenant .. of_workflow .. step.step, 'status') ~= 'running' then
			live = live + 1
		end
	end
	return { live = live, starts = 1, bytes = #arg.steps + #arg.inputs + #arg.configured + #steps * RUN_BYTES }
end
