--- @include arguments
--- @include transitions
-- Where each step of a deployment belongs that is started or retried: see start.lua, whose arguments these are.

-- A run that is live already becomes part of the deployment. One that waits for its needs does so anew, for what the
-- step needs by now.
local function join(step, id, waits)
	set('deployment', id)
	if waits then
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

-- The result that stands there. A run that never began, and was ended, has not taken the place of the one before.
local function read_result()
	local found = redis.call('HMGET', run, 'status', 'output', 'basis', 'gives', 'run', 'removed')
	local status, output, basis, gives, run_id, removed = unpack(found)
	local kept = redis.call('HMGET', run, 'kept_output', 'kept_basis', 'kept_gives', 'kept_run')
	if status == 'done' and not removed then
		return { output = output, basis = basis, gives = gives or '', run = kept[4] or run_id }
	elseif status == 'error' and kept[1] then
		return { output = kept[1], basis = kept[2], gives = kept[3], run = kept[4] }
	end
end

local function keep_result(step, id)
	set('deployment', id)
	clear('stale')
	use(step.needs, member(), touched())
end

-- Makes the run of a step, unless it is live already or keeps its result.
local made = false
local function place(step, id, keeps_done)
	local found = redis.call('HMGET', run, 'status', 'digest', 'definition', 'phase', 'started_at')
	local status, digest, definition, phase, begun = unpack(found)
	local waits = phase == 'blocked' and not begun
	if status == 'running' and (digest == step.digest or not waits) then
		return join(step, id, waits)
	end

	local missing, failed, _, basis = look_at_needs(step.needs, step.uses)
	local keeps = (keeps_done or step.keep) and arg.force ~= '1' and digest == step.digest and
		definition == step.definition and read_result()
	if keeps and status == 'done' and #missing == 0 and is_made_of(keeps.basis, basis) then
		return keep_result(step, id)
	end

	made = true
	if status == 'running' then
		note('replaced', 'it is to run with another input, and had not begun', seconds_kept())
	end
	create({ app = arg.app, workflow = arg.workflow, step = step.step, run = step.run, input = step.input,
		digest = step.digest, definition = step.definition, outputs = step.outputs, attempts = step.attempts,
		run_ms = step.run_ms, retention = arg.retention, request = arg.request, actor = arg.actor,
		needs = step.needs, uses = step.uses, deployment = id })
	if keeps then
		set('kept_output', keeps.output, 'kept_basis', keeps.basis, 'kept_gives', keeps.gives,
			'kept_run', keeps.run)
	end
	if #missing > 0 then
		set('run_deadline', now + arg.hold_ms)
		block(missing, failed)
	else
		unblock(basis)
	end
end

-- Needs come before what needs them. What a step needs may be made anew, so its users are placed when it is.
local placed = {}
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
