#!lua
--- @include arguments
-- Keeps the secret that apps of a tenant share by a name: the first one that comes, or the last one that replaces it.
-- Of two clients that make one at the same time, both get what the first has made. None expires: an app that has
-- something at a provider keeps its reference as long.
--
-- KEYS: slipway:{p}:shared:<tenant>: name -> sealed value.
-- Arguments:
--   name    of the secret
--   sealed  a new value
--   anew    '1': it replaces the one that is there; else ''
--   most    how many names a tenant may have
-- Returns {word}: kept, made, full.

local shared = KEYS[1]
local known = redis.call('HEXISTS', shared, arg.name) == 1
if known and arg.anew ~= '1' then
	return { 'kept' }
end
if not known and redis.call('HLEN', shared) >= tonumber(arg.most) then
	return { 'full' }
end
redis.call('HSET', shared, arg.name, arg.sealed)
return { 'made' }
