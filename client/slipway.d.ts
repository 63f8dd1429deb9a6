/**
 * The Slipway client: triggers actions of deployment workflows and follows them until they end.
 *
 * Every call rejects with one of these:
 *
 * - {@link ActionError}: the action itself ended in error;
 * - {@link ProblemError}: the server refused the request, or it failed temporarily and `patienceMs` is 0;
 * - {@link SlipwayError}: no usable response within the patience, or a response that makes no sense;
 * - the reason of the caller's `signal`, as it is, once that is aborted;
 * - `TypeError`: an argument that can never work, such as a `baseUrl` that is not http.
 */

/** The coarse status, which every client knows. */
export type StatusWord = 'idle' | 'running' | 'done' | 'error';

/** The finer state of `running`. */
export type Phase = 'queued' | 'executing' | 'waiting' | 'retrying' | 'blocked';

/** The closed list of classes that an action's error can have. */
export type ErrorClass =
  | 'invalid_input'
  | 'not_allowed'
  | 'needs_not_done'
  | 'plan_changed'
  | 'payload_too_large'
  | 'auth_missing'
  | 'auth_expired'
  | 'scope_missing'
  | 'app_not_installed'
  | 'not_allowed'
  | 'not_found'
  | 'not_ready'
  | 'conflict_ours'
  | 'conflict_foreign'
  | 'plan_limit'
  | 'rate_limited'
  | 'provider_unavailable'
  | 'network'
  | 'timeout'
  | 'worker_lost'
  | 'cancelled'
  | 'build_failed'
  | 'check_failed'
  | 'forged'
  | 'internal'
  | 'out_of_memory';

/** The closed list of classes with which a request can be refused; the last ones come from nginx. */
export type ProblemClass =
  | ErrorClass
  | 'invalid_request'
  | 'unauthorized'
  | 'over_budget'
  | 'budget_full'
  | 'misdirected'
  | 'needs_ring'
  | 'run_conflict'
  | 'config_changed'
  | 'method_not_allowed'
  | 'unsupported_media_type'
  | 'store_unavailable'
  | 'store_full'
  | 'overloaded'
  | 'outcome_unknown'
  | 'request_timeout'
  | 'too_many_requests'
  | 'api_unavailable';

/** What a person can do about an error. */
export interface Remedy {
  /** One or more plain sentences. */
  readonly text: string;
  /** Where to do it. */
  readonly url?: string;
  /** The member of the step's input that has to be changed for it, such as `adopt`. */
  readonly inputKey?: string;
  /** Room for more. */
  readonly [member: string]: unknown;
}

/** Why an action ended in error. */
export interface ActionFailure {
  /** The class, which decides whether the server retries by itself. */
  readonly class: ErrorClass | (string & {});
  /** Whether another trigger may succeed although nothing was changed. */
  readonly retryable: boolean;
  /** What happened, in a sentence. */
  readonly message: string;
  /** Where in the input, as a JSON Pointer such as `/inputs/repo/owner`. */
  readonly place?: string;
  /** Which provider it came from, such as `github`. */
  readonly provider?: string;
  /** The HTTP status of the provider's response. */
  readonly httpStatus?: number;
  /** The provider's own code for it. */
  readonly providerCode?: string;
  /** The provider's id of that request, for its support. */
  readonly requestId?: string;
  /** What a person can do about it. */
  readonly remedy?: Remedy | null;
}

/**
 * The state of one action of one app. Treat it as read-only: `poll` returns the same object again when nothing changed.
 */
export interface Status {
  /** The workflow that the action belongs to. */
  readonly workflowId: string;
  /** The app that is provisioned. */
  readonly appId: string;
  /** The step of the workflow. */
  readonly actionId: string;
  /** The latest run, null before any trigger. */
  readonly runId: string | null;
  /** `running` from the moment that the trigger is accepted. A later server may add words. */
  readonly status: StatusWord;
  /** The finer state while `running`. */
  readonly phase?: Phase | (string & {}) | null;
  /** Why it waits, such as `rate_limited`, `no_worker`, `paused` or `no_worker_for_version`; or `skipped`. It may change while `version` stays. */
  readonly reason?: string | null;
  /** The same in a sentence, or what a person has to do for it to continue, such as the DNS records to set. */
  readonly detail?: string | null;
  /** When it will continue, as an RFC 3339 time. */
  readonly resumeAt?: string | null;
  /** The attempt, from 1; 0 or absent before the first. */
  readonly attempt?: number;
  /** How often its worker was lost. */
  readonly crashes?: number;
  /** Grows with every change and never goes back. */
  readonly version: number;
  /** When the run was accepted, as an RFC 3339 time. */
  readonly queuedAt?: string | null;
  /** When the first attempt began. */
  readonly startedAt?: string | null;
  /** When the run ended. */
  readonly finishedAt?: string | null;
  /** What the action made, once `done`. */
  readonly output?: Readonly<Record<string, unknown>> | null;
  /** Why it failed, once `error`. */
  readonly error?: ActionFailure | null;
  /** True in the response to a trigger whose input was done before, so that nothing was run. */
  readonly reused?: boolean;
  /** Only when true: what the step created has left the app's ledger since. A trigger creates it again. */
  readonly removed?: boolean;
  /** Only when true: what it was made from has changed since. Starting its workflow makes it anew. */
  readonly stale?: boolean;
  /** The deployment that it is part of; absent if it was triggered alone. */
  readonly deploymentId?: string;
  /** How long to wait before the next poll, as the server suggests, in milliseconds. */
  readonly nextPollMs?: number | null;
}

