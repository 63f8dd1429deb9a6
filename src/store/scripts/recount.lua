#!lua flags=allow-oom
--- @include arguments
--- @include clock
--- @include run
--- @include holds
-- Whether as many runs are counted as being run as are, by what limits count: a hand may have deleted one of them.
--
-- KEYS: of a run (run.lua), whichever: those that all runs share.
-- Arguments:
--   repair  '1': the counts are written anew
-- Returns a list of what does not hold, in words.

local LEASE_MAX_MS = 700000 -- more than a lease may last: what is looked at later is not being run

local counts, faults = {}, {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', live, '-inf', now + LEASE_MAX_MS)) do
	local counted = redis.pcall('HGET', of_partition .. 'app:' .. name, 'counted')
	for key in (type(counted) == 'string' and counted or ''):gmatch('%S+') do
		counts[key] = (counts[key] or 0) + 1
	end
end
local known = redis.call('HGETALL', running)
for i = 1, #known, 2 do
	local there = counts[known[i]] or 0
	if tonumber(known[i + 1]) ~= there then
		faults[#faults + 1] = ('%s counts %s runs that are being run, and there are %d'):format(known[i],
			known[i + 1], there)
	end
	counts[known[i]] = nil
	if arg.repair == '1' and there > 0 then
		redis.call('HSET', running, known[i], there)
	elseif arg.repair == '1' then
		redis.call('HDEL', running, known[i])
	end
end
for key, there in pairs(counts) do
	faults[#faults + 1] = ('%s counts no runs that are being run, and there are %d'):format(key, there)
	if arg.repair == '1' then
		redis.call('HSET', running, key, there)
	end
end
return faults
