#!lua flags=allow-oom
--- @include arguments
--- @include finish
--- @include gathered
--- @include progress
--- @include release
--- @include retry
--- @include take
--- @include wait
-- What a worker has for the queue in one turn of its loop: what it writes about runs that it has, in that order; then
-- it takes others. Each write is fenced by the lease of its run, and a key that a hand has broken costs the others
-- nothing.
--
-- KEYS: of a run (run.lua), whichever: those that all runs share.
-- Arguments: those of take.lua, with want 0 where nothing is to be taken; then for each write
--   write  what it is: finish, progress, release, retry or wait; all up to the next `write` is of it
--   name   of the run, tenant:app:workflow:step
--   and what the file of this name asks for
-- Returns {what take.lua gives ('': nothing was to be taken), what the file gives for each write in turn, or the word
-- of that alone}; an error in the place of what could not be done.

local function attempt(call)
	local fine, answer = pcall(call)
	return (fine or type(answer) == 'table') and answer or redis.error_reply(tostring(answer))
end

local function is_line(write)
	return write.write == 'progress' and write.field == '' and write.checkpoint == '' and write.log ~= ''
end

-- The lines of a run's log that come before its end are written with that. Gives by number with what lines each of them
-- is written; that knows, as ends_with, with which end: where there is none, it is a write of its own.
local function join_lines()
	local lines_of, joined = {}, {}
	for i = 1, #writes do
		local write = writes[i]
		local token, of = write.token, nil
		local lines = lines_of[token]
		if lines and lines.name == write.name then
			of = lines
		end
		if is_line(write) then
			if of then
				of[#of + 1], of[#of + 2] = 'log', write.log
			else
				of = { 'log', write.log, nil, nil, name = write.name, ends_with = nil }
			end
			joined[i] = of
		elseif of and write.write == 'finish' then
			write.lines, of.ends_with, of = of, i, nil
		else
			of = nil
		end
		lines_of[token] = of
	end
	return joined
end

local of_call, answers, joined = arg, { '' }, join_lines()
begin_gathering()
for i, write in ipairs(writes) do
	if not (joined[i] and joined[i].ends_with) then
		arg = write
		go_to_member(write.name)
		answers[i + 1] = attempt(WRITES[write.write])
	end
end
for i, lines in pairs(joined) do
	local answer = lines.ends_with and answers[lines.ends_with + 1]
	if answer then
		answers[i + 1] = answer.err and answer or answer[1]
	end
end
arg = of_call
if arg.want ~= '0' then
	answers[1] = attempt(take_runs)
end
make_gathered()
return answers