/** One execution of a whole workflow for one app, which the server drives. */
export interface Deployment {
  /** The workflow. */
  readonly workflowId: string;
  /** The app. */
  readonly appId: string;
  /** The latest one of this workflow and app. */
  readonly deploymentId: string;
  /**
   * `running` while any step goes on by itself; `error` once nothing does and not all steps are done. One that waits
   * only for what has failed in another app is in `error`, and `running` again when that is retried.
   */
  readonly status: 'running' | 'done' | 'error' | (string & {});
  /** `cancelling` or `cancelled`, else null. */
  readonly reason: string | null;
  /** The digest of the workflow that it was started with. */
  readonly definition: string | null;
  /** A digest of what it was asked for: the same for two starts with the same inputs. */
  readonly inputsDigest: string | null;
  /** Who started it, where that is known. */
  readonly actor: string | null;
  /** When it was started, as an RFC 3339 time. */
  readonly startedAt: string | null;
  /** When it was last retried. */
  readonly retriedAt: string | null;
  /** When it ended. */
  readonly finishedAt: string | null;
  /** Grows with each change of it. */
  readonly version: number;
}

/** The states of all actions of a workflow for one app. */
export interface WorkflowStatus {
  /** The workflow. */
  readonly workflowId: string;
  /** The app. */
  readonly appId: string;
  /** One status a step, in the order of the steps. */
  readonly actions: readonly Status[];
  /** The latest deployment; null if its steps were only triggered one by one. */
  readonly deployment: Deployment | null;
}

/** As much of JSON Schema as describes an input. */
export interface InputSchema {
  /** The type of the value. */
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | (string & {});
  /** A short name for people. */
  readonly title?: string;
  /** What it is for. */
  readonly description?: string;
  /** The only values allowed. */
  readonly enum?: readonly unknown[];
  /** What the server uses if nothing is given. */
  readonly default?: unknown;
  /** The members of an object. */
  readonly properties?: Readonly<Record<string, InputSchema>>;
  /** The members that must be given. */
  readonly required?: readonly string[];
  /** What an array consists of. */
  readonly items?: InputSchema;
  /** True for what must not be shown. */
  readonly writeOnly?: boolean;
  /** All other keywords of JSON Schema. */
  readonly [keyword: string]: unknown;
}

/** One step of a workflow. */
export interface Step {
  /** Its name in the workflow: the `actionId` of all calls. */
  readonly id: string;
  /** What it does, such as `github.repository`. */
  readonly action: string;
  /** The same in a sentence. */
  readonly summary?: string;
  /** The member of `inputs` that it reads, if any. */
  readonly inputKey?: string | null;
  /** Whether it is skipped if it has no input. */
  readonly optional?: boolean;
  /** The values that the workflow puts into its input, by member. Those that `input` has too can be overridden. */
  readonly bound?: Readonly<Record<string, string>>;
  /** The steps that must be done before. */
  readonly needs: readonly string[];
  /** What its input looks like. */
  readonly input?: InputSchema | null;
  /** What its result looks like. */
  readonly output?: InputSchema | null;
}

/** Where the value of one field comes from. */
export interface Ask {
  /** The step that takes it; of several with the same input, the first. */
  readonly actionId: string;
  /** The member of `inputs`; null: the step takes no input, so a person cannot give the value. */
  readonly inputKey: string | null;
  /** The member of that input. */
  readonly field: string;
  /** What it is for. */
  readonly title: string;
  /** Whether it is a secret. */
  readonly secret: boolean;
  /** Whether the step is skipped if it gets no input: then nothing has to be given. */
  readonly optional: boolean;
  /** `given`: a person must fill it in. Anything else: the workflow has a `value` for it. */
  readonly source: 'given' | 'bound' | 'derived' | 'step' | 'app' | 'secret' | 'config' | 'env' | (string & {});
  /** The value, with its references. */
  readonly value?: string;
  /** Whether an input may replace it. */
  readonly overridable?: boolean;
  /** The first step that the value refers to; of another app as `app.workflow.step`. */
  readonly from?: string;
  /** What has to be configured for it, such as `config.name`; a secret may be generated. */
  readonly configured?: readonly string[];
}

