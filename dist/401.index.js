export const id = 401;
export const ids = [401];
export const modules = {

/***/ 401:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createGuards: () => (/* binding */ createGuards)
});

// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/http/transport.js + 1 modules
var http_transport = __webpack_require__(2159);
// EXTERNAL MODULE: ./lib/clock.js
var lib_clock = __webpack_require__(5233);
// EXTERNAL MODULE: ./lib/log.js
var lib_log = __webpack_require__(7309);
// EXTERNAL MODULE: ./lib/restart/outcome.js
var outcome = __webpack_require__(8663);
;// CONCATENATED MODULE: ./lib/runner/busy-verdict.js
/** Between two snapshots further apart than this a job may have come and gone, and another have begun: in milliseconds. */
const LONGEST_GAP_MS = 20_000;
/**
 * Decides whether a job runs on the runner, from one snapshot and those before it. Pure.
 * GitHub says "busy" late, so one snapshot without a job says little of jobs that began lately. A busy runner that is offline
 * has lost its job: nobody works on it any more.
 */
function judgeBusy({ idleStretch, idleForMs }, { askedAt, answeredAt, runner }) {
    const notIdle = { idleStretch: undefined, leftMs: idleForMs };
    if (runner === undefined)
        return { verdict: 'unknown', ...notIdle };
    if (runner !== 'gone' && runner.isOnline && runner.isBusy)
        return { verdict: 'busy', ...notIdle };
    const isUnbroken = idleStretch !== undefined && askedAt - idleStretch.until <= LONGEST_GAP_MS;
    const since = isUnbroken ? idleStretch.since : answeredAt;
    // A first look has no time behind it: it is enough where no time is asked for.
    const leftMs = idleForMs - (isUnbroken ? askedAt - since : 0);
    const verdict = leftMs <= 0 ? 'idle' : 'settling';
    return { verdict, idleStretch: { since, until: answeredAt }, leftMs };
}
/**
 * The verdict on a runner that shows no job, once the jobs were read, too. Pure. One source that shows a job is enough;
 * what cannot be read for good is left out; what is not known now has to be asked again.
 */
function judgeWithJobs(verdict, finding) {
    if (finding === undefined)
        return 'unknown';
    return finding === 'none' || finding === 'unreadable' ? verdict : 'busy';
}

// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
// EXTERNAL MODULE: ./node_modules/@actions/github/lib/github.js + 22 modules
var github = __webpack_require__(2413);
// EXTERNAL MODULE: ./lib/http/retry.js
var retry = __webpack_require__(8394);
// EXTERNAL MODULE: ./lib/http/retry-budget.js
var retry_budget = __webpack_require__(1606);
// EXTERNAL MODULE: ./lib/runner/scope.js
var runner_scope = __webpack_require__(5918);
;// CONCATENATED MODULE: ./lib/runner/github-faults.js
// What an answer of GitHub means that is not the one that was asked for: a rate limit, a refusal, or trouble that may pass.





/** What GitHub asks for where it limits and does not say for how long. */
const UNSAID_MS = 60_000;
/** The quota is renewed each hour, so no longer pause makes sense. */
const LONGEST_MS = 3_600_000;
/** The limit is lifted within the second that is named: one more is on the safe side. */
const MARGIN_MS = 1_000;
/**
 * How long GitHub wants to be left alone, in milliseconds: because the hourly quota is used up (primary limit), or because
 * there were too many requests at once (secondary limit). Undefined where the answer is about something else. Pure: what
 * "now" is, the answer itself says.
 */
function rateLimitMs(reply) {
    const { status, headers } = reply;
    if (status !== 403 && status !== 429)
        return undefined;
    const waitMs = retryAfterMs(reply);
    if (waitMs !== undefined)
        return Math.min(LONGEST_MS, waitMs);
    if (headers['x-ratelimit-remaining'] === '0')
        return Math.min(LONGEST_MS, untilReset(headers));
    return status === 429 || speaksOfLimit(reply) ? UNSAID_MS : undefined;
}
/** What Retry-After asks for, in milliseconds. */
function retryAfterMs({ headers }) {
    return (0,retry/* parseRetryAfter */.mu)((0,json/* text */.Qq)(headers, 'retry-after'), (0,json/* text */.Qq)(headers, 'date'));
}
function untilReset(headers) {
    const reset = (0,json/* text */.Qq)(headers, 'x-ratelimit-reset');
    const ms = Number(reset) * 1_000 - Date.parse((0,json/* text */.Qq)(headers, 'date') ?? '');
    return Number.isNaN(ms) ? UNSAID_MS : Math.max(0, ms) + MARGIN_MS;
}
function speaksOfLimit({ data }) {
    const message = (0,json/* isRecord */.u4)(data) ? data['message'] : data;
    return typeof message === 'string' && /rate limit/i.test(message);
}
/** @throws ActionError where it will not heal. */
function faultOfReply(reply, asked) {
    const limitMs = rateLimitMs(reply);
    if (limitMs === undefined && !(0,retry/* isTransientStatus */.Dm)(reply.status))
        throw rejectedByGitHub(reply, asked);
    const waitMs = limitMs ?? retryAfterMs(reply);
    const askedFor = waitMs === undefined ? '' : `, asking to wait for ${(0,lib_clock/* seconds */.YA)(waitMs)}`;
    const nature = waitMs === undefined ? 'passing' : 'quota';
    return { ...faultWith(`it answered ${describeReply(reply)}${askedFor}`), nature, waitMs };
}
/** e.g. `HTTP 403 ("Resource not accessible by integration")`. */
function describeReply({ status, data }) {
    const message = (0,json/* isRecord */.u4)(data) ? (0,json/* text */.Qq)(data, 'message') : undefined;
    return `HTTP ${status}${message === undefined ? '' : ` ("${message}")`}`;
}
/** What will not heal: GitHub refused, or it is not GitHub's API. */
function rejectedByGitHub(reply, { scope, subject }) {
    const { status } = reply;
    const said = describeReply(reply);
    const what = subject ?? `the self-hosted runners of ${(0,runner_scope/* describeScope */.OI)(scope)}`;
    if (status === 401) {
        const hint = `It may be mistyped, or have expired. ${(0,runner_scope/* fittingToken */.jr)(scope)}`;
        return new errors/* ActionError */.lZ('github_api_failed', `GitHub does not take github_token: ${said}.`, { hint });
    }
    if (status === 403 || status === 404) {
        const message = `github_token may not read ${what}: ${said}${wanted(reply)}.`;
        const hint = `Check runner_scope and github_token. ${(0,runner_scope/* fittingToken */.jr)(scope)}`;
        return new errors/* ActionError */.lZ('github_api_failed', message, { hint });
    }
    const message = `GitHub answered the question for ${what} with ${said}.`;
    const hint = 'Check runner_scope (was it renamed?) and GITHUB_API_URL.';
    return new errors/* ActionError */.lZ('github_api_failed', message, { hint });
}
/** Which permission the token lacks, where GitHub says so. */
function wanted({ headers }) {
    const permission = headers['x-accepted-github-permissions'] ?? headers['x-accepted-oauth-scopes'];
    return permission === undefined ? '' : `; GitHub wants "${permission}"`;
}
const CHECK_STATUS = 'Check githubstatus.com and the network of the machine that runs the step.';
function faultWith(reason) {
    return { kind: 'no answer of GitHub', reason, hint: CHECK_STATUS, nature: 'passing' };
}

