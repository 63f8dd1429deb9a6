#!lua flags=allow-oom
--- @include arguments
--- @include clock
-- Spaces the calls of one credential that change something, over all workers: first come, first served. Whose turn it
-- is goes at once, and may make a few more changes, for an action may have to begin again otherwise; those after it
-- wait the longer. All others stand in a line, by run, and are told when to come back.
--
-- KEYS: slipway:pace:{<provider>:<credential>}, a hash: `next` is when the next change may go (ms of 1970), `last` the
-- last number that was given; the field of a run has its number in the line, when it is to come back, and how many
-- changes it has made in its turn. A run that does not come is passed over after LATE_MS, and keeps its number for
-- HELD_MS.
-- Arguments:
--   run         its id
--   spacing_ms  between two changes
--   most_ms     the longest that the caller would wait
-- Returns {ms to wait, 1 where that time is the caller's, how many runs are before it}.

local LATE_MS, HELD_MS, IN_A_TURN = 5000, 600000, 5
local SPACING_LAST_MS = 60000 -- whatever is asked
local line, me, most = KEYS[1], arg.run, tonumber(arg.most_ms)
local spacing = math.min(math.max(tonumber(arg.spacing_ms), 0), SPACING_LAST_MS)

-- What a version before this one, or a hand, has left.
if redis.call('TYPE', line).ok ~= 'hash' and redis.call('EXISTS', line) == 1 then
	redis.call('DEL', line)
end
local fields = redis.call('HGETALL', line)
local free, last, mine, others = now, 0, nil, {}
for i = 1, #fields, 2 do
	local number, back, made = fields[i + 1]:match('^(%d+) (%d+) (%d+)$')
	if fields[i] == 'next' then
		free = math.max(now, tonumber(fields[i + 1]) or 0)
	elseif fields[i] == 'last' then
		last = tonumber(fields[i + 1]) or 0
	elseif not number or tonumber(back) + HELD_MS < now then
		redis.call('HDEL', line, fields[i])
	else
		local place = { number = tonumber(number), back = tonumber(back), made = tonumber(made) }
		if fields[i] == me then
			mine = place
		elseif place.made == 0 and place.back + LATE_MS >= now then
			others[#others + 1] = place
		end
	end
end

local function put(number, back, made)
	redis.call('HSET', line, me, string.format('%d %d %d', number, back, made), 'last', math.max(last, number),
		'next', free)
	redis.call('PEXPIRE', line, math.max(free, back) - now + HELD_MS)
end

if mine and mine.made > 0 and mine.made < IN_A_TURN and free <= now + IN_A_TURN * spacing then
	free = free + spacing
	put(mine.number, now, mine.made + 1)
	return { 0, 1, 0 }
end

local number, ahead = mine and mine.made == 0 and mine.number or last + 1, 0
for _, other in ipairs(others) do
	ahead = ahead + (other.number < number and 1 or 0)
end
local wait = free - now + ahead * spacing
if wait > most then
	put(number, now + wait, 0)
	return { wait, 0, ahead }
end
free = free + spacing
put(number, now + wait, 1)
return { wait, 1, 0 }
