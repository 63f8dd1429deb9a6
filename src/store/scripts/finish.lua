--- @include arguments
--- @include lease
--- @include transitions
-- executing -> done or error.
--
-- Arguments of the write:
--   token       of the lease
--   checkpoint  of no interest any more
--   status      done or error
--   output      JSON
--   gives       digest of what it gives to others, a blank, the MAC of output and digest ('' for error)
--   error       JSON ('' for done)
--   reason      a word, or ''
-- Lines of its log that came just before, work.lua gives it.
-- Gives {word, now, facts of the end}: written; {word}: lost.
function WRITES.finish()
	local was = read_all()
	if not is_held(was.status, was.lease, arg.token) then
		return { 'lost' }
	end
	local lines = rawget(arg, 'lines')
	return told('written', finish(arg.status, arg.output, arg.error, arg.reason, arg.gives, was, lines))
end
