-- Two builds may give a step other outputs: a need that has not what is used of it is as good as not done.

-- Whether the output, which is JSON, has a member of each of these names.
local function has_members(output, names)
	for name in names:gmatch('%S+') do
		if not output:find('"' .. name .. '":', 1, true) then
			return false
		end
	end
	return true
end

-- Whether the output shows by itself which names it has: it has these, and no object within it that could have others.
-- Then nobody need keep them.
local function shows_outputs(output, names)
	return has_members(output, names) and not output:find('{', 2, true)
end

-- Whether a need that has outputs of these names has those that are used. Names are between blanks; false or nil: its
-- output shows them.
local function has_outputs(names, used, output)
	if not names then
		return has_members(output or '', used)
	end
	for name in used:gmatch('%S+') do
		if not names:find(' ' .. name .. ' ', 1, true) then
			return false
		end
	end
	return true
end
