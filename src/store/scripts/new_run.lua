--- @include budget
--- @include states
--- @include dependants
--- @include history
--- @include together
-- How a run begins anew, in the place of whatever stands there.
local NOTHING = {} -- what is read of a run, or its deployment, where nothing of its app is there

-- The hash of a run that begins anew, as a flat list: of what was before, the version stays, and the triggers that are
-- known. The caller says where it stands. There is room for all that may be added: to make it takes longer than that.
local ONLY_WHERE_GIVEN = { 'definition', 'outputs', 'uses', 'trigger', 'request', 'needs', 'actor' }
local function fields_of_new(new, version, deadline)
	local fields = { 'run', new.run, 'status', 'running', 'input', new.input, 'digest', new.digest, 'attempt', '1',
		'attempts', new.attempts, 'queued_at', now_text, 'run_ms', new.run_ms, 'run_deadline', deadline,
		'retention', new.retention, 'version', version, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil,
		nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil }
	local count = 22
	for i = 1, #ONLY_WHERE_GIVEN do
		local field = ONLY_WHERE_GIVEN[i]
		local value = new[field]
		if value and value ~= '' then
			fields[count + 1], fields[count + 2] = field, value
			count = count + 2
		end
	end
	return fields
end

local function add_given(fields, field, value)
	if value and value ~= '' then
		add(fields, field, value)
	end
end

-- How long a run is kept, and until when it may try, as texts: most of a call are kept as long.
local times
each_call(function()
	times = {}
end)
local function times_of(new)
	if times.retention ~= new.retention or times.run_ms ~= new.run_ms then
		local seconds = seconds_kept_by('running', new.retention, now + new.run_ms)
		times = { retention = new.retention, run_ms = new.run_ms, seconds = seconds, own = word_of(seconds),
			with_spare = word_of(seconds + SPARE), deadline = word_of(now + new.run_ms) }
	end
	return times
end

-- Whatever stands there ends. `known`: the triggers that are known from now on; nil: those that are.
local function create(new, deployment, known)
	local version, status, triggers, counted = unpack(redis.call('HMGET', run, 'version', 'status', 'triggers',
		'budgeted'))
	if status == 'running' then
		leave()
	elseif status then
		record_end()
	end
	counted = count_live(status == 'running' and counted)
	redis.call('DEL', run)
	local kept = times_of(new)
	local fields = fields_of_new(new, version or 0, kept.deadline)
	add_given(fields, 'triggers', known or triggers)
	add_given(fields, 'deployment', deployment)
	add_given(fields, 'budgeted', counted)
	set(unpack(fields))
	if new.needs ~= '' then
		use(new.needs, own_name(), kept.seconds)
	end
end

-- Whether a step that others need, or a deployment that is not done, looks at what the run is.
local function is_looked_at(of_deployment)
	return of_deployment == 'running' or of_deployment == 'error' or
		redis.call('EXISTS', users_of(own_name())) == 1
end

-- What stands beside the first run of an app: the same as remember_step and note make, where there is nothing.
local function begin_app(new, step, lasting)
	local steps = steps_of_app()
	redis.call('HSETNX', steps, step, '1')
	redis.call('EXPIRE', steps, lasting)
	begin_events('queued', new.workflow .. '.' .. new.step .. '.' .. new.run)
	redis.call('EXPIRE', events, lasting)
end

-- The same where all that it needs is done, and no live run is in its place: it stands on the queue at once, and its
-- hash is written in one go. `was` is the hash that is there, by name, or NOTHING. `of_deployment` has the deployment
-- that the run is of, and the status of the one that its workflow has; `known` are the triggers that are known from now
-- on; `place` is its place in the lane, and `basis` the mark of what it is made of. Gives its version.
local function create_queued(new, was, of_deployment, known, place, basis, has_payload)
	local kept, step = times_of(new), new.workflow .. ':' .. new.step
	if was.status then
		record_end()
	end
	if next(was) then
		redis.call('DEL', run)
	end
	if new.needs ~= '' then
		use(new.needs, own_name(), kept.seconds)
	end
	put_together(new.app, step, place)
	local version = was.version and word_of(version_after(was.version)) or '1'
	local fields = fields_of_new(new, version, kept.deadline)
	add(fields, 'phase', 'queued')
	add(fields, 'ready_at', now_text)
	add_given(fields, 'triggers', known)
	add_given(fields, 'deployment', of_deployment.deployment)
	add_given(fields, 'basis', basis)
	add_given(fields, 'budgeted', count_live())
	set(unpack(fields))
	redis.call('EXPIRE', run, kept.own)
	if was == NOTHING then
		begin_app(new, step, kept.with_spare)
		return version
	end
	if has_payload then
		keep_payload(kept.seconds)
	end
	remember_step(kept.seconds)
	note('queued', nil, kept.seconds, new.run)
	if is_looked_at(of_deployment.status) then
		end_together()
		tell_others()
	end
	return version
end
