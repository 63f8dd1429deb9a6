--- @include arguments
--- @include clock
-- Outages, whatever is called: of the provider itself, and of what one worker can reach of it, so that a worker without
-- a network keeps nobody else out:
--   up (no key)           -> counting, by the first call that fails: nobody is kept out
--   counting              -> down, where calls of three apps have failed and none was answered between them: one app
--                            whose requests break the provider keeps nobody else out. Where the three are of one
--                            tenant, that one alone is kept out until a call of another tenant fails as well
--   down, time is up      -> probing, as above; whose call fails again keeps it down for twice as long, and lets other
--                            apps ask before its own does again
--   any                   -> up, by the first call that is answered, of any worker and of who is kept out; of what a
--                            worker can reach, by its own only
--
-- The value is what it is, until when, for how many ms (counting: how many apps), the status of the last response (0:
-- none came), the run that probes, and the apps that are counted, or the one whose call failed last and who is kept
-- out: a tenant, or * for all. All are named tenant:app.
local CALL_MS = 60000 -- a prober that is not heard of for so long is gone: it may take as long for an answer
local OUTAGE_KEPT_MS = 120000 -- one that nobody asks about is forgotten
local FAILED_MAX = 3 -- apps
local DOWN_MS, DOWN_LAST_MS = 2000, 60000

local function own_tenant()
	return arg.app:match('^[^:]*')
end

local function read_outage(key)
	local text = redis.call('GET', key) or ''
	local word, at, number, status, run, apps = text:match('^(%a+) (%d+) (%d+) (%d+) (%S+) (.*)$')
	local is_down = word == 'down' or word == 'probing'
	local app, whom = (is_down and apps or ''):match('^(%S+) (%S+)$')
	return { key = key, state = word, at = tonumber(at or 0), number = tonumber(number or 0), is_down = is_down,
		status = tonumber(status or 0), run = run, apps = app or apps or '', whom = whom or '*',
		concerns = not is_down or not whom or whom == '*' or whom == own_tenant() }
end

local function put_outage(outage, word, from_now, number, apps)
	local run = word == 'probing' and outage.run or '-'
	apps = word == 'counting' and apps or apps .. ' ' .. outage.whom
	local text = string.format('%s %d %d %d %s %s', word, now + from_now, number, outage.status, run, apps)
	redis.call('SET', outage.key, text, 'PX', from_now + OUTAGE_KEPT_MS)
end

local function is_mine(outage)
	return outage.state == 'probing' and outage.run == arg.run
end

local function keep_down(outage, milliseconds)
	local asked = math.min(tonumber(arg.close_ms), DOWN_LAST_MS) -- it may be of one endpoint only
	put_outage(outage, 'down', math.max(milliseconds, asked), milliseconds, arg.app)
end

local function count_app(outage)
	if (' ' .. outage.apps .. ' '):find(' ' .. arg.app .. ' ', 1, true) then
		return
	end
	local count = outage.state == 'counting' and outage.number + 1 or 1
	if count >= FAILED_MAX then
		outage.whom = own_tenant()
		for tenant in outage.apps:gmatch('([^ :]+):') do
			outage.whom = tenant == own_tenant() and outage.whom or '*'
		end
		keep_down(outage, DOWN_MS)
	else
		put_outage(outage, 'counting', 0, count, outage.apps == '' and arg.app or outage.apps .. ' ' .. arg.app)
	end
end

local function call_failed(outage)
	outage.status = tonumber(arg.status)
	if is_mine(outage) then
		keep_down(outage, math.min(2 * outage.number, DOWN_LAST_MS))
	elseif not outage.is_down then
		count_app(outage)
	elseif not outage.concerns then
		outage.whom = '*'
		put_outage(outage, outage.state, outage.at - now, outage.number, outage.apps)
	end
end

-- The question was not put: another app may put it at once.
local function give_probe_back(outage)
	if is_mine(outage) then
		put_outage(outage, 'down', 0, outage.number, arg.app)
	end
end

-- For how long the caller is to keep away from a provider that is down.
local function down_ms(outage)
	if is_mine(outage) or not outage.is_down or not outage.concerns then
		return 0
	end
	if outage.state == 'probing' then
		return outage.at > now and DOWN_MS or 0
	end
	return math.max(0, outage.at + (outage.apps == arg.app and outage.number or 0) - now)
end

local function probe(outage)
	if outage.is_down and outage.concerns then
		outage.run = arg.run
		put_outage(outage, 'probing', CALL_MS, outage.number, outage.apps)
	end
end