;// CONCATENATED MODULE: ./lib/runner/github-fetch.js


/** A page of 100 runners has some 60 KiB; one of 100 runs, or of 100 jobs with all their steps, can have 2 MiB and more. */
const MAX_BYTES = 16 * 1024 * 1024;
/**
 * Octokit's requests travel as those to the controller do, so that time, size and proxies are in one place.
 * What it returns throws UnusableAnswer where asking again may help, and ActionError `github_api_failed` where it never will.
 */
function createFetch({ baseUrl, transport, bounds, onAnswer }) {
    const base = new URL(`${baseUrl}/`);
    return async (url, { headers }) => {
        const path = pathBelow(base, url);
        const request = { method: 'GET', path, headers, maxBytes: MAX_BYTES, isWrite: false };
        const result = await transport.send(request, bounds);
        if ('noAnswer' in result)
            throw failureOf(result.noAnswer);
        onAnswer(result.answer);
        return responseOf(result.answer);
    };
}
/** Octokit goes where the links of an answer lead, and takes the token along: that must not be another server. */
function pathBelow(base, url) {
    const target = URL.parse(url);
    if (target?.origin !== base.origin || !target.pathname.startsWith(base.pathname)) {
        throw new errors/* ActionError */.lZ('github_api_failed', 'GitHub cannot be asked: its list goes on somewhere else.', {
            hint: 'Check GITHUB_API_URL: it has to be the address that GitHub itself has for its API.',
            cause: new Error(`${url} is not below ${base.href}`),
        });
    }
    return `/${target.pathname.slice(base.pathname.length)}${target.search}`;
}
const CHECK_API_URL = 'Check GITHUB_API_URL and the proxy of the machine that runs the step.';
function failureOf({ reason, nature, cause }) {
    if (nature !== 'refusal')
        return new json/* UnusableAnswer */.kf(reason, { nature, hint: CHECK_API_URL, cause });
    return new errors/* ActionError */.lZ('github_api_failed', `GitHub cannot be asked: ${reason}.`, {
        hint: CHECK_API_URL,
        cause,
    });
}
/** Statuses that a Response refuses to be made with a body for, be it an empty one. */
const WITHOUT_BODY = [204, 205, 304];
function responseOf({ status, headers, text }) {
    const given = Object.entries(headers).filter((header) => header[1] !== undefined);
    try {
        return new Response(WITHOUT_BODY.includes(status) ? null : text, { status, headers: given });
    }
    catch (cause) {
        throw new json/* UnusableAnswer */.kf('it answered with a status or headers that HTTP does not know', { cause });
    }
}
function createUsage() {
    const counts = { requests: 0, unchanged: 0 };
    let quota = 'unknown';
    return {
        count({ status, headers }) {
            counts.requests++;
            if (status === 304)
                counts.unchanged++;
            const { 'x-ratelimit-remaining': left, 'x-ratelimit-limit': limit } = headers;
            if (left !== undefined)
                quota = `${left} of ${limit ?? 'unknown'}`;
        },
        describe: () => `GitHub answered ${counts.requests} requests, ${counts.unchanged} of them free of charge (not modified); quota left: ${quota}`,
    };
}

;// CONCATENATED MODULE: ./lib/runner/github-client.js







