export const id = 142;
export const ids = [142];
export const modules = {

/***/ 8142:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createGuard: () => (/* binding */ createGuard)
});

// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/http/transport.js + 1 modules
var http_transport = __webpack_require__(2159);
// EXTERNAL MODULE: ./lib/restart/journal.js
var restart_journal = __webpack_require__(5632);
;// CONCATENATED MODULE: ./lib/runner/snapshot.js
/** A job may have run for so long before GitHub says "busy": in milliseconds. 25 to 60 s have been seen. */
const BUSY_LAG_MS = 60_000;

;// CONCATENATED MODULE: ./lib/runner/busy-verdict.js

/** Between two snapshots further apart than this a job may have come and gone, and another have begun: in milliseconds. */
const LONGEST_GAP_MS = 20_000;
/**
 * Decides whether a job runs on the runner, from one snapshot and those before it. Pure.
 * GitHub may say "not busy" for a minute after a job began, so it takes a minute of such snapshots to know of all jobs that
 * began before it. A busy runner that is offline has lost its job: nobody works on it any more.
 */
function judgeBusy(idleStretch, { askedAt, answeredAt, runner }) {
    if (runner === undefined)
        return { verdict: 'unknown', idleStretch: undefined };
    if (runner !== 'gone' && runner.isOnline && runner.isBusy)
        return { verdict: 'busy', idleStretch: undefined };
    const isUnbroken = idleStretch !== undefined && askedAt - idleStretch.until <= LONGEST_GAP_MS;
    const since = isUnbroken ? idleStretch.since : answeredAt;
    return {
        verdict: askedAt - since >= BUSY_LAG_MS ? 'idle' : 'settling',
        idleStretch: { since, until: answeredAt },
    };
}

// EXTERNAL MODULE: ./lib/runner/name.js
var runner_name = __webpack_require__(9171);
// EXTERNAL MODULE: ./lib/runner/scope.js
var runner_scope = __webpack_require__(5918);
;// CONCATENATED MODULE: ./lib/runner/find-runner.js



