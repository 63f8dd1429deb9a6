--- @include arguments
--- @include clock
--- @include counts
--- @include run
-- How much a tenant may have and use, where an operator has set that: the argument `budgets` has words name=number.
-- Only what stands there is looked at and counted.
--
--   apps    how many it has. Those that have run nothing yet stand among `configured`, for as long as they are kept
--   bytes   of Redis that its apps take: what is written is added, and the sweep puts what Redis says in its place
--   live    how many of its runs are live; each that is counted has the field `budgeted`
--   starts  how many deployments and single steps were begun since midnight, UTC
--
--   tenant:<tenant>:used        hash: live, starts with the day that they are of, and bytes
--   tenant:<tenant>:bytes       hash: app -> bytes
--   tenant:<tenant>:configured  zset: app, by until when it is kept
local BUDGET = {}
local BUDGET_NAMES = { 'apps', 'bytes', 'live', 'starts' }
local RUN_BYTES = 1024 -- of a run, beside its input
local DAY_MS = 86400000
local UNUSED_APP_MS = 86400000

local budgets -- name -> how much there may be
each_call(function()
	budgets = {}
	for name, most in arg.budgets:gmatch('(%l+)=(%d+)') do
		budgets[name] = tonumber(most)
	end
end)

function BUDGET.count_apps(app)
	local configured = key_of_tenant('configured')
	redis.call('ZREMRANGEBYSCORE', configured, '-inf', now)
	if redis.call('ZSCORE', apps, app) or redis.call('ZSCORE', configured, app) then
		return nil
	end
	return redis.call('ZCARD', apps) + redis.call('ZCARD', configured)
end

function BUDGET.read()
	local found = redis.call('HMGET', key_of_tenant('used'), 'live', 'starts', 'day', 'bytes')
	local day = math.floor(now / DAY_MS)
	for i, text in ipairs(found) do
		found[i] = tonumber(text or 0) or 0 -- a hand may have written there
	end
	return { live = found[1], starts = found[3] == day and found[2] or 0, bytes = found[4], day = day }
end

-- What there would be too much of, as {name, size, what is used, what is asked for, until when in ms (0: not known),
-- now}: then nothing may be made. nil where there is room. more: name -> how much more there would be.
local function over_budget(more)
	if not next(budgets) then
		return nil
	end
	local used = BUDGET.read()
	used.apps = budgets.apps and BUDGET.count_apps(arg.app)
	more.apps = used.apps and 1 or 0
	for _, name in ipairs(BUDGET_NAMES) do
		local most, asked = budgets[name], more[name] or 0
		if most and asked > 0 and used[name] + asked > most then
			local ends = name == 'starts' and asked <= most and (used.day + 1) * DAY_MS or 0
			return { name, most, used[name], asked, ends, now }
		end
	end
end

-- An app is there that has run nothing, or by now has: what stands on the list of apps is counted there.
function BUDGET.count_app(has_run)
	if has_run or redis.call('ZSCORE', apps, arg.app) then
		redis.call('ZREM', key_of_tenant('configured'), arg.app)
	else
		redis.call('ZADD', key_of_tenant('configured'), now + UNUSED_APP_MS, arg.app)
	end
end

-- The same is made: it is counted, but for live runs, each of which counts itself. has_run: as of its app.
local function count_use(more, has_run)
	if not next(budgets) then
		return
	end
	local key = key_of_tenant('used')
	if budgets.apps then
		BUDGET.count_app(has_run)
	end
	if budgets.starts and more.starts then
		local used = BUDGET.read()
		redis.call('HSET', key, 'day', used.day, 'starts', used.starts + more.starts)
	end
	if budgets.bytes and more.bytes then
		add_to_count(key_of_tenant('bytes'), arg.app, more.bytes)
		add_to_count(key, 'bytes', more.bytes)
	end
end

-- One more run is live, in the place of one that was counted or not. Gives what its hash has then.
local function count_live(was_counted)
	if not budgets.live then
		return was_counted
	end
	if not was_counted then
		add_to_count(key_of_tenant('used'), 'live', 1)
	end
	return '1'
end