/** Of a URL in a text. It may hold a name that the controller sent: encoded, it is not known for a secret that it may be. */
const QUERY = /\?[^\s"]*/g;
function createGitHubClient(options) {
    const { baseUrl, token, transport, clock, random, debug } = options;
    // Octokit would write to the console whatever is missing here; @octokit/request has a setting of its own.
    const remark = (line) => debug(line.replace(QUERY, '?...'));
    const log = { debug: remark, info: remark, warn: remark, error: remark };
    const usage = createUsage();
    const budget = (0,retry_budget/* createRetryBudget */.C)(clock);
    /** GitHub wants no request before: milliseconds on the clock's scale. */
    let allowedAt = Number.NEGATIVE_INFINITY;
    // The bounds are given to the octokit, not to its requests: its paginate passes no settings on to them.
    function octokitFor(question) {
        const fetch = createFetch({ baseUrl, transport, bounds: question, onAnswer: usage.count });
        const userAgent = 'restart-anka-vm';
        const octokit = (0,github/* getOctokit */.Q)(token, { baseUrl, userAgent, log, request: { fetch, log } });
        octokit.hook.wrap('request', (request, settings) => ask(question, async () => request(settings)));
        return octokit;
    }
    async function ask(question, request) {
        await waitUntilAllowed(question);
        const tryOnce = async () => {
            const attempt = await tryToAsk(question, request, options.scope);
            // Others may be under way: what one of them is told must not shorten what another was.
            if ('fault' in attempt)
                allowedAt = Math.max(allowedAt, clock.now() + (attempt.fault.waitMs ?? 0));
            return attempt;
        };
        const last = await (0,retry/* retry */.L5)({ clock, random, budget }, tryOnce, question);
        if ('fault' in last)
            throw givenUp(last.fault, last.isFinal);
        budget.renew();
        return last.value;
    }
    async function waitUntilAllowed({ deadline, signal }) {
        const waitMs = allowedAt - clock.now();
        if (waitMs <= 0)
            return;
        if (allowedAt >= deadline)
            throw givenUp(faultWith('its rate limit allows no request yet'), false);
        await clock.sleep(waitMs, signal);
    }
    return { octokitFor, describeUsage: usage.describe };
}
/** @throws ActionError where it will not heal; octokit's RequestError for one of the other answers. */
async function tryToAsk({ readData, otherAnswers = [], subject, signal }, request, scope) {
    try {
        const { response, error } = await settle(request);
        signal.throwIfAborted();
        const { status, data } = response;
        if (status === 200)
            return { value: { ...response, data: readData(data) } };
        // HTTP 403 may be a no, or a rate limit.
        if (otherAnswers.includes(status) && rateLimitMs(response) === undefined)
            throw error;
        return { fault: faultOfReply(response, { scope, subject }) };
    }
    catch (error) {
        if (!(error instanceof json/* UnusableAnswer */.kf))
            throw error;
        const { message, nature, hint = CHECK_STATUS } = error;
        return { fault: { ...faultWith(message), nature, hint, cause: error } };
    }
}
function isRequestError(error) {
    return (0,json/* isRecord */.u4)(error) && error['name'] === 'HttpError';
}
/**
 * The answer, whatever its status, with the error that octokit made of it. That holds the request, and the token with it, so
 * it must not become the cause of another error.
 */
async function settle(request) {
    try {
        return { response: await request() };
    }
    catch (error) {
        // Octokit stumbles over some answers, e.g. HTTP 500 with JSON that has a number of 20 digits and no message.
        if (!isRequestError(error))
            throw new json/* UnusableAnswer */.kf(`it answered what octokit cannot read: ${(0,errors/* describeCause */.V$)(error)}`);
        if (error.response === undefined)
            throw error.cause;
        return { response: error.response, error };
    }
}
function givenUp({ reason, hint, cause }, isFinal) {
    return new errors/* ActionError */.lZ('github_api_failed', `GitHub gave no usable answer; at last: ${reason}.`, {
        hint,
        cause,
        isTransient: !isFinal,
    });
}

// EXTERNAL MODULE: ./lib/runner/runner-names.js
var runner_names = __webpack_require__(9407);
;// CONCATENATED MODULE: ./lib/runner/runners.js





const PER_PAGE = 100;
/** A scope holds 10,000 runners at most. */
const MOST_PAGES = 100;
function createRunners(client, scope) {
    const seen = new Map();
    async function getRunner(id, bounds) {
        const before = seen.get(id);
        const octokit = client.octokitFor({
            ...bounds,
            readData: (data) => requireRunner(data, id),
            otherAnswers: before === undefined ? [404] : [304, 404],
        });
        try {
            const { data, headers } = await requestRunner(octokit, scope, { id, etag: before?.etag });
            const runner = readRunner(data);
            if (headers.etag !== undefined)
                seen.set(id, { etag: headers.etag, runner });
            return runner;
        }
        catch (error) {
            if (!isRequestError(error))
                throw error;
            return error.status === 304 ? before?.runner : undefined;
        }
    }
    async function listRunners(name, bounds) {
        const { runners, pages } = await readPages(name, bounds);
        const isMissed = name !== undefined && !runners.some((runner) => (0,runner_names/* isSameName */.yS)(runner.name, name));
        return isMissed && pages > 1 ? (await readPages(name, bounds)).runners : runners;
    }
    async function readPages(name, bounds) {
        const octokit = client.octokitFor({ ...bounds, readData: (data) => requireList(data, name) });
        // One that slips to the next page is there twice.
        const runners = new Map();
        let pages = 0;
        for await (const { data } of pagesOf(octokit, scope, name)) {
            for (const runner of data.flatMap((item) => runnerFrom(item) ?? []))
                runners.set(runner.id, runner);
            if (++pages === MOST_PAGES)
                break;
        }
        return { runners: [...runners.values()], pages };
    }
    return { getRunner, glanceAt: getRunner, listRunners };
}
function requestRunner(octokit, scope, { id, etag }) {
    const headers = etag === undefined ? {} : { 'if-none-match': etag };
    const parameters = { runner_id: id, headers };
    switch (scope.kind) {
        case 'repository': {
            const { owner, repo } = scope;
            return octokit.rest.actions.getSelfHostedRunnerForRepo({ owner, repo, ...parameters });
        }
        case 'organization':
            return octokit.rest.actions.getSelfHostedRunnerForOrg({ org: scope.org, ...parameters });
        case 'enterprise': {
            const { enterprise } = scope;
            return octokit.request(`${OF_ENTERPRISE}/{runner_id}`, { enterprise, ...parameters });
        }
    }
}
/** Octokit has no methods for what belongs to an enterprise. */
const OF_ENTERPRISE = 'GET /enterprises/{enterprise}/actions/runners';
function pagesOf(octokit, scope, name) {
    const { actions } = octokit.rest;
    const parameters = { per_page: PER_PAGE, ...(name === undefined ? {} : { name }) };
    switch (scope.kind) {
        case 'repository': {
            const { owner, repo } = scope;
            return octokit.paginate.iterator(actions.listSelfHostedRunnersForRepo, { owner, repo, ...parameters });
        }
        case 'organization':
            return octokit.paginate.iterator(actions.listSelfHostedRunnersForOrg, {
                org: scope.org,
                ...parameters,
            });
        case 'enterprise':
            return octokit.paginate.iterator(OF_ENTERPRISE, { enterprise: scope.enterprise, ...parameters });
    }
}
// ---- answers ----
/** @throws UnusableAnswer where the data is not the runner of the ID. */
function requireRunner(data, id) {
    if (readRunner(data).id !== id)
        throw new json/* UnusableAnswer */.kf('it answered with another runner');
    return data;
}
/**
 * The list alone: of a page with other fields, octokit's paginate might take another one for the list.
 * What is not asked for, and cannot be read, does not matter here.
 * @throws UnusableAnswer where there is no list, or a runner cannot be read that is asked for, or might be.
 */
function requireList(data, name) {
    const items = (0,json/* isRecord */.u4)(data) ? data['runners'] : undefined;
    if (!Array.isArray(items))
        throw new json/* UnusableAnswer */.kf('it answered without a list of runners');
    if (items.length > PER_PAGE)
        throw new json/* UnusableAnswer */.kf('it answered with more runners than were asked for');
    for (const item of items)
        if (mayBeCalled(item, name))
            readRunner(item);
    return items;
}
function mayBeCalled(item, name) {
    if (name === undefined)
        return false;
    const itsName = (0,json/* isRecord */.u4)(item) ? (0,json/* text */.Qq)(item, 'name') : undefined;
    return itsName === undefined || (0,runner_names/* isSameName */.yS)(itsName, name);
}
function readRunner(data) {
    const runner = runnerFrom(data);
    if (runner !== undefined)
        return runner;
    throw new json/* UnusableAnswer */.kf('it answered with a runner that lacks id, name, status or busy');
}
function runnerFrom(data) {
    const fields = (0,json/* isRecord */.u4)(data) ? data : {};
    const { id, busy } = fields;
    const [name, status] = [(0,json/* text */.Qq)(fields, 'name'), (0,json/* text */.Qq)(fields, 'status')];
    // An unknown status is not "offline": a runner that was seen offline is part of the proof that it came back.
    const isKnown = status === 'online' || status === 'offline';
    if (typeof id !== 'number' || typeof busy !== 'boolean' || name === undefined || !isKnown)
        return undefined;
    const { ephemeral } = fields;
    return {
        ...{ id, name, isOnline: status === 'online', isBusy: busy, labels: labelsFrom(fields) },
        ephemeral: typeof ephemeral === 'boolean' ? ephemeral : undefined,
        version: (0,json/* text */.Qq)(fields, 'version'),
    };
}
const LONGEST_LABEL = 256;
function labelsFrom({ labels }) {
    return (Array.isArray(labels) ? labels : []).flatMap((label) => {
        const name = (0,json/* isRecord */.u4)(label) ? (0,json/* text */.Qq)(label, 'name', LONGEST_LABEL) : undefined;
        if (!(0,json/* isRecord */.u4)(label) || name === undefined)
            return [];
        return { name, type: label['type'] === 'custom' ? 'custom' : 'read-only' };
    });
}
/** The runners that bear the name; GitHub's own filter may find more, or not exist (GitHub Enterprise Server). */
async function findByName(runners, name, bounds) {
    const found = await runners.listRunners(name, bounds);
    return found.filter((runner) => (0,runner_names/* isSameName */.yS)(runner.name, name));
}
/**
 * The one runner of the name.
 * @throws ActionError `runner_not_found` or `ambiguous_target`, listing what is there; and what GitHub throws.
 */
async function findRunner(runners, { name, scope }, bounds) {
    const [first, ...others] = await findByName(runners, name, bounds);
    const where = (0,runner_scope/* describeScope */.OI)(scope);
    if (first === undefined) {
        const all = await runners.listRunners(undefined, bounds);
        throw new errors/* ActionError */.lZ('runner_not_found', `No self-hosted runner "${name}" is registered in ${where}; there ${listOf(all)}.`, { hint: 'Check runner_name and runner_scope: a runner is listed only where it is registered.' });
    }
    if (others.length === 0)
        return first;
    throw new errors/* ActionError */.lZ('ambiguous_target', `${others.length + 1} self-hosted runners are called "${name}" in ${where}: there ${listOf([first, ...others])}.`, { hint: 'Remove the stale registrations, or give the runners different names.' });
}
const MOST_LISTED = 10;
function listOf(runners) {
    if (runners.length === 0)
        return 'are none';
    const listed = runners
        .slice(0, MOST_LISTED)
        .map((runner) => `"${runner.name}" (ID ${runner.id}, ${describeRunner(runner)})`);
    const more = runners.length - listed.length;
    return `are ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
/** e.g. `online, busy`. */
function describeRunner({ isOnline, isBusy }) {
    return `${isOnline ? 'online' : 'offline'}, ${isBusy ? 'busy' : 'idle'}`;
}

;// CONCATENATED MODULE: ./lib/runner/jobs.js
// The jobs source. GitHub's runners API learns late that a runner is busy, and at times forgets it; the jobs of a repository
// say on which runner each of them runs. So the runs in progress are read, then the jobs of each. This takes its own permission.





/** The job that runs on the runner, if one does. Where a job lacks its runner's ID, or the runner's is not known, the name decides. */
function jobOn(jobs, { id, name }) {
    return jobs.find(({ runnerId, runnerName }) => {
        if (runnerId !== undefined && id !== undefined)
            return runnerId === id;
        return runnerName !== undefined && (0,runner_names/* isSameName */.yS)(runnerName, name);
    });
}
const jobs_PER_PAGE = 100;
/** Matrix jobs have long names. */
const LONGEST_NAME = 1_000;
/** A run has fewer jobs than these hold. */
const jobs_MOST_PAGES = 100;
/** So many runs are asked for their jobs at a time: GitHub wants few requests at once, and a look must not take long. */
const AT_ONCE = 8;
/** The jobs of one repository. What the token may not read, and what is too much to read, it tells once. */
function createJobsSource(source, log) {
    const where = (0,runner_scope/* describeScope */.OI)(source.repository);
    let access = 'untried';
    let hasToldOfMany = false;
    /** Undefined where the token may not read them. Once it could, a no is no matter of its permissions. */
    async function readRuns(bounds) {
        if (access === 'denied')
            return undefined;
        const runs = await requestRuns(source, {
            ...bounds,
            otherAnswers: access === 'granted' ? [] : [403, 404],
        });
        access = typeof runs === 'number' ? 'denied' : 'granted';
        if (typeof runs !== 'number')
            return runs;
        log.info(`github_token may not read the workflow runs of ${where} (HTTP ${runs}; it takes "Actions: read"): whether a job runs, only the runner itself can tell`);
        return undefined;
    }
    return {
        async runningJobs(bounds) {
            const runs = await readRuns(bounds);
            if (runs === undefined)
                return 'unreadable';
            if (!hasToldOfMany && runs.total > jobs_PER_PAGE) {
                hasToldOfMany = true;
                log.info(`${runs.total} runs are in progress in ${where}: only the jobs of the newest ${jobs_PER_PAGE} are read`);
            }
            return readJobsOf(runs.ids, (runId) => readJobs(source, runId, bounds));
        },
    };
}
/** What there is to know of jobs where the step runs for no repository. */
function createNoJobsSource(log) {
    let hasTold = false;
    return {
        async runningJobs() {
            if (!hasTold)
                log.info('GITHUB_REPOSITORY is not set: whether a job runs, only the runner itself can tell');
            hasTold = true;
            return 'unreadable';
        },
    };
}
/** The runs in progress; or the status where it is one of the other answers. */
async function requestRuns({ client, repository }, question) {
    const { owner, repo } = repository;
    const subject = `the workflow runs of ${(0,runner_scope/* describeScope */.OI)(repository)}`;
    const { rest } = client.octokitFor({ ...question, readData: requireRuns, subject });
    const selection = { status: 'in_progress', per_page: jobs_PER_PAGE, exclude_pull_requests: true };
    try {
        const { data } = await rest.actions.listWorkflowRunsForRepo({ owner, repo, ...selection });
        return runsFrom(data);
    }
    catch (error) {
        if (isRequestError(error))
            return error.status;
        throw error;
    }
}
async function readJobsOf(runIds, read) {
    const jobs = [];
    for (let from = 0; from < runIds.length; from += AT_ONCE)
        jobs.push(...(await allOf(runIds.slice(from, from + AT_ONCE).map(read))).flat());
    return jobs;
}
/** @throws ActionError, transient, where the run is gone by now: it was deleted, which takes that it has ended. */
async function readJobs(source, runId, bounds) {
    const jobs = [];
    let pages = 0;
    try {
        for await (const { data } of pagesOfJobs(source, runId, bounds)) {
            jobs.push(...data.map((job) => jobFrom(job, runId)).filter(({ status }) => status === 'in_progress'));
            if (++pages === jobs_MOST_PAGES)
                break;
        }
        return jobs;
    }
    catch (error) {
        if (!isRequestError(error))
            throw error;
        const message = 'A workflow run is gone that GitHub has just listed.';
        throw new errors/* ActionError */.lZ('github_api_failed', message, { isTransient: true });
    }
}
function pagesOfJobs({ client, repository }, runId, bounds) {
    const { owner, repo } = repository;
    const subject = `the jobs of a run of ${(0,runner_scope/* describeScope */.OI)(repository)}`;
    const octokit = client.octokitFor({ ...bounds, readData: requireJobs, otherAnswers: [404], subject });
    const selection = { run_id: runId, filter: 'latest', per_page: jobs_PER_PAGE };
    return octokit.paginate.iterator(octokit.rest.actions.listJobsForWorkflowRun, {
        owner,
        repo,
        ...selection,
    });
}
/** Every result. What one throws is thrown once none is under way any more. */
async function allOf(tasks) {
    await Promise.allSettled(tasks);
    return Promise.all(tasks);
}
// ---- answers ----
/** @throws UnusableAnswer where there is no list of runs, or one of them has no ID. */
function requireRuns(data) {
    runsFrom(data);
    return data;
}
function runsFrom(data) {
    const { workflow_runs: runs, total_count: total } = (0,json/* isRecord */.u4)(data) ? data : {};
    if (!Array.isArray(runs))
        throw new json/* UnusableAnswer */.kf('it answered without a list of workflow runs');
    if (runs.length > jobs_PER_PAGE)
        throw new json/* UnusableAnswer */.kf('it answered with more runs than were asked for');
    const ids = runs.map((run) => {
        const id = (0,json/* isRecord */.u4)(run) ? run['id'] : undefined;
        if (typeof id !== 'number')
            throw new json/* UnusableAnswer */.kf('it answered with a workflow run that lacks its id');
        return id;
    });
    return { ids, total: typeof total === 'number' ? total : ids.length };
}
/** The list alone, as octokit's paginate might take another one for it. @throws UnusableAnswer where a job cannot be read. */
function requireJobs(data) {
    const jobs = (0,json/* isRecord */.u4)(data) ? data['jobs'] : undefined;
    if (!Array.isArray(jobs))
        throw new json/* UnusableAnswer */.kf('it answered without a list of jobs');
    for (const job of jobs) {
        const status = (0,json/* isRecord */.u4)(job) ? (0,json/* text */.Qq)(job, 'status') : undefined;
        if (status === undefined)
            throw new json/* UnusableAnswer */.kf('it answered with a job that lacks its status');
    }
    return jobs;
}
function jobFrom(data, runId) {
    const fields = (0,json/* isRecord */.u4)(data) ? data : {};
    const { runner_id: id, run_attempt: attempt, labels } = fields;
    const completedAt = Date.parse((0,json/* text */.Qq)(fields, 'completed_at') ?? '');
    return {
        ...{
            runId,
            attempt: typeof attempt === 'number' ? attempt : 1,
            name: (0,json/* text */.Qq)(fields, 'name', LONGEST_NAME) ?? '',
        },
        ...{ status: (0,json/* text */.Qq)(fields, 'status') ?? '', conclusion: (0,json/* text */.Qq)(fields, 'conclusion') },
        completedAt: Number.isNaN(completedAt) ? undefined : completedAt,
        labels: (Array.isArray(labels) ? labels : []).filter((label) => typeof label === 'string'),
        // GitHub writes 0 where it has no ID for a runner.
        runnerId: typeof id === 'number' && id > 0 ? id : undefined,
        ...{ runnerName: (0,json/* text */.Qq)(fields, 'runner_name'), runnerGroup: (0,json/* text */.Qq)(fields, 'runner_group_name') },
    };
}

;// CONCATENATED MODULE: ./lib/runner/tracker.js




/** Time between two looks at the runner: in milliseconds. */
const LOOK_EVERY_MS = 5_000;
const LONGEST_LOOK_MS = 15_000;
/** What a look may take that begins at the deadline, or shortly before. */
const LAST_LOOK_MS = 1_500;
/** When a look has to end that begins now: in time for the deadline, but not before it could have got an answer. */
function lookUntil(now, deadline) {
    return Math.max(Math.min(now + LONGEST_LOOK_MS, deadline), now + LAST_LOOK_MS);
}
function createTracker({ runners, jobs, sought, clock, log, signal }) {
    let id;
    const journal = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined, server: 'GitHub' });
    const onFault = journal.fault;
    async function read(ask) {
        const askedAt = clock.now();
        const runner = await ask();
        if (runner !== undefined)
            journal.answered();
        if (runner !== undefined)
            id = runner === 'gone' ? undefined : runner.id;
        return { askedAt, answeredAt: clock.now(), runner };
    }
    /** By its ID; where that is gone by its name, as it may have registered anew. */
    async function current(deadline, byId) {
        const bounds = { deadline, signal, onFault };
        const known = id === undefined ? undefined : await byId(id, bounds);
        if (known !== undefined)
            return known;
        const [newest] = (await findByName(runners, sought.name, bounds)).sort((a, b) => b.id - a.id);
        return newest ?? 'gone';
    }
    async function jobNow(deadline) {
        const running = await jobs.runningJobs({ deadline, signal, onFault });
        journal.answered();
        return running === 'unreadable' ? running : (jobOn(running, { id, name: sought.name }) ?? 'none');
    }
    return {
        find: (deadline) => read(() => findRunner(runners, sought, { deadline, signal, onFault })),
        look: (until) => read(() => current(until, runners.getRunner).catch(passOver)),
        glance: (until) => read(() => current(until, runners.glanceAt).catch(passOver)),
        findJob: (until) => jobNow(until).catch(passOver),
    };
}
/** What more time might heal is no answer yet. @throws all else. */
function passOver(error) {
    if ((0,errors/* isTransient */.dg)(error))
        return undefined;
    throw error;
}

;// CONCATENATED MODULE: ./lib/runner/gate.js
// Two sources say whether a job runs on the runner: the runner itself, as GitHub shows it, and the jobs in progress. The runner is
// looked at every few seconds until it has shown no job for as long as is asked for. The jobs cost many requests, so they are
// read when the runner first seems idle, and once more right before the restart. The very last look is at the runner, by its ID.







function createGate(options) {
    const { whenBusy, log } = options;
    let watch;
    return {
        async isOpen(instance) {
            const isFirst = watch === undefined;
            watch ??= await begin(options, instance);
            if (whenBusy === 'ignore') {
                if (isBusy(watch.last))
                    log.warning(`${describe(watch)}; when_busy says to ignore that.`);
                return true;
            }
            const verdict = await lookBeforeRestart(options, watch, isFirst);
            if (verdict === 'idle')
                return true;
            if (!isFirst)
                options.onWait?.();
            await waitUntilIdle(options, watch, verdict);
            return false;
        },
        async untilIdle(instance) {
            watch ??= await begin(options, instance);
            if (whenBusy === 'ignore')
                return;
            const verdict = await judgeLook(options, watch, watch.last);
            if (verdict !== 'idle')
                await waitUntilIdle(options, watch, verdict);
        },
        async rehearse(instance) {
            watch = await begin(options, instance);
            const finding = whenBusy === 'ignore' ? 'none' : await findJob(options, watch);
            log.info(`Dry run: ${describe(watch)}${finding === undefined ? `; ${NO_JOBS_KNOWN}` : ''}`);
            return true;
        },
        stillIdle: async () => watch === undefined || keepIdle(options, watch),
        findings: () => watch,
        verdict: () => watch?.verdict,
    };
}
async function begin(options, instance) {
    const { patienceMs, clock, log } = options;
    const limits = limitsFrom(clock.now(), options);
    const tracker = options.trackerFor(instance);
    const last = await tracker.find(clock.now() + patienceMs);
    const journal = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined });
    const nothingKnown = {
        idleStretch: undefined,
        leftMs: options.idleForMs,
        borneOutSince: undefined,
        job: undefined,
        verdict: undefined,
    };
    return { tracker, last, ...nothingKnown, readings: 0, ...limits, journal };
}
/** To see no job for long enough takes its time in any case: that is no silence. */
function limitsFrom(now, { whenBusy, idleForMs, busyTimeoutMs, patienceMs }) {
    const busyUntil = now + (whenBusy === 'wait' ? busyTimeoutMs : 0);
    return { busyUntil, silentUntil: busyUntil + idleForMs + patienceMs };
}
// ---- looks ----
/** Both sources, and the runner once more by its ID: the jobs may take seconds to read. */
async function lookBeforeRestart(options, watch, isFirst) {
    const { readings } = watch;
    const first = isFirst ? await judgeLook(options, watch, watch.last) : await lookAgain(options, watch);
    if (first !== 'idle')
        return first;
    const second = watch.readings > readings ? first : await judgeJobs(options, watch, first);
    if (second === 'idle')
        return lookAtLast(options, watch);
    tell(options, watch, second);
    return second;
}
/** An answer that took longer tells too little of now: the process may have been suspended meanwhile. In milliseconds. */
const LONGEST_LAST_LOOK_MS = 10_000;
async function lookAtLast(options, watch) {
    const { clock } = options;
    const askedAt = clock.now();
    const verdict = await lookAgain(options, watch);
    return clock.now() - askedAt <= LONGEST_LAST_LOOK_MS ? verdict : lookAgain(options, watch);
}
async function lookAgain(options, watch) {
    return judgeLook(options, watch, await watch.tracker.look(endOfLook(options, watch)));
}
async function glanceAgain(options, watch) {
    return judgeLook(options, watch, await watch.tracker.glance(endOfLook(options, watch)));
}
function endOfLook({ clock }, { silentUntil }) {
    return lookUntil(clock.now(), silentUntil);
}
async function judgeLook(options, watch, snapshot) {
    const seen = judgeSnapshot(options, watch, snapshot);
    const { idleStretch, borneOutSince } = watch;
    const isBorneOut = idleStretch === undefined || idleStretch.since === borneOutSince;
    const verdict = isBorneOut ? seen : await judgeJobs(options, watch, seen);
    tell(options, watch, verdict);
    return verdict;
}
function judgeSnapshot({ idleForMs }, watch, snapshot) {
    const { verdict, idleStretch, leftMs } = judgeBusy({ idleStretch: watch.idleStretch, idleForMs }, snapshot);
    watch.idleStretch = idleStretch;
    watch.leftMs = leftMs;
    watch.job = undefined;
    if (snapshot.runner !== undefined)
        watch.last = snapshot;
    return verdict;
}
async function judgeJobs(options, watch, seen) {
    const finding = await findJob(options, watch);
    const verdict = judgeWithJobs(seen, finding);
    // A job ends the idle stretch; where nothing is known yet, the jobs have to be read again.
    if (verdict === 'busy')
        watch.idleStretch = undefined;
    watch.borneOutSince = finding === undefined ? undefined : watch.idleStretch?.since;
    return verdict;
}
async function findJob(options, watch) {
    const finding = await watch.tracker.findJob(endOfLook(options, watch));
    watch.readings++;
    watch.job = typeof finding === 'object' ? finding : undefined;
    return finding;
}
/** What an idle runner takes to wait for its turn is not time that its next job is waited for. */
async function keepIdle(options, watch) {
    const verdict = judgeSnapshot(options, watch, await watch.tracker.glance(endOfLook(options, watch)));
    watch.verdict = verdict;
    if (verdict === 'busy')
        return false;
    if (verdict !== 'unknown')
        Object.assign(watch, limitsFrom(options.clock.now(), options));
    return true;
}
// ---- the wait ----
/** Time between two looks at a job that the runner itself does not show: in milliseconds. They cost many requests. */
const READ_JOBS_EVERY_MS = 15_000;
/** Until when each state of things is put up with. That no job is seen is made sure of in any case. */
const PATIENCE_ENDS_AT = {
    busy: ({ busyUntil }) => busyUntil,
    unknown: ({ silentUntil }) => silentUntil,
    settling: () => Number.POSITIVE_INFINITY,
};
async function waitUntilIdle(options, watch, first) {
    const { clock, signal } = options;
    for (let verdict = first; verdict !== 'idle'; verdict = await glanceAgain(options, watch)) {
        const leftMs = PATIENCE_ENDS_AT[verdict](watch) - clock.now();
        if (leftMs <= 0)
            throw verdict === 'busy' ? stillBusy(options, watch) : notKnown(watch);
        const pauseMs = watch.job === undefined ? LOOK_EVERY_MS : READ_JOBS_EVERY_MS;
        await clock.sleep(Math.min(pauseMs, leftMs), signal);
    }
}
// ---- what is told ----
function tell(options, watch, verdict) {
    watch.verdict = verdict;
    const rest = verdict === 'settling' ? ` (${(0,lib_clock/* minutes */.Gx)(watch.leftMs)} left)` : '';
    const isDetail = options.isBrief === true && (verdict === 'settling' || verdict === 'idle');
    watch.journal.note(verdict, LINES[verdict](watch, options), { rest, isDetail });
}
/** What is seen, and what comes next. */
const LINES = {
    idle: (watch, { idleForMs }) => {
        const time = idleForMs === 0 ? '' : `, and was for ${(0,lib_clock/* minutes */.Gx)(idleForMs)}`;
        return `${describe(watch)}${time}: no job runs on it`;
    },
    settling: (watch) => `${describe(watch)}; making sure, as GitHub learns late of a new job`,
    busy: (watch, { whenBusy }) => `${describe(watch)}${BUSY_NOW[whenBusy]}`,
    unknown: ({ idleStretch }) => `${idleStretch === undefined ? NO_RUNNER_KNOWN : NO_JOBS_KNOWN}; looking again`,
};
const NO_RUNNER_KNOWN = 'GitHub gave no usable answer about the runner';
const NO_JOBS_KNOWN = 'GitHub gave no usable answer about the jobs in progress';
const BUSY_NOW = {
    wait: '; waiting for its job to end',
    fail: '',
    skip: '; the VM is left alone, as when_busy says',
    ignore: '',
};
function isBusy({ runner }) {
    return typeof runner === 'object' && runner.isBusy;
}
/** e.g. `Runner "mac-7" (ID 12) is online, busy`, as it was last seen. */
function describe({ last: { runner }, job }) {
    const working = job === undefined ? '' : `, but job "${job.name}" of run ${job.runId} is in progress on it`;
    if (typeof runner !== 'object')
        return `The runner is registered no more${working}`;
    const shown = job === undefined ? 'is' : 'is shown';
    return `Runner "${runner.name}" (ID ${runner.id}) ${shown} ${describeRunner(runner)}${working}`;
}
function stillBusy({ whenBusy }, watch) {
    if (whenBusy === 'skip')
        return new outcome/* LeftAlone */.l('skipped', describe(watch));
    const { journal } = watch;
    const [waited, looks] = whenBusy === 'fail' ? ['', ''] : [', and was until busy_timeout', ` Looks: ${journal.tally()}.`];
    return new errors/* ActionError */.lZ('runner_busy', `${describe(watch)}${waited}. No restart was sent.${looks}`, {
        hint: 'Let the job end (needs, concurrency), or raise busy_timeout, or let when_busy be wait.',
    });
}
function notKnown({ journal }) {
    const message = `GitHub does not say whether a job runs on the runner, so no restart was sent. Looks: ${journal.tally()}.`;
    return new errors/* ActionError */.lZ('github_api_failed', message, {
        hint: 'Look at githubstatus.com and at the debug log of this step.',
    });
}

// EXTERNAL MODULE: ./lib/runner/self-restart.js
var self_restart = __webpack_require__(2044);
;// CONCATENATED MODULE: ./lib/runner/online-verdict.js


/**
 * So late may a job from before the restart show, in milliseconds: GitHub says "busy" up to 90 s after it began (25 to 60 s and more
 * have been seen), and may take that back for a minute before any look has seen it.
 */
const OLD_JOB_MS = 150_000;
/**
 * GitHub keeps the session of a runner that was cut off for up to five minutes, and shows it online for as long. Who is
 * online after that is most likely alive.
 */
const SESSION_LIFE_MS = 360_000;
/** @param lastId of the registration that was seen before the restart. */
function startOnlineHistory(verifiedAt, lastId) {
    const nothingSeen = { first: undefined, last: undefined, idleStretch: undefined };
    return { verifiedAt, ...nothingSeen, lastAt: verifiedAt, lastId, wasOffline: false, wasIdle: false };
}
/**
 * Decides whether the runner is back, from one snapshot and those before it. Pure. That it is shown online proves nothing
 * in itself: it may be the session that was cut off.
 */
function judgeOnline(before, snapshot) {
    const { runner } = snapshot;
    const { verdict: busyVerdict, idleStretch } = judgeBusy({ idleStretch: before.idleStretch, idleForMs: OLD_JOB_MS }, snapshot);
    if (runner === undefined)
        return { verdict: UNKNOWN, history: { ...before, idleStretch } };
    const history = {
        ...before,
        first: before.first ?? runner,
        last: runner,
        lastAt: snapshot.answeredAt,
        idleStretch,
    };
    if (runner === 'gone')
        return { verdict: GONE, history };
    const next = { ...history, lastId: runner.id };
    if (!runner.isOnline)
        return { verdict: OFFLINE, history: { ...next, wasOffline: true } };
    const sinceVerifiedMs = snapshot.askedAt - history.verifiedAt;
    return {
        verdict: onlineVerdictOn(before, { runner, sinceVerifiedMs }),
        history: { ...next, wasIdle: history.wasIdle || busyVerdict === 'idle' },
    };
}
/**
 * A registration is new where it was not there at a look since the boot. One that is there at the first look may be of a
 * runner that registered anew just before it was cut off; and one that comes back was never gone.
 */
function onlineVerdictOn({ first, lastId, wasOffline, wasIdle }, { runner, sinceVerifiedMs }) {
    if (first !== undefined && runner.id !== lastId)
        return { kind: 'online', proof: 'registered anew' };
    if (wasOffline)
        return { kind: 'online', proof: 'it was offline before' };
    if (wasIdle && runner.isBusy)
        return { kind: 'online', proof: 'a job began on it' };
    if (sinceVerifiedMs >= SESSION_LIFE_MS)
        return { kind: 'probably_online' };
    return SHOWN_ONLINE;
}
const UNKNOWN = pending('no usable answer of GitHub', 'an answer that shows it back');
const GONE = pending('it is not registered', 'a registration');
const OFFLINE = pending('it is offline', 'that it is online again');
const SHOWN_ONLINE = {
    ...pending('it is shown online, which may be what GitHub remembers from before', 'that it goes offline and comes back, registers anew, or begins a job'),
    isLikely: true,
};
function pending(seen, proof) {
    return { kind: 'pending', seen, proof, isLikely: false };
}
const SERVICE = 'Log a user in automatically after the boot, and install the runner as a service (svc.sh install).';
const STEPS = 'See "How the runner comes back by itself" in docs/between-jobs.md.';
/** What GitHub said before it was silent for longer says little of now: in milliseconds. */
const LONG_SILENCE_MS = 60_000;
/**
 * The likely cause. What happens inside the VM cannot be seen from here.
 * @param wasOnline before the restart.
 * @param endedAt when nobody looked any more, on the clock's scale.
 */
function likelyCause(history, wasOnline, endedAt) {
    if (history.last === undefined)
        return { reason: SILENCE, hint: LOOK };
    const cause = seenCause(history, wasOnline);
    const silentMs = endedAt - history.lastAt;
    if (silentMs < LONG_SILENCE_MS)
        return cause;
    return { reason: `${SILENCE} for the last ${(0,lib_clock/* minutes */.Gx)(silentMs)}; before that ${cause.reason}`, hint: LOOK };
}
const SILENCE = 'GitHub gave no usable answer';
const LOOK = 'See the log for why GitHub gave none, and look at the runner before you rely on it.';
function seenCause({ first, last, wasOffline }, wasOnline) {
    if (last === 'gone') {
        const reason = 'its registration is gone: it took one job only (ephemeral), or has registered under another name or elsewhere';
        return { reason, hint: `Register it under the same name after each boot. ${STEPS}` };
    }
    if (!wasOffline) {
        const reason = 'it is shown online, but that may be what GitHub remembers from before the restart';
        return { reason, hint: 'Raise runner_timeout above 6m, and look at the runner before you rely on it.' };
    }
    if (first !== 'gone' && first?.isOnline) {
        const reason = 'it went offline and stayed so: most likely its new process met the session of the old one and gave up after 4 minutes, or no user is logged in';
        return { reason, hint: `Let its service be started again whenever it ends (KeepAlive). ${STEPS}` };
    }
    const reason = wasOnline
        ? 'it stayed offline from the boot on: most likely no user is logged in, so that its service never started'
        : 'it was offline before the restart already: most likely it has no service that starts it';
    return { reason, hint: `${SERVICE} ${STEPS}` };
}

;// CONCATENATED MODULE: ./lib/runner/wait-for-runner.js





/**
 * Watches the runner until it is back; there is always a last look at the deadline.
 * @throws ActionError `runner_not_back` with the likely cause; `github_api_failed` where GitHub never gave an answer.
 */
async function waitForRunner(options) {
    const { tracker, verifiedAt, clock, log, signal } = options;
    const journal = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: verifiedAt });
    const deadline = verifiedAt + options.runnerTimeoutMs;
    let history = startOnlineHistory(verifiedAt, idOf(options.before));
    for (;;) {
        const lookedAt = clock.now();
        const snapshot = await tracker.glance(lookUntil(lookedAt, deadline));
        const judged = judgeOnline(history, snapshot);
        history = judged.history;
        const { verdict } = judged;
        if (verdict.kind !== 'pending') {
            log.info(`${describeBack(verdict)}, ${(0,lib_clock/* seconds */.YA)(clock.now() - verifiedAt)} after the VM`);
            return verdict.kind;
        }
        const rest = describeProof(verdict, options);
        journal.note(verdict.seen, `waiting for the runner: ${verdict.seen}`, { rest });
        if (lookedAt >= deadline)
            throw notBack(options, history, journal);
        await clock.sleep(pauseMs(deadline - clock.now()), signal);
    }
}
/** What would be proof, and until when at most. */
function describeProof({ proof, isLikely }, { verifiedAt, runnerTimeoutMs, clock }) {
    const leftMs = verifiedAt + runnerTimeoutMs - clock.now();
    const likelyInMs = verifiedAt + SESSION_LIFE_MS - clock.now();
    const end = isLikely && likelyInMs < leftMs ? `probably_online in ${(0,lib_clock/* minutes */.Gx)(likelyInMs)}` : `${(0,lib_clock/* minutes */.Gx)(leftMs)} left`;
    return `; proof would be ${proof} (${end})`;
}
function describeBack(verdict) {
    return verdict.kind === 'online'
        ? `The runner is back, proved: ${verdict.proof}`
        : 'The runner is most likely back: it is still online after GitHub would have forgotten the one before';
}
function notBack(options, history, journal) {
    const { last } = history;
    const { reason, hint } = likelyCause(history, isOnline(options.before), options.clock.now());
    const time = (0,lib_clock/* seconds */.YA)(options.runnerTimeoutMs);
    const message = `The VM was restarted, but the runner was not proved to be back within ${time}: ${reason}. Looks: ${journal.tally()}.`;
    return new errors/* ActionError */.lZ(last === undefined ? 'github_api_failed' : 'runner_not_back', message, { hint });
}
/** A look that might outlast the deadline is not begun: the one at the deadline is worth more. */
function pauseMs(leftMs) {
    return leftMs < LOOK_EVERY_MS + LAST_LOOK_MS ? Math.max(0, leftMs) : LOOK_EVERY_MS;
}
function idOf(runner) {
    return typeof runner === 'object' ? runner.id : undefined;
}
/** Whether a snapshot showed the runner online. */
function isOnline(runner) {
    return runner !== undefined && runner !== 'gone' && runner.isOnline;
}

;// CONCATENATED MODULE: ./lib/runner/guard.js
// Before the restart, the gate looks the runner up on GitHub by its name and holds the restart back while a job runs on it;
// what it saw last is kept. After the restart, once the VM is verified, the wait compares new looks with that one until they
// prove that the runner is back, or until runner_timeout. What goes wrong before the restart prevents it; what goes wrong
// after it becomes part of the outcome, as the VM is restarted all the same. Gate and wait see GitHub through one tracker for
// each VM, which follows the runner across registrations. Below the trackers, and shared by all of them, are two sources: the
// runners of the scope and the jobs of a repository; and below these, octokit.











const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };
/** @throws ActionError `self_restart` where the runner's name says that much already. */
function createGuards(options) {
    const { runner, ownRunner, clock, random, log, requestTimeoutMs, dispatchers } = options;
    const { scope, token, apiUrl: baseUrl, proxy, nameTemplate: name } = runner;
    if (!(0,runner_names/* hasPlaceholder */.Kc)(name))
        (0,self_restart/* refuseSelfRestart */.CD)(ownRunner, { name, scope });
    const connection = { proxy, tls: PUBLIC_TLS, requestTimeoutMs, clock, dispatchers };
    const transport = (0,http_transport/* createTransport */.o)({ baseUrl, ...connection });
    const client = createGitHubClient({
        baseUrl: baseUrl.href.replace(/\/+$/, ''),
        ...{ token, scope, transport, clock, random, debug: log.debug },
    });
    const repository = (0,runner_scope/* repositoryOf */._M)(scope, ownRunner.repository);
    const jobs = repository === undefined ? createNoJobsSource(log) : createJobsSource({ client, repository }, log);
    const { share = (sources) => sources } = options;
    const sources = share({ runners: createRunners(client, scope), jobs });
    return {
        runnerNameOf: (instance) => (0,runner_names/* fillName */.bq)(name, instance),
        guardFor: (ward) => createGuard({ ...options, log: ward.log }, { sources, ward }),
        close() {
            log.debug(client.describeUsage());
            return transport.close();
        },
    };
}
/** @param options with the log of the one VM. */
function createGuard(options, { sources, ward }) {
    const { runner, ownRunner, clock, log, patienceMs } = options;
    const { signal, isBrief = false, onWait } = ward;
    const { scope, whenBusy, idleForMs, busyTimeoutMs } = runner;
    function trackerFor(instance) {
        const name = (0,runner_names/* fillName */.bq)(runner.nameTemplate, instance);
        (0,self_restart/* refuseSelfRestart */.CD)(ownRunner, { name, scope });
        warnOfSharedAddress(instance, options);
        (isBrief ? log.debug : log.info)(`Looking for the self-hosted runner "${name}" of ${(0,runner_scope/* describeScope */.OI)(scope)}`);
        return createTracker({ ...sources, sought: { name, scope }, clock, log, signal });
    }
    const times = { idleForMs, busyTimeoutMs, patienceMs };
    const gate = createGate({ whenBusy, ...times, clock, log, signal, trackerFor, isBrief, onWait });
    return {
        gate,
        async afterRestart(outcome, until = options.signal) {
            return {
                ...outcome,
                ...(await waitIfVerified(outcome, { gate, options: { ...options, signal: until } })),
            };
        },
    };
}
function warnOfSharedAddress(instance, { addresses, log }) {
    const address = (0,self_restart/* sharedAddress */.EL)(instance, addresses);
    if (address === undefined)
        return;
    log.warning(`The VM to restart and the machine that runs this step have the same address, ${address}. If they are the same machine, the restart kills this step.`);
}
async function waitIfVerified({ restarted, moments: { verified: verifiedAt } }, { gate, options }) {
    const findings = gate.findings();
    if (restarted !== 'true' || verifiedAt === undefined || findings === undefined)
        return { runner: NO_RUNNER };
    const { runner: asked, clock, log, signal } = options;
    const { tracker, last } = findings;
    const { waitsForRunner, runnerTimeoutMs } = asked;
    if (!waitsForRunner) {
        log.info('The runner is not waited for, as wait_for_runner says');
        return { runner: NO_RUNNER };
    }
    try {
        const watching = { tracker, before: last.runner, verifiedAt, runnerTimeoutMs, clock, log, signal };
        return { runner: { status: await waitForRunner(watching), backAt: clock.now() } };
    }
    catch (thrown) {
        const error = (0,errors/* asActionError */.z6)(thrown);
        const status = error.code === 'runner_not_back' ? 'not_back' : undefined;
        return { runner: { status, backAt: undefined }, error: explainCancelledWait(error) };
    }
}
const NO_RUNNER = { status: undefined, backAt: undefined };
/** A cancelled step has to say what it leaves behind. */
function explainCancelledWait(error) {
    if (error.code !== 'cancelled')
        return error;
    const left = 'The VM was restarted and verified; whether its runner is back is not known.';
    return new errors/* ActionError */.lZ('cancelled', `${error.message} ${left}`, { cause: error });
}


/***/ })

};
