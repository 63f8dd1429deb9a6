#!lua flags=allow-oom
--- @include arguments
--- @include clock
-- The gate before a provider, for one credential, shared by all workers:
--   open (no key)         -> closed, by whoever is told of a limit
--   closed, time is up    -> probing: one caller goes through, all others wait for what becomes of it
--   probing               -> open, where the provider answered; closed, where it did not like it, and then for twice
--                            as long as before at least: whoever goes on at the same pace may be banned
--
-- Beside it, two for an outage, whatever is called: of the provider itself, and of what one worker can reach of it, so
-- that a worker without a network keeps nobody else out:
--   up (no key)           -> counting, by the first call that fails: nobody is kept out
--   counting              -> down, where calls of three apps have failed and none was answered between them: one app
--                            whose requests break the provider keeps nobody else out
--   down, time is up      -> probing, as above; whose call fails again keeps it down for twice as long, and lets other
--                            apps ask before its own does again
--   any                   -> up, by the first call that is answered, of any worker; of what a worker can reach, by its
--                            own only
--
-- KEYS, all of one slot: slipway:limit:{<provider>:<credential>} and what endpoint; its value is what it is, until when
-- (ms since 1970), and for how many ms it was closed. slipway:outage:{<provider>:<credential>}, and the same with
-- :<worker>; what it is, until when, for how many ms (counting: how many apps), the status of the last response (0:
-- none came), the run that probes, and the apps that are counted, or the one whose call failed last.
-- Arguments:
--   what      enter; close or open: what became of the limit; failed or answered: of the provider
--   close_ms  for how long to close it at least; with failed 0 where the provider does not say
--   run, app  who calls
--   heeds     '1' where the caller keeps away from a provider that is down
--   status    with failed: of the response (0: none came)
--   network   '1' with failed: the provider could not be reached at all
-- Returns {ms to wait for the limit, 1 where the caller is the one who probes, ms to wait for the provider, 1 where the
-- caller is to tell that it was answered, the status of the last response of a provider that is down, 1 where it is
-- down for this worker only}.

local PROBE_MS = 10000 -- a prober that is not heard of for so long is gone
local CALL_MS = 60000  -- the same where the provider is down: it may take as long for an answer
local WAIT_MS = 1000   -- how soon to look again while another one probes
local KEPT_MS = 60000  -- a gate whose time is up and that nobody enters is forgotten
local DOUBLED_MS = 900000 -- to no more than this; the provider may ask for more
local FAILED_MAX = 3   -- apps
local DOWN_MS, DOWN_LAST_MS = 2000, 60000

local gate = KEYS[1]
local state, limit, closed = (redis.call('GET', gate) or ''):match('^(%a+) (%d+) ?(%d*)')
limit = tonumber(limit or 0)
closed = tonumber(closed) or 0

local function put(word, from_now, closed_for)
	redis.call('SET', gate, string.format('%s %d %d', word, now + from_now, closed_for), 'PX', from_now + KEPT_MS)
end

local function read_outage(key)
	local text = redis.call('GET', key) or ''
	local word, at, number, status, run, apps = text:match('^(%a+) (%d+) (%d+) (%d+) (%S+) (.*)$')
	return { key = key, state = word, at = tonumber(at or 0), number = tonumber(number or 0),
		status = tonumber(status or 0), run = run, apps = apps or '' }
end

local of_provider, of_worker = read_outage(KEYS[2]), read_outage(KEYS[3])

local function put_outage(outage, word, from_now, number, apps)
	local run = word == 'probing' and arg.run or '-'
	local text = string.format('%s %d %d %d %s %s', word, now + from_now, number, outage.status, run, apps)
	redis.call('SET', outage.key, text, 'PX', from_now + 2 * KEPT_MS)
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
		keep_down(outage, DOWN_MS)
	else
		put_outage(outage, 'counting', 0, count, outage.apps == '' and arg.app or outage.apps .. ' ' .. arg.app)
	end
end

local function call_failed(outage)
	outage.status = tonumber(arg.status)
	if is_mine(outage) then
		keep_down(outage, math.min(2 * outage.number, DOWN_LAST_MS))
	elseif outage.state ~= 'down' and outage.state ~= 'probing' then
		count_app(outage)
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
	if is_mine(outage) or outage.state ~= 'down' and outage.state ~= 'probing' then
		return 0
	end
	if outage.state == 'probing' then
		return outage.at > now and DOWN_MS or 0
	end
	return math.max(0, outage.at + (outage.apps == arg.app and outage.number or 0) - now)
end

local function probe(outage)
	if outage.state == 'down' or outage.state == 'probing' then
		put_outage(outage, 'probing', CALL_MS, outage.number, outage.apps)
	end
end

local told = (of_provider.state or of_worker.state) and 1 or 0

local function enter()
	local wait = limit > now and (state == 'closed' and limit - now or state == 'probing' and WAIT_MS) or 0
	local down, own = down_ms(of_provider), down_ms(of_worker)
	if arg.heeds == '1' and math.max(down, own) > 0 then
		return { wait, 0, math.max(down, own), told, of_provider.status, down == 0 and 1 or 0 }
	elseif wait > 0 then
		return { wait, 0, 0, told, 0, 0 }
	end
	if arg.heeds == '1' then
		probe(of_provider)
		probe(of_worker)
	end
	if state then
		put('probing', PROBE_MS, closed)
	end
	return { 0, state and 1 or 0, 0, told, 0, 0 }
end

if arg.what == 'enter' then
	return enter()
elseif arg.what == 'failed' and arg.network == '1' then
	call_failed(of_worker)
	give_probe_back(of_provider)
elseif arg.what == 'failed' then
	call_failed(of_provider)
	redis.call('DEL', of_worker.key)
elseif arg.what == 'answered' then
	redis.call('DEL', of_provider.key, of_worker.key)
elseif arg.what == 'close' then
	local least = state == 'closed' and limit - now or state == 'probing' and math.min(2 * closed, DOUBLED_MS) or 0
	local wait = math.max(tonumber(arg.close_ms), least)
	put('closed', wait, wait)
elseif arg.what == 'open' and state == 'probing' then
	redis.call('DEL', gate)
end
return { 0, 0, 0, told, 0, 0 }
