#!lua flags=allow-oom
--- @include arguments
--- @include clock
--- @include outage
-- The gate before a provider, for one credential, shared by all workers:
--   open (no key)         -> closed, by whoever is told of a limit
--   closed, time is up    -> probing: one caller goes through, all others wait for what becomes of it
--   probing               -> open, where the provider answered; closed, where it did not like it, and then for twice
--                            as long as before at least: whoever goes on at the same pace may be banned
--
-- Beside it, two for an outage: outage.lua.
--
-- KEYS, all of one slot: slipway:limit:{<provider>:<credential>} and what endpoint; its value is what it is, until when
-- (ms since 1970), and for how many ms it was closed. slipway:outage:{<provider>:<credential>}, and the same with
-- :<worker>.
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
local WAIT_MS = 1000   -- how soon to look again while another one probes
local KEPT_MS = 60000  -- a gate whose time is up and that nobody enters is forgotten
local DOUBLED_MS = 900000 -- to no more than this; the provider may ask for more
local CLOSED_LAST_MS = 86400000 -- whatever is asked: the longest limit of a provider is one of a day

local gate = KEYS[1]
local state, limit, closed = (redis.call('GET', gate) or ''):match('^(%a+) (%d+) ?(%d*)')
limit = tonumber(limit or 0)
closed = tonumber(closed) or 0

local function put(word, from_now, closed_for)
	redis.call('SET', gate, string.format('%s %d %d', word, now + from_now, closed_for), 'PX', from_now + KEPT_MS)
end

local of_provider, of_worker = read_outage(KEYS[2]), read_outage(KEYS[3])

local told = (of_provider.state and of_provider.concerns or of_worker.state) and 1 or 0

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
	redis.call('DEL', of_worker.key, of_provider.concerns and of_provider.key or of_worker.key)
elseif arg.what == 'close' then
	local least = state == 'closed' and limit - now or state == 'probing' and math.min(2 * closed, DOUBLED_MS) or 0
	local wait = math.min(math.max(tonumber(arg.close_ms), least), CLOSED_LAST_MS)
	put('closed', wait, wait)
elseif arg.what == 'open' and state == 'probing' then
	redis.call('DEL', gate)
end
return { 0, 0, 0, told, 0, 0 }
