--- @include clock
--- @include run
--- @include retention
-- A step may have more users than one script is to tell of a change: the others are told by the turns of the reaper,
-- which tell.lua is for.
local TOLD_AT_ONCE = 1000
local TOLD_IN_A_TURN = 250

local telling -- tenant:app:workflow:step of steps with users that are yet to be told
each_call(function()
	telling = of_partition .. 'telling'
end)

-- Those users.
local function untold_of(name)
	return of_partition .. 'untold:' .. run_tenant .. ':' .. name
end

-- Puts off those users of a step that are too many to be told now: all but the first ones, which it gives.
local function first_users(name, users)
	local first = redis.pcall('ZRANGE', users, 0, TOLD_AT_ONCE)
	if #first > TOLD_AT_ONCE then
		first[#first] = nil
		local untold = untold_of(name)
		redis.pcall('ZUNIONSTORE', untold, 1, users)
		redis.pcall('ZREMRANGEBYRANK', untold, 0, TOLD_AT_ONCE - 1)
		redis.pcall('ZADD', telling, 'NX', now, run_tenant .. ':' .. name)
		redis.call('EXPIRE', untold, RETENTION_LEAST)
		redis.call('EXPIRE', telling, RETENTION_LEAST)
	end
	return first.err and {} or first
end

-- Takes one of those that are yet to be told; nil: there is none left.
local function next_user(name)
	local popped = redis.pcall('ZPOPMIN', untold_of(name))
	if popped.err or not popped[1] then
		redis.call('ZREM', telling, run_tenant .. ':' .. name)
		return nil
	end
	return popped[1]
end
