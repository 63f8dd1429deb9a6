--- @include arguments
--- @include earlier_result
--- @include new_run
--- @include transitions
-- Where each step of a deployment belongs that is started or retried: see start.lua, whose arguments these are.

-- A run that is live already becomes part of the deployment. One that waits for its needs does so anew, for what the
-- step needs by now; where the deployment would not keep the result that stood there, it will run.
local function join(step, id, waits, may_keep)
	set('deployment', id)
	if waits then
		if not may_keep then
			clear('kept_output', 'kept_basis', 'kept_gives', 'kept_run')
		end
		clear('needs', 'uses', 'outputs')
		for _, field in ipairs({ 'needs', 'uses', 'outputs' }) do
			set_unless_empty(field, step[field] or '')
		end
		set('definition', step.definition, 'run_deadline', now + arg.hold_ms)
	end
	touched()
	if waits then
		reconsider()
	end
end

local function keep_result(step, id, basis)
	adopt_input(step.digest, step.needs, step.uses)
	if get('deployment') ~= id then
		record_end_here() -- it was of another one
	end
	set('deployment', id)
	set_basis(basis)
	clear('stale')
	use(step.needs, own_name(), touched())
end

local made, placed -- whether any run; which steps
each_call(function()
	made, placed = false, {}
end)

-- Makes the run of a step, unless it is live already or keeps its result.
local function place(step, id, keeps_done)
	local found = redis.call('HMGET', run, 'status', 'digest', 'definition', 'phase', 'started_at')
	local status, digest, definition, phase, begun = unpack(found)
	local waits = phase == 'blocked' and not begun
	local may_keep = (keeps_done or step.keep) and arg.force ~= '1' and is_result_of(digest, step.digest) and
		definition == step.definition
	if status == 'running' and (digest == step.digest or not waits) then
		return join(step, id, waits, may_keep)
	end

	local keeps = may_keep and read_result()
	local missing, failed, _, basis = look_at_waits(step.needs, step.uses, keeps and keeps.basis)
	if keeps and status == 'done' and #missing == 0 and is_made_of(keeps.basis, basis) then
		return keep_result(step, id, basis)
	end

	made = true
	if status == 'running' then
		note('replaced', 'it is to run with another input, and had not begun', seconds_kept())
	end
	create({ app = arg.app, workflow = arg.workflow, step = step.step, run = step.run, input = step.input,
		digest = step.digest, definition = step.definition, outputs = step.outputs, attempts = step.attempts,
		run_ms = step.run_ms, retention = arg.retention, request = arg.request, actor = arg.actor,
		needs = step.needs, uses = step.uses }, id)
	if keeps then
		hold_result(keeps)
	end
	if #missing > 0 then
		set('run_deadline', now + arg.hold_ms)
		block(missing, failed)
	else
		unblock(basis)
	end
end

-- Needs come before what needs them. What a step needs may be made anew, so its users are placed when it is.
local function is_ready(step, of_workflow)
	for name in step.needs:gmatch('%S+') do
		local own = name:sub(1, #of_workflow) == of_workflow and name:sub(#of_workflow + 1)
		if own and own ~= '_deployment' and not placed[own] then
			return false
		end
	end
	return true
end

-- Places all steps of a deployment; gives whether any run was made.
local function place_all(steps, id, of_workflow, keeps_done)
	local function place_next()
		for _, step in ipairs(steps) do
			if not placed[step.step] and is_ready(step, of_workflow) then
				as_run(of_workflow .. step.step, function()
					place(step, id, keeps_done)
				end)
				placed[step.step] = true
			end
		end
	end

	change_steps(of_workflow, function()
		for _ = 1, #steps do
			place_next()
		end
	end)
	return made
end
