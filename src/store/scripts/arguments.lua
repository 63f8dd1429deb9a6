-- The arguments by name: the caller gives pairs of name and value. A name that it did not give is an error. From a name
-- `write` on they are of one of several writes, or wishes (work.lua, trigger.lua): what stands before the first of them
-- is given to all.
local NOT_GIVEN = { __index = function(_, name)
	error('the script was not given ' .. name)
end }

local arg, writes
each_call(function()
	arg, writes = setmetatable({}, NOT_GIVEN), {}
	local given, given_to_all = arg, { __index = arg }
	for i = 1, #ARGV, 2 do
		if ARGV[i] == 'write' then
			given = setmetatable({}, given_to_all)
			writes[#writes + 1] = given
		end
		given[ARGV[i]] = ARGV[i + 1]
	end
end)
