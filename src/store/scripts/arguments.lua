-- The arguments by name: the caller gives pairs of name and value. A name that it did not give is an error.
local arg = setmetatable({}, { __index = function(_, name)
	error('the script was not given ' .. name)
end })
for i = 1, #ARGV, 2 do
	arg[ARGV[i]] = ARGV[i + 1]
end
