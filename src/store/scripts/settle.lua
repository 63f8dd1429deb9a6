#!lua flags=allow-oom
--- @include arguments
--- @include transitions
-- Looks whether a deployment is what its steps are, as it is at any time when no hand has had part in it. Where it is
-- to be repaired: running <-> error, and either -> done.
--
-- KEYS: of a run (run.lua), whose step is `_deployment`: its hash is that of the deployment.
-- Arguments:
--   app, workflow  of the deployment
--   repair         '1': settles it; '': changes nothing
-- Returns {what does not hold in words ('': nothing), '1' where it was repaired}.

local of_workflow = arg.app .. ':' .. arg.workflow .. ':'
local status, steps, id = unpack(redis.call('HMGET', run, 'status', 'steps', 'deployment'))
if status == 'done' then
	return { '', '' }
end
if status ~= 'running' and status ~= 'error' then
	return { ("its status '%s' is none that there is"):format(status or ''), '' }
end

local word = what_steps_say(of_workflow, steps, id)
if word == status then
	return { '', '' }
end
if arg.repair == '1' and settle(of_workflow) then
	tell_users(of_workflow .. '_deployment')
end
local says = { running = 'it is running', error = 'it has ended in error' }
local is = { running = 'one of its steps goes on', error = 'none of its steps goes on',
	done = 'all of its steps are done' }
return { says[status] .. ', and ' .. is[word], arg.repair }
