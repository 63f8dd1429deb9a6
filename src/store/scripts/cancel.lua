#!lua flags=allow-oom
-- queued, waiting, retrying, blocked -> error at once; executing keeps its lease and is marked with the error that it
-- is to end with: its worker ends it, or whoever is next to change it.
--
-- ARGV: error JSON. Returns {word, now, hash as a flat list}: cancelled, cancelling, nothing (it was not running).
local word = 'nothing'
if get('status') == 'running' then
	if get('phase') == 'executing' then
		word = 'cancelling'
		if not get('cancel') then
			set('cancel', ARGV[1])
			changed('cancelling')
		end
	else
		word = 'cancelled'
		finish('error', '{}', ARGV[1], '')
	end
end
return { word, now, redis.call('HGETALL', run) }