/** A workflow that the server can run. */
export interface Workflow {
  /** Its name: the `workflowId` of all calls. */
  readonly id: string;
  /** A digest of what its steps mean: another build of the server with the same digest executes them alike. */
  readonly definition?: string;
  /** What it is for. */
  readonly summary?: string;
  /** Its steps, in the order of their definition. */
  readonly steps: readonly Step[];
  /** Where each required field and each bound one comes from. Absent on older servers. */
  readonly asks?: readonly Ask[];
}

/** One invalid place of a request. */
export interface ProblemPlace {
  /** A JSON Pointer into the request, such as `/inputs/repo/owner`. */
  readonly place: string;
  /** What is wrong there. */
  readonly message: string;
  /** Of `validate`: the step whose input it is; absent where no step takes it. */
  readonly actionId?: string;
  /** Of `validate`: what a person can do. */
  readonly remedy?: Remedy;
}

/** An RFC 9457 problem document. All members may be absent: proxies make them too. */
export interface Problem {
  /** A URI that names the kind of problem. */
  readonly type?: string;
  /** The kind of problem in words. */
  readonly title?: string;
  /** The HTTP status. */
  readonly status?: number;
  /** Slipway's own name for the kind, such as `needs_not_done`. */
  readonly class?: ProblemClass | (string & {});
  /** What happened. */
  readonly detail?: string;
  /** The invalid places of the request. */
  readonly errors?: readonly ProblemPlace[];
  /** The steps that are not done yet. */
  readonly needs?: readonly string[];
  /** The status of the run that stands in the way, with `run_conflict`. */
  readonly current?: Status;
  /** What a person can do. */
  readonly remedy?: Remedy | null;
}

/** What `configure` merges into the app's stored payload, as RFC 7396 says: null deletes. */
export interface Configuration {
  /** Inputs of steps, by `inputKey`. */
  readonly inputs?: Readonly<Record<string, unknown>> | null;
  /** Settings that inputs can refer to. */
  readonly config?: Readonly<Record<string, unknown>> | null;
  /** Environment variables for what is deployed. */
  readonly env?: Readonly<Record<string, unknown>> | null;
  /** Sealed on arrival; never returned. */
  readonly secrets?: Readonly<Record<string, string | GeneratedSecret | InitialSecret | null>> | null;
  /** Which connections of its tenant the app uses, by the id of a provider; null for the tenant's default. */
  readonly connections?: Readonly<Record<string, string | null>> | null;
}

/** A secret for an app that has none of that name; otherwise it changes nothing. */
export interface InitialSecret {
  /** The value. */
  readonly initial: string;
}

/** Asks for a secret that the server makes once and keeps, in the place of its value. */
export interface GeneratedSecret {
  /** What kind of secret to make. */
  readonly generate: {
    /** In characters; 32 if absent. */
    readonly length?: number;
    /** The characters themselves, or the name of an alphabet; `alphanumeric` if absent. */
    readonly alphabet?: 'hex' | 'base64url' | 'alphanumeric' | (string & {});
  };
  /** All apps that ask for this name get the same value. */
  readonly shared?: string;
  /** Makes a new value also where there is one. Send it once. */
  readonly anew?: boolean;
}

/** What is stored after a `configure`. */
export interface ConfigureResult {
  /** The app. */
  readonly appId?: string;
  /** Grows with each change of what is stored. See {@link TriggerOptions.configVersion}. */
  readonly version?: number;
  /** All inputs that are stored now. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Where in `inputs` a secret stands that is not shown, as JSON pointers such as "/inputs/env/variables/0/value". */
  readonly sealed?: readonly string[];
  /** All settings that are stored now. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** All environment variables that are stored now. */
  readonly env?: Readonly<Record<string, unknown>>;
  /** The names of the secrets that are stored now. */
  readonly secrets?: readonly string[];
  /** How those of them were asked for that the server has made: enough to ask for the same elsewhere. */
  readonly generated?: Readonly<Record<string, Omit<GeneratedSecret, 'anew'>>>;
  /** The connections that the app names; absent where it names none. */
  readonly connections?: Readonly<Record<string, string>>;
  /** Room for more. */
  readonly [member: string]: unknown;
}

