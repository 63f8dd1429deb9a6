#!lua flags=no-writes
--- @include arguments
--- @include requests
-- Changes nothing: whether a start or retry has been sent before. It is asked before anything of the request is
-- checked, for much may have changed since; start.lua asks again, for the same may have been sent twice at once.
--
-- KEYS: of a run (run.lua), whose step is `_deployment`: its hash is that of the deployment.
-- Arguments:
--   what   'start' or 'retry'
--   start  id of the request
-- Returns {word, now, hash of a deployment as a flat list, names}: same, forgotten (see requests.lua); none.

return answer_of_before(arg.what == 'retry' and 'retries' or 'starts', arg.start) or { 'none', now, {}, {} }
