-- The keys of a run and its app, all of one slot (see store/keys.h), and the names in them.
local run, ready, delayed, live, events, apps, payload, ledger
local more_keys -- what a script is given beside these; its head says what
local of_partition -- the beginning of all of them
local named -- the run whose names these are: it takes long to read them
local named_member, named_own, named_app, named_of_workflow, named_workflow, named_step
local run_tenant, of_tenant -- whose the run is; the beginning of the keys of all apps of that tenant

-- Whose keys are meant from now on. A tenant comes from the keys that a script was given, or from a member of what all
-- tenants share, never from an argument: no name within a tenant leads out of it.
local function go_to_tenant(tenant)
	if tenant == run_tenant then
		return
	end
	run_tenant, of_tenant = tenant, of_partition .. 'app:' .. tenant .. ':'
	apps = of_partition .. 'apps:' .. tenant
end

each_call(function()
	named, named_member, named_own = nil, nil, nil
	named_app, named_of_workflow, named_workflow, named_step = nil, nil, nil, nil
	run, ready, delayed, live, events, apps, payload, ledger = unpack(KEYS)
	more_keys = { unpack(KEYS, 9) }
	of_partition = ready:sub(1, -#'ready' - 1)
	run_tenant = payload:match(':([^:]+):[^:]+:payload$')
	of_tenant = of_partition .. 'app:' .. run_tenant .. ':'
end)

-- Names the run in what all tenants share, such as delayed and live: tenant:app:workflow:step.
local function member()
	if run == named then
		return named_member
	end
	return run:sub(#of_partition + #'app:' + 1)
end

-- The same among those of its tenant, as in the needs of others: app:workflow:step.
local function own_name()
	if run == named then
		return named_own
	end
	return run:sub(#of_tenant + 1)
end

-- The parts of such a name: the app, `app:workflow:`, the workflow, and the step.
local function names_of(name)
	local of_workflow, app, workflow, step = name:match('^(([^:]*):([^:]*):)(.*)$')
	return app, of_workflow, workflow, step
end

-- The same of the run itself.
local function own_names()
	if run == named then
		return named_app, named_of_workflow, named_workflow, named_step
	end
	return names_of(own_name())
end

-- `app`: that of the name, where it is known.
local function go_to_run(name, app)
	local of_app = of_tenant .. (app or name:match('^[^:]*')) .. ':'
	run, events, payload, ledger = of_tenant .. name, of_app .. 'events', of_app .. 'payload', of_app .. 'ledger'
end

-- Its names are known then: see own_names.
local function go_to_member(name)
	local tenant, own, of_workflow, app, workflow, step = name:match('^([^:]*):((([^:]*):([^:]*):)(.*))$')
	if not tenant then
		tenant, own = name:match('^([^:]*):?(.*)$')
	end
	go_to_tenant(tenant)
	go_to_run(own, app)
	if app then
		named, named_member, named_own = run, name, own
		named_app, named_of_workflow, named_workflow, named_step = app, of_workflow, workflow, step
	end
end

-- Calls back with the keys of another run of the tenant, named app:workflow:step, in the place of the script's own.
local function as_run(name, call)
	local own_run, own_events, own_payload, own_ledger = run, events, payload, ledger
	go_to_run(name)
	local fine, problem = pcall(call)
	run, events, payload, ledger = own_run, own_events, own_payload, own_ledger
	if not fine then
		error(problem, 0)
	end
end

-- The same for one of any tenant, named tenant:app:workflow:step.
local function as_member(name, call)
	local own_tenant = run_tenant
	go_to_tenant(name:match('^[^:]*'))
	local fine, problem = pcall(as_run, name:sub(#run_tenant + 2), call)
	go_to_tenant(own_tenant)
	if not fine then
		error(problem, 0)
	end
end
