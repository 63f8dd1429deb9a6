#!lua flags=allow-oom
-- executing -> executing: stores the checkpoint, a row of the ledger, or a line of the log.
--
-- ARGV: token, checkpoint, ledger field, ledger value, log line; each but the token may be ''. A field without a value
-- is taken out.
-- Returns {word}: written, lost.
if not held(ARGV[1]) then
	return { 'lost' }
end
if ARGV[3] ~= '' then
	redis.call('HLEN', ledger)
end
set_unless_empty('checkpoint', ARGV[2])
if ARGV[3] ~= '' and ARGV[4] ~= '' then
	redis.call('HSET', ledger, ARGV[3], ARGV[4])
	changed('owns', ARGV[3])
elseif ARGV[3] ~= '' and redis.call('HDEL', ledger, ARGV[3]) == 1 then
	changed('removed', ARGV[3])
end
if ARGV[5] ~= '' then
	note('log', ARGV[5])
end
return { 'written' }
