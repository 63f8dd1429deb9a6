#!lua flags=allow-oom
--- @include arguments
--- @include counts
--- @include run
-- Whether what is counted of budgets (budget.lua) is what there is: as many live runs of each tenant as say so, and the
-- sum of what its apps take. A hand may have deleted a run, or a count.
--
-- KEYS: of a run (run.lua), whichever: those that all runs share.
-- Arguments:
--   tenants  that have counts, with spaces between
--   repair   '1': the counts are written anew
-- Returns a flat list of what does not hold, in words, and of each whether it was put right ('1').

local faults, counted = {}, {}

local function add_fault(words, is_repaired)
	faults[#faults + 1], faults[#faults + 2] = words, is_repaired and '1' or ''
end

local function count_live_runs()
	for _, name in ipairs(redis.call('ZRANGE', live, 0, -1)) do
		local found = redis.pcall('HMGET', of_partition .. 'app:' .. name, 'status', 'budgeted')
		if not found.err and found[1] == 'running' and found[2] then
			local tenant = name:match('^[^:]*')
			counted[tenant] = (counted[tenant] or 0) + 1
		end
	end
end

local function check(tenant, field, says, there, what)
	local key = key_of_tenant('used', tenant)
	if (tonumber(says or 0) or -1) == there then
		return
	end
	local repair = arg.repair == '1'
	if repair then
		redis.call('HSET', key, field, there)
	end
	add_fault(("%s of the tenant '%s': %s counts %s, and there are %d"):format(what, tenant, key,
		says or 'none', there), repair)
end

local function sum_of_bytes(tenant)
	local sum = 0
	local of_apps = redis.pcall('HVALS', key_of_tenant('bytes', tenant))
	for _, bytes in ipairs(of_apps.err and {} or of_apps) do
		sum = sum + (tonumber(bytes) or 0)
	end
	return sum
end

local function check_all(tenant)
	local key = key_of_tenant('used', tenant)
	local says = redis.pcall('HMGET', key, 'live', 'bytes')
	if says.err then
		return add_fault(key .. ' is no hash any more: delete it, then verify --repair')
	end
	check(tenant, 'live', says[1], counted[tenant] or 0, 'live runs')
	check(tenant, 'bytes', says[2], sum_of_bytes(tenant), 'stored bytes')
end

count_live_runs()
for tenant in arg.tenants:gmatch('%S+') do
	check_all(tenant)
end
return faults
