--- @include arguments
--- @include lease
--- @include transitions
-- executing -> queued: a worker hands its run back, for it is told to stop, or it could not renew the lease for a while
-- and has stopped; no attempt and no crash is counted. Where its lease ran out meanwhile and the run was taken over,
-- the crash that was counted then was none.
--
-- Arguments of the write:
--   token  of the lease
-- Gives {word}: written, lost; where a cancel ends it instead, {written, now, facts of the end}.
function WRITES.release()
	expect_queue()
	if get('lost_lease') == arg.token then
		redis.call('HINCRBY', run, 'crashes', -1)
		clear('lost_lease')
	end
	local answer = turned_away(arg.token)
	if answer then
		return answer
	end
	enqueue()
	changed('queued', 'handed back')
	return { 'written' }
end
