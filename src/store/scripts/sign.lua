#!lua flags=allow-oom
--- @include arguments
-- Puts a text with a MAC into the place of the same text with none, or with another; where a worker has written
-- something else there since, that stays.
--
-- KEYS: a hash.
-- Arguments:
--   field     of it
--   from, to  its text
-- Returns {word}: signed, changed.

if redis.call('HGET', KEYS[1], arg.field) ~= arg.from then
	return { 'changed' }
end
redis.call('HSET', KEYS[1], arg.field, arg.to)
return { 'signed' }
