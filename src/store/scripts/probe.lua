#!lua flags=allow-oom
-- Writes nothing, yet is declared as one that may write: Redis refuses it wherever it would refuse the scripts that
-- change runs, such as on a replica, on a disk that failed, or to a user who may run no script.
--
-- KEYS: any key. Returns whether it is there.
return redis.call('EXISTS', KEYS[1])
