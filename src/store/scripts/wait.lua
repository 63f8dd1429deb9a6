--- @include arguments
--- @include lease
--- @include transitions
-- executing -> waiting or blocked: comes back when due; no attempt is used up. It ends a row of crashes.
--
-- Arguments of the write:
--   token           of the lease
--   checkpoint      '': as it is
--   phase           waiting or blocked
--   delay_ms        until it comes back
--   reason, detail  a word, a sentence
--   outage          '1' where its provider is down; otherwise the outage is over, unless the reason is none of the
--                   provider's
--   outage_ms       how long the call took that failed
--   outage_seen     what it met ('': nobody was asked)
-- Gives {word}: written, lost; where a cancel ends it instead, {written, now, facts of the end}.
function WRITES.wait()
	local answer = turned_away(arg.token)
	if answer then
		return answer
	end
	set_unless_empty('checkpoint', arg.checkpoint)
	set('reason', arg.reason, 'detail', arg.detail)
	clear('lost_lease', 'crashes')
	delay(arg.phase, arg.delay_ms)
	count_outage()
	changed(arg.phase, arg.detail)
	return { 'written' }
end
