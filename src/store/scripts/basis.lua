--- @include run
--- @include uses

-- What the run needs, whose hashes are more_keys: numbers of those that are not done, the outputs, and the mark by
-- which a result that is made of what they give is known. uses has for each need the names of its outputs
-- that are used, ended by `;`: one that has other outputs is as good as not done.
local function read_needs(uses)
	local missing, outputs, given = {}, {}, {}
	local line = uses:gmatch('([^;]*);')
	for i, key in ipairs(more_keys) do
		local need = redis.call('HMGET', key, 'status', 'output', 'removed', 'gives', 'outputs')
		if need[1] ~= 'done' or need[3] or not has_outputs(need[5], line() or '') then
			missing[#missing + 1] = i
		end
		outputs[#outputs + 1], given[#given + 1] = need[2] or '', need[4] or ''
	end
	return missing, outputs, redis.sha1hex(table.concat(given, '\n'))
end
