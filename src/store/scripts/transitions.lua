--- @include ending
-- How a run goes from one state to another; all that changes one includes this.

-- What a run waits for that is nothing of its provider's, and says nothing of it: an outage goes on as it was.
local NOT_OF_PROVIDER = { store_unavailable = true, turn = true, needs = true, no_worker_for_version = true }

-- What a run has lost to a provider that was down, behind delay(): the time of the call that failed, and the wait that
-- begins. The time in the queue is none of it. outage_at, outage_ms and outage_seen are of the outage that lasts, and
-- go with it; paused_ms is of all of them, and of no interest to what the action waits for.
local function count_outage()
	if arg.outage ~= '1' then
		if not NOT_OF_PROVIDER[arg.reason] then
			clear('outage_at', 'outage_ms', 'outage_seen')
		end
		return
	end
	local lost = tonumber(arg.outage_ms) + number('due') - now
	redis.call('HSETNX', run, 'outage_at', now - tonumber(arg.outage_ms))
	redis.call('HINCRBY', run, 'outage_ms', lost)
	redis.call('HINCRBY', run, 'paused_ms', lost)
	set_unless_empty('outage_seen', arg.outage_seen)
end

-- blocked: the run stands in delayed, and is looked at when one of its needs changes; in any case after a while.
local function block(missing, failed)
	local was_reason, was_detail = unpack(redis.call('HMGET', run, 'reason', 'detail'))
	local reason, detail = 'needs', 'it waits for ' .. readable_list(missing)
	if failed then
		reason = 'need_failed'
		detail = ('it needs %s, which %s; it goes on when that is retried'):format(readable(failed.name),
			failed.how)
	end
	set('reason', reason, 'detail', detail)
	delay('blocked', NEEDS_RECHECK_MS)
	use(get('needs'), own_name(), seconds_kept())
	if reason ~= was_reason or detail ~= was_detail then
		changed('blocked', detail)
	end
	if reason ~= was_reason then
		tell_others()
	end
end

-- blocked -> queued: all needs are done. The time of a run counts from then on. Where it would be made of the same
-- outputs as the result that stood there, that result is kept.
local function unblock(basis)
	local output = get('kept_output') -- with kept_gives and kept_basis: of the result that stood there
	if not get('used') then -- else needs.lua compares with what an attempt has used
		set_basis(output and get('kept_basis') == BASIS_OF_ANY and BASIS_OF_ANY or basis)
	end
	if output and is_made_of(get('kept_basis'), basis) then
		return finish('done', output, '', 'reused', get('kept_gives'))
	end
	if not get('started_at') then
		set('queued_at', now, 'run_deadline', now + number('run_ms'))
	end
	clear('reason', 'detail', 'kept_output', 'kept_gives', 'kept_basis', 'kept_run')
	enqueue()
	changed('queued', get('needs') and 'all that it needs is done')
	tell_others()
end

-- The same as look_at_needs, for a run that is to keep a result with this mark (nil: none) if it can: where that is
-- made of what the needs give now, it waits for no deployment that comes before.
local function look_at_waits(names, uses, kept_basis)
	local missing, failed, unknown, basis = look_at_needs(names, uses)
	if kept_basis and #missing > 0 and is_made_of(kept_basis, basis) and
		#look_at_needs(without_order(names), uses) == 0 then
		return {}, nil, unknown, basis
	end
	return missing, failed, unknown, basis
end

-- Where a run belongs that waits for its needs, now that one of them may have changed.
function reconsider()
	local missing, failed, _, basis = look_at_waits(get('needs'), get('uses'), get('kept_basis'))
	if #missing > 0 then
		return block(missing, failed)
	end
	-- A run that cannot be put on the queue waits on: whoever repairs the queue sees it again.
	if pcall(expect_queue) then
		unblock(basis)
	end
end

-- A run that somebody wants to end goes no further: it ends instead of whatever was to come. Gives whether it did.
local function ended_by_cancel()
	local problem = get('cancel')
	if problem then
		finish('error', '{}', problem, '')
	end
	return problem
end
