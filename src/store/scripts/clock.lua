-- What time it is, in ms: Redis' own. A file of its own, so that a test can put a clock that it sets in its place.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
