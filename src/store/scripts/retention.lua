--- @include clock
--- @include run
-- How long, and how much of, what belongs to an app is kept.
local RETENTION_LEAST = 86400 -- seconds; a run whose own figure a hand has broken is not forgotten at once
local APPS_TRIMMED = 100      -- in one go
local EVENTS_KEPT = 300

-- For how many seconds to keep what belongs to the run. The time counts from its deadline while it is live, so no live
-- run expires.
local function seconds_kept()
	local seconds = math.max(number('retention'), RETENTION_LEAST)
	if get('status') == 'running' then
		seconds = seconds + math.max(math.ceil((number('run_deadline') - now) / 1000), 0)
	end
	return seconds
end

-- Of those that ask for it, the one that needs the key longest decides.
local function expire_not_before(key, seconds)
	if redis.call('EXPIRE', key, seconds, 'NX') == 0 then
		redis.call('EXPIRE', key, seconds, 'GT')
	end
end

-- The ledger never expires: Redis deletes it with its last row. While there is one, what the app was told stays as
-- well; else that lives as long as the run of the app that lives longest.
local function keep_payload(seconds)
	if redis.call('EXISTS', ledger) == 1 then
		redis.call('PERSIST', ledger)
		redis.call('PERSIST', payload)
	else
		expire_not_before(payload, seconds)
	end
end

-- Takes apps off the list that have not changed for so long. One that still has something is put back as if it had
-- changed now, so that it is looked at once in that time.
local function trim_apps(seconds)
	local old = redis.pcall('ZRANGEBYSCORE', apps, '-inf', now - seconds * 1000, 'LIMIT', 0, APPS_TRIMMED)
	local of_tenant = ledger:match('^(.*:)[^:]+:ledger$')
	for _, app in ipairs(old.err and {} or old) do
		if redis.call('EXISTS', of_tenant .. app .. ':ledger') == 1 then
			redis.pcall('ZADD', apps, now, app)
		else
			redis.pcall('ZREM', apps, app)
		end
	end
end