/** The clock that the client uses. Replaced in tests. */
export interface Clock {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Resolves after that time; rejects with the signal's reason as soon as that is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** A request that failed temporarily and will be sent again. */
export interface Retry {
  /** What happened. */
  readonly error: SlipwayError;
  /** How long until the request is sent again, in milliseconds. */
  readonly waitMs: number;
  /** How long it has been failing, in milliseconds. */
  readonly failingMs: number;
}

/** The options of a client. */
export interface ClientOptions {
  /**
   * Where the server is, such as `https://deploy.example.com` or `/slipway`. Default: the origin of the page. Needed
   * outside a browser.
   */
  readonly baseUrl?: string;
  /**
   * A token, sent as `Authorization: Bearer`; or a function that gets one, such as a browser token from your own server.
   * It is asked with the first request, and once more where the server refuses what it gave.
   */
  readonly token?: string | (() => Promise<string>);
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /**
   * Milliseconds between polls. Default: a poll waits at the server for a change (see {@link PollOptions.waitMs}); where
   * that is not possible, what the server suggests (`nextPollMs`), else 2000.
   */
  readonly pollMs?: number;
  /**
   * How long a request may keep failing temporarily (lost connection, 429, 502, 503, 504, unreadable response), in
   * milliseconds. Default: 120000. With 0 it is sent once. A wait that the server asks for with Retry-After is
   * always granted, even if it is longer than what is left; but where a budget is used up for longer than that
   * (`over_budget`), the request fails at once.
   */
  readonly patienceMs?: number;
  /** After how many milliseconds a single request counts as failed. Default: 30000. */
  readonly requestTimeoutMs?: number;
  /** Replaces the clock, for tests. */
  readonly clock?: Clock;
}

/** The options of every request. */
export interface RequestOptions {
  /** Aborts a request or a wait at once. The promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** For this call, see {@link ClientOptions.patienceMs}. */
  readonly patienceMs?: number;
  /** Milliseconds between polls, and the first wait after a failure. See {@link ClientOptions.pollMs}. */
  readonly pollMs?: number;
  /** Called before each retry, so that a person can be told why nothing happens. */
  readonly onRetry?: (retry: Retry) => void;
}

/** The options of a poll. */
export interface PollOptions extends RequestOptions {
  /**
   * How long the server may wait for a change of what the last poll of this client has returned, in milliseconds; at
   * most 25000, and 5000 less than `requestTimeoutMs`. Default: 0. The promise resolves with the change, after that
   * time with the same object, or earlier with it where the server cannot wait.
   */
  readonly waitMs?: number;
}

/** The options of a trigger. */
export interface TriggerOptions extends RequestOptions {
  /** Inputs by `inputKey`, over those that are stored. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Runs it again even if the same input is done. */
  readonly force?: boolean;
  /** Waits for steps that it needs and that are not done, instead of being refused. */
  readonly hold?: boolean;
  /**
   * An id that you make up for this one trigger. If the same trigger is sent again, it returns the run that it got,
   * even if that has ended or the app was configured since; if the step was run again since, that later run. It never
   * makes another one, as long as it is among the last 8 of its step. Default: a new id with `force`, else none.
   */
  readonly triggerId?: string;
  /** The `version` of a {@link ConfigureResult}: refused as `config_changed` where the app was configured since. */
  readonly configVersion?: number;
}

/** The options of a start. */
export interface StartOptions extends RequestOptions {
  /** Inputs by `inputKey`, over those that are stored. They belong to this deployment. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Deployments of other apps that have to be done first. */
  readonly after?: readonly { readonly appId: string; readonly workflowId: string }[];
  /**
   * An id that you make up for this one start. If the same start is sent again, nothing is checked or started: it
   * returns the deployment that it got, even if that has ended, or was replaced by another one since. The server knows
   * the last 8. Default: a new one for each call.
   */
  readonly startId?: string;
  /** Cancels a live deployment with other inputs first, instead of being refused. */
  readonly replace?: boolean;
  /** Runs all steps again, also those that keep their result. */
  readonly force?: boolean;
  /**
   * The `hash` of the last {@link Plan}. The deployment then begins with a step `as-planned`, which plans anew: if the
   * plan has another hash, that step ends in error as `plan_changed`, which says what moved, and nothing is made. Refused
   * together with `force`, for a step that keeps its result would then run although the plan does not say so.
   */
  readonly plan?: string;
  /** As {@link TriggerOptions.configVersion}. */
  readonly configVersion?: number;
}

/** The options of a retry. */
export interface RetryOptions extends RequestOptions {
  /** The deployment that is meant; refused where it is no longer the latest. */
  readonly deploymentId?: string;
  /** Inputs that change, merged over those that the deployment was started with. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** As {@link StartOptions.startId}, for this one retry. */
  readonly startId?: string;
}

/** The options of a cancel. */
export interface CancelOptions extends RequestOptions {
  /**
   * Of one action: the run that is meant, from its {@link Status.runId}. If another run is live by now, the cancel is
   * refused with `run_conflict`, whose `current` is that run.
   */
  readonly runId?: string;
  /** Of a workflow: the deployment that is meant; refused where it is no longer the latest. */
  readonly deploymentId?: string;
}

/** The options of a validation. */
export interface ValidateOptions extends RequestOptions {
  /** Inputs by `inputKey`, over those that are stored. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** As for `configure`. It counts as if it were stored already. */
  readonly config?: Readonly<Record<string, unknown>> | null;
  /** The same. */
  readonly env?: Readonly<Record<string, unknown>> | null;
  /** The same. */
  readonly secrets?: Readonly<Record<string, string | GeneratedSecret | null>> | null;
}

/** The options of following an action. Both callbacks are called for the trigger's response too. */
export interface FollowOptions extends TriggerOptions {
  /** Called with each answer, changed or not. What it throws ends the following. */
  readonly onStatus?: (status: Status) => void;
  /** Called with each answer that differs from the one before. What it throws ends the following. */
  readonly onChange?: (status: Status) => void;
}

/** The options of a plan. Both callbacks are called for the statuses of the plan's own run. */
export interface PlanOptions extends RequestOptions {
  /** Inputs by `inputKey`, over those that are stored. They are not stored. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** As for `configure`. It counts as if it were stored already. */
  readonly config?: Readonly<Record<string, unknown>> | null;
  /** The same. */
  readonly env?: Readonly<Record<string, unknown>> | null;
  /** The same. The value of a secret that the app has not got is unknown in the plan; one that it has stays that. */
  readonly secrets?: Readonly<Record<string, string | GeneratedSecret | null>> | null;
  /** Called with each answer, changed or not. What it throws ends the following. */
  readonly onStatus?: (status: Status) => void;
  /** Called with each answer that differs from the one before. What it throws ends the following. */
  readonly onChange?: (status: Status) => void;
}

/** What one step would do. */
export interface PlannedStep {
  /** The step of the workflow. */
  readonly id: string;
  /** What it does, such as `github.repository`. */
  readonly action: string;
  /** What it would come to. */
  readonly change:
    | 'create' | 'update' | 'remove' | 'adopt' | 'nothing' | 'undecided' | 'blocked' | 'conflict' | (string & {});
  /** The same in words. */
  readonly text?: string;
  /** The kind of what it would create or adopt, such as `repository`. */
  readonly kind?: string;
  /** The name of that. */
  readonly name?: string;
  /** Whether the app had it already, and it is not there any more. */
  readonly gone?: boolean;
  /** The steps whose results would tell more; one of another app as `app.workflow.step`. */
  readonly after?: readonly string[];
  /** What is other than asked for, up to 64. */
  readonly differences?: readonly string[];
  /** How many further differences are not listed; `seen` counts them too. */
  readonly moreDifferences?: number;
  /** Why it cannot go on, with `blocked` or `conflict`; without it a blocked step only waits. */
  readonly error?: ActionFailure | null;
  /** A digest of its input and of all that it has found. */
  readonly seen?: string;
}

/** What a workflow would do for an app. */
export interface Plan {
  /** One entry a step, in the order of the steps. */
  readonly steps: readonly PlannedStep[];
  /**
   * How many calls it made of each provider; how many a run of all steps needs at the least, and how many of them
   * change something besides; how many are left (-1: not known); and what will stop runs soon, such as a token that
   * ends in the next 14 days.
   */
  readonly calls: readonly {
    readonly provider: string;
    readonly looked: number;
    readonly writes: number;
    readonly needed: number;
    readonly remaining: number;
    readonly warning?: string;
  }[];
  /** What it saw, as a hash: another plan has the same where the inputs are the same and nothing has changed. See {@link StartOptions.plan}. */
  readonly hash: string;
}

/** The options of watching a deployment. What a callback throws ends the watching. */
export interface WatchOptions extends RequestOptions {
  /** Called with the deployment, and again with each change of it. */
  readonly onDeployment?: (deployment: Deployment) => void;
  /** Called with each status of each answer, changed or not. */
  readonly onStatus?: (status: Status) => void;
  /** Called with each status that differs from the one before. */
  readonly onChange?: (status: Status) => void;
  /** Called as soon as a step fails; the promise still waits for independent steps. */
  readonly onFailure?: (actionId: string, error: ActionError) => void;
}

/** The options of running a workflow: those of its start and of watching it. */
export interface WorkflowOptions extends StartOptions, WatchOptions {}

/** The options of a list. */
export interface ListOptions extends RequestOptions {
  /** At most so many entries, from 1 to 200. Default: 50. A page may have fewer although more follow. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string | null;
  /** Only those of this workflow. Not for apps. */
  readonly workflowId?: string;
  /** Only those with this status. For deployments and runs. */
  readonly status?: 'running' | 'done' | 'error';
}

/** An app on the list of apps. */
export interface ListedApp {
  /** The app. */
  readonly appId: string;
  /** When it last changed, as an RFC 3339 time. */
  readonly changedAt: string;
  /** The latest deployment of each workflow, where there is one. */
  readonly deployments: readonly Deployment[];
}

/** What there is of one app. */
export interface App {
  /** The app. */
  readonly appId: string;
  /** When it last changed; null if it has run nothing yet. */
  readonly changedAt: string | null;
  /** The `version` of what is configured; 0: nothing. */
  readonly configVersion: number;
  /** The workflows that it has had runs of, also those that only other builds of the server have. */
  readonly workflows: readonly string[];
  /** The latest deployment of each workflow, where there is one. */
  readonly deployments: readonly DeploymentRecord[];
  /** How many entries its lists have. */
  readonly counts: {
    readonly resources: number;
    readonly deployments: number;
    readonly runs: number;
    readonly events: number;
  };
}

/** A deployment that is live or has ended, with what it was started with. */
export interface DeploymentRecord extends Deployment {
  /** The digest of the inputs of all steps. */
  readonly digest: string | null;
  /** The id of the HTTP request that started or retried it. */
  readonly requestId: string | null;
  /** Its steps. */
  readonly steps: readonly string[];
  /** Deployments that had to be done first. */
  readonly after: readonly { readonly appId: string; readonly workflowId: string }[];
  /** The inputs that were given, without secrets; null if they are larger than what is kept. */
  readonly inputs: Readonly<Record<string, unknown>> | null;
  /** The inputs that the app had configured then, in the same way. */
  readonly configured: Readonly<Record<string, unknown>> | null;
  /** Where a secret stands that is not shown, as JSON pointers. */
  readonly sealed: readonly string[];
  /** The references beside what is secret in such a text, as they are written. */
  readonly sealedReferences: readonly { readonly place: string; readonly references: readonly string[] }[];
}

/** A run that has ended. */
export interface EndedRun {
  /** The workflow. */
  readonly workflowId: string | null;
  /** The app. */
  readonly appId: string;
  /** The step. */
  readonly actionId: string | null;
  /** The run. */
  readonly runId: string | null;
  /** The deployment that it was part of. */
  readonly deploymentId: string | null;
  /** How it ended. */
  readonly status: 'done' | 'error' | (string & {}) | null;
  /** Why, as a word, where there is one. */
  readonly reason: string | null;
  /** The digest of the input. */
  readonly digest: string | null;
  /** The digest of the step's definition. */
  readonly definition: string | null;
  /** The id of the HTTP request that created it. */
  readonly requestId: string | null;
  /** Who asked for it, where that is known. */
  readonly actor: string | null;
  /** The number of its last attempt. */
  readonly attempt: number;
  /** How often a worker was lost with it, in a row. */
  readonly crashes: number;
  /** When it was triggered or released. */
  readonly queuedAt: string | null;
  /** When its first attempt began. */
  readonly startedAt: string | null;
  /** When it ended. */
  readonly finishedAt: string | null;
  /** The attempts that failed and were followed by another. */
  readonly failures: readonly {
    readonly attempt: number;
    readonly at: string | null;
    readonly class: string | null;
    readonly message: string;
  }[];
  /** Its input, without secrets; null if it had none, or it is larger than what is kept. */
  readonly input: Readonly<Record<string, unknown>> | null;
  /** Where in `input` a secret stands that is not shown, as JSON pointers. */
  readonly sealed: readonly string[];
  /** Its output; null if there is none, or it is larger than what is kept. */
  readonly output: Readonly<Record<string, unknown>> | null;
  /** What it ended with. */
  readonly error: ActionFailure | null;
  /** What it made or adopted, as far as no later run has written it since. */
  readonly resources: readonly Resource[];
}

/** What an app has at a provider. A member is missing where it is not known. */
export interface Resource {
  /** Such as `github`. */
  readonly provider?: string;
  /** Such as `repository`. */
  readonly type?: string;
  /** Its name. */
  readonly key?: string;
  /** `pending` while it is not known what came of it; `damaged` if the entry cannot be read. */
  readonly state?: 'pending' | 'created' | 'adopted' | 'damaged' | (string & {});
  /** The provider's id. */
  readonly id?: string;
  /** For people. */
  readonly url?: string;
  /** The run that wrote this. */
  readonly run?: string;
  /** Its workflow. */
  readonly workflow?: string;
  /** Its step. */
  readonly step?: string;
  /** Since when the app has it, as an RFC 3339 time. */
  readonly at?: string;
  /** Whether Slipway created it. */
  readonly created: boolean;
  /** Whether apps that say so have it together. */
  readonly shared: boolean;
  /** Whether it goes and stays with another one, as a variable with its project. */
  readonly part: boolean;
}

/** A change of a run or a deployment, or a line that an action logged. */
export interface AppEvent {
  /** When, as an RFC 3339 time. */
  readonly at: string;
  /** The workflow. */
  readonly workflowId: string | null;
  /** The step; null for a deployment. */
  readonly actionId: string | null;
  /** The run. */
  readonly runId: string | null;
  /** What happened, as a word: a status, a phase, `deployment`, `log`. */
  readonly event: string | null;
  /** The same in words. */
  readonly detail: string | null;
}

/** A worker. */
export interface Worker {
  /** Machine and process. */
  readonly name: string;
  /** The version of the program. */
  readonly version: string;
  /** When it began, as an RFC 3339 time; null if that is not known. */
  readonly startedAt: string | null;
  /** How many runs it can have at a time. */
  readonly executors: number;
  /** How many it has. */
  readonly busy: number;
  /** The runs under way, each as `APP WORKFLOW STEP`. */
  readonly running: readonly string[];
  /** The digest of each workflow and step that it has, by `WORKFLOW` and `WORKFLOW.STEP`. */
  readonly definitions: Readonly<Record<string, string>>;
  /** Whether it has sent no heartbeat for 15 seconds. */
  readonly silent: boolean;
  /** How long its last heartbeat is ago; null if that is not known. */
  readonly heartbeatAgeMs: number | null;
}

/** A deployment after a cancel. */
export interface CancelledDeployment extends Omit<Deployment, 'deploymentId'> {
  /** Null where the workflow was never started: its `status` is `idle` then. */
  readonly deploymentId: string | null;
  /** What the app has at providers now: a cancel undoes nothing. */
  readonly resources: readonly Resource[];
}

/** Anything that went wrong. Base of the other errors. */
export class SlipwayError extends Error {
  /**
   * @param message a sentence for people
   * @param options the cause, and whether the same request may succeed later (default: false)
   */
  constructor(message: string, options?: { cause?: unknown; retryable?: boolean });
  /** The name of the class. */
  name: string;
  /** The underlying error, such as the TypeError of a failed fetch. */
  readonly cause?: unknown;
  /** Whether the same call may succeed later although nothing was changed. */
  retryable: boolean;
  /** Of `runWorkflow` and `watchWorkflow`: the last known status of each step, by step. */
  statuses: Record<string, Status> | undefined;
  /** Of the same: what each failed step failed with, by step. */
  failures: Record<string, unknown> | undefined;
}

/** The server refused a request. `message` is the detail, else the title. */
export class ProblemError extends SlipwayError {
  /**
   * @param status the HTTP status
   * @param problem the document
   * @param retryAfterMs what Retry-After says
   */
  constructor(status: number, problem: Problem, retryAfterMs?: number | null);
  /** The HTTP status. */
  status: number;
  /** Slipway's name for the kind of problem; null if the response came from a proxy. */
  class: ProblemClass | (string & {}) | null;
  /** The URI of the kind of problem. */
  type: string;
  /** The kind of problem in words. */
  title: string;
  /** What happened; may be empty. */
  detail: string;
  /** The invalid places of the request. */
  errors: readonly ProblemPlace[];
  /** The steps that are not done yet, with `needs_not_done`. */
  needs: readonly string[];
  /** The status of the run that stands in the way, or in the place of the one that was followed, with `run_conflict`. */
  current: Status | null;
  /** What a person can do. */
  remedy: Remedy | null;
  /** What Retry-After asked for, in milliseconds. */
  retryAfterMs: number | null;
}

/** The action ended in error. `message` is that of the action. */
export class ActionError extends SlipwayError {
  /** @param status a status that is `error` */
  constructor(status: Status);
  /** The whole status. */
  status: Status;
  /** Its `error`. */
  error: ActionFailure;
}

/** A client of one server. Cheap to make; holds no connection, timer or listener between calls. */
export class SlipwayClient {
  /** @param options how it is set up */
  constructor(options?: ClientOptions);

