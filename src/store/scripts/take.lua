--- @include arguments
--- @include run_limits
--- @include next_run
--- @include claim_run
-- queued -> executing: gives a worker the runs that are next, and the leases of them.
--
-- Arguments:
--   want         how many, at most
--   worker       who takes them
--   lease_ms     for how long
--   after_begun  '1' where the last one that it took had begun before: a new one is next then
--   definitions  of the steps that it has, each ` workflow:step=digest=action `; '': of all
--   limits       of runs at a time, each `name=number`: of a tenant (`tenant`), an app (`app`), an action ('': none).
--                `reserve=1`: that of a tenant is there so that others find an executor
--   expired      error JSON for the deadline
-- Gives {now, '1' where the last one had begun before, list of what it met}. Each of these begins with a word and the
-- name tenant:app:workflow:step: claimed, with token, what is told of it (lease_run.lua), and the ledger as a flat list
-- where it has a row; expired, with facts of the end; declined (it is of another build), with id of the run and its
-- definition; broken, with why nobody can run it.

local LOOKS_MAX = 32 -- at runs that cannot be taken

local function take_runs()
	local met, missing = {}, tonumber(arg.want)
	local after_begun = arg.after_begun == '1'

	local function take_next()
		local tenant, name, had_begun = next_run(after_begun)
		local one = tenant and take(tenant, name, had_begun)
		if one and one[1] == 'claimed' then
			missing, after_begun = missing - 1, had_begun
		end
		met[#met + 1] = one
		return tenant
	end

	taking.wanted = missing
	SOURCE.find_all()
	local looks = LOOKS_MAX + missing
	while missing > 0 and looks > 0 and take_next() do
		looks = looks - 1
	end
	ring_again(missing == 0 or looks == 0)
	return { now, after_begun and '1' or '', met }
end
