--- @include transitions
-- Steps end that belong to a deployment: what has not begun ends here, what executes is ended by its worker, within
-- seconds. The arguments unbegun and begun are what they end with: error JSON for a run that never began, and for one
-- that did.

local function words_of(text)
	local words = {}
	for word in (text or ''):gmatch('%S+') do
		words[#words + 1] = word
	end
	return words
end

-- Gives how many of the steps were live, and whether one executes still. What a hand has made something else is passed
-- over, and counts as failed: a cancel always works.
local function stop_steps(of_workflow, steps)
	local live_ones, executing = 0, false

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

	-- Backwards: what needs another has ended before that has failed.
	for i = #steps, 1, -1 do
		as_run(of_workflow .. steps[i], stop_step)
	end
	return live_ones, executing
end
