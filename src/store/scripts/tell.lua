#!lua flags=allow-oom
--- @include arguments
--- @include transitions
-- Goes on telling those that need a step, or a deployment, that it has changed: more than one script is to tell. What
-- cannot be told is left out, as its key is broken.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   name  of it, app:workflow:step
-- Returns how many it has told.

for told = 0, TOLD_IN_A_TURN - 1 do
	local user = next_user(arg.name)
	if not user then
		return told
	end
	tell_one(arg.name, user)
end
return TOLD_IN_A_TURN
