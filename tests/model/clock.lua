-- Stands in the place of src/store/scripts/clock.lua in tests/model: the time is what the test has set. New entries of
-- the queue get their ids from it too, for the reaper reads an entry's age out of its id.
local now = tonumber(redis.call('GET', 'slipway:{0}:test-clock'))
local real = redis
local redis = setmetatable({
	call = function(command, key, id, ...)
		if command == 'XADD' and key == 'slipway:{0}:queue' and id == '*' then
			id = string.format('%.0f-*', now)
		end
		if id == nil then
			return real.call(command, key)
		end
		return real.call(command, key, id, ...)
	end,
}, { __index = real })
