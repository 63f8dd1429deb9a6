-- What time it is, in ms: Redis' own. A file of its own, so that a test can put a clock that it sets in its place.
local now, now_text -- the same as text: it takes long to make one of a number
each_call(function()
	local time = redis.call('TIME')
	now = time[1] * 1000 + math.floor(time[2] / 1000)
	now_text = ('%d'):format(now)
end)
