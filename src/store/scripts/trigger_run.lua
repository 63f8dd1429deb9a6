--- @include arguments
--- @include basis
--- @include budget
--- @include earlier_result
--- @include new_run
--- @include transitions
--- @include layout
--- @include ring
-- What one trigger asks for, and gets: its arguments are those that trigger.lua lists.
local TRIGGERS_KEPT = 8

-- The ids that are known when this trigger has got a run, the newest first; nil where it has none.
local function triggers_with_this(was)
	if arg.trigger == '' then
		return nil
	end
	local ids = { arg.trigger }
	for id in (was.triggers or ''):gmatch('%S+') do
		if #ids < TRIGGERS_KEPT then
			ids[#ids + 1] = id
		end
	end
	return table.concat(ids, ' ')
end

local function answer_trigger(word, missing, fields)
	return { word, now, fields or redis.call('HGETALL', run), missing or {} }
end

-- It gets a run, or a result, that was there already.
local function answer_known(word, was)
	if arg.trigger ~= '' then
		set('triggers', triggers_with_this(was))
	end
	return answer_trigger(word)
end

local function keys_of_needs()
	local keys = {}
	for name in arg.needs:gmatch('%S+') do
		keys[#keys + 1] = of_tenant .. name
	end
	return keys
end

-- Once a call.
local has_begun
each_call(function()
	has_begun = false
end)
local function begin_triggers()
	if not has_begun then
		has_begun = true
		mark_layout()
		trim_apps(arg.retention)
	end
end

-- The deployment of the workflow, if any: its status, and its id where this run is part of it. The same input goes on
-- with the deployment that the step belongs to; another one is none of what that was asked for.
local function look_at_deployment(was)
	local of_deployment = redis.pcall('HMGET', deployment_key(arg.app, arg.workflow), 'deployment', 'status')
	if of_deployment.err then
		return NOTHING
	end
	local goes_on = of_deployment[2] and of_deployment[2] ~= 'done' and was.digest == arg.digest and
		of_deployment[1] and was.deployment == of_deployment[1]
	return { status = of_deployment[2], deployment = goes_on and of_deployment[1] or '' }
end

-- Its result is kept, or its needs are waited for: it may end at once, and others may go on.
local function create_held(was, deployment, keeps, as_made, basis, more)
	end_together()
	expect_queue()
	begin_triggers()
	count_use(more, true)
	create(arg, deployment, triggers_with_this(was))
	if keeps then
		hold_result(keeps)
	end
	if as_made then
		unblock(basis)
		return answer_trigger('reused')
	end
	set('run_deadline', now + arg.hold)
	block(look_at_needs(arg.needs, arg.uses))
	return answer_trigger('new')
end

-- Whether there is nothing of the app that one would look at, as in its first trigger.
local function is_first_of_app()
	return redis.call('EXISTS', run, payload, events, lane_of(arg.app), steps_of_app(), users_of(own_name()),
		deployment_key(arg.app, arg.workflow)) == 0
end

-- Of one that is queued at once, its status is made of what was sent, and of this.
local function answer_queued(version, deployment)
	local answer = 'queued ' .. now_text .. ' ' .. version
	return (deployment or '') ~= '' and answer .. ' ' .. deployment or answer
end

local function make_run(was, keeps, as_made, has_needs, basis, has_payload)
	if budgets.apps then
		end_together() -- their apps are counted where they are listed
	end
	local more = next(budgets) and (as_made and {} or { live = 1, starts = 1, bytes = #arg.input + RUN_BYTES })
	local over = more and over_budget(more)
	if over then
		return answer_trigger('over', over)
	end
	local of_deployment = was == NOTHING and NOTHING or look_at_deployment(was)
	if as_made or not has_needs then
		return create_held(was, of_deployment.deployment, keeps, as_made, basis, more)
	end
	local place = look_for_place(arg.app, was == NOTHING)
	begin_triggers()
	count_use(more, true)
	local version = create_queued(arg, was, of_deployment, triggers_with_this(was) or was.triggers, place, basis,
		has_payload)
	return answer_queued(version, of_deployment.deployment)
end

local function trigger_run()
	local is_first = is_first_of_app()
	local was = is_first and NOTHING or read_all()
	if arg.trigger ~= '' and (' ' .. (was.triggers or '') .. ' '):find(' ' .. arg.trigger .. ' ', 1, true) then
		return answer_trigger('same')
	end
	-- Its versions begin anew where it has expired, was deleted, or was lost with a Redis that went down.
	local config = is_first and NOTHING or redis.call('HMGET', payload, 'version', 'changed_at')
	if arg.config ~= '' and (arg.config ~= (config[1] or '0') or
		number_in(arg.config_at) ~= number_in(config[2])) then
		return answer_trigger('outdated')
	end
	if was.status == 'running' then
		return was.digest == arg.digest and answer_known('same', was) or answer_trigger('conflict')
	end

	local missing, _, basis = NOTHING, nil, ''
	if arg.needs ~= '' then
		missing, _, basis = read_needs(keys_of_needs(), arg.uses)
	end
	if #missing > 0 and arg.hold == '' then
		return answer_trigger('needs_not_done', missing)
	end
	local ring = #missing > 0 and find_ring({ [arg.app .. ':' .. arg.workflow .. ':' .. arg.step] = arg.needs })
	if ring then
		return answer_trigger('ring', ring)
	end
	local keeps = arg.force ~= '1' and is_result_of(was.digest, arg.digest) and
		(was.definition or '') == arg.definition and read_result()
	local as_made = keeps and #missing == 0 and is_made_of(keeps.basis, basis)
	if as_made and was.status == 'done' then
		if adopt_input(arg.digest, arg.needs, arg.uses) then
			set_basis(basis)
			use(arg.needs, own_name(), touched())
		end
		return answer_known('reused', was)
	end
	return make_run(was, keeps, as_made, #missing == 0, basis, config[1])
end
