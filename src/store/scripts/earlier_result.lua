--- @include history
--- @include results
--- @include run
-- The result that stands there where a step is asked for again, and whether it is kept.

-- Whether a result is that of this input.
local function is_result_of(digest, wanted)
	return digest == wanted or digest == DIGEST_OF_ANY
end

-- A result that a person gave before the input was known holds for the first one that is asked for. Gives whether it is
-- such a result; the caller says what it was made of.
local function adopt_input(digest, needs, uses)
	if get('digest') ~= DIGEST_OF_ANY then
		return false
	end
	record_end_here()
	clear('needs', 'uses')
	set('digest', digest)
	set_unless_empty('needs', needs)
	set_unless_empty('uses', uses)
	return true
end

-- The result that stands there. A run that never began, and was ended, has not taken the place of the one before.
local function read_result()
	local found = redis.call('HMGET', run, 'status', 'output', 'basis', 'gives', 'run', 'removed')
	local status, output, basis, gives, run_id, removed = unpack(found)
	local kept = redis.call('HMGET', run, 'kept_output', 'kept_basis', 'kept_gives', 'kept_run')
	if status == 'done' and not removed then
		return { output = output, basis = basis or '', gives = gives or '', run = kept[4] or run_id }
	elseif status == 'error' and kept[1] then
		return { output = kept[1], basis = kept[2], gives = kept[3], run = kept[4] }
	end
end

-- Lets a run that was made in the place of a result, and waits for its needs, keep that: see unblock.
local function hold_result(result)
	set('kept_output', result.output, 'kept_basis', result.basis)
	set('kept_gives', result.gives, 'kept_run', result.run)
end
