-- Stands in the place of src/store/scripts/clock.lua in tests/model: the time is what the test has set.
local now, now_text
each_call(function()
	now_text = redis.call('GET', 'slipway:{0}:test-clock')
	now = tonumber(now_text)
end)
