#!lua flags=allow-oom
-- executing -> done or error.
--
-- ARGV: token, checkpoint, status, output, error JSON ('' for done), reason. Returns {word, now, facts of the
-- end}: written, lost.
if not held(ARGV[1]) then
	return { 'lost' }
end
set_unless_empty('checkpoint', ARGV[2])
finish(ARGV[3], ARGV[4], ARGV[5], ARGV[6])
return told('written')
