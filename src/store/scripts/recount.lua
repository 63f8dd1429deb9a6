#!lua flags=allow-oom
--- @include arguments
--- @include clock
--- @include run
--- @include run_limits
-- Whether as many runs are counted as being run as are, by what limits count: a hand may have deleted one of them.
--
-- KEYS: of a run (run.lua), whichever: those that all runs share.
-- Arguments:
--   repair       '1': the counts are written anew
--   every        in ms: one worker does it in this time, and others find nothing to do; '': always
--   definitions  as in take.lua: what was taken while there was no limit is counted from now on. '': it is not
--   limits       ''
-- Returns a list of what does not hold, in words.

local LEASE_MAX_MS = 700000 -- more than a lease may last: what is looked at later is not being run

local every, sweep = tonumber(arg.every), of_partition .. 'sweep'
if every then
	local since = now - (tonumber(redis.pcall('HGET', sweep, 'counted') or 0) or 0)
	if since >= 0 and since < every then
		return {}
	end
	redis.pcall('HSET', sweep, 'counted', now)
end

-- How many there are by what they count as, and how many of them were counted by nobody.
local counts, late = {}, {}

local function add(to, key)
	to[key] = (to[key] or 0) + 1
end

-- One that was taken while there was no limit.
local function count_late(key, tenant, ...)
	local counted = tenant and counted_as(tenant, ...) or {}
	for _, what in ipairs(counted) do
		add(late, what)
	end
	local text = table.concat(counted, ' ')
	redis.call('HSET', key, 'counted', text)
	return text
end

for _, name in ipairs(redis.call('ZRANGEBYSCORE', live, '-inf', now + LEASE_MAX_MS)) do
	local key = of_partition .. 'app:' .. name
	local found = redis.pcall('HMGET', key, 'counted', 'lease')
	local counted = not found.err and found[1] or ''
	if counted == '' and found[2] and arg.definitions ~= '' then
		counted = count_late(key, name:match('^([^:]*):([^:]*):([^:]*):(.*)$'))
	end
	for what in counted:gmatch('%S+') do
		add(counts, what)
	end
end

local faults = {}
local known = redis.call('HGETALL', running)
for i = 1, #known, 2 do
	local what, there = known[i], counts[known[i]] or 0
	local known_of = there - (late[what] or 0)
	if tonumber(known[i + 1]) ~= known_of then
		faults[#faults + 1] = ('%s counts %s runs that are being run, and there are %d'):format(what,
			known[i + 1], known_of)
	end
	counts[what] = nil
	if arg.repair == '1' and there > 0 then
		redis.call('HSET', running, what, there)
	elseif arg.repair == '1' then
		redis.call('HDEL', running, what)
	end
end
for what, there in pairs(counts) do
	if there > (late[what] or 0) then
		faults[#faults + 1] = ('%s counts no runs that are being run, and there are %d'):format(what, there)
	end
	if arg.repair == '1' then
		redis.call('HSET', running, what, there)
	end
end
return faults