  /** Lists the workflows of the server. */
  workflows(options?: RequestOptions): Promise<Workflow[]>;

  /**
   * Triggers one action without waiting for its end. Safe to call again: while it runs, or once it is done with the
   * same input, nothing runs twice.
   */
  trigger(workflowId: string, appId: string, actionId: string, options?: TriggerOptions): Promise<Status>;

  /**
   * Checks the inputs of all steps; creates and stores nothing. Resolves if a trigger of each would be accepted.
   *
   * @throws {ProblemError} of class `invalid_input`, with all invalid places in `errors`
   */
  validate(workflowId: string, appId: string, options?: ValidateOptions): Promise<void>;

  /** Reads the status of one action. Returns the same object again if nothing changed since the last call. */
  poll(workflowId: string, appId: string, actionId: string, options?: PollOptions): Promise<Status>;
  /** Reads the statuses of all actions of the workflow. Returns the same object again if nothing changed. */
  poll(workflowId: string, appId: string, actionId?: null, options?: PollOptions): Promise<WorkflowStatus>;

  /** Merges into what is stored for an app. With an empty configuration it only reads. */
  configure(appId: string, configuration: Configuration, options?: RequestOptions): Promise<ConfigureResult>;

  /**
   * Says what each step would do, by reading from the providers. Changes nothing there. A workflow and app have one
   * plan at a time: while another client's is running, or if it takes the place of this one, it is waited for, and this
   * one is made again.
   *
   * @throws {ActionError} if the plan itself ends in error
   * @throws {ProblemError} of class `run_conflict` if that has happened five times
   */
  plan(workflowId: string, appId: string, options?: PlanOptions): Promise<Plan>;

