#!lua flags=allow-oom
--- @include arguments
-- Looks through the users of a step or a deployment (dependants.lua) for names of runs that are not there. Those are
-- harmless, but each takes the place of one that would be told.
--
-- KEYS: slipway:{p}:users:<tenant>:<app>:<workflow>:<step>.
-- Arguments:
--   repair  '1': takes them out; '': changes nothing
-- Returns a list of the names.

local of_tenant = KEYS[1]:match('^(.*:)[^:]+:[^:]+:[^:]+$'):gsub(':users:', ':app:', 1)
local strays = {}
for _, user in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
	if redis.call('EXISTS', of_tenant .. user) == 0 then
		strays[#strays + 1] = user
	end
end
for _, user in ipairs(arg.repair == '1' and strays or {}) do
	redis.call('ZREM', KEYS[1], user)
end
return strays
