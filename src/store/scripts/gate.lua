#!lua flags=allow-oom
--- @include arguments
--- @include clock
-- The gate before a provider, for one credential, shared by all workers:
--   open (no key)         -> closed, by whoever is told of a limit
--   closed, time is up    -> probing: one caller goes through, all others wait for what becomes of it
--   probing               -> open, where the provider answered; closed, where it did not like it, and then for twice
--                            as long as before at least: whoever goes on at the same pace may be banned
--
-- KEYS: slipway:limit:<provider>:<credential>; its value is what it is, until when (ms since 1970), and for how many ms
-- it was closed.
-- Arguments:
--   what      enter, close or open
--   close_ms  for how long to close it
-- Returns {ms to wait, 1 where the caller is the one who probes}.

local PROBE_MS = 10000 -- a prober that is not heard of for so long is gone
local WAIT_MS = 1000   -- how soon to look again while another one probes
local KEPT_MS = 60000  -- a gate whose time is up and that nobody enters is forgotten
local DOUBLED_MS = 900000 -- to no more than this; the provider may ask for more

local gate = KEYS[1]
local state, limit, closed = (redis.call('GET', gate) or ''):match('^(%a+) (%d+) ?(%d*)')
limit = tonumber(limit or 0)
closed = tonumber(closed) or 0

local function put(word, from_now, closed_for)
	redis.call('SET', gate, string.format('%s %d %d', word, now + from_now, closed_for), 'PX', from_now + KEPT_MS)
end

if arg.what == 'close' then
	local least = state == 'closed' and limit - now or state == 'probing' and math.min(2 * closed, DOUBLED_MS) or 0
	local wait = math.max(tonumber(arg.close_ms), least)
	put('closed', wait, wait)
elseif arg.what == 'open' then
	if state == 'probing' then
		redis.call('DEL', gate)
	end
elseif state == 'closed' and limit > now then
	return { limit - now, 0 }
elseif state == 'probing' and limit > now then
	return { WAIT_MS, 0 }
elseif state then
	put('probing', PROBE_MS, closed)
	return { 0, 1 }
end
return { 0, 0 }