  /**
   * Starts a whole workflow, which the server then drives to its end: no client has to stay. All inputs are checked
   * first. The same start again gives the same deployment while it is live.
   *
   * @throws {ProblemError} of class `invalid_input` with all invalid places, or `run_conflict`
   */
  start(workflowId: string, appId: string, options?: StartOptions): Promise<Deployment>;

  /** Runs the failed steps of a deployment again; what needs them goes on by itself. */
  retry(workflowId: string, appId: string, options?: RetryOptions): Promise<Deployment>;

  /**
   * Gives the result of a step that a person has made by hand; what needs it goes on. It holds like one of a run: until
   * the input of the step, or the outputs that it uses, change.
   */
  skip(
    workflowId: string,
    appId: string,
    actionId: string,
    output: { readonly [member: string]: unknown },
    options?: RequestOptions,
  ): Promise<Status>;

  /** Cancels the run of the action. Does nothing if there is none. */
  cancel(workflowId: string, appId: string, actionId: string, options?: CancelOptions): Promise<Status>;
  /** Cancels the deployment of the workflow. Does nothing if none is live. */
  cancel(workflowId: string, appId: string, actionId?: null, options?: CancelOptions): Promise<CancelledDeployment>;

  /** Lists the apps, the one that changed last first. */
  apps(options?: ListOptions): Promise<{ apps: ListedApp[]; next: string | null }>;

