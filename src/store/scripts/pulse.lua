#!lua flags=allow-oom
--- @include arguments
--- @include clock
-- Keeps when a worker last looked for leases that ran out. Where none could for a third of a lease, because Redis was
-- away or hung, or its clock was put forward, leases have run out although their workers live: for one lease from then
-- on, reap.lua leaves them alone, so that those workers can renew them or hand their runs back.
--
-- KEYS: slipway:{p}:pulse; its value is the time of the last look, and until when leases are left alone (ms since
-- 1970).
-- Arguments:
--   lease_ms  how long leases last
-- Returns {word, now}: looked.

local pulse, lease_ms = KEYS[1], tonumber(arg.lease_ms)
local known = redis.pcall('GET', pulse)
local last, spared = (type(known) == 'string' and known or ''):match('^(%d+) (%d+)$')
last, spared = tonumber(last), tonumber(spared or 0)

local missed = last and now - last > lease_ms / 3
if missed then
	spared = now + lease_ms
end
-- Not with each look: every write goes to the disk.
if not last or missed or now < last or now - last >= lease_ms / 12 then
	redis.call('SET', pulse, string.format('%d %d', now, spared))
end
return { 'looked', now }
