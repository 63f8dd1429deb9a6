--- @include arguments
--- @include lease
--- @include transitions
-- executing -> retrying: a transient failure; the next attempt comes when due. It ends a row of crashes.
--
-- Arguments of the write:
--   token           of the lease
--   checkpoint      '': as it is
--   delay_ms        until the next attempt
--   reason, detail  a word, a sentence
--   outage          '1' where its provider does not answer; otherwise the outage is over
--   outage_ms       how long the call took that failed
--   outage_seen     what it met
-- Gives {word}: written, lost; where a cancel ends it instead, {written, now, facts of the end}.
function WRITES.retry()
	local answer = turned_away(arg.token)
	if answer then
		return answer
	end
	set_unless_empty('checkpoint', arg.checkpoint)
	note_failure(arg.reason, arg.detail)
	set('reason', arg.reason, 'detail', arg.detail)
	clear('lost_lease', 'crashes')
	redis.call('HINCRBY', run, 'attempt', 1)
	delay('retrying', arg.delay_ms)
	count_outage()
	changed('retrying', arg.detail)
	return { 'written' }
end
