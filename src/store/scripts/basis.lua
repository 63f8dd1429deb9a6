--- @include run
--- @include results
--- @include uses

-- What the run needs, whose hashes are these keys: numbers of those that are not done, the output and `gives` of each,
-- and the mark by which a result that is made of what they give is known. uses has for each need the names of its
-- outputs that are used, ended by `;`: one that has other outputs is as good as not done.
local function read_needs(keys, uses)
	local missing, outputs, given = {}, {}, {}
	local line = uses:gmatch('([^;]*);')
	for i, key in ipairs(keys) do
		local need = redis.call('HMGET', key, 'status', 'output', 'removed', 'gives', 'outputs')
		if need[1] ~= 'done' or need[3] or not has_outputs(need[5], line() or '', need[2]) then
			missing[#missing + 1] = i
		end
		outputs[#outputs + 1], outputs[#outputs + 2] = need[2] or '', need[4] or ''
		given[#given + 1] = (need[4] or ''):match('^%S*')
	end
	return missing, outputs, basis_of(given)
end
