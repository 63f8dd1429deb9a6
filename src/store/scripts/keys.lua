-- The keys of an app, how a run is read, and how long each key lives. KEYS are always the same eight, of one app and so
-- of one slot; see store/keys.h.
local run, queue, delayed, live, events, apps, payload, ledger =
	KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local RETENTION_LEAST = 86400 -- seconds; a run whose own figure a hand has broken is not forgotten at once
local APPS_TRIMMED = 100      -- in one go

local function get(field)
	return redis.call('HGET', run, field)
end

local function number(field)
	return tonumber(get(field) or 0) or 0
end

-- For how many seconds to keep what belongs to the run. The time counts from its deadline while it is live, so no live
-- run expires.
local function seconds_kept()
	local seconds = math.max(number('retention'), RETENTION_LEAST)
	if get('status') == 'running' then
		seconds = seconds + math.max(math.ceil((number('run_deadline') - now) / 1000), 0)
	end
	return seconds
end

-- The ledger never expires: Redis deletes it with its last row. While there is one, what the app was told stays as
-- well; else that lives as long as the run of the app that lives longest.
local function keep_payload(seconds)
	if redis.call('EXISTS', ledger) == 1 then
		redis.call('PERSIST', ledger)
		redis.call('PERSIST', payload)
	elseif redis.call('EXPIRE', payload, seconds, 'NX') == 0 then
		redis.call('EXPIRE', payload, seconds, 'GT')
	end
end

-- Takes apps off the list that have not changed for so long. One that still has something is put back as if it had
-- changed now, so that it is looked at once in that time.
local function trim_apps(seconds)
	local old = redis.pcall('ZRANGEBYSCORE', apps, '-inf', now - seconds * 1000, 'LIMIT', 0, APPS_TRIMMED)
	for _, app in ipairs(old.err and {} or old) do
		if redis.call('EXISTS', apps:gsub('apps$', 'app:') .. app .. ':ledger') == 1 then
			redis.pcall('ZADD', apps, now, app)
		else
			redis.pcall('ZREM', apps, app)
		end
	end
end

-- What the run needs, whose hashes are KEYS[9] and on: numbers of those that are not done, the outputs, and the mark by
-- which a result that is made of these is known.
local function read_needs()
	local missing, outputs = {}, {}
	for i = 9, #KEYS do
		local need = redis.call('HMGET', KEYS[i], 'status', 'output', 'removed')
		if need[1] ~= 'done' or need[3] then
			missing[#missing + 1] = i - 8
		end
		outputs[#outputs + 1] = need[2] or ''
	end
	return missing, outputs, redis.sha1hex(table.concat(outputs, '\n'))
end
