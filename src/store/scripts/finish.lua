#!lua flags=allow-oom
--- @include arguments
--- @include lease
--- @include transitions
-- executing -> done or error.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   token       of the lease
--   checkpoint  '': as it is
--   status      done or error
--   output      JSON
--   gives       digest of what it gives to others ('' for error)
--   error       JSON ('' for done)
--   reason      a word, or ''
-- Returns {word, now, facts of the end}: written; {word}: lost.

if not held(arg.token) then
	return { 'lost' }
end
set_unless_empty('checkpoint', arg.checkpoint)
finish(arg.status, arg.output, arg.error, arg.reason, arg.gives)
return told('written')
