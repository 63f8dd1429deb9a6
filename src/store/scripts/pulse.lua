#!lua flags=allow-oom
-- Keeps when a worker last looked for leases that ran out. Where none could for a third of a lease, because Redis was
-- away or hung, or its clock was put forward, leases have run out although their workers live: for one lease from then
-- on, reap.lua leaves them alone, so that those workers can renew them or hand their runs back. KEYS[1] is
-- slipway:{p}:pulse; its value is the time of the last look, and until when leases are left alone (ms since 1970).
--
-- ARGV: lease in ms. Returns {word, now}: looked.
local lease_ms = tonumber(ARGV[1])
local known = redis.pcall('GET', KEYS[1])
local last, spared = (type(known) == 'string' and known or ''):match('^(%d+) (%d+)$')
last, spared = tonumber(last), tonumber(spared or 0)

local missed = last and now - last > lease_ms / 3
if missed then
	spared = now + lease_ms
end
-- Not with each look: every write goes to the disk.
if not last or missed or now < last or now - last >= lease_ms / 12 then
	redis.call('SET', KEYS[1], string.format('%d %d', now, spared))
end
return { 'looked', now }
