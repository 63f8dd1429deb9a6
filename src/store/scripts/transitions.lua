--- @include states
--- @include dependants
--- @include history
-- How a run goes from one state to another; all that changes one includes this.

-- A run begins anew: of what was before, only the version stays. The caller says where it stands.
local function create(new)
	drop_entry()
	clear('error', 'output', 'checkpoint', 'reason', 'detail', 'due', 'cancel', 'started_at', 'finished_at',
		'trigger', 'request', 'removed', 'used', 'outage_at', 'outage_ms', 'outage_seen', 'paused_ms', 'stale',
		'needs', 'basis', 'definition', 'deployment', 'failures', 'failed_need', 'kept_output', 'kept_gives',
		'kept_basis', 'kept_run', 'actor', 'gives', 'outputs', 'uses', 'declines')
	set('app', new.app, 'workflow', new.workflow, 'action', new.step, 'run', new.run, 'status', 'running')
	set('input', new.input, 'digest', new.digest, 'attempt', 1, 'attempts', new.attempts, 'crashes', 0)
	set('queued_at', now, 'run_ms', new.run_ms, 'run_deadline', now + new.run_ms, 'retention', new.retention)
	for _, field in ipairs({ 'definition', 'outputs', 'uses', 'trigger', 'request', 'needs', 'deployment',
		'actor' }) do
		set_unless_empty(field, new[field] or '')
	end
	use(new.needs, member(), seconds_kept())
end

-- What a run has lost to a provider that was down, behind delay(): the time of the call that failed, and the wait that
-- begins. The time in the queue is none of it. outage_at, outage_ms and outage_seen are of the outage that lasts, and
-- go with it; paused_ms is of all of them, and of no interest to what the action waits for.
local function count_outage()
	if arg.outage ~= '1' then
		clear('outage_at', 'outage_ms', 'outage_seen')
		return
	end
	local lost = tonumber(arg.outage_ms) + number('due') - now
	redis.call('HSETNX', run, 'outage_at', now - tonumber(arg.outage_ms))
	redis.call('HINCRBY', run, 'outage_ms', lost)
	redis.call('HINCRBY', run, 'paused_ms', lost)
	set_unless_empty('outage_seen', arg.outage_seen)
end

-- What is known of the result that stood there: a run that never began, and ends, has not taken its place.
local function drop_kept(status, reason)
	if status ~= 'done' and not get('started_at') then
		return
	end
	clear('kept_output', 'kept_gives', 'kept_basis')
	if reason ~= 'reused' then
		clear('kept_run')
	end
end

-- done, error: nothing changes any more. Its input is not needed again: by the digest it is known whether another
-- trigger asks for the same.
local function finish(status, output, problem, reason, gives)
	drop_entry()
	redis.call('ZREM', delayed, member())
	redis.call('ZREM', live, member())
	clear('phase', 'due', 'declines', 'reason', 'detail', 'cancel', 'lost_lease', 'outage_at', 'outage_ms',
		'outage_seen', 'paused_ms', 'failed_need', 'gives')
	drop_kept(status, reason)
	set('status', status, 'finished_at', now, 'output', output)
	set_unless_empty('gives', gives or '')
	if problem ~= '' then
		set('error', problem)
	else
		clear('error')
	end
	if reason ~= '' then
		set('reason', reason)
	end
	if reason ~= 'reused' then
		record_end(status, output, problem)
	end
	clear('input', 'failures')
	-- What it has used may be another by now.
	if status == 'done' and get('basis') then
		mark_stale(get('needs'), get('basis'))
	end
	changed(status, reason)
	tell_others()
end

-- blocked: the run stands in delayed, and is looked at when one of its needs changes; in any case after a while.
local function block(missing, failed)
	local reason, detail = 'needs', 'it waits for ' .. readable_list(missing)
	if failed then
		reason = 'need_failed'
		detail = ('it needs %s, which %s; it goes on when that is retried'):format(readable(failed.name),
			failed.how)
		set('failed_need', failed.name)
	else
		clear('failed_need')
	end
	local was_reason, was_detail = get('reason'), get('detail')
	set('reason', reason, 'detail', detail)
	delay('blocked', NEEDS_RECHECK_MS)
	use(get('needs'), member(), seconds_kept())
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
		set('basis', output and get('kept_basis') == BASIS_OF_ANY and BASIS_OF_ANY or basis)
	end
	if output and is_made_of(get('kept_basis'), basis) then
		return finish('done', output, '', 'reused', get('kept_gives'))
	end
	if not get('started_at') then
		set('queued_at', now, 'run_deadline', now + number('run_ms'))
	end
	clear('reason', 'detail', 'failed_need', 'kept_output', 'kept_gives', 'kept_basis', 'kept_run')
	enqueue()
	changed('queued', get('needs') and 'all that it needs is done')
	tell_others()
end

-- Where a run belongs that waits for its needs, now that one of them may have changed.
function reconsider()
	local missing, failed, _, basis = look_at_needs(get('needs'), get('uses'))
	if #missing > 0 then
		return block(missing, failed)
	end
	-- A run that cannot be put on the queue waits on: whoever repairs the queue sees it again.
	if type(redis.pcall('XLEN', queue)) == 'number' then
		unblock(basis)
	end
end

-- An answer with what a log tells of a run that has ended, or gone to another worker, behind word and time.
local function told(word)
	local facts = {}
	for _, field in ipairs({ 'run', 'status', 'reason', 'error', 'attempt', 'crashes', 'queued_at', 'request' }) do
		facts[#facts + 1], facts[#facts + 2] = field, get(field) or ''
	end
	return { word, now, facts }
end

-- The error of a run that is past its deadline, with what it waited for: without that, nobody would know what to do.
local function expired(problem)
	local detail, known = get('detail') or '', cjson.decode(problem)
	if detail == '' or not known.message then
		return problem
	end
	known.message = known.message .. '; last state: ' .. detail
	return cjson.encode(known)
end

-- A run that somebody wants to end goes no further: it ends instead of whatever was to come. Gives whether it did.
local function ended_by_cancel()
	local problem = get('cancel')
	if problem then
		finish('error', '{}', problem, '')
	end
	return problem
end
