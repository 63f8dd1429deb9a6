-- The arguments by name: the caller gives pairs of name and value. A name that it did not give is an error. From a name
-- `write` on they are of one of several writes, or wishes (work.lua, trigger.lua): what stands before the first of them
-- is given to all.
local NOT_GIVEN = { __index = function(_, name)
	error('the script was not given ' .. name)
end }

local arg, writes
each_call(function()
	arg, writes = setmetatable({}, NOT_GIVEN), {}
	local list, given, given_to_all = ARGV, arg, { __index = arg }
	for i = 1, #list, 2 do
		local name = list[i]
		if name == 'write' then
			given = setmetatable({}, given_to_all)
			writes[#writes + 1] = given
		end
		given[name] = list[i + 1]
	end
end)
