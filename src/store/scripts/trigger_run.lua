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

-- The same input goes on with the deployment that the step belongs to; another one is none of what that was asked for.
local function new_of_trigger(was, of_deployment)
	local goes_on = of_deployment[2] and of_deployment[2] ~= 'done' and was.digest == arg.digest and
		of_deployment[1] and was.deployment == of_deployment[1]
	return { app = arg.app, workflow = arg.workflow, step = arg.step, run = arg.run, input = arg.input,
		digest = arg.digest, definition = arg.definition, outputs = arg.outputs, attempts = arg.attempts,
		run_ms = arg.run_ms, retention = arg.retention, trigger = arg.trigger,
		triggers = triggers_with_this(was) or was.triggers, request = arg.request, actor = arg.actor,
		needs = arg.needs, uses = arg.uses, deployment = goes_on and of_deployment[1] or '' }
end

-- Its result is kept, or its needs are waited for: it may end at once, and others may go on.
local function create_held(new, keeps, as_made, basis, more)
	end_together()
	expect_queue()
	begin_triggers()
	count_use(more, true)
	create(new)
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
	local lane = lanes_of(run_tenant) .. ':' .. arg.app
	return redis.call('EXISTS', run, payload, events, lane, steps_of_app(), users_of(own_name()),
		deployment_key(arg.app, arg.workflow)) == 0
end

local function make_run(was, keeps, as_made, has_needs, basis, has_payload, is_first)
	if budgets.apps then
		end_together() -- their apps are counted where they are listed
	end
	local more = as_made and {} or { live = 1, starts = 1, bytes = #arg.input + RUN_BYTES }
	local over = over_budget(more)
	if over then
		return answer_trigger('over', over)
	end
	local found = is_first and {} or
		redis.pcall('HMGET', deployment_key(arg.app, arg.workflow), 'deployment', 'status')
	local of_deployment = found.err and {} or found
	local new = new_of_trigger(was, of_deployment)
	if as_made or not has_needs then
		return create_held(new, keeps, as_made, basis, more)
	end
	local place = look_for_place(run_tenant, arg.app, is_first)
	begin_triggers()
	count_use(more, true)
	new.has_payload, new.is_first = has_payload, is_first
	return answer_trigger('new', nil, create_queued(new, was, place, of_deployment[2], basis))
end

local function trigger_run()
	local is_first = is_first_of_app()
	local was = is_first and {} or read_all()
	if arg.trigger ~= '' and (' ' .. (was.triggers or '') .. ' '):find(' ' .. arg.trigger .. ' ', 1, true) then
		return answer_trigger('same')
	end
	local config = not is_first and redis.call('HGET', payload, 'version')
	if arg.config ~= '' and arg.config ~= (config or '0') then
		return answer_trigger('outdated')
	end
	if was.status == 'running' then
		return was.digest == arg.digest and answer_known('same', was) or answer_trigger('conflict')
	end

	local missing, _, basis = read_needs(keys_of_needs(), arg.uses)
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
	return make_run(was, keeps, as_made, #missing == 0, basis, config, is_first)
end
