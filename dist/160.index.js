export const id = 160;
export const ids = [160];
export const modules = {

/***/ 8160:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createGuards: () => (/* binding */ createGuards)
});

// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/clock.js
var lib_clock = __webpack_require__(5233);
// EXTERNAL MODULE: ./lib/log.js
var lib_log = __webpack_require__(7309);
// EXTERNAL MODULE: ./lib/restart/context.js
var context = __webpack_require__(7444);
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
// EXTERNAL MODULE: ./lib/http/patience.js
var http_patience = __webpack_require__(8977);
// EXTERNAL MODULE: ./lib/http/retry.js
var retry = __webpack_require__(8394);
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
/** Another token may get another answer: GitHub does not know this one, does not let it read, or counts its requests. */
function isAboutToken(reply) {
    return DENIALS.includes(reply.status) || rateLimitMs(reply) !== undefined;
}
const DENIALS = [401, 403, 404];
/** e.g. `HTTP 403 ("Resource not accessible by integration")`. */
function describeReply({ status, data }) {
    const message = (0,json/* isRecord */.u4)(data) ? (0,json/* text */.Qq)(data, 'message') : undefined;
    return `HTTP ${status}${message === undefined ? '' : ` ("${message}")`}`;
}
function faultOfDenial(denial, asked) {
    const { reply } = denial;
    const limitMs = rateLimitMs(reply);
    if (limitMs === undefined && !(0,retry/* isTransientStatus */.Dm)(reply.status))
        return refusalOf(denial, asked);
    const waitMs = limitMs ?? retryAfterMs(reply);
    const askedFor = waitMs === undefined ? '' : `, asking to wait for ${(0,lib_clock/* seconds */.YA)(waitMs)}`;
    const nature = waitMs === undefined ? 'passing' : 'quota';
    return { ...faultWith(`it answered ${describeReply(reply)}${askedFor}`), nature, waitMs };
}
/** GitHub refused, or it is not GitHub's API. */
function refusalOf(denial, asked) {
    const { status } = denial.reply;
    const [refusal, hint] = (REFUSALS[status] ?? otherRefusal)(denial, asked);
    const nature = DENIALS.includes(status) ? 'denial' : 'refusal';
    return { ...faultWith(`it answered ${denial.said}`), nature, refusal, hint };
}
const REFUSALS = {
    401: ({ tokens, said }, { permission }) => [
        `GitHub does not accept ${tokens}: ${said}.`,
        `It may be mistyped, or have expired. ${permission}`,
    ],
    403: ({ tokens, said, reply }, { subject, permission, input }) => [
        `GitHub does not let ${tokens} access ${subject}: ${said}${wanted(reply)}.`,
        ssoHint(reply) ?? `Check ${input} and ${tokens}. ${permission}`,
    ],
    404: ({ tokens, said, reply }, { subject, permission, input }) => [
        `GitHub has nothing to show ${tokens} as ${subject}: ${said}${wanted(reply)}. It does not exist, or the token cannot see it.`,
        `Check the spelling of ${input}, and ${tokens}. ${permission}`,
    ],
};
const otherRefusal = ({ said }, { subject, input }) => [
    `GitHub answered the question for ${subject} with ${said}.`,
    `Check ${input} (was it renamed?) and GITHUB_API_URL.`,
];
/** Which permission the token lacks, where GitHub says so. */
function wanted({ headers }) {
    const permission = headers['x-accepted-github-permissions'] ?? headers['x-accepted-oauth-scopes'];
    return permission === undefined || permission === '' ? '' : `; GitHub wants "${permission}"`;
}
/** Where the token's owner can authorize it for the organization's single sign-on. */
function ssoHint({ headers }) {
    const [, url] = /^required; *url=(\S+)$/.exec((0,json/* text */.Qq)(headers, 'x-github-sso', LONGEST_URL) ?? '') ?? [];
    if (url === undefined)
        return undefined;
    return `The organization requires single sign-on (SSO): authorize the token at ${url}.`;
}
const LONGEST_URL = 1_000;
const CHECK_STATUS = 'Check githubstatus.com and the network of the machine that runs the step.';
function faultOfUnusable(error) {
    const { message, nature, hint = CHECK_STATUS } = error;
    return { ...faultWith(message), nature, hint, cause: error };
}
function faultWith(reason) {
    return { kind: 'no answer of GitHub', reason, hint: CHECK_STATUS, nature: 'passing' };
}

