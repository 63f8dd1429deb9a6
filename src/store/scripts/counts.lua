--- @include run
-- Where it stands what tenants use of their budgets (budget.lua), and how it is counted.

local function key_of_tenant(what, tenant)
	return of_partition .. 'tenant:' .. (tenant or run_tenant) .. ':' .. what
end

-- Gives what is counted then. What a hand has made no number, or no hash, is to stop nothing that is being made or
-- ends: a number is begun anew, by the least that there is.
local function add_to_count(key, field, by)
	local sum = redis.pcall('HINCRBY', key, field, by)
	if type(sum) == 'number' then
		return sum
	end
	redis.pcall('HSET', key, field, math.max(by, 0))
	return math.max(by, 0)
end
