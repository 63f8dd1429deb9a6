--- @include budget
--- @include states
--- @include dependants
--- @include history
--- @include together
-- How a run begins anew, in the place of whatever stands there.

-- The hash of a run that begins anew, as a flat list: of what was before, the version stays, and the triggers that are
-- known. The caller says where it stands.
local ONLY_WHERE_GIVEN = { 'definition', 'outputs', 'uses', 'trigger', 'triggers', 'request', 'needs', 'deployment',
	'actor', 'budgeted', 'basis', 'phase', 'ready_at' }
local function fields_of_new(new, version)
	new.run_deadline = word_of(now + new.run_ms)
	local fields = { 'run', new.run, 'status', 'running', 'input', new.input, 'digest', new.digest, 'attempt', '1',
		'attempts', new.attempts, 'queued_at', now_text, 'run_ms', new.run_ms,
		'run_deadline', new.run_deadline, 'retention', new.retention, 'version', version }
	local count = #fields
	for i = 1, #ONLY_WHERE_GIVEN do
		local field = ONLY_WHERE_GIVEN[i]
		local value = new[field] or ''
		if value ~= '' then
			fields[count + 1], fields[count + 2] = field, value
			count = count + 2
		end
	end
	return fields
end

-- The same of one that is queued, but only what its status shows, and until when it may try how often.
local function shown_of_queued(new, version)
	local shown = { 'run', new.run, 'status', 'running', 'phase', 'queued', 'attempt', '1',
		'attempts', new.attempts, 'version', version, 'queued_at', now_text, 'ready_at', now_text,
		'run_deadline', new.run_deadline }
	if new.deployment ~= '' then
		shown[#shown + 1], shown[#shown + 2] = 'deployment', new.deployment
	end
	return shown
end

local function create(new)
	local version, status, triggers, counted = unpack(redis.call('HMGET', run, 'version', 'status', 'triggers',
		'budgeted'))
	if status == 'running' then
		leave()
	elseif status then
		record_end()
	end
	new.triggers = new.triggers or triggers
	new.budgeted = count_live(status == 'running' and counted)
	redis.call('DEL', run)
	set(unpack(fields_of_new(new, version or 0)))
	if new.needs ~= '' then
		use(new.needs, own_name(), seconds_kept_by('running', new.retention, now + new.run_ms))
	end
end

-- Whether a step that others need, or a deployment that is not done, looks at what the run is.
local function is_looked_at(of_deployment)
	return of_deployment == 'running' or of_deployment == 'error' or
		redis.call('EXISTS', users_of(own_name())) == 1
end

-- What stands beside the first run of an app: the same as remember_step and note make, where there is nothing.
local function begin_app(new, seconds)
	local steps, lasting = steps_of_app(), word_of(seconds + SPARE)
	redis.call('HSETNX', steps, new.workflow .. ':' .. new.step, '1')
	redis.call('EXPIRE', steps, lasting)
	begin_events('queued', table.concat({ new.workflow, new.step, new.run }, '.'))
	redis.call('EXPIRE', events, lasting)
end

-- The same where all that it needs is done, and no live run is in its place: it stands on the queue at once, and its
-- hash is written in one go. `was` is the hash that is there, by name; `new.is_first`: there is nothing of its app.
-- `place` is its place in the lane, `of_deployment` the status of its deployment, and `basis` the mark of what it is
-- made of. Gives what its status shows.
local function create_queued(new, was, place, of_deployment, basis)
	local seconds = seconds_kept_by('running', new.retention, now + new.run_ms)
	if was.status then
		record_end()
	end
	if next(was) then
		redis.call('DEL', run)
	end
	if new.needs ~= '' then
		use(new.needs, own_name(), seconds)
	end
	put_together(run_tenant, new.app, new.workflow .. ':' .. new.step, place)
	new.budgeted, new.basis, new.phase, new.ready_at = count_live(), basis, 'queued', now_text
	local version = word_of(version_after(was.version))
	set(unpack(fields_of_new(new, version)))
	redis.call('EXPIRE', run, word_of(seconds))
	if new.has_payload then
		keep_payload(seconds)
	end
	if new.is_first then
		begin_app(new, seconds)
		return shown_of_queued(new, version)
	end
	remember_step(seconds)
	note('queued', nil, seconds, new.run)
	if is_looked_at(of_deployment) then
		end_together()
		tell_others()
	end
	return shown_of_queued(new, version)
end
