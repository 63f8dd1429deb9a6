#!lua flags=allow-oom
--- @include arguments
--- @include clock
--- @include run
-- executing -> executing: the leases last anew from now. One run whose key is broken costs the others nothing.
--
-- KEYS: of a run (run.lua), whichever: those that all runs share.
-- Arguments:
--   leases  of each the name tenant:app:workflow:step, the token, and for how many milliseconds, all ended by a space;
--           0 gives the lease up, for its holder has crashed, and `-` leaves it as it is
-- Returns a word for each: held, cancel (held, but somebody wants the run to end), lost, or what is wrong with its key.

local function renew(token, lease_ms)
	local was = redis.call('HMGET', run, 'status', 'lease', 'cancel')
	if was[1] ~= 'running' or was[2] ~= token then
		return 'lost'
	end
	if lease_ms ~= '-' then
		set('lease_until', lease_ms == '0' and 0 or now + lease_ms)
		redis.call('ZADD', live, now + lease_ms, member())
	end
	return was[3] and 'cancel' or 'held'
end

local words = {}
for name, token, lease_ms in arg.leases:gmatch('(%S+) (%S+) (%S+) ') do
	as_member(name, function()
		local fine, word = pcall(renew, token, lease_ms)
		words[#words + 1] = fine and word or (type(word) == 'table' and word.err or tostring(word))
	end)
end
return words
