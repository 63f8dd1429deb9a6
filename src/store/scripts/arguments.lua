-- The arguments by name: the caller gives names in one word, with blanks between, and then their values in this order;
-- a name with a `=` behind it has none, and is ''. A name that it did not give is an error. Each further word of names,
-- which begins with `write`, is of one of several writes, or wishes (work.lua, trigger.lua): what stands before the
-- first of them is given to all. Each word of a call has its price, so there are no names between values.
local NOT_GIVEN = { __index = function(_, name)
	error('the script was not given ' .. name)
end }

-- With room for all names that a write of a worker has: a table that knows its size takes half the time to fill.
local function new_write(given_to_all)
	return setmetatable({ write = nil, name = nil, token = nil, checkpoint = nil, status = nil, output = nil,
		gives = nil, error = nil, reason = nil, lines = nil }, given_to_all)
end

local arg, writes
each_call(function()
	arg, writes = setmetatable({}, NOT_GIVEN), {}
	local list, given, given_to_all, at = ARGV, arg, { __index = arg }, 1
	while list[at] do
		local names = names_in(list[at])
		local empty = names.empty
		if names[1] == 'write' or empty[1] == 'write' then
			given = new_write(given_to_all)
			writes[#writes + 1] = given
		end
		for i = 1, #names do
			given[names[i]] = list[at + i]
		end
		for i = 1, #empty do
			given[empty[i]] = ''
		end
		at = at + #names + 1
	end
end)
