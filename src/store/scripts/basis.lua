--- @include run
-- What the run needs, whose hashes are more_keys: numbers of those that are not done, the outputs, and the mark by
-- which a result that is made of what they give is known.
local function read_needs()
	local missing, outputs, given = {}, {}, {}
	for i, key in ipairs(more_keys) do
		local need = redis.call('HMGET', key, 'status', 'output', 'removed', 'gives')
		if need[1] ~= 'done' or need[3] then
			missing[#missing + 1] = i
		end
		outputs[#outputs + 1], given[#given + 1] = need[2] or '', need[4] or ''
	end
	return missing, outputs, redis.sha1hex(table.concat(given, '\n'))
end