/** The runners that bear the name; GitHub's own filter may find more, or not exist (GitHub Enterprise Server). */
async function findByName(runners, name, bounds) {
    const found = await runners.listRunners(name, bounds);
    return found.filter((runner) => (0,runner_name/* isSameName */.yS)(runner.name, name));
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
function createTracker({ runners, sought, clock, log, signal }) {
    let id;
    const journal = (0,restart_journal/* createJournal */.s)({ log, now: clock.now, sentAt: undefined, server: 'GitHub' });
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
    async function current(deadline) {
        const bounds = { deadline, signal, onFault };
        const known = id === undefined ? undefined : await runners.getRunner(id, bounds);
        if (known !== undefined)
            return known;
        const [newest] = (await findByName(runners, sought.name, bounds)).sort((a, b) => b.id - a.id);
        return newest ?? 'gone';
    }
    return {
        find: (deadline) => read(() => findRunner(runners, sought, { deadline, signal, onFault })),
        look: (until) => read(() => current(until).catch((error) => {
            if (error instanceof errors/* ActionError */.lZ && error.isTransient)
                return undefined;
            throw error;
        })),
    };
}

;// CONCATENATED MODULE: ./lib/runner/gate.js





function createGate(options) {
    const { whenBusy, log } = options;
    let watch;
    return {
        async isOpen(instance) {
            const isFirst = watch === undefined;
            watch ??= await begin(options, instance);
            if (whenBusy === 'ignore') {
                if (isBusy(watch.last))
                    log.warning(`${describe(watch.last)}; when_busy says to ignore that.`);
                return true;
            }
            const verdict = isFirst ? noteSnapshot(watch, watch.last) : await lookAgain(options, watch);
            if (verdict === 'idle')
                return true;
            await waitUntilIdle(options, watch, verdict);
            return false;
        },
        async rehearse(instance) {
            watch = await begin(options, instance);
            log.info(`Dry run: ${describe(watch.last)}`);
            return true;
        },
        findings: () => watch,
    };
}
async function begin(options, instance) {
    const { whenBusy, busyTimeoutMs, patienceMs, clock, log } = options;
    const busyUntil = clock.now() + (whenBusy === 'wait' ? busyTimeoutMs : 0);
    const tracker = options.trackerFor(instance);
    const last = await tracker.find(clock.now() + patienceMs);
    const journal = (0,restart_journal/* createJournal */.s)({ log, now: clock.now, sentAt: undefined });
    return { tracker, last, idleStretch: undefined, busyUntil, silentUntil: busyUntil + patienceMs, journal };
}
function noteSnapshot(watch, snapshot) {
    const { verdict, idleStretch } = judgeBusy(watch.idleStretch, snapshot);
    watch.idleStretch = idleStretch;
    if (snapshot.runner !== undefined)
        watch.last = snapshot;
    watch.journal.note(verdict, `${describe(snapshot)}${WHAT_NOW[verdict]}`);
    return verdict;
}
const WHAT_NOW = {
    idle: ', and was for a minute: no job runs on it',
    settling: '; making sure for a minute, as GitHub learns late of a new job',
    busy: '; waiting for its job to end',
    unknown: '; looking again',
};
async function lookAgain({ clock }, watch) {
    return noteSnapshot(watch, await watch.tracker.look(lookUntil(clock.now(), watch.silentUntil)));
}
/** Until when each state of things is put up with. That no job is seen is made sure of in any case: it takes a minute. */
const PATIENCE_ENDS_AT = {
    busy: ({ busyUntil }) => busyUntil,
    unknown: ({ silentUntil }) => silentUntil,
    settling: () => Number.POSITIVE_INFINITY,
};
async function waitUntilIdle(options, watch, first) {
    const { clock, signal } = options;
    for (let verdict = first; verdict !== 'idle'; verdict = await lookAgain(options, watch)) {
        const leftMs = PATIENCE_ENDS_AT[verdict](watch) - clock.now();
        if (leftMs <= 0)
            throw verdict === 'busy' ? stillBusy(options, watch) : notKnown(watch);
        await clock.sleep(Math.min(LOOK_EVERY_MS, leftMs), signal);
    }
}
function isBusy({ runner }) {
    return runner !== undefined && runner !== 'gone' && runner.isBusy;
}
/** e.g. `Runner "mac-7" (ID 12) is online, busy`. */
function describe({ runner }) {
    if (runner === undefined)
        return 'GitHub gave no usable answer about the runner';
    if (runner === 'gone')
        return 'The runner is registered no more';
    return `Runner "${runner.name}" (ID ${runner.id}) is ${describeRunner(runner)}`;
}
function stillBusy({ whenBusy }, { last, journal }) {
    const waited = whenBusy === 'fail' ? '' : ', and was until busy_timeout';
    const seen = whenBusy === 'fail' ? '' : ` Looks: ${journal.tally()}.`;
    return new errors/* ActionError */.lZ('runner_busy', `${describe(last)}${waited}. No restart was sent.${seen}`, {
        hint: 'Let the job end (needs, concurrency), or raise busy_timeout, or let when_busy be wait.',
    });
}
function notKnown({ journal }) {
    const message = `GitHub does not say whether a job runs on the runner, so no restart was sent. Looks: ${journal.tally()}.`;
    return new errors/* ActionError */.lZ('github_api_failed', message, {
        hint: 'Look at githubstatus.com and at the debug log of this step.',
    });
}

// EXTERNAL MODULE: ./node_modules/@actions/github/lib/github.js + 22 modules
var github = __webpack_require__(2413);
// EXTERNAL MODULE: ./lib/clock.js
var lib_clock = __webpack_require__(5233);
// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
// EXTERNAL MODULE: ./lib/http/patience.js
var http_patience = __webpack_require__(8977);
// EXTERNAL MODULE: ./lib/http/retry.js
var retry = __webpack_require__(8394);
;// CONCATENATED MODULE: ./lib/runner/github-fetch.js


/** A page of 100 runners has some 60 KiB. */
const MAX_BYTES = 2 * 1024 * 1024;
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

;// CONCATENATED MODULE: ./lib/runner/github-usage.js
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

;// CONCATENATED MODULE: ./lib/runner/rate-limit.js


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

;// CONCATENATED MODULE: ./lib/runner/github-client.js










function createGitHubClient(options) {
    const { baseUrl, token, transport, clock, random, debug } = options;
    // Octokit would write to the console whatever is missing here; @octokit/request has a setting of its own.
    const log = { debug, info: debug, warn: debug, error: debug };
    const usage = createUsage();
    const patience = (0,http_patience/* createPatience */.s)(clock);
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
            if ('fault' in attempt)
                allowedAt = clock.now() + (attempt.fault.waitMs ?? 0);
            return attempt;
        };
        const last = await (0,retry/* retry */.L5)({ clock, random, patience }, tryOnce, question);
        if ('fault' in last)
            throw givenUp(last.fault, patience);
        patience.renew();
        return last.value;
    }
    async function waitUntilAllowed({ deadline, signal }) {
        const waitMs = allowedAt - clock.now();
        if (waitMs <= 0)
            return;
        if (allowedAt >= deadline)
            throw givenUp(faultWith('its rate limit allows no request yet'), patience);
        await clock.sleep(waitMs, signal);
    }
    return { octokitFor, describeUsage: usage.describe };
}
/** @throws ActionError where it will not heal; octokit's RequestError for one of the other answers. */
async function tryToAsk({ readData, otherAnswers = [], signal }, request, scope) {
    try {
        const { response, error } = await settle(request);
        signal.throwIfAborted();
        const { status, data } = response;
        if (status === 200)
            return { value: { ...response, data: readData(data) } };
        if (otherAnswers.includes(status))
            throw error;
        return { fault: faultOfReply(response, scope) };
    }
    catch (error) {
        if (!(error instanceof json/* UnusableAnswer */.kf))
            throw error;
        const { message, nature, hint = LOOK_AT_STATUS } = error;
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
// ---- what goes wrong ----
/** @throws ActionError where it will not heal. */
function faultOfReply(reply, scope) {
    const limitMs = rateLimitMs(reply);
    if (limitMs === undefined && !(0,retry/* isTransientStatus */.Dm)(reply.status))
        throw rejectedByGitHub(reply, scope);
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
/** What will not heal: somebody said no, or it is not GitHub's API. */
function rejectedByGitHub(reply, scope) {
    const { status } = reply;
    const said = describeReply(reply);
    const where = (0,runner_scope/* describeScope */.OI)(scope);
    if (status === 401) {
        const hint = `It may be mistyped, or have expired. ${(0,runner_scope/* fittingToken */.jr)(scope)}`;
        return new errors/* ActionError */.lZ('github_api_failed', `GitHub does not take github_token: ${said}.`, { hint });
    }
    if (status === 403 || status === 404) {
        const message = `github_token may not read the self-hosted runners of ${where}: ${said}${wanted(reply)}.`;
        const hint = `Check runner_scope and github_token. ${(0,runner_scope/* fittingToken */.jr)(scope)}`;
        return new errors/* ActionError */.lZ('github_api_failed', message, { hint });
    }
    const message = `GitHub answered the question for the self-hosted runners of ${where} with ${said}.`;
    const hint = 'Check runner_scope (was it renamed?) and GITHUB_API_URL.';
    return new errors/* ActionError */.lZ('github_api_failed', message, { hint });
}
/** Which permission the token lacks, where GitHub says so. */
function wanted({ headers }) {
    const permission = headers['x-accepted-github-permissions'] ?? headers['x-accepted-oauth-scopes'];
    return permission === undefined ? '' : `; GitHub wants "${permission}"`;
}
const LOOK_AT_STATUS = 'Look at githubstatus.com and at the network of the machine that runs the step.';
function faultWith(reason) {
    return { kind: 'no answer of GitHub', reason, hint: LOOK_AT_STATUS, nature: 'passing' };
}
function givenUp({ reason, hint, nature, cause }, patience) {
    return new errors/* ActionError */.lZ('github_api_failed', `GitHub gave no usable answer; at last: ${reason}.`, {
        hint,
        cause,
        isTransient: !patience.isOver(nature),
    });
}

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
        const octokit = client.octokitFor({ ...bounds, readData: (data) => requireList(data, name) });
        const runners = [];
        let pages = 0;
        for await (const { data } of pagesOf(octokit, scope, name)) {
            runners.push(...data.flatMap((item) => runnerFrom(item) ?? []));
            if (++pages === MOST_PAGES)
                break;
        }
        return runners;
    }
    return { getRunner, listRunners };
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
    return itsName === undefined || (0,runner_name/* isSameName */.yS)(itsName, name);
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
    // A word that nobody knows is not "offline": to see a runner offline is a part of the proof that it came back.
    const isKnown = status === 'online' || status === 'offline';
    if (typeof id !== 'number' || typeof busy !== 'boolean' || name === undefined || !isKnown)
        return undefined;
    return { id, name, isOnline: status === 'online', isBusy: busy };
}

// EXTERNAL MODULE: ./lib/runner/self-restart.js
var self_restart = __webpack_require__(2044);
;// CONCATENATED MODULE: ./lib/runner/online-verdict.js

/**
 * GitHub keeps the session of a runner that was cut off for up to five minutes, and shows it online for as long. Who is
 * online after that is most likely alive.
 */
const SESSION_LIFE_MS = 360_000;
/** @param lastId of the registration that was seen before the restart. */
function startOnlineHistory(verifiedAt, lastId) {
    return { verifiedAt, first: undefined, last: undefined, lastId, wasOffline: false, wasIdle: false };
}
/**
 * Decides whether the runner is back, from one snapshot and those before it. Pure. That it is shown online proves nothing
 * in itself: it may be the session that was cut off.
 */
function judgeOnline(before, snapshot) {
    const { runner } = snapshot;
    if (runner === undefined)
        return { verdict: pending('no usable answer of GitHub'), history: before };
    const history = { ...before, first: before.first ?? runner, last: runner };
    if (runner === 'gone')
        return { verdict: pending('it is not registered'), history };
    const next = { ...history, lastId: runner.id };
    if (!runner.isOnline)
        return { verdict: pending('it is offline'), history: { ...next, wasOffline: true } };
    const sinceVerifiedMs = snapshot.askedAt - history.verifiedAt;
    const isIdleForSure = !runner.isBusy && sinceVerifiedMs >= BUSY_LAG_MS;
    return {
        verdict: onlineVerdictOn(before, { runner, sinceVerifiedMs }),
        history: { ...next, wasIdle: history.wasIdle || isIdleForSure },
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
    return pending('it is shown online, which may be what GitHub remembers from before');
}
function pending(seen) {
    return { kind: 'pending', seen };
}
const SERVICE = 'Log a user in automatically after the boot, and install the runner as a service (svc.sh install).';
const README = 'See "Reset a runner between jobs" in the README.';
/**
 * The likely cause. What happens inside the VM cannot be seen from here.
 * @param wasOnline before the restart.
 */
function likelyCause({ first, last, wasOffline }, wasOnline) {
    if (last === undefined)
        return { reason: 'GitHub gave no usable answer', hint: 'Look at the runner before you rely on it.' };
    if (last === 'gone') {
        const reason = 'its registration is gone: it took one job only (ephemeral), or has registered under another name or elsewhere';
        return { reason, hint: `Register it under the same name after each boot. ${README}` };
    }
    if (!wasOffline) {
        const reason = 'it is shown online, but that may be what GitHub remembers from before the restart';
        return { reason, hint: 'Raise runner_timeout above 6m, and look at the runner before you rely on it.' };
    }
    if (first !== 'gone' && first?.isOnline) {
        const reason = 'it went offline and stayed so: most likely its new process met the session of the old one and gave up after 4 minutes, or no user is logged in';
        return { reason, hint: `Let its service be started again whenever it ends (KeepAlive). ${README}` };
    }
    const reason = wasOnline
        ? 'it stayed offline from the boot on: most likely no user is logged in, so that its service never started'
        : 'it was offline before the restart already: most likely it has no service that starts it';
    return { reason, hint: `${SERVICE} ${README}` };
}

;// CONCATENATED MODULE: ./lib/runner/wait-for-runner.js





/**
 * Watches the runner until it is back; there is always a last look at the deadline.
 * @throws ActionError `runner_not_back` with the likely cause; `github_api_failed` where GitHub never gave an answer.
 */
async function waitForRunner(options) {
    const { tracker, verifiedAt, clock, log, signal } = options;
    const journal = (0,restart_journal/* createJournal */.s)({ log, now: clock.now, sentAt: verifiedAt });
    const deadline = verifiedAt + options.runnerTimeoutMs;
    let history = startOnlineHistory(verifiedAt, idOf(options.before));
    for (;;) {
        const lookedAt = clock.now();
        const snapshot = await tracker.look(lookUntil(lookedAt, deadline));
        const judged = judgeOnline(history, snapshot);
        history = judged.history;
        const { verdict } = judged;
        if (verdict.kind !== 'pending') {
            log.info(`${describeBack(verdict)}, ${(0,lib_clock/* seconds */.YA)(clock.now() - verifiedAt)} after the VM`);
            return verdict.kind;
        }
        journal.note(verdict.seen, `waiting for the runner: ${verdict.seen}`);
        if (lookedAt >= deadline)
            throw notBack(options, history, journal);
        await clock.sleep(pauseMs(deadline - clock.now()), signal);
    }
}
function describeBack(verdict) {
    return verdict.kind === 'online'
        ? `The runner is back, proved: ${verdict.proof}`
        : 'The runner is most likely back: it is still online after GitHub would have forgotten the one before';
}
function notBack(options, history, journal) {
    const { last } = history;
    const { reason, hint } = likelyCause(history, isOnline(options.before));
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
// after it becomes part of the outcome, as the VM is restarted all the same. Gate and wait see GitHub through one tracker,
// which follows the runner across registrations; below it are the runners of the scope, and octokit.










const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };
/** @throws ActionError `self_restart` where the runner's name says that much already. */
function createGuard(options) {
    const { runner, clock, random, terminal: log, signal, requestTimeoutMs, dispatchers } = options;
    const { scope, token, apiUrl, proxy } = runner;
    if (!(0,runner_name/* hasPlaceholder */.Kc)(runner.nameTemplate))
        (0,self_restart/* refuseSelfRestart */.CD)(options.ownRunner, { name: runner.nameTemplate, scope });
    const transport = (0,http_transport/* createTransport */.o)({
        baseUrl: apiUrl,
        proxy,
        tls: PUBLIC_TLS,
        requestTimeoutMs,
        clock,
        dispatchers,
    });
    const baseUrl = apiUrl.href.replace(/\/+$/, '');
    const { debug } = log;
    const client = createGitHubClient({ baseUrl, token, scope, transport, clock, random, debug });
    const runners = createRunners(client, scope);
    function trackerFor(instance) {
        const name = (0,runner_name/* fillName */.bq)(runner.nameTemplate, instance);
        (0,self_restart/* refuseSelfRestart */.CD)(options.ownRunner, { name, scope });
        warnOfSharedAddress(instance, options);
        log.info(`Looking for the self-hosted runner "${name}" of ${(0,runner_scope/* describeScope */.OI)(scope)}`);
        return createTracker({ runners, sought: { name, scope }, clock, log, signal });
    }
    const { whenBusy, busyTimeoutMs } = runner;
    const { patienceMs } = options;
    const gate = createGate({ whenBusy, busyTimeoutMs, patienceMs, clock, log, signal, trackerFor });
    return {
        gate,
        async afterRestart(outcome) {
            const returned = await waitIfVerified(outcome, { gate, options });
            log.debug(client.describeUsage());
            return { ...outcome, ...returned };
        },
        close: transport.close,
    };
}
function warnOfSharedAddress(instance, { addresses, terminal }) {
    const address = (0,self_restart/* sharedAddress */.EL)(instance, addresses);
    if (address === undefined)
        return;
    terminal.warning(`The VM to restart and the machine that runs this step have the same address, ${address}. If they are the same machine, the restart kills this step.`);
}
async function waitIfVerified({ restarted, moments: { verified: verifiedAt } }, { gate, options }) {
    const findings = gate.findings();
    if (restarted !== 'true' || verifiedAt === undefined || findings === undefined)
        return { runner: NO_RUNNER };
    const { runner: asked, clock, terminal: log, signal } = options;
    const { tracker, last } = findings;
    const { runnerTimeoutMs } = asked;
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
