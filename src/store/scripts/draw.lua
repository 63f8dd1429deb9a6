#!lua
--- @include arguments
--- @include clock
-- Takes requests out of a tenant's budget: a bucket of as many as a minute has, which fills again evenly. A process
-- takes some at a time, and gives back what it did not use.
--
-- KEYS: slipway:{p}:tenant:<tenant>:requests: when the bucket is full again, in ms since 1970.
-- Arguments:
--   most  a minute, at least 1
--   want  how many
--   back  how many are given back
-- Returns {how many may be used, if none: in how many ms there is one again, now}.

local MINUTE_MS = 60000
local key, each_ms = KEYS[1], MINUTE_MS / tonumber(arg.most)

-- An empty bucket is full in a minute. One that is to be full later than that was written before the clock went back,
-- or by a hand: it is taken to be empty, and fills from now on.
local empty = now + MINUTE_MS
local stored = tonumber(redis.call('GET', key) or 0) or 0
local is_beyond = not (stored <= empty + 1) -- what is no number either; 1: what is written was rounded
local full_at = is_beyond and empty or math.min(math.max(stored, now), empty)
full_at = math.max(full_at - arg.back * each_ms, now)
-- A bit less than one more is one more: these are fractions.
local there = math.floor((empty - full_at) / each_ms + 1e-6)
local granted = math.max(math.min(there, tonumber(arg.want)), 0)
if granted == 0 then
	if is_beyond then
		redis.call('SET', key, ('%.3f'):format(full_at), 'PX', 2 * MINUTE_MS)
	end
	return { 0, math.ceil(full_at + each_ms - empty), now }
end
redis.call('SET', key, ('%.3f'):format(full_at + granted * each_ms), 'PX', 2 * MINUTE_MS)
return { granted, 0, now }
