#!lua flags=allow-oom
--- @include arguments
--- @include holds
-- Somebody pauses a tenant, a workflow or a provider, or lets it go on: nothing of it is taken off the queue meanwhile.
-- What is being run goes on.
--
-- KEYS: of a run (run.lua), whichever: those that all runs share.
-- Arguments:
--   kind  tenant, workflow or provider
--   name  its name
--   note  JSON {by, at, reason} ('': it goes on)
-- Returns {word}: paused; resumed; nothing (it was not paused).

local field = arg.kind .. ':' .. arg.name
if arg.note ~= '' then
	redis.call('HSET', paused, field, arg.note)
	return { 'paused' }
end
if redis.call('HDEL', paused, field) == 0 then
	return { 'nothing' }
end
look_again(field)
ring(BELLS_MAX)
return { 'resumed' }
