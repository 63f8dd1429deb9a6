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
	for _, bytes in ipairs(redis.call('HVALS', key_of_tenant('bytes', tenant))) do
		sum = sum + (tonumber(bytes) or 0)
	end
	return sum
end

-- Whether a key is what it is to be, or is not there. Nothing is begun for a tenant while one is something else.
local function is_sound(key, command, kind)
	local is_broken = type(redis.pcall(command, key)) == 'table'
	if is_broken then
		add_fault(('%s is no %s any more: delete it, then verify --repair'):format(key, kind))
	end
	return not is_broken
end

local function check_all(tenant)
	local key = key_of_tenant('used', tenant)
	is_sound(key_of_tenant('configured', tenant), 'ZCARD', 'zset')
	local has_bytes = is_sound(key_of_tenant('bytes', tenant), 'HLEN', 'hash')
	if not is_sound(key, 'HLEN', 'hash') then
		return
	end
	local says = redis.call('HMGET', key, 'live', 'bytes')
	check(tenant, 'live', says[1], counted[tenant] or 0, 'live runs')
	if has_bytes then
		check(tenant, 'bytes', says[2], sum_of_bytes(tenant), 'stored bytes')
	end
end

count_live_runs()
for tenant in arg.tenants:gmatch('%S+') do
	check_all(tenant)
end
return faults
