#!lua
--- @include arguments
--- @include trigger_run
-- idle, done, error -> queued or blocked. Refused while memory is full (no allow-oom), as start.lua is: these add work.
--
-- A live run with the same input is returned as it is; with another input it is a conflict. A done run with the same
-- input, the same definition and the same outputs of what it needs is returned unless forced; where these are not
-- known yet, its result is kept if they turn out to be the same; also the next trigger has it, where this one is
-- cancelled before it begins. What was removed since it was done is done no longer,
-- neither here nor as a need. A trigger that has an id of its own, and is sent again because its answer was lost, makes
-- no run: it gets the one that it got, whatever has become of it, or the one that has taken its place since. Of each
-- step the last triggers are known that got a run, whether they made it or joined it.
--
-- KEYS: of a run (run.lua): the first, or whichever of the same tenant.
-- Arguments: of one trigger; or of several of one tenant, in this order: what is the same in all of them, then for each
--   write                ''; all up to the next `write` is of it
-- What a trigger has:
--   app, workflow, step  of the run
--   run                  id of a new one
--   input                JSON
--   digest               of the input
--   definition           digest of what the step means to this build
--   outputs              names of its outputs, each between blanks
--   uses                 for each need the names of its outputs that are used, ended by `;`
--   force                '1' or ''
--   hold                 for how many ms a need that is not done may hold the run as blocked ('': it refuses it)
--   needs                names of the needs, app:workflow:step, in the order of their keys
--   run_ms               until its deadline
--   attempts             that may fail
--   retention            in seconds
--   trigger              id of the trigger ('': none)
--   config, config_at    version of the payload that the input was built with ('': whichever), and when it was changed
--   request              id of the HTTP request ('': none)
--   actor                who sent it ('': unknown)
--   budgets              of its tenant, the same for all: see budget.lua
-- Returns for one {word, now, hash as a flat list, numbers of the needs that are not done, counted from 1}: new, same,
-- reused, conflict, needs_not_done; outdated (the payload is another one); ring (it would wait for itself; then
-- the names around it); over (a budget is used up; then which: see budget.lua). Of a new one that is queued at once
-- the text `queued NOW VERSION`, with the id of the deployment behind it that the run is part of, if any: the rest of
-- its hash is what was sent. For several a list of these; an error in the place of one that could not be done.

local function attempt(wish)
	arg = wish
	go_to_run(arg.app .. ':' .. arg.workflow .. ':' .. arg.step)
	local fine, answer = pcall(trigger_run)
	return (fine or type(answer) == 'table') and answer or redis.error_reply(tostring(answer))
end

if #writes == 0 then
	local answer = attempt(arg)
	end_together()
	return answer
end
local answers = {}
for i, wish in ipairs(writes) do
	answers[i] = attempt(wish)
end
end_together()
return answers