  /** What there is of one app. */
  app(appId: string, options?: RequestOptions): Promise<App>;

  /** Lists the deployments of an app: first those that are live, then those that have ended, the last one first. */
  deployments(appId: string, options?: ListOptions): Promise<{ deployments: DeploymentRecord[]; next: string | null }>;

  /** Lists the runs of an app that have ended, the last one first. */
  history(appId: string, options?: ListOptions): Promise<{ runs: EndedRun[]; next: string | null }>;

  /** Lists what an app has at providers. */
  resources(appId: string, options?: ListOptions): Promise<{ resources: Resource[]; next: string | null }>;

  /** Lists what has changed of an app, the last change first. */
  events(appId: string, options?: ListOptions): Promise<{ events: AppEvent[]; next: string | null }>;

  /** Lists the workers. */
  workers(options?: RequestOptions): Promise<Worker[]>;

  /**
   * Triggers an action and follows it until it ends: each poll waits at the server for a change.
   *
   * @returns the status, once `done`
   * @throws {ActionError} once `error`
   * @throws {ProblemError} of class `run_conflict` if another client's run has taken the place of this one, whose result
   *   is not known then: `current` is that run
   */
  triggerAndPollAction(workflowId: string, appId: string, actionId: string, options?: FollowOptions): Promise<Status>;

