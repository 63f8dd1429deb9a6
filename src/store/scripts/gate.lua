#!lua flags=allow-oom
--- @include arguments
--- @include clock
-- The gate before a provider, for one credential, shared by all workers:
--   open (no key)         -> closed, by whoever is told of a limit
--   closed, time is up    -> probing: one caller goes through, all others wait for what becomes of it
--   probing               -> open, where the provider answered; closed, where it did not like it, and then for twice
--                            as long as before at least: whoever goes on at the same pace may be banned
--
-- Beside it, one for what the provider itself suffers, whatever is called:
--   up (no key)           -> counting, by the first call that fails: nobody is kept out
--   counting              -> down, where three calls in a row have failed, each of another run than the one before it:
--                            one run whose request breaks the provider keeps nobody else out
--   down, time is up      -> probing, as above; whose call fails again keeps it down for twice as long
--   any                   -> up, by the first call that is answered
--
-- KEYS: slipway:limit:<provider>:<credential>; its value is what it is, until when (ms since 1970), and for how many ms
-- it was closed; slipway:outage:<provider>:<credential>, the same with the run that failed last, or probes. Where it is
-- counting, the calls that failed stand in place of the ms.
-- Arguments:
--   what      enter; close or open: what became of the limit; failed or answered: of the provider
--   close_ms  for how long to close it at least; with failed 0 where the provider does not say
--   run       who calls
-- Returns {ms to wait for the limit, 1 where the caller is the one who probes, ms to wait for the provider, 1 where the
-- caller is to tell that it was answered}.

local PROBE_MS = 10000 -- a prober that is not heard of for so long is gone
local CALL_MS = 60000  -- the same where the provider is down: it may take as long for an answer
local WAIT_MS = 1000   -- how soon to look again while another one probes
local KEPT_MS = 60000  -- a gate whose time is up and that nobody enters is forgotten
local DOUBLED_MS = 900000 -- to no more than this; the provider may ask for more
local FAILED_MAX = 3   -- in a row
local DOWN_MS, DOWN_LAST_MS = 2000, 60000

local gate, outage = KEYS[1], KEYS[2]
local state, limit, closed = (redis.call('GET', gate) or ''):match('^(%a+) (%d+) ?(%d*)')
limit = tonumber(limit or 0)
closed = tonumber(closed) or 0

local function put(word, from_now, closed_for)
	redis.call('SET', gate, string.format('%s %d %d', word, now + from_now, closed_for), 'PX', from_now + KEPT_MS)
end

local health, probe_at, down, failed_run = (redis.call('GET', outage) or ''):match('^(%a+) (%d+) (%d+) (.*)$')
probe_at, down = tonumber(probe_at or 0), tonumber(down or 0)

local function put_outage(word, from_now, number)
	local text = string.format('%s %d %d %s', word, now + from_now, number, arg.run)
	redis.call('SET', outage, text, 'PX', from_now + 2 * KEPT_MS)
end

local function keep_down(milliseconds)
	local asked = math.min(tonumber(arg.close_ms), DOWN_LAST_MS) -- it may be of one endpoint only
	put_outage('down', math.max(milliseconds, asked), milliseconds)
end

local function call_failed()
	if health == 'probing' and failed_run == arg.run then
		keep_down(math.min(2 * down, DOWN_LAST_MS))
	elseif health ~= 'down' and health ~= 'probing' and failed_run ~= arg.run then
		local failed = health == 'counting' and down + 1 or 1
		if failed >= FAILED_MAX then
			keep_down(DOWN_MS)
		else
			put_outage('counting', 0, failed)
		end
	end
end

-- For how long the caller is to keep away from a provider that is down.
local function down_ms()
	if health ~= 'down' and health ~= 'probing' or health == 'probing' and failed_run == arg.run then
		return 0
	end
	return probe_at <= now and 0 or health == 'probing' and DOWN_MS or probe_at - now
end

local told = health and 1 or 0

if arg.what == 'failed' then
	call_failed()
elseif arg.what == 'answered' then
	redis.call('DEL', outage)
elseif arg.what == 'enter' and down_ms() > 0 then
	return { 0, 0, down_ms(), 1 }
elseif arg.what == 'close' then
	local least = state == 'closed' and limit - now or state == 'probing' and math.min(2 * closed, DOUBLED_MS) or 0
	local wait = math.max(tonumber(arg.close_ms), least)
	put('closed', wait, wait)
elseif arg.what == 'open' then
	if state == 'probing' then
		redis.call('DEL', gate)
	end
elseif state == 'closed' and limit > now then
	return { limit - now, 0, 0, told }
elseif state == 'probing' and limit > now then
	return { WAIT_MS, 0, 0, told }
else
	if health == 'down' or health == 'probing' then
		put_outage('probing', CALL_MS, down)
	end
	if state then
		put('probing', PROBE_MS, closed)
		return { 0, 1, 0, told }
	end
end
return { 0, 0, 0, told }
