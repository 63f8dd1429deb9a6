--- @include arguments
--- @include transitions
-- Where each step of a deployment belongs that is started or retried: see start.lua, whose arguments these are.

-- Makes the run of a step, unless it is live already or keeps its result.
local made = false
local function place(step, id, keeps_done)
	local found = redis.call('HMGET', run, 'status', 'digest', 'basis', 'definition', 'removed', 'output', 'phase',
		'started_at', 'gives')
	local status, digest, basis, definition, removed, output, phase, begun, gives = unpack(found)
	if status == 'running' and (digest == step.digest or phase ~= 'blocked' or begun) then
		set('deployment', id)
		if phase == 'blocked' and not begun then
			reconsider()
		end
		return
	end

	local missing, failed, _, basis_now = look_at_needs(step.needs)
	local keeps = (keeps_done or step.keep) and arg.force ~= '1' and status == 'done' and not removed and
		digest == step.digest and definition == step.definition
	if keeps and #missing == 0 and basis == basis_now then
		set('deployment', id)
		clear('stale')
		return
	end

	made = true
	create({ app = arg.app, workflow = arg.workflow, step = step.step, run = step.run, input = step.input,
		digest = step.digest, definition = step.definition, attempts = step.attempts, run_ms = step.run_ms,
		retention = arg.retention, request = arg.request, actor = arg.actor, needs = step.needs,
		deployment = id })
	if keeps then
		set('kept_output', output, 'kept_basis', basis, 'kept_gives', gives or '')
	end
	if #missing > 0 then
		set('run_deadline', now + arg.hold_ms)
		block(missing, failed)
	else
		unblock(basis_now)
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
	settles = false
	for _ = 1, #steps do
		for _, step in ipairs(steps) do
			if not placed[step.step] and is_ready(step, of_workflow) then
				as_run(of_workflow .. step.step, function()
					place(step, id, keeps_done)
				end)
				placed[step.step] = true
			end
		end
	end
	settles = true
	settle(of_workflow)
	return made
end
