#!lua flags=allow-oom
--- @include arguments
--- @include basis
--- @include lease
-- executing -> executing: reads the outputs of what the run needs, and keeps what it is made of. A need may have been
-- triggered again since the run was. Where an earlier attempt has used other outputs, the run is made of both: no later
-- trigger is to take it for one that is made of either.
--
-- KEYS: of the run (run.lua); the hash of each step that it needs.
-- Arguments:
--   token  of the lease
--   uses   for each need the names of its outputs that are used, ended by `;`
-- Returns {word, ...}: outputs, and each of them with its `gives`; missing, the number of the first that is not done,
-- counted from 1, and its status ('': there is none; changed: another build made it); lost.

if not is_held_by(arg.token) then
	return { 'lost' }
end
local missing, outputs, basis = read_needs(more_keys, arg.uses)
if #missing > 0 then
	local need = redis.call('HMGET', more_keys[missing[1]], 'status', 'removed')
	local status = need[1] or ''
	return { 'missing', missing[1], status == 'done' and (need[2] and 'removed' or 'changed') or status }
end
set_basis(get('used') and (get('basis') or '') ~= basis and 'mixed' or basis)
set('used', 1)
return { 'outputs', unpack(outputs) }
