export const id = 837;
export const ids = [837];
export const modules = {

/***/ 5837:
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
async function findByName(github, name, bounds) {
    const found = await github.listRunners(name, bounds);
    return found.filter((runner) => (0,runner_name/* isSameName */.yS)(runner.name, name));
}
/**
 * The one runner of the name.
 * @throws ActionError `runner_not_found` or `ambiguous_target`, listing what is there; and what GitHub throws.
 */
async function findRunner(github, { name, scope }, bounds) {
    const [first, ...others] = await findByName(github, name, bounds);
    const where = (0,runner_scope/* describeScope */.OI)(scope);
    if (first === undefined) {
        const all = await github.listRunners(undefined, bounds);
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
function createTracker({ github, sought, clock, log, signal }) {
    let id;
    const journal = (0,restart_journal/* createJournal */.s)({ log, now: clock.now, sentAt: undefined });
    const onFault = ({ kind, reason }) => journal.note(kind, `GitHub gave no usable answer: ${reason}`);
    async function read(ask) {
        const askedAt = clock.now();
        const runner = await ask();
        if (runner !== undefined)
            id = runner === 'gone' ? undefined : runner.id;
        return { askedAt, answeredAt: clock.now(), runner };
    }
    /** By its ID; where that is gone by its name, as it may have registered anew. */
    async function current(deadline) {
        const bounds = { deadline, signal, onFault };
        const known = id === undefined ? undefined : await github.getRunner(id, bounds);
        if (known !== undefined)
            return known;
        const [newest] = (await findByName(github, sought.name, bounds)).sort((a, b) => b.id - a.id);
        return newest ?? 'gone';
    }
    return {
        find: (deadline) => read(() => findRunner(github, sought, { deadline, signal, onFault })),
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
var http_json = __webpack_require__(1528);
// EXTERNAL MODULE: ./lib/http/retry.js
var retry = __webpack_require__(8394);
;// CONCATENATED MODULE: ./lib/runner/rate-limit.js
/** What GitHub asks for where it limits and does not say for how long. */
const UNSAID_MS = 60_000;
/** The quota is one for an hour: who asks for more does not mean it. */
const LONGEST_MS = 3_600_000;
/** The limit is lifted within the second that is named: one more is on the safe side. */
const MARGIN_MS = 1_000;
/**
 * How long GitHub wants to be left alone, in milliseconds: because the hourly quota is used up (primary limit), or because
 * there were too many requests at once (secondary limit). Undefined where the answer is about something else. Pure: what
 * "now" is, the answer itself says.
 */
function rateLimitMs({ status, headers, text, retryAfterMs }) {
    if (status !== 403 && status !== 429)
        return undefined;
    if (retryAfterMs !== undefined)
        return Math.min(LONGEST_MS, retryAfterMs);
    if (headers['x-ratelimit-remaining'] === '0')
        return Math.min(LONGEST_MS, untilReset(headers));
    return status === 429 || /rate limit/i.test(text) ? UNSAID_MS : undefined;
}
function untilReset({ 'x-ratelimit-reset': reset = '', date = '' }) {
    const ms = Number(reset) * 1_000 - Date.parse(date);
    return reset === '' || Number.isNaN(ms) ? UNSAID_MS : Math.max(0, ms) + MARGIN_MS;
}

;// CONCATENATED MODULE: ./lib/runner/github-client.js







/** A page of 100 runners has some 60 KiB. */
const MAX_BYTES = 2 * 1024 * 1024;
const NO_ANSWER = 'no answer of GitHub';
function createGitHubClient({ scope, clock, random, scrub, ...options }) {
    const send = createSender(options);
    const usage = createUsage();
    /** GitHub wants no request before: milliseconds on the clock's scale. */
    let allowedAt = Number.NEGATIVE_INFINITY;
    async function ask(question, bounds) {
        await waitUntilAllowed(bounds);
        const tryOnce = async () => {
            const { result, data } = await send(question, bounds);
            bounds.signal.throwIfAborted();
            if ('answer' in result)
                usage.count(result.answer);
            const attempt = judge(question, { result, data });
            if ('fault' in attempt)
                allowedAt = clock.now() + (attempt.fault.waitMs ?? 0);
            return attempt;
        };
        const last = await (0,retry/* retry */.L5)({ clock, random }, tryOnce, bounds);
        if ('value' in last)
            return last.value;
        throw givenUp(last.fault);
    }
    async function waitUntilAllowed({ deadline, signal }) {
        const waitMs = allowedAt - clock.now();
        if (waitMs <= 0)
            return;
        if (allowedAt >= deadline)
            throw givenUp({ kind: NO_ANSWER, reason: 'its rate limit allows no request yet' });
        await clock.sleep(waitMs, signal);
    }
    function judge(question, { result, data }) {
        if ('noAnswer' in result)
            return { fault: faultOf(result.noAnswer) };
        const { answer } = result;
        if (answer.status === 200)
            return readSuccess(question, { answer, data });
        const known = question.otherwise?.(answer.status);
        if (known !== undefined)
            return known;
        const waitMs = rateLimitMs(answer);
        const said = describeAnswer(answer, scrub);
        if (waitMs === undefined && !(0,retry/* isTransientStatus */.Dm)(answer.status))
            throw rejected(answer, { said, scope, scrub });
        const pauseMs = waitMs ?? answer.retryAfterMs;
        const askedFor = pauseMs === undefined ? '' : `, asking to wait for ${(0,lib_clock/* seconds */.YA)(pauseMs)}`;
        return { fault: { kind: NO_ANSWER, reason: `it answered ${said}${askedFor}`, waitMs: pauseMs } };
    }
    return { ask, describeUsage: usage.describe };
}
/**
 * Octokit makes the request; it travels as those to the controller do, so that time, size and proxies are in one place. And so
 * is the answer's JSON read: octokit's own reader takes seconds for a large text, in which nothing else goes on.
 */
function createSender({ baseUrl, token, transport, }) {
    const octokit = (0,github/* getOctokit */.Q)(token, { baseUrl, userAgent: 'restart-anka-vm' });
    return async ({ route, parameters }, bounds) => {
        const sent = {};
        const fetch = async (url, { headers }) => {
            const path = url.slice(baseUrl.length);
            const request = { method: 'GET', path, headers, maxBytes: MAX_BYTES, isWrite: false };
            sent.result = await transport.send(request, bounds);
            // What came is judged elsewhere; and no header of the server gets to octokit, which could make it print something.
            return Response.json(null);
        };
        // Octokit's errors hold the request: they go no further.
        const failure = await octokit
            .request(route, { ...parameters, request: { fetch } })
            .then(() => '', errors/* describeCause */.V$);
        const { result } = sent;
        if (result === undefined)
            throw new Error(`octokit sent nothing: ${failure}`);
        const isSuccess = 'answer' in result && result.answer.status === 200;
        return { result, data: isSuccess ? (0,http_json/* parseJson */.qF)(result.answer.text) : undefined };
    };
}
function readSuccess({ read }, { answer, data }) {
    try {
        return { value: read(data, answer) };
    }
    catch (error) {
        if (!(error instanceof http_json/* UnusableAnswer */.kf))
            throw error;
        return { fault: { kind: NO_ANSWER, reason: error.message, cause: error } };
    }
}
function faultOf({ reason, isPermanent, cause }) {
    if (!isPermanent)
        return { kind: NO_ANSWER, reason, cause };
    throw new errors/* ActionError */.lZ('github_api_failed', `GitHub cannot be asked: ${reason}.`, {
        hint: 'Check GITHUB_API_URL and the proxy of the machine that runs the step.',
        cause,
    });
}
/** e.g. `HTTP 403 ("Resource not accessible by integration")`. */
function describeAnswer({ status, text: json }, scrub) {
    const body = (0,http_json/* parseJson */.qF)(json);
    const message = (0,http_json/* isRecord */.u4)(body) ? (0,http_json/* text */.Qq)(body, 'message') : undefined;
    return `HTTP ${status}${message === undefined ? '' : ` ("${scrub(message)}")`}`;
}
/** What will not heal: somebody said no, or it is not GitHub's API. */
function rejected({ status, headers }, { said, scope, scrub }) {
    const where = (0,runner_scope/* describeScope */.OI)(scope);
    if (status === 401) {
        const hint = `It may be mistyped, or have expired. ${(0,runner_scope/* fittingToken */.jr)(scope)}`;
        return new errors/* ActionError */.lZ('github_api_failed', `GitHub does not take github_token: ${said}.`, { hint });
    }
    if (status === 403 || status === 404) {
        const permission = headers['x-accepted-github-permissions'] ?? headers['x-accepted-oauth-scopes'];
        const wants = permission === undefined ? '' : `; GitHub wants "${scrub(permission)}"`;
        const message = `github_token may not read the self-hosted runners of ${where}: ${said}${wants}.`;
        const hint = `Check runner_scope and github_token. ${(0,runner_scope/* fittingToken */.jr)(scope)}`;
        return new errors/* ActionError */.lZ('github_api_failed', message, { hint });
    }
    const message = `GitHub answered the question for the self-hosted runners of ${where} with ${said}.`;
    const hint = 'Check runner_scope (was it renamed?) and GITHUB_API_URL.';
    return new errors/* ActionError */.lZ('github_api_failed', message, { hint });
}
function givenUp({ reason, cause }) {
    return new errors/* ActionError */.lZ('github_api_failed', `GitHub gave no usable answer; at last: ${reason}.`, {
        hint: 'Look at githubstatus.com and at the network of the machine that runs the step.',
        cause,
        isTransient: true,
    });
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

;// CONCATENATED MODULE: ./lib/runner/runners.js


const PER_PAGE = 100;
/** A scope holds 10,000 runners at most. */
const MOST_PAGES = 100;
const ROUTES = {
    repository: 'GET /repos/{owner}/{repo}/actions/runners',
    organization: 'GET /orgs/{org}/actions/runners',
    enterprise: 'GET /enterprises/{enterprise}/actions/runners',
};
function createRunners(api, scope) {
    const { kind, ...place } = scope;
    const seen = new Map();
    async function getRunner(id, bounds) {
        const before = seen.get(id);
        const headers = before === undefined ? {} : { 'if-none-match': before.etag };
        return api.ask({
            route: `${ROUTES[kind]}/{runner_id}`,
            parameters: { ...place, runner_id: id, headers },
            read(data, answer) {
                const runner = readRunner(data);
                if (runner.id !== id)
                    throw new http_json/* UnusableAnswer */.kf('it answered with another runner');
                const { etag } = answer.headers;
                if (etag !== undefined)
                    seen.set(id, { etag, runner });
                return runner;
            },
            otherwise(status) {
                if (status === 304 && before !== undefined)
                    return { value: before.runner };
                return status === 404 ? { value: undefined } : undefined;
            },
        }, bounds);
    }
    /** Pages are counted, not followed: a link could lead the token elsewhere. */
    async function listRunners(name, bounds) {
        const runners = [];
        for (let page = 1; page <= MOST_PAGES; page++) {
            const parameters = { ...place, name, per_page: PER_PAGE, page };
            const read = (data) => readPage(data, name);
            const { found, isLast } = await api.ask({ route: ROUTES[kind], parameters, read }, bounds);
            runners.push(...found);
            if (isLast)
                break;
        }
        return runners;
    }
    return { getRunner, listRunners };
}
/** What is not asked for, and cannot be read, is somebody else's trouble. */
function readPage(data, name) {
    const items = (0,http_json/* isRecord */.u4)(data) ? data['runners'] : undefined;
    if (!Array.isArray(items))
        throw new http_json/* UnusableAnswer */.kf('it answered without a list of runners');
    if (items.length > PER_PAGE)
        throw new http_json/* UnusableAnswer */.kf('it answered with more runners than were asked for');
    const found = items.flatMap((item) => runnerFrom(item) ?? leaveOut(item, name));
    return { found, isLast: items.length < PER_PAGE };
}
/** @throws UnusableAnswer where it is the one that is asked for, or might be. */
function leaveOut(item, name) {
    const itsName = (0,http_json/* isRecord */.u4)(item) ? (0,http_json/* text */.Qq)(item, 'name') : undefined;
    if (name !== undefined && (0,runner_name/* isSameName */.yS)(itsName ?? name, name))
        throw unreadable();
    return [];
}
function readRunner(data) {
    const runner = runnerFrom(data);
    if (runner === undefined)
        throw unreadable();
    return runner;
}
function unreadable() {
    return new http_json/* UnusableAnswer */.kf('it answered with a runner that lacks id, name, status or busy');
}
function runnerFrom(data) {
    const fields = (0,http_json/* isRecord */.u4)(data) ? data : {};
    const { id, busy } = fields;
    const [name, status] = [(0,http_json/* text */.Qq)(fields, 'name'), (0,http_json/* text */.Qq)(fields, 'status')];
    // A word that nobody knows is not "offline": to see a runner offline is a part of the proof that it came back.
    const isKnown = status === 'online' || status === 'offline';
    if (typeof id !== 'number' || typeof busy !== 'boolean' || name === undefined || !isKnown)
        return undefined;
    return { id, name, isOnline: status === 'online', isBusy: busy };
}

;// CONCATENATED MODULE: ./lib/runner/self-restart.js



/**
 * Makes sure that the step does not restart the machine that it runs on.
 * @throws ActionError `self_restart`
 */
function refuseSelfRestart(ownRunner, { name, scope }) {
    const { runnerName, repository } = ownRunner;
    if (runnerName === undefined || !(0,runner_name/* isSameName */.yS)(runnerName, name) || !(0,runner_scope/* mayServe */.dK)(scope, repository))
        return;
    throw new errors/* ActionError */.lZ('self_restart', `The step runs on runner "${name}", which is in the VM to restart.`, {
        hint: 'The restart would kill the job that waits for it: run the step on another machine (runs-on).',
    });
}
/**
 * The address that VM and machine share, if they do. It proves nothing: each node hands out the same addresses to its VMs.
 * @param addresses those of the machine that the step runs on.
 */
function sharedAddress({ ip }, addresses) {
    return ip !== undefined && addresses.includes(ip) ? ip : undefined;
}

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
        verdict: verdictOn(before, { runner, sinceVerifiedMs }),
        history: { ...next, wasIdle: history.wasIdle || isIdleForSure },
    };
}
/**
 * A registration is new where it was not there at a look since the boot. One that is there at the first look may be of a
 * runner that registered anew just before it was cut off; and one that comes back was never gone.
 */
function verdictOn({ first, lastId, wasOffline, wasIdle }, { runner, sinceVerifiedMs }) {
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
 * The likely cause; what happens inside the VM nobody but its owner can see.
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










const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };
/** @throws ActionError `self_restart` where the runner's name says that much already. */
function createGuard(options) {
    const { runner, clock, random, terminal: log, signal, requestTimeoutMs, dispatchers } = options;
    const { scope, token, apiUrl, proxy } = runner;
    if (!(0,runner_name/* hasPlaceholder */.Kc)(runner.nameTemplate))
        refuseSelfRestart(runner.ownRunner, { name: runner.nameTemplate, scope });
    const transport = (0,http_transport/* createTransport */.o)({
        baseUrl: apiUrl,
        proxy,
        tls: PUBLIC_TLS,
        requestTimeoutMs,
        clock,
        dispatchers,
    });
    const baseUrl = apiUrl.href.replace(/\/+$/, '');
    const api = createGitHubClient({ baseUrl, token, scope, transport, clock, random, scrub: log.scrub });
    const github = createRunners(api, scope);
    function trackerFor(instance) {
        const name = (0,runner_name/* fillName */.bq)(runner.nameTemplate, instance);
        refuseSelfRestart(runner.ownRunner, { name, scope });
        warnOfSharedAddress(instance, options);
        log.info(`Looking for the self-hosted runner "${name}" of ${(0,runner_scope/* describeScope */.OI)(scope)}`);
        return createTracker({ github, sought: { name, scope }, clock, log, signal });
    }
    const { whenBusy, busyTimeoutMs } = runner;
    const { patienceMs } = options;
    const gate = createGate({ whenBusy, busyTimeoutMs, patienceMs, clock, log, signal, trackerFor });
    return {
        gate,
        async afterRestart(outcome) {
            const returned = await waitIfVerified(outcome, { gate, options });
            log.debug(api.describeUsage());
            return { ...outcome, ...returned };
        },
        close: transport.close,
    };
}
function warnOfSharedAddress(instance, { addresses, terminal }) {
    const address = sharedAddress(instance, addresses);
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