  /**
   * Starts a whole workflow and watches it to its end. The server drives it: to abort the `signal`, or to close the
   * page, stops the watching alone, and the deployment goes on. {@link SlipwayClient.watchWorkflow} watches it again,
   * {@link SlipwayClient.cancel} ends it. Whoever starts the same while it is live watches the same deployment.
   *
   * If a step fails, those that need it wait, and all others still run to their end. If another client starts it with
   * other inputs meanwhile, or runs one of the steps again, this rejects with a {@link SlipwayError}: what is made then
   * is not known to be what was asked for.
   *
   * @returns the statuses by step, once all are `done`
   * @throws {ProblemError} where it was not started: `invalid_input` with all invalid places, or `run_conflict`
   * @throws {ActionError} the first failure, with `statuses` and `failures`
   */
  runWorkflow(workflowId: string, appId: string, options?: WorkflowOptions): Promise<Record<string, Status>>;

  /**
   * Watches the latest deployment of a workflow, whoever started it, to its end: such as after a page was loaded again.
   * Starts nothing. One that has ended already gives its outcome at once.
   *
   * @returns the statuses by step, once all are `done`
   * @throws {ActionError} the first failure, with `statuses` and `failures`
   * @throws {SlipwayError} where there is no deployment
   */
  watchWorkflow(workflowId: string, appId: string, options?: WatchOptions): Promise<Record<string, Status>>;
}

/** {@link SlipwayClient.triggerAndPollAction} with a client made from the same options. */
export function triggerAndPollAction(
  workflowId: string,
  appId: string,
  actionId: string,
  options?: ClientOptions & FollowOptions,
): Promise<Status>;

/** {@link SlipwayClient.runWorkflow} with a client made from the same options. */
export function runWorkflow(
  workflowId: string,
  appId: string,
  options?: ClientOptions & WorkflowOptions,
): Promise<Record<string, Status>>;

/** {@link SlipwayClient.watchWorkflow} with a client made from the same options. */
export function watchWorkflow(
  workflowId: string,
  appId: string,
  options?: ClientOptions & WatchOptions,
): Promise<Record<string, Status>>;
