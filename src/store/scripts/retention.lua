--- @include clock
--- @include gathered
--- @include run
-- How long, and how much of, what belongs to an app is kept.
local RETENTION_LEAST = 86400 -- seconds; a run whose own figure a hand has broken is not forgotten at once
local SPARE = 3600            -- seconds
local APPS_TRIMMED = '100'    -- in one go

-- For how many seconds to keep what belongs to the run. The time counts from its deadline while it is live, so no live
-- run expires.
local function seconds_kept_by(status, retention, run_deadline)
	local seconds = math.max(math.ceil(number_in(retention)), RETENTION_LEAST)
	if status == 'running' then
		seconds = seconds + math.max(math.ceil((number_in(run_deadline) - now) / 1000), 0)
	end
	return seconds
end

local function seconds_kept()
	return seconds_kept_by(unpack(redis.call('HMGET', run, 'status', 'retention', 'run_deadline')))
end

-- Of those that ask for it, the one that needs the key longest decides. With some seconds to spare, the next ones, that
-- come soon, find that they have nothing to write.
local function expire_not_before(key, seconds, spare)
	local left = redis.call('TTL', key)
	if left ~= -2 and left < seconds then
		redis.call('EXPIRE', key, word_of(seconds + (spare or 0)))
	end
end

-- The ledger never expires: Redis deletes it with its last row. While there is one, what the app was told stays as
-- well; else that lives as long as the run of the app that lives longest.
local function keep_payload(seconds, spare)
	if redis.call('EXISTS', ledger) == 1 then
		redis.call('PERSIST', ledger)
		redis.call('PERSIST', payload)
	else
		expire_not_before(payload, seconds, spare)
	end
end

-- Puts apps on the list of their tenant's, each behind when it has changed. The list of tenants is of those that have
-- such a list.
local function list_apps(changed_at_and_app)
	local added = redis.pcall('ZADD', apps, unpack(changed_at_and_app))
	if type(added) == 'number' and added > 0 then
		redis.pcall('ZADD', of_partition .. 'tenants', '0', run_tenant)
	end
end

local function list_app(app)
	if gathered then
		local words = gather('ZADD', apps, now_text, app)
		words.next = words.next or { 'ZADD', of_partition .. 'tenants', '0', run_tenant }
	else
		list_apps({ now_text, app })
	end
end

-- Takes apps off the list that have not changed for so long. One that still has something is put back as if it had
-- changed now, so that it is looked at once in that time.
local function trim_apps(seconds)
	local before = word_of(now - seconds * 1000)
	local old = redis.pcall('ZRANGEBYSCORE', apps, '-inf', before, 'LIMIT', '0', APPS_TRIMMED)
	for _, app in ipairs(old.err and {} or old) do
		if redis.call('EXISTS', of_tenant .. app .. ':ledger') == 1 then
			redis.pcall('ZADD', apps, now, app)
		else
			redis.pcall('ZREM', apps, app)
		end
	end
end
