--- @include run
-- How sentences for people name steps and deployments.

-- As people say it: app.workflow.step, and app.workflow for its deployment.
local function readable_of_any(name)
	return (name:gsub(':_deployment$', ''):gsub(':', '.'))
end

-- The same, but the step alone within its workflow.
local function readable(name)
	local _, own = own_names()
	if name:sub(1, #own) == own then
		return name:sub(#own + 1)
	end
	return readable_of_any(name)
end

local function readable_list(names)
	local list = {}
	for i, name in ipairs(names) do
		list[i] = readable(name)
	end
	return table.concat(list, ', ')
end
