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
-- Returns {what take.lua gives ('': nothing was to be taken), what the file gives for each write in turn}; an error in
-- the place of what could not be done.

local function attempt(call)
	local fine, answer = pcall(call)
	return (fine or type(answer) == 'table') and answer or redis.error_reply(tostring(answer))
end

-- The lines of a run's log that come before its end are written with that. Gives by number which end each is of.
local function join_lines()
	local lines_of, ends = {}, {}
	for i, write in ipairs(writes) do
		local is_line = write.write == 'progress' and write.field == '' and write.checkpoint == '' and
			write.log ~= ''
		local key = write.name .. ' ' .. write.token
		if is_line then
			lines_of[key] = lines_of[key] or {}
			table.insert(lines_of[key], i)
		elseif write.write == 'finish' and lines_of[key] then
			write.lines = {}
			for _, line in ipairs(lines_of[key]) do
				ends[line] = i
				write.lines[#write.lines + 1], write.lines[#write.lines + 2] = 'log', writes[line].log
			end
			lines_of[key] = nil
		else
			lines_of[key] = nil
		end
	end
	return ends
end

local of_call, answers, ends = arg, { '' }, join_lines()
begin_gathering()
for i, write in ipairs(writes) do
	if not ends[i] then
		arg = write
		go_to_member(write.name)
		answers[i + 1] = attempt(WRITES[write.write])
	end
end
for i, ends_with in pairs(ends) do
	local answer = answers[ends_with + 1]
	answers[i + 1] = answer.err and answer or { answer[1] }
end
arg = of_call
if arg.want ~= '0' then
	answers[1] = attempt(take_runs)
end
make_gathered()
return answers
