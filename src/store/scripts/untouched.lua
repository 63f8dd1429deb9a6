--- @include place
-- Whether a deployment that is done still stands: what start.lua asks before it retries one.

-- A step that would be made anew: it is stale or removed, somebody has run it with something else, or runs it now. That
-- a deployment which came before runs again changes nothing: what is done has been done after it.
local function is_as_made(step)
	local status, digest, definition = unpack(redis.call('HMGET', run, 'status', 'digest', 'definition'))
	if status ~= 'done' or not is_result_of(digest, step.digest) or definition ~= step.definition then
		return false
	end
	local result = read_result()
	local missing, _, _, basis = look_at_needs(without_order(step.needs), step.uses)
	return result and #missing == 0 and is_made_of(result.basis, basis)
end

local function is_untouched(steps, of_workflow)
	local untouched = true
	for _, step in ipairs(steps) do
		as_run(of_workflow .. step.step, function()
			untouched = untouched and is_as_made(step)
		end)
	end
	return untouched
end
