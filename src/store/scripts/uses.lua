-- Two builds may give a step other outputs: a need that has not what is used of it is as good as not done.

-- Whether a need that has outputs of these names has those that are used. Names are between blanks; false or nil: not
-- known, and taken as all there.
local function has_outputs(names, used)
	for name in used:gmatch('%S+') do
		if names and not names:find(' ' .. name .. ' ', 1, true) then
			return false
		end
	end
	return true
end