;// CONCATENATED MODULE: ./lib/runner/github-fetch.js


/** A page of 100 runners has some 60 KiB; one of 100 runs, or of 100 jobs with all their steps, can have 2 MiB and more. */
const MAX_BYTES = 16 * 1024 * 1024;
/**
 * Octokit's requests travel as those to the controller do, so that time, size and proxies are in one place. They go nowhere
 * but to the base URL's server.
 * What it returns throws UnusableAnswer where asking again may help, and ActionError `github_api_failed` where it never will.
 */
function createFetch({ baseUrl, transport, bounds, onAnswer }) {
    return async (url, { headers }) => {
        const path = url.slice(baseUrl.length);
        const request = { method: 'GET', path, headers, maxBytes: MAX_BYTES, isWrite: false };
        const result = await transport.send(request, bounds);
        if ('noAnswer' in result)
            throw failureOf(result.noAnswer);
        onAnswer(result.answer);
        return responseOf(result.answer);
    };
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







function createToken(input, value) {
    return { input, value, allowedAt: Number.NEGATIVE_INFINITY, refusedAt: Number.NEGATIVE_INFINITY };
}
const PER_PAGE = 100;
/** No list is longer: a scope holds 10,000 runners at most. */
const MOST_PAGES = 100;
/** A token that was refused goes last for this long, in milliseconds: what is read together takes many requests. */
const REFUSED_MS = 5_000;
function createGitHub(connection) {
    const usage = createUsage();
    const octokit = createOctokit(connection, usage.count);
    return {
        clientWith: (tokens) => createClient(tokens, { ...connection, octokit }),
        describeUsage: usage.describe,
    };
}
function createClient(tokens, { clock, random, octokit }) {
    const patience = (0,http_patience/* createPatience */.s)(clock);
    async function ask(question) {
        const last = await (0,retry/* retry */.L5)({ clock, random, patience }, () => tryOnce(question), question);
        if ('fault' in last)
            throw givenUp(last.fault, patience);
        if ('data' in last.value)
            patience.renew();
        return last.value;
    }
    async function tryOnce(question) {
        try {
            return await tryTokens(question);
        }
        catch (error) {
            if (!(error instanceof json/* UnusableAnswer */.kf))
                throw error;
            return { fault: faultOfUnusable(error) };
        }
    }
    /** One after another, until one is not refused. */
    async function tryTokens(question) {
        let denial;
        for (const token of inOrder(tokens, clock.now())) {
            const reply = await askWith(octokit, question, token);
            question.signal.throwIfAborted();
            if ('data' in reply)
                return { value: reply };
            denial = addDenial(denial, token.input, reply.denied);
            if (!isAboutToken(reply.denied))
                break;
            token.refusedAt = clock.now();
            // Other requests may be under way: what one of them is told must not shorten what another was.
            token.allowedAt = Math.max(token.allowedAt, clock.now() + (rateLimitMs(reply.denied) ?? 0));
        }
        return denial === undefined ? { fault: notAllowedYet(tokens, clock.now()) } : judge(denial, question);
    }
    async function askForList(question) {
        const items = [];
        for (let page = 1;; page++) {
            const parameters = { ...question.parameters, per_page: PER_PAGE, ...(page === 1 ? {} : { page }) };
            const answer = await ask({ ...question, parameters });
            if ('status' in answer)
                return answer;
            items.push(...answer.data);
            if (!answer.hasNext || page === MOST_PAGES)
                return { items, pages: page, date: answer.date };
        }
    }
    return { ask, askForList };
}
/** Those that GitHub's limits allow; one that was just refused comes last. */
function inOrder(tokens, now) {
    const isRefused = ({ refusedAt }) => Number(now - refusedAt < REFUSED_MS);
    return tokens
        .filter(({ allowedAt }) => allowedAt <= now)
        .sort((one, other) => isRefused(one) - isRefused(other));
}
function notAllowedYet(tokens, now) {
    const waitMs = Math.min(...tokens.map(({ allowedAt }) => allowedAt)) - now;
    return { ...faultWith('its rate limit allows no request yet'), nature: 'quota', waitMs };
}
function addDenial(before, token, reply) {
    const said = describeReply(reply);
    if (before === undefined)
        return { tokens: token, said, reply };
    return { tokens: `${before.tokens} and ${token}`, said: `${before.said}, ${said}`, reply };
}
function judge(denial, question) {
    const { tokens, said, reply } = denial;
    const isAnswer = question.otherAnswers?.includes(reply.status) && rateLimitMs(reply) === undefined;
    return isAnswer
        ? { value: { status: reply.status, said: `${tokens}: ${said}` } }
        : { fault: faultOfDenial(denial, question) };
}
function givenUp({ reason, refusal, hint, nature, cause }, patience) {
    const message = refusal ?? `GitHub gave no usable answer; at last: ${reason}.`;
    const isTransient = !patience.isOver(nature);
    return new errors/* ActionError */.lZ('github_api_failed', message, { hint, cause, isTransient });
}
/** Of a URL in a text. It may hold a name that the controller sent: encoded, a mask does not match it. */
const QUERY = /\?[^\s"]*/g;
function createOctokit({ baseUrl, transport, debug }, onAnswer) {
    // Octokit would write to the console whatever is missing here; @octokit/request has a setting of its own.
    const remark = (line) => debug(line.replace(QUERY, '?...'));
    const log = { debug: remark, info: remark, warn: remark, error: remark };
    const octokits = new Map();
    return async ({ route, parameters, ...bounds }, { value }, etag) => {
        const octokit = octokits.get(value) ?? (0,github/* getOctokit */.Q)(value, { baseUrl, userAgent: 'restart-anka-vm', log });
        octokits.set(value, octokit);
        const headers = { ...API_VERSION, ...(etag === undefined ? {} : { 'if-none-match': etag }) };
        const request = { fetch: createFetch({ baseUrl, transport, bounds, onAnswer }), log };
        return settle(() => octokit.request(route, { ...parameters, headers, request }));
    };
}
const API_VERSION = { 'x-github-api-version': '2022-11-28' };
function isRequestError(error) {
    return (0,json/* isRecord */.u4)(error) && error['name'] === 'HttpError';
}
/**
 * The answer, whatever its status. Octokit's error for it holds the request, and the token with it, so it must not become the
 * cause of another error.
 */
async function settle(request) {
    try {
        return await request();
    }
    catch (error) {
        // Octokit cannot read some answers, e.g. HTTP 500 with JSON that has a number of 20 digits and no message.
        if (!isRequestError(error))
            throw new json/* UnusableAnswer */.kf(`it answered what octokit cannot read: ${(0,errors/* describeCause */.V$)(error)}`);
        if (error.response === undefined)
            throw error.cause;
        return error.response;
    }
}
/** @throws UnusableAnswer to ask again; ActionError where GitHub cannot be asked. */
async function askWith(send, question, token) {
    const { memory, read, check, route, parameters } = question;
    const key = JSON.stringify([route, parameters]);
    const before = memory?.get(key);
    const reply = await send(question, token, before?.etag);
    const answer = answerFrom(reply, before?.answer, read);
    if (answer === undefined)
        return { denied: reply };
    check?.(answer.data);
    const { etag } = reply.headers;
    if (etag !== undefined)
        memory?.set(key, { etag: String(etag), answer });
    return answer;
}
/** Undefined where it is not what was asked for. */
function answerFrom(reply, before, read) {
    const { status, headers, data } = reply;
    const date = dateOf(reply);
    if (status === 304 && before !== undefined)
        return { ...before, date };
    if (status !== 200)
        return undefined;
    return {
        data: read(data),
        hasNext: /\brel="?next\b/.test((0,json/* text */.Qq)(headers, 'link', LONGEST_LINK) ?? ''),
        date,
    };
}
/** It holds several URLs. */
const LONGEST_LINK = 10_000;
function dateOf({ headers }) {
    const date = Date.parse((0,json/* text */.Qq)(headers, 'date') ?? '');
    return Number.isNaN(date) ? undefined : date;
}

// EXTERNAL MODULE: ./lib/runner/runner-names.js
var runner_names = __webpack_require__(9407);
// EXTERNAL MODULE: ./lib/runner/scope.js
var runner_scope = __webpack_require__(5918);
;// CONCATENATED MODULE: ./lib/runner/runners.js





function createRunners(client, scope) {
    const place = { subject: `the self-hosted runners of ${(0,runner_scope/* describeScope */.OI)(scope)}`, input: 'runner_scope' };
    const about = { ...place, permission: (0,runner_scope/* fittingToken */.jr)(scope) };
    const { path, parameters } = runnersPath(scope);
    const ofOne = new Map();
    const ofPages = new Map();
    /** A list of one page is read whole, whatever is sought in it. */
    let hasManyPages = false;
    async function getRunner(id, bounds) {
        const route = `GET ${path}/{runner_id}`;
        const answer = await client.ask({
            ...{ ...bounds, ...about, route, parameters: { ...parameters, runner_id: id } },
            ...{ read: (data) => requireRunner(data, id), otherAnswers: [404], memory: ofOne },
        });
        return 'data' in answer ? answer.data : undefined;
    }
    async function listRunners(pattern, bounds) {
        if (pattern !== undefined && (0,runner_names/* isExact */.u0)(pattern) && hasManyPages) {
            // GitHub's own filter may be exact in case, or find more.
            const named = await readPages(pattern, bounds, (0,runner_names/* describePattern */.Qs)(pattern));
            if (named.runners.length > 0)
                return named.runners;
        }
        const { runners, pages } = await readPages(pattern, bounds);
        hasManyPages = pages > 1;
        const isMissed = pattern !== undefined && runners.length === 0;
        return isMissed && hasManyPages ? (await readPages(pattern, bounds)).runners : runners;
    }
    async function readPages(pattern, bounds, name) {
        const { items, pages } = await client.askForList({
            ...{ ...bounds, ...about, route: `GET ${path}`, memory: ofPages, read: readList },
            parameters: name === undefined ? parameters : { ...parameters, name },
            check(listed) {
                for (const item of listed)
                    requireReadable(item, pattern);
            },
        });
        // A runner that slips to the next page is there twice.
        const runners = new Map(items.flatMap(({ runner }) => (runner === undefined ? [] : [[runner.id, runner]])));
        const fitting = [...runners.values()].filter(({ name: its }) => pattern === undefined || (0,runner_names/* fitsPattern */.jF)(pattern, its));
        return { runners: fitting, pages };
    }
    return { getRunner, glanceAt: getRunner, listRunners };
}
/** Octokit has no methods for what belongs to an enterprise, so paths are used for all. */
function runnersPath(scope) {
    switch (scope.kind) {
        case 'repository': {
            const { owner, repo } = scope;
            return { path: '/repos/{owner}/{repo}/actions/runners', parameters: { owner, repo } };
        }
        case 'organization':
            return { path: '/orgs/{org}/actions/runners', parameters: { org: scope.org } };
        case 'enterprise': {
            const { enterprise } = scope;
            return { path: '/enterprises/{enterprise}/actions/runners', parameters: { enterprise } };
        }
    }
}
// ---- answers ----
/** @throws UnusableAnswer where the data is not the runner of the ID. */
function requireRunner(data, id) {
    const runner = readRunner(data);
    if (runner.id !== id)
        throw new json/* UnusableAnswer */.kf('it answered with another runner');
    return runner;
}
/** @throws UnusableAnswer where there is no list. */
function readList(data) {
    const items = (0,json/* isRecord */.u4)(data) ? data['runners'] : undefined;
    if (!Array.isArray(items))
        throw new json/* UnusableAnswer */.kf('it answered without a list of runners');
    if (items.length > PER_PAGE)
        throw new json/* UnusableAnswer */.kf('it answered with more runners than were asked for');
    return items.map((item) => {
        return { name: (0,json/* isRecord */.u4)(item) ? (0,json/* text */.Qq)(item, 'name') : undefined, runner: runnerFrom(item) };
    });
}
/** @throws UnusableAnswer */
function requireReadable({ name, runner }, pattern) {
    if (runner !== undefined || pattern === undefined)
        return;
    if (name === undefined || (0,runner_names/* fitsPattern */.jF)(pattern, name))
        throw unreadable();
}
function unreadable() {
    return new json/* UnusableAnswer */.kf('it answered with a runner that lacks id, name, status or busy');
}
function readRunner(data) {
    const runner = runnerFrom(data);
    if (runner === undefined)
        throw unreadable();
    return runner;
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
/**
 * The runners that fit the name; more than one only if it has a `*`.
 * @throws ActionError `runner_not_found` or `ambiguous_target`, listing what is there; and what GitHub throws.
 */
async function findRunners(runners, sought, bounds) {
    const [first, ...others] = await runners.listRunners(sought.name, bounds);
    if (first === undefined)
        throw runnerNotFound(sought, await runners.listRunners(undefined, bounds));
    if (others.length > 0 && (0,runner_names/* isExact */.u0)(sought.name))
        throw ambiguousName(sought, [first, ...others]);
    return [first, ...others];
}
/** @param all the runners of the scope. */
function runnerNotFound({ name, scope }, all) {
    const written = (0,runner_names/* describePattern */.Qs)(name);
    const message = `No self-hosted runner "${written}" is registered in ${(0,runner_scope/* describeScope */.OI)(scope)}; there ${listOf((0,runner_names/* nearestFirst */.F8)(all, written))}.`;
    const elsewhere = scope.kind === 'repository'
        ? ' A runner of an organization or enterprise is found only if runner_scope names that.'
        : '';
    const hint = `Check runner_name and runner_scope: a runner is listed only where it is registered.${elsewhere}`;
    return new errors/* ActionError */.lZ('runner_not_found', message, { hint });
}
function ambiguousName({ name, scope }, found) {
    return new errors/* ActionError */.lZ('ambiguous_target', `${found.length} self-hosted runners are called "${(0,runner_names/* describePattern */.Qs)(name)}" in ${(0,runner_scope/* describeScope */.OI)(scope)}: there ${listOf(found)}.`, { hint: 'Remove the stale registrations, or give the runners different names.' });
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
// say on which runner each of them runs. So the runs that are not completed are read, then the jobs of each. This takes its own
// permission, so it may have its own token.




/** The job that runs on the runner, if one does. Where a job lacks its runner's ID, or the runner's is not known, the name decides. */
function jobOn(jobs, { id, name }) {
    return jobs.find(({ runnerId, runnerName }) => {
        if (runnerId !== undefined && id !== undefined)
            return runnerId === id;
        return runnerName !== undefined && (0,runner_names/* isSameName */.yS)(runnerName, name);
    });
}
/** So many runs are asked for their jobs at a time: GitHub allows 100 requests at once, and a reading must not take long. */
const AT_ONCE = 16;
/** What an unfinished reading found is used for this long, in milliseconds. */
const KEPT_MS = 120_000;
/** The jobs of one repository. Each reading asks again, whatever the one before came to. */
function createJobsSource(place, { clock, log }) {
    const ofRuns = new Map();
    const ofJobs = new Map();
    /** What an unfinished reading found. */
    const kept = new Map();
    async function readJobs(run, bounds) {
        const before = kept.get(keyOf(run));
        if (before !== undefined && before.until > clock.now())
            return before.jobs;
        const jobs = await askForJobs(place, { ...bounds, runId: run.id, memory: ofJobs });
        kept.set(keyOf(run), { jobs, until: clock.now() + KEPT_MS });
        return jobs;
    }
    let isTold = false;
    return {
        async runningJobs(bounds) {
            const runs = await askForRuns(place, { ...bounds, memory: ofRuns });
            if ('refused' in runs) {
                if (!isTold)
                    log.info(`GitHub does not show the workflow runs (${runs.refused}). ${JOBS_ACCESS.permission}`);
                isTold = true;
                return runs;
            }
            const found = new Map();
            try {
                await forEachAtOnce(runs, async (run) => found.set(run, await readJobs(run, bounds)));
            }
            catch (error) {
                if (found.size > 0)
                    log.info(`GitHub answers slowly: the jobs of ${found.size} of ${runs.length} workflow runs are read; the next reading goes on there`);
                throw error;
            }
            kept.clear();
            return [...found.values()].flat().filter(({ status }) => status === 'in_progress');
        },
    };
}
/** What there is to know of jobs where the step runs for no repository. */
function createNoJobsSource(log) {
    let isTold = false;
    return {
        async runningJobs() {
            if (!isTold)
                log.info('GITHUB_REPOSITORY is not set: only the runner itself can tell whether a job runs');
            isTold = true;
            return { refused: 'GITHUB_REPOSITORY is not set', isFinal: true };
        },
    };
}
/** A run that has changed is read again. */
function keyOf({ id, state }) {
    return `${id} ${state}`;
}
/**
 * A run's status follows its least advanced job: with one job in progress and another one queued it is `queued`. So the runs of
 * every status but `completed` are read, and the status of each job decides.
 */
const OTHER_STATUSES = ['queued', 'pending', 'waiting', 'requested'];
async function askForRuns(place, request) {
    const first = await askForRunsOf(place, 'in_progress', request);
    if ('said' in first)
        return { refused: first.said, isFinal: false };
    const others = OTHER_STATUSES.map((status) => askForRunsOf(place, status, request));
    // A run that changes its status while the lists are read may be on none of them.
    const lists = [first, ...(await allOf(others)), await askForRunsOf(place, 'in_progress', request)];
    const runs = new Map();
    for (const list of lists) {
        if ('said' in list)
            return { refused: list.said, isFinal: false };
        for (const run of list.items)
            runs.set(run.id, run);
    }
    return [...runs.values()];
}
function askForRunsOf({ client, repository: { owner, repo } }, status, request) {
    return client.askForList({
        ...{ ...request, ...JOBS_ACCESS, subject: `the workflow runs of repository ${owner}/${repo}` },
        route: 'GET /repos/{owner}/{repo}/actions/runs',
        parameters: { owner, repo, status, exclude_pull_requests: true },
        ...{ read: readRuns, otherAnswers: jobs_DENIALS },
    });
}
/** @throws ActionError, transient, where the run is gone by now: it was deleted, so it had ended. */
async function askForJobs(place, request) {
    const list = await place.client.askForList({
        ...{ ...jobsQuestion(place, request), ...request, otherAnswers: jobs_DENIALS },
    });
    if ('items' in list)
        return list.items;
    const message = `A workflow run is gone that GitHub has just listed (${list.said}).`;
    throw new errors/* ActionError */.lZ('github_api_failed', message, { isTransient: true });
}
/** The jobs of a run: those of its last attempt, or of all. */
function jobsQuestion({ repository: { owner, repo } }, { runId, filter = 'latest' }) {
    return {
        ...JOBS_ACCESS,
        subject: `the jobs of run ${runId} of repository ${owner}/${repo}`,
        route: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs',
        parameters: { owner, repo, run_id: runId, filter },
        read: (data) => readJobList(data, runId),
    };
}
const JOBS_ACCESS = {
    permission: 'It takes "Actions: read" for that repository; in a workflow: permissions: actions: read.',
    input: 'run_id',
};
const jobs_DENIALS = [401, 403, 404];
/** A few at a time; no more begin once one has failed. */
async function forEachAtOnce(items, work) {
    const rest = [...items];
    async function workThrough() {
        for (let item = rest.shift(); item !== undefined; item = rest.shift()) {
            await work(item).catch((error) => {
                rest.length = 0;
                throw error;
            });
        }
    }
    await allOf(Array.from({ length: AT_ONCE }, workThrough));
}
/** Every result. What one throws is thrown once none is under way any more. */
async function allOf(tasks) {
    await Promise.allSettled(tasks);
    return Promise.all(tasks);
}
// ---- answers ----
/** Matrix jobs have long names. */
const LONGEST_NAME = 1_000;
/** @throws UnusableAnswer where there is no list of runs, or one of them has no ID. */
function readRuns(data) {
    const runs = (0,json/* isRecord */.u4)(data) ? data['workflow_runs'] : undefined;
    if (!Array.isArray(runs))
        throw new json/* UnusableAnswer */.kf('it answered without a list of workflow runs');
    if (runs.length > PER_PAGE)
        throw new json/* UnusableAnswer */.kf('it answered with more runs than were asked for');
    return runs.map((run) => {
        const { id, status, updated_at: updatedAt } = (0,json/* isRecord */.u4)(run) ? run : {};
        if (typeof id !== 'number')
            throw new json/* UnusableAnswer */.kf('it answered with a workflow run that lacks its id');
        return { id, state: `${status} ${updatedAt}` };
    });
}
/** @throws UnusableAnswer where there is no list of jobs, or one of them has no status. */
function readJobList(data, runId) {
    const jobs = (0,json/* isRecord */.u4)(data) ? data['jobs'] : undefined;
    if (!Array.isArray(jobs))
        throw new json/* UnusableAnswer */.kf('it answered without a list of jobs');
    return jobs.map((job) => readJob((0,json/* isRecord */.u4)(job) ? job : {}, runId));
}
function readJob(fields, runId) {
    const { runner_id: id, run_attempt: attempt, labels } = fields;
    const status = (0,json/* text */.Qq)(fields, 'status');
    if (status === undefined)
        throw new json/* UnusableAnswer */.kf('it answered with a job that lacks its status');
    const completedAt = Date.parse((0,json/* text */.Qq)(fields, 'completed_at') ?? '');
    return {
        ...{ runId, attempt: typeof attempt === 'number' ? attempt : 1 },
        ...{ name: (0,json/* text */.Qq)(fields, 'name', LONGEST_NAME) ?? '', status, conclusion: (0,json/* text */.Qq)(fields, 'conclusion') },
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
        const [newest] = (await runners.listRunners(sought.name, bounds)).sort((a, b) => b.id - a.id);
        return newest ?? 'gone';
    }
    async function jobNow(deadline) {
        const running = await jobs.runningJobs({ deadline, signal, onFault });
        journal.answered();
        if ('refused' in running)
            return 'unreadable';
        return jobOn(running, { id, name: (0,runner_names/* describePattern */.Qs)(sought.name) }) ?? 'none';
    }
    return {
        find: (deadline) => read(async () => (await findRunners(runners, sought, { deadline, signal, onFault }))[0]),
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
        return new context/* LeftAlone */.l('skipped', describe(watch));
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
// EXTERNAL MODULE: ./lib/http/transport.js + 1 modules
var http_transport = __webpack_require__(2159);
;// CONCATENATED MODULE: ./lib/runner/sources.js





const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };
/** Connects to GitHub. */
function openSources(options) {
    const { scope, apiUrl: baseUrl, proxy, requestTimeoutMs, dispatchers, clock, random, log } = options;
    const connection = { proxy, tls: PUBLIC_TLS, requestTimeoutMs, clock, dispatchers };
    const transport = (0,http_transport/* createTransport */.o)({ baseUrl, ...connection });
    const github = createGitHub({
        ...{ baseUrl: baseUrl.href.replace(/\/+$/, ''), transport, clock, random, debug: log.debug },
    });
    const token = createToken('github_token', options.token);
    const repository = (0,runner_scope/* repositoryOf */._M)(scope, options.repository);
    const tokens = repository === undefined ? [] : jobsTokens(token, repository, options);
    const place = repository && { client: github.clientWith(tokens), repository };
    return {
        runners: createRunners(github.clientWith([token]), scope),
        jobs: place === undefined ? createNoJobsSource(log) : createJobsSource(place, { clock, log }),
        close() {
            log.debug(github.describeUsage());
            return transport.close();
        },
    };
}
/** Those that may read the jobs of a repository; the one to try first comes first. */
function jobsTokens(token, { owner, repo }, { jobsToken = '', repository }) {
    const isOwn = `${owner}/${repo}`.toLowerCase() === repository.toLowerCase();
    const isOther = jobsToken !== '' && jobsToken !== token.value;
    return isOwn && isOther ? [createToken('jobs_token', jobsToken), token] : [token];
}

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








/** @throws ActionError `self_restart` where the runner's name says that much already. */
function createGuards(options) {
    const { runner, ownRunner, clock, random, log, requestTimeoutMs, dispatchers } = options;
    const { scope, nameTemplate: name } = runner;
    if (!(0,runner_names/* hasPlaceholder */.Kc)(name))
        (0,self_restart/* refuseSelfRestart */.CD)(ownRunner, { name, scope });
    const { repository } = ownRunner;
    const opened = openSources({
        ...{ ...runner, repository, clock, random, log, requestTimeoutMs, dispatchers },
    });
    const { share = (sources) => sources } = options;
    const sources = share(opened);
    return {
        runnerNameOf: (instance) => (0,runner_names/* describePattern */.Qs)((0,runner_names/* fillPattern */.ut)(name, instance)),
        guardFor: (ward) => createGuard({ ...options, log: ward.log }, { sources, ward }),
        close: opened.close,
    };
}
/** @param options with the log of the one VM. */
function createGuard(options, { sources, ward }) {
    const { runner, ownRunner, clock, log, patienceMs } = options;
    const { signal, isBrief = false, onWait } = ward;
    const { scope, whenBusy, idleForMs, busyTimeoutMs } = runner;
    function trackerFor(instance) {
        const pattern = (0,runner_names/* fillPattern */.ut)(runner.nameTemplate, instance);
        const name = (0,runner_names/* describePattern */.Qs)(pattern);
        (0,self_restart/* refuseSelfRestart */.CD)(ownRunner, { name, scope });
        warnOfSharedAddress(instance, options);
        (isBrief ? log.debug : log.info)(`Looking for the self-hosted runner "${name}" of ${(0,runner_scope/* describeScope */.OI)(scope)}`);
        return createTracker({ ...sources, sought: { name: pattern, scope }, clock, log, signal });
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
