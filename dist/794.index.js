export const id = 794;
export const ids = [794];
export const modules = {

/***/ 1012:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   RESTORE_AFTER_CANCELLATION_MS: () => (/* binding */ RESTORE_AFTER_CANCELLATION_MS),
/* harmony export */   RESTORE_MS: () => (/* binding */ RESTORE_MS),
/* harmony export */   createDrains: () => (/* binding */ createDrains),
/* harmony export */   expiredMarks: () => (/* binding */ expiredMarks),
/* harmony export */   restoreLeft: () => (/* binding */ restoreLeft),
/* harmony export */   undo: () => (/* binding */ undo)
/* harmony export */ });
/* harmony import */ var _clock_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5233);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(452);
/* harmony import */ var _http_json_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(1528);
// Keeps new jobs away from a runner while its VM waits for its job and restarts: each custom label is replaced by one that names
// its owner and its end, e.g. `macos` by `macos.drained-9001-1764410000`. GitHub keeps that state, and nothing else does.
//
// | label                          | when a drain begins               | when it ends                                             |
// | ------------------------------ | --------------------------------- | -------------------------------------------------------- |
// | `macos`                        | becomes this drain's              | stays                                                    |
// | this drain's                   | stays                             | becomes `macos`, or is removed if another drain holds it |
// | another drain's, expired       | becomes `macos`, then this drain's | stays                                                   |
// | another drain's, still running | is waited for                     | stays                                                    |
//
// The new label is added before the old one is removed, one by one, so that labels of other owners stay untouched.



/** GitHub counts a change of labels as five requests. */
const MOST_DRAINS = 20;
const ASK_AGAIN_MS = 15_000;
/** What GitHub may take to answer when the wait for another drain is over. */
const LEAST_MS = 10_000;
/** @param left what a killed step has left behind. */
function createDrains(options, left = []) {
    const { labels, clock, log, saveState } = options;
    const drained = new Map(left.map((each) => [each.id, each]));
    async function drain({ id, name, ephemeral }, bounds) {
        if (ephemeral)
            return log.info(`Runner "${name}" is not drained: it takes one job only`);
        if (drained.has(id))
            return;
        const seen = await untilUnclaimed(options, { id, name }, bounds);
        if (seen === undefined)
            return;
        const changes = { ...bounds, deadline: enoughUntil(clock, bounds) };
        const names = await plainLabels(labels, { id, ...seen }, changes);
        if (names.length === 0)
            throw withoutLabel(name);
        if (drained.size >= MOST_DRAINS)
            return log.info(`Runner "${name}" is not drained: ${MOST_DRAINS} others are, the most at once`);
        const owner = `${options.runId}-${Math.ceil((seen.date + options.lifeMs) / 1_000)}`;
        drained.set(id, { id, name, owner });
        saveState([...drained.values()]);
        for (const label of names) {
            await labels.add(id, `${label}${MARK}${owner}`, changes);
            await labels.remove(id, label, changes);
        }
        log.info(`Runner "${name}" is drained of ${names.join(', ')}: jobs that ask for none of that still come to it`);
    }
    async function restore(id, forMs) {
        const known = drained.get(id);
        if (known === undefined)
            return;
        const { signal } = new AbortController();
        try {
            await restoreLabels(labels, known, { deadline: clock.now() + forMs, signal });
            drained.delete(id);
            saveState([...drained.values()]);
            log.info(`The labels of runner "${known.name}" are restored`);
        }
        catch (error) {
            log.warning(`The labels of runner "${known.name}" (ID ${id}) were not restored within ${(0,_clock_js__WEBPACK_IMPORTED_MODULE_0__/* .seconds */ .YA)(forMs)}. Replace each that ends in ${MARK}${known.owner} by what stands before that. ${(0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .asActionError */ .z6)(error).message}`);
        }
    }
    return { drain, restore };
}
/** A request that begins at the deadline has time for its answer. */
function enoughUntil(clock, { deadline }) {
    return Math.max(deadline, clock.now() + LEAST_MS);
}
/** Undefined if the runner is gone. */
async function untilUnclaimed({ labels, clock, log }, { id, name }, bounds) {
    for (let isTold = false;; isTold = true) {
        const seen = await labels.read(id, { ...bounds, deadline: enoughUntil(clock, bounds) });
        const claim = seen && marksIn(seen).find((mark) => !hasExpired(mark, seen));
        if (claim === undefined)
            return seen;
        const leftMs = bounds.deadline - clock.now();
        if (leftMs <= 0)
            throw claimed(name, claim);
        if (!isTold)
            log.info(`Runner "${name}" is drained by run ${claim.runId}; waiting for that to end`);
        await clock.sleep(Math.min(ASK_AGAIN_MS, leftMs), bounds.signal);
    }
}
/** The custom labels, after restoring those that an expired drain left behind. */
async function plainLabels(api, seen, bounds) {
    const expired = expiredMarks(seen);
    await undo(api, { id: seen.id, marks: expired }, bounds);
    const plain = seen.labels.filter(({ name, type }) => type === 'custom' && markFrom(name) === undefined);
    const names = new Set([...plain.map(({ name }) => name), ...expired.map(({ original }) => original)]);
    return [...names].filter((name) => name.length <= LONGEST_PLAIN);
}
async function undo(api, { id, marks }, bounds) {
    for (const { original, label } of marks) {
        await api.add(id, original, bounds);
        await api.remove(id, label, bounds);
    }
}
/** A label that another drain holds, too, comes back with that one. */
async function restoreLabels(api, { id, owner }, bounds) {
    const seen = await api.read(id, bounds);
    if (seen === undefined)
        return;
    const marks = marksIn(seen);
    const held = marks.filter((mark) => mark.owner !== owner && !hasExpired(mark, seen));
    for (const mark of marks.filter((each) => each.owner === owner)) {
        const isHeld = held.some(({ original }) => original === mark.original);
        await (isHeld ? api.remove(id, mark.label, bounds) : undo(api, { id, marks: [mark] }, bounds));
    }
}
/** How long to keep trying to restore a runner's labels, in milliseconds; and after a cancellation. */
const RESTORE_MS = 30_000;
const RESTORE_AFTER_CANCELLATION_MS = 5_000;
/** The post step: restores what the step has left. */
async function restoreLeft(state, options) {
    const left = stateFrom((0,_http_json_js__WEBPACK_IMPORTED_MODULE_2__/* .parseJson */ .qF)(state));
    const drains = createDrains(options, left);
    await Promise.all(left.map(({ id }) => drains.restore(id, RESTORE_MS)));
}
function stateFrom(state) {
    return (Array.isArray(state) ? state : []).flatMap((each) => {
        const { id, name, owner } = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_2__/* .isRecord */ .u4)(each) ? each : {};
        const isWhole = typeof id === 'number' && typeof name === 'string' && typeof owner === 'string';
        return isWhole ? [{ id, name, owner }] : [];
    });
}
// ---- labels ----
const MARK = '.drained-';
/** Run ID and end, in seconds since 1970. A label that a user named `.drained` does not have this form. */
const MARKED = /^(.+)\.drained-(\d+)-(\d{10})$/s;
/** A label has 256 characters at most; a run ID has up to 20, and its mark 12 more. */
const LONGEST_PLAIN = 256 - MARK.length - 32;
/** None while another drain of the runner is still running. */
function expiredMarks(seen) {
    const marks = marksIn(seen);
    return marks.every((mark) => hasExpired(mark, seen)) ? marks : [];
}
function marksIn({ labels }) {
    return labels.flatMap(({ name }) => markFrom(name) ?? []);
}
function markFrom(label) {
    const [, original = '', runId = '', end = ''] = MARKED.exec(label) ?? [];
    if (original === '')
        return undefined;
    return { label, original, owner: `${runId}-${end}`, runId, expiresAt: Number(end) * 1_000 };
}
function hasExpired({ expiresAt }, { date }) {
    return expiresAt <= date;
}
function withoutLabel(name) {
    const message = `Runner "${name}" has no custom label, so it cannot be drained: jobs that ask for its default labels would come all the same.`;
    const hint = 'Give the runner a custom label and let the jobs ask for it (runs-on), or leave out drain.';
    return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .ActionError */ .lZ('invalid_input', message, { hint });
}
function claimed(name, { runId, label }) {
    const message = `Runner "${name}" is drained by run ${runId} (label ${label}), and was until busy_timeout. No restart was sent.`;
    const hint = 'Let that run end first (concurrency), or raise busy_timeout.';
    return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .ActionError */ .lZ('runner_busy', message, { hint });
}


/***/ }),

/***/ 5330:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  EK: () => (/* binding */ PER_PAGE),
  Cl: () => (/* binding */ createGitHub),
  Ey: () => (/* binding */ createToken)
});

// EXTERNAL MODULE: ./node_modules/@actions/github/lib/github.js + 22 modules
var github = __webpack_require__(2413);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
// EXTERNAL MODULE: ./lib/http/retry.js
var retry = __webpack_require__(8394);
// EXTERNAL MODULE: ./lib/runner/github-faults.js
var github_faults = __webpack_require__(8213);
;// CONCATENATED MODULE: ./lib/runner/github-fetch.js


/** A page of 100 runners has some 60 KiB; one of 100 runs, or of 100 jobs with all their steps, can have 2 MiB and more. */
const MAX_BYTES = 16 * 1024 * 1024;
/**
 * Octokit's requests travel as those to the controller do, so that time, size and proxies are in one place. They go nowhere
 * but to the base URL's server.
 * What it returns throws UnusableAnswer where asking again may help, and ActionError `github_api_failed` where it never will.
 */
function createFetch({ baseUrl, transport, bounds, onAnswer }) {
    return async (url, { method, headers, body = '' }) => {
        const path = url.slice(baseUrl.length);
        // Adding or removing a label twice has the same effect as once, so every request can be repeated.
        const rest = { headers, body: (0,json/* parseJson */.qF)(body), maxBytes: MAX_BYTES, isWrite: false };
        const result = await transport.send({ method: methodOf(method), path, ...rest }, bounds);
        if ('noAnswer' in result)
            throw failureOf(result.noAnswer);
        onAnswer(result.answer);
        return responseOf(result.answer);
    };
}
function methodOf(method) {
    return method === 'POST' || method === 'DELETE' ? method : 'GET';
}
const CHECK_API_URL = 'Check GITHUB_API_URL and the proxy of the machine that runs the step.';
function failureOf({ reason, nature, cause }) {
    if (nature !== 'refusal')
        return new json/* UnusableAnswer */.kf(reason, { nature, hint: CHECK_API_URL, cause });
    return new errors/* ActionError */.lZ('github_api_failed', `GitHub cannot be queried: ${reason}.`, {
        hint: CHECK_API_URL,
        cause,
    });
}
/** Statuses for which the Response constructor accepts no body, not even an empty one. */
const WITHOUT_BODY = [204, 205, 304];
function responseOf({ status, headers, text }) {
    // Octokit would parse it.
    if ((0,json/* isTooComplex */.RP)(text))
        throw new json/* UnusableAnswer */.kf('it answered with far more JSON than GitHub sends');
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
/** A list of more is read no further. GitHub itself ends a list of workflow runs after 1,000. */
const MOST_PAGES = 100;
/** A token that was refused goes last for this long, in milliseconds: what is read together takes many requests. */
const REFUSED_MS = 5_000;
function createGitHub(connection) {
    const usage = createUsage();
    const octokit = createOctokit(connection, usage.count);
    return {
        clientWith: (tokens) => createClientWith(tokens, { ...connection, octokit }),
        describeUsage: usage.describe,
    };
}
function createClientWith(tokens, { clock, random, octokit }) {
    const budget = (0,retry/* createRetryBudget */.Ce)(clock);
    async function ask(question) {
        const last = await (0,retry/* retry */.L5)({ clock, random, budget }, () => tryOnce(question), question);
        if ('fault' in last)
            throw givenUp(last.fault, last.isFinal);
        if ('data' in last.value)
            budget.renew();
        return last.value;
    }
    async function tryOnce(question) {
        try {
            return await tryTokens(question);
        }
        catch (error) {
            if (!(error instanceof json/* UnusableAnswer */.kf))
                throw error;
            return { fault: (0,github_faults/* faultOfUnreadable */.Bm)(error) };
        }
    }
    /** Tries one after another until one is not refused. */
    async function tryTokens(question) {
        let denial;
        for (const token of inOrder(tokens, clock.now())) {
            const reply = await askWith(octokit, question, token);
            budget.reached();
            question.signal.throwIfAborted();
            if ('data' in reply)
                return { value: reply };
            denial = addDenial(denial, token.input, reply.denied);
            if (!(0,github_faults/* isAboutToken */.nw)(reply.denied))
                break;
            token.refusedAt = clock.now();
            // Other requests may be in flight: the pause that one answer asks for must not shorten the pause of another.
            token.allowedAt = Math.max(token.allowedAt, clock.now() + ((0,github_faults/* rateLimitMs */.UW)(reply.denied) ?? 0));
        }
        return denial === undefined
            ? { fault: notAllowedYet(tokens, clock.now()) }
            : afterDenial(denial, question);
    }
    async function askForList(question) {
        const items = [];
        for (let page = 1;; page++) {
            const parameters = { ...question.parameters, per_page: PER_PAGE, ...(page === 1 ? {} : { page }) };
            const answer = await ask({ ...question, parameters });
            if ('status' in answer)
                return answer;
            items.push(...answer.data);
            const { goesOn, isCut } = endOf(answer, items.length);
            if (!goesOn || page === MOST_PAGES)
                return { items, pages: page, total: answer.total, isCut, date: answer.date };
        }
    }
    return { ask, askForList };
}
/**
 * Whether more pages follow, and whether the list has more than was read. Without a `Link` header the count says so: a full page is
 * the last one only if that makes exactly as many.
 */
function endOf({ data, hasNext, total }, read) {
    const isOpen = data.length >= PER_PAGE && read !== total;
    return { goesOn: hasNext ?? isOpen, isCut: hasNext === true || isOpen };
}
/** Those that GitHub's limits allow; one that was just refused comes last. */
function inOrder(tokens, now) {
    const isRefused = ({ refusedAt }) => Number(now - refusedAt < REFUSED_MS);
    return tokens
        .filter(({ allowedAt }) => allowedAt <= now)
        .sort((one, other) => isRefused(one) - isRefused(other));
}
function notAllowedYet(tokens, now) {
    return (0,github_faults/* faultOfLimit */.j3)(Math.min(...tokens.map(({ allowedAt }) => allowedAt)) - now);
}
function addDenial(before, token, reply) {
    const said = (0,github_faults/* describeReply */.CS)(reply);
    if (before === undefined)
        return { tokens: token, said, reply };
    return { tokens: `${before.tokens} and ${token}`, said: `${before.said}, ${said}`, reply };
}
function afterDenial(denial, question) {
    const { tokens, said, reply } = denial;
    const isAnswer = question.otherAnswers?.includes(reply.status) && (0,github_faults/* rateLimitMs */.UW)(reply) === undefined;
    return isAnswer
        ? { value: { status: reply.status, said: `${tokens}: ${said}` } }
        : { fault: (0,github_faults/* faultOfDenial */.TR)(denial, question) };
}
function givenUp({ reason, refusal, hint, cause }, isFinal) {
    const message = refusal ?? `GitHub gave no usable answer; last attempt: ${reason}.`;
    return new errors/* ActionError */.lZ('github_api_failed', message, { hint, cause, isTransient: !isFinal });
}
/** Of a URL in a text. It may hold a name that the controller sent: encoded, a mask does not match it. */
const QUERY = /\?[^\s"]*/g;
function createOctokit({ baseUrl, transport, debug }, onAnswer) {
    // Octokit writes to the console for each method that is missing here; @octokit/request has its own setting.
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
 * The answer, with any status. Octokit's error for it holds the request, and the token with it, so it must not become the
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
/** @throws UnusableAnswer to ask again; ActionError if GitHub cannot be queried. */
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
    const total = (0,json/* isRecord */.u4)(data) ? data['total_count'] : undefined;
    return {
        data: read(data),
        hasNext: nextIn((0,json/* text */.Qq)(headers, 'link', LONGEST_LINK) ?? ''),
        total: typeof total === 'number' ? total : undefined,
        date,
    };
}
function nextIn(link) {
    if (/\brel="?next\b/.test(link))
        return true;
    return /\brel="?prev\b/.test(link) ? false : undefined;
}
/** It holds several URLs. */
const LONGEST_LINK = 10_000;
function dateOf({ headers }) {
    const date = Date.parse((0,json/* text */.Qq)(headers, 'date') ?? '');
    return Number.isNaN(date) ? undefined : date;
}


/***/ }),

/***/ 8213:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Bm: () => (/* binding */ faultOfUnreadable),
/* harmony export */   CS: () => (/* binding */ describeReply),
/* harmony export */   TR: () => (/* binding */ faultOfDenial),
/* harmony export */   UW: () => (/* binding */ rateLimitMs),
/* harmony export */   j3: () => (/* binding */ faultOfLimit),
/* harmony export */   nw: () => (/* binding */ isAboutToken)
/* harmony export */ });
/* unused harmony exports retryAfterMs, faultWith */
/* harmony import */ var _clock_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5233);
/* harmony import */ var _http_json_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1528);
/* harmony import */ var _http_retry_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8394);
// What an unexpected answer from GitHub means: a rate limit, a refusal, or a temporary fault.



/** What GitHub asks for where it limits and does not say for how long. */
const UNSAID_MS = 60_000;
/** The quota is renewed each hour, so no longer pause makes sense. */
const LONGEST_MS = 3_600_000;
/** The limit is lifted within the second that is named: one more second is safe. */
const LIMIT_MARGIN_MS = 1_000;
/**
 * How long GitHub wants no requests, in milliseconds: because the hourly quota is used up (primary limit), or because
 * there were too many requests at once (secondary limit). Undefined if the answer is about something else. Pure:
 * the current time comes from the answer itself.
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
    return (0,_http_retry_js__WEBPACK_IMPORTED_MODULE_2__/* .parseRetryAfter */ .mu)((0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(headers, 'retry-after'), (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(headers, 'date'));
}
function untilReset(headers) {
    const reset = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(headers, 'x-ratelimit-reset');
    const ms = Number(reset) * 1_000 - Date.parse((0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(headers, 'date') ?? '');
    return Number.isNaN(ms) ? UNSAID_MS : Math.max(0, ms) + LIMIT_MARGIN_MS;
}
function speaksOfLimit({ data }) {
    const message = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(data) ? data['message'] : data;
    return typeof message === 'string' && /rate limit/i.test(message);
}
/** Another token may get another answer: GitHub does not know this one, does not let it read, or limits its requests. */
function isAboutToken(reply) {
    return DENIALS.includes(reply.status) || rateLimitMs(reply) !== undefined;
}
const DENIALS = [401, 403, 404];
/** e.g. `HTTP 403 ("Resource not accessible by integration")`. */
function describeReply({ status, data }) {
    const message = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(data) ? (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(data, 'message') : undefined;
    return `HTTP ${status}${message === undefined ? '' : ` ("${message}")`}`;
}
function faultOfDenial(denial, asked) {
    const { reply } = denial;
    const limitMs = rateLimitMs(reply);
    if (limitMs === undefined && !(0,_http_retry_js__WEBPACK_IMPORTED_MODULE_2__/* .isTransientStatus */ .Dm)(reply.status))
        return refusalOf(denial, asked);
    const waitMs = limitMs ?? retryAfterMs(reply);
    const answered = `it answered ${describeReply(reply)}`;
    if (waitMs === undefined)
        return faultWith(answered);
    const fault = { ...faultWith(`${answered}, asking to wait for ${(0,_clock_js__WEBPACK_IMPORTED_MODULE_0__/* .minutes */ .Gx)(waitMs)}`), waitMs };
    return { ...fault, nature: 'quota', hint: limitMs === undefined ? CHECK_STATUS : LESS_OFTEN };
}
const LESS_OFTEN = 'GitHub limits how often a token may ask. Use a token that others use less (each GitHub App has a quota of its own), or run the step later.';
/** No token may ask yet. */
function faultOfLimit(waitMs) {
    const reason = `its rate limit allows no request for another ${(0,_clock_js__WEBPACK_IMPORTED_MODULE_0__/* .minutes */ .Gx)(waitMs)}`;
    return { ...faultWith(reason), nature: 'quota', waitMs, hint: LESS_OFTEN };
}
/** GitHub refused, or it is not GitHub's API. */
function refusalOf(denial, asked) {
    const { status } = denial.reply;
    const [refusal, hint] = (REFUSALS[status] ?? otherRefusal)(denial, asked);
    // Any refusal may pass, also one that only a person can end: a gateway that starts answers with all sorts.
    return { ...faultWith(`it answered ${denial.said}`), nature: 'denial', refusal, hint };
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
/** Which permission the token lacks, if GitHub names it. */
function wanted({ headers }) {
    const permission = headers['x-accepted-github-permissions'] ?? headers['x-accepted-oauth-scopes'];
    return permission === undefined || permission === '' ? '' : `; GitHub wants "${permission}"`;
}
/** Where the token's owner can authorize it for the organization's single sign-on. */
function ssoHint({ headers }) {
    const [, url] = /^required; *url=(\S+)$/.exec((0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(headers, 'x-github-sso', LONGEST_SSO_URL) ?? '') ?? [];
    if (url === undefined)
        return undefined;
    return `The organization requires single sign-on (SSO): authorize the token at ${url}.`;
}
const LONGEST_SSO_URL = 1_000;
const CHECK_STATUS = 'Check githubstatus.com and the network of the machine that runs the step.';
function faultOfUnreadable(error) {
    const { message, nature, hint = CHECK_STATUS } = error;
    return { ...faultWith(message), nature, hint, cause: error };
}
function faultWith(reason) {
    return { kind: 'no answer of GitHub', reason, hint: CHECK_STATUS, nature: 'passing' };
}


/***/ }),

/***/ 3170:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createGuards: () => (/* binding */ createGuards)
});

// EXTERNAL MODULE: ./lib/clock.js
var lib_clock = __webpack_require__(5233);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/runner/drain.js
var runner_drain = __webpack_require__(1012);
;// CONCATENATED MODULE: ./lib/runner/expired-drains.js
// Drains that ended with their machine leave labels behind, until they expire. Wherever a list shows such a runner, a step with a drain
// restores its labels in the background, one runner after the other; any other step only warns, because it changes nothing on GitHub.



function createExpiredDrains({ labels, clock, log, signal }) {
    const known = new Set();
    const leftAlone = new Set();
    const restoring = new Map();
    const tooLate = new AbortController();
    const ending = AbortSignal.any([signal, tooLate.signal]);
    let queue = Promise.resolve();
    async function restore(api, { id, name }, found) {
        const bounds = { deadline: clock.now() + runner_drain.RESTORE_MS, signal: ending };
        try {
            ending.throwIfAborted();
            const seen = await api.read(id, bounds);
            const marks = seen === undefined ? [] : (0,runner_drain.expiredMarks)(seen);
            await (0,runner_drain.undo)(api, { id, marks }, bounds);
            if (marks.length > 0)
                log.info(`The labels of runner "${name}" are restored: a drain of an earlier step has expired`);
        }
        catch (error) {
            log.warning(`${describe({ id, name }, found)} They were not restored. ${(0,errors/* asActionError */.z6)(error).message}`);
        }
    }
    async function restoreNext(api, runner, found) {
        if (leftAlone.has(runner.id))
            return;
        const work = restore(api, runner, found);
        restoring.set(runner.id, work);
        await work;
    }
    return {
        lookThrough({ runners, date }) {
            for (const runner of runners) {
                const marks = (0,runner_drain.expiredMarks)({ labels: runner.labels, date });
                if (marks.length === 0 || known.has(runner.id))
                    continue;
                known.add(runner.id);
                const found = marks.map(({ label }) => label).join(', ');
                if (labels === undefined)
                    log.warning(`${describe(runner, found)} A step with drain restores them.`);
                else
                    queue = queue.then(() => restoreNext(labels, runner, found));
            }
        },
        async leaveTo(id) {
            leftAlone.add(id);
            await restoring.get(id);
        },
        async finish() {
            const limit = { ms: runner_drain.RESTORE_MS, signal: new AbortController().signal };
            await (0,lib_clock/* within */.ux)(clock, limit, () => queue).catch(() => tooLate.abort(noTimeLeft()));
            await queue;
        },
    };
}
function describe({ id, name }, labels) {
    return `Runner "${name}" (ID ${id}) has labels of a drain that has expired: ${labels}. Jobs that ask for what stands before ".drained-" do not come to it.`;
}
function noTimeLeft() {
    return new errors/* ActionError */.lZ('timed_out', 'The step ended before that; the next step with drain restores them.');
}

// EXTERNAL MODULE: ./lib/log.js
var lib_log = __webpack_require__(7309);
// EXTERNAL MODULE: ./lib/poll.js
var poll = __webpack_require__(9310);
// EXTERNAL MODULE: ./lib/restart/outcome.js
var outcome = __webpack_require__(8663);
// EXTERNAL MODULE: ./lib/dates.js
var dates = __webpack_require__(3534);
// EXTERNAL MODULE: ./lib/runner/runners.js
var runner_runners = __webpack_require__(2309);
;// CONCATENATED MODULE: ./lib/runner/gate-lines.js



/** What is seen, and what comes next. */
function describeOccupancy(seen, { whenBusy, idleForMs }) {
    const { state } = seen;
    const what = describeSeen(seen);
    switch (state.kind) {
        case 'unread':
        case 'online':
        case 'unconfirmed':
            return what;
        case 'registering':
            return `${what}, and one may register, as the VM has not been up for long; waiting for that`;
        case 'absent':
            return `${what}; making sure`;
        case 'idle':
            return `${what}${describeStretch(state.stretch.registrations === 'gone' ? 0 : idleForMs)}: no job runs on it`;
        case 'settling':
            return `${what}; making sure, as GitHub learns late of a new job`;
        case 'busy':
            return `${what}${BUSY_NOW[whenBusy]}`;
        case 'unknown':
            return `${describeUnknown(state)}; asking again`;
    }
}
function describeStretch(ms) {
    return ms === 0 ? '' : `, and was for ${(0,lib_clock/* minutes */.Gx)(ms)}`;
}
function describeUnknown({ about, job, refused }) {
    if (refused !== undefined)
        return `GitHub refuses the jobs in progress: ${refused}`;
    if (job === undefined)
        return NO_ANSWER_ABOUT[about];
    return `Job "${job.name}" of run ${job.runId} is in progress and may be on this runner: GitHub does not say on which one it runs`;
}
const NO_ANSWER_ABOUT = {
    runners: 'GitHub gave no usable answer about the runner',
    jobs: 'GitHub gave no usable answer about the jobs in progress',
};
const BUSY_NOW = {
    wait: '; waiting for its job to end',
    fail: '',
    skip: '; the VM is left alone, as when_busy says',
    ignore: '',
};
/** e.g. `Runner "mac-7" (ID 12) is online, busy`, as it was last seen. */
function describeSeen({ state, shown }) {
    const job = state.kind === 'busy' && typeof state.job === 'object' ? state.job : undefined;
    const working = job === undefined ? '' : `, but job "${job.name}" of run ${job.runId} is in progress on it`;
    const [only, ...others] = shown;
    if (only === undefined)
        return `${NOT_REGISTERED[state.kind] ?? 'The runner is no longer registered'}${working}`;
    const is = job === undefined ? 'is' : 'is shown';
    if (others.length === 0)
        return `Runner "${only.name}" (ID ${only.id}) ${is} ${(0,runner_runners/* describeRunner */.Yg)(only)}${working}`;
    const each = shown.map((runner) => `"${runner.name}" (ID ${runner.id}) ${is} ${(0,runner_runners/* describeRunner */.Yg)(runner)}`);
    return `Runner ${each.join(', runner ')}${working.replace(/it$/, 'one of them')}`;
}
const NOT_REGISTERED = {
    registering: 'No runner is registered',
    unknown: 'No registered runner is known',
};
/** A person has to fix a runner that is busy although GitHub lists no job for it. */
function stillBusyError(seen, { whenBusy, tally }) {
    const hasWaited = whenBusy === 'wait';
    const [waited, reads] = hasWaited ? [', and was until busy_timeout', ` Reads: ${tally}.`] : ['', ''];
    const isUnlisted = seen.state.kind === 'busy' && seen.state.job === 'none';
    const unlisted = isUnlisted ? '; GitHub lists no job for it in the repository whose jobs are read' : '';
    if (seen.state.kind !== 'busy')
        return restlessError(seen);
    const hint = isUnlisted
        ? UNLISTED
        : hasWaited
            ? `${END_IT}, or raise busy_timeout.`
            : `${END_IT}, or let when_busy be wait.`;
    return new errors/* ActionError */.lZ('runner_busy', `${describeSeen(seen)}${waited}${unlisted}. No restart was sent.${reads}`, {
        hint,
    });
}
/** No job was seen, but never for long enough. */
function restlessError(seen) {
    const message = `${describeSeen(seen)}, but registered again and again, so that it was not seen without a job for all of idle_for. No restart was sent.`;
    return new errors/* ActionError */.lZ('runner_busy', message, {
        hint: 'If it takes one job per registration, set runner_ephemeral: true; else lower idle_for.',
    });
}
const END_IT = 'Let the job end (needs, concurrency)';
const UNLISTED = 'If it runs no job of another repository either, GitHub shows an old state: remove the registration and register the runner again, or set when_busy: ignore.';
function notKnownError({ state, progress, lastFault }) {
    const { reason, hint } = whyNotKnown(state) ?? {
        reason: lastFault && `Its last fault: ${lastFault.reason}`,
        hint: lastFault?.hint ?? 'Check githubstatus.com and the debug log of this step.',
    };
    const why = reason === undefined ? '' : ` ${reason}.`;
    const message = `GitHub does not say whether a job runs on the runner, so no restart was sent.${why} Reads: ${progress.tally()}.`;
    return new errors/* ActionError */.lZ('github_api_failed', message, { hint });
}
function whyNotKnown(state) {
    if (state.kind !== 'unknown' || (state.job ?? state.refused) === undefined)
        return undefined;
    const hint = state.job === undefined
        ? 'Give jobs_token or github_token "Actions: read".'
        : 'Check that job: cancel it if it is stuck, or set when_busy: ignore.';
    return { reason: describeUnknown(state), hint };
}
/** @param missing says which runner there is none of, and which there are. */
function notFoundError(missing, { isEphemeral = false }) {
    const other = isEphemeral
        ? 'No runner in this scope fits runner_name for any live VM, so that the absence of this one proves nothing: with a wrong runner_scope each would be absent. If it takes more than one job, leave runner_ephemeral out.'
        : 'If it takes one job per registration, set runner_ephemeral: true.';
    return new errors/* ActionError */.lZ(missing.code, missing.message, { hint: `${missing.hint ?? ''} ${other}`.trim() });
}
function allOfflineError() {
    return new errors/* ActionError */.lZ('github_api_failed', 'GitHub shows the runners of all live VMs offline, which is more likely its own trouble than theirs, so no restart was sent.', {
        hint: 'Check githubstatus.com and the network of the VMs; run the step again, or restart them with restart_if: always.',
    });
}

;// CONCATENATED MODULE: ./lib/runner/gate-entry.js
// A VM comes to its gate: which boot it is in, and the first read of its runners.





/** An unknown time since the boot counts as none. */
function vmBootOf({ clock, registersWithinMs, evidence }, instance, before) {
    const text = instance.startDate?.text;
    const at = clock.now() - Math.max(0, uptimeMsOf(instance) ?? 0);
    const isSameBoot = before === undefined || before.text === text;
    const hadJob = isSameBoot && (before?.hadJob ?? evidence?.hasEnded === true);
    // A record may be older than now, so the earliest boot that any record shows is closest to the truth.
    return { text, at: isSameBoot ? Math.min(at, before?.at ?? at) : at, registersWithinMs, hadJob };
}
/** As of its record; undefined if that lacks a date. */
function uptimeMsOf({ startDate, reportedAt }) {
    return startDate && reportedAt && (0,dates/* millisecondsBetween */.nl)(startDate, reportedAt);
}
/** For a sweep: the VM's runner may still be about to register. */
function leftAloneAsFresh({ clock, registersWithinMs }, boot, instance) {
    const up = (0,lib_clock/* minutes */.Gx)(clock.now() - boot.at);
    const age = uptimeMsOf(instance) !== undefined
        ? `for ${up} only`
        : 'for an unknown time (its record lacks start_date or timestamp)';
    const seen = `The VM has been up ${age}, and its runner may take ${(0,lib_clock/* minutes */.Gx)(registersWithinMs)} to register; restart_if leaves it alone`;
    return new outcome/* LeftAlone */.l('skipped', seen, { isNeedless: true });
}
// ---- the first read ----
/** A runner that registers again is missing for a moment, and so is one whose page shifts: it is searched for this long. */
const MISSING_MS = 6_000;
const FIND_EVERY_MS = 2_000;
/** @throws ActionError `runner_not_found`, unless its absence can be believed. */
async function firstReading(options, runners) {
    const { clock, signal, patienceMs } = options;
    const startedAt = clock.now();
    const found = await (0,poll/* pollUntil */.g)({
        ...{ clock, signal, deadline: () => startedAt + MISSING_MS },
        nextAt: () => clock.now() + FIND_EVERY_MS,
    }, async () => {
        const reading = await runners.find(clock.now() + patienceMs);
        const isUsable = reading.runners?.length !== 0 || (await mayBeGone(options));
        return isUsable ? reading : undefined;
    });
    if (found !== undefined)
        return found;
    throw notFoundError(await runners.missing(clock.now() + patienceMs), options);
}
async function mayBeGone({ isEphemeral, evidence, pool, clock, signal, patienceMs, }) {
    if (isEphemeral !== true)
        return false;
    return evidence !== undefined || pool.isBorneOut({ deadline: clock.now() + patienceMs, signal });
}

// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
// EXTERNAL MODULE: ./lib/runner/runner-names.js
var runner_names = __webpack_require__(9407);
;// CONCATENATED MODULE: ./lib/runner/vm-runners.js





/** Time between two reads of the runners: in milliseconds. */
const READ_EVERY_MS = 5_000;
/** The same while a one-job runner is about to leave, or to register: its VM is out of service until that is seen. */
const READ_ONE_JOB_EVERY_MS = 2_000;
const LONGEST_READ_MS = 15_000;
/** What a read may take that begins at the deadline, or shortly before. */
const LAST_READ_MS = 1_500;
/** When a read that begins now has to end: by the deadline, but with enough time to get an answer. */
function readUntil(now, deadline) {
    return Math.max(Math.min(now + LONGEST_READ_MS, deadline), now + LAST_READ_MS);
}
function createVmRunners(options) {
    const { runners, jobs, sought, onNew, clock, log, signal } = options;
    const { name: pattern } = sought;
    const registrations = createRegistrations(onNew);
    // Each source has its own, since the answers of one must not hide that the other gives none.
    const github = { log, now: clock.now, sentAt: undefined, server: 'GitHub' };
    const progress = (0,lib_log/* createProgressLog */.e)({ ...github, about: 'the runner' });
    const jobsProgress = (0,lib_log/* createProgressLog */.e)({ ...github, about: 'the jobs in progress' });
    let lastFault;
    /** One read ends soon, but others follow: its end is not when the step gives up. */
    function faultsOf({ fault }) {
        return (failed) => {
            lastFault = failed;
            fault({ ...failed, leftMs: undefined });
        };
    }
    const onFault = faultsOf(progress);
    let answeredAt = clock.now();
    async function timed(ask) {
        const askedAt = clock.now();
        const found = (await ask())?.map(withMissedJob);
        if (found !== undefined) {
            progress.answered();
            registrations.remember(found);
            answeredAt = clock.now();
        }
        return { askedAt, answeredAt: clock.now(), runners: found, gone: registrations.gone };
    }
    /** A list that was read for other VMs may have shown a job since the last read for this one. */
    function withMissedJob(runner) {
        const shownAt = runners.shownBusyAt(runner.id) ?? Number.NEGATIVE_INFINITY;
        return { ...runner, isBusy: runner.isBusy || shownAt > answeredAt };
    }
    function current(until, getRunner) {
        const bounds = { deadline: until, signal, onFault };
        const { registered } = registrations;
        return currentRunners({ pattern, registered, list: runners.listRunners, getRunner, bounds });
    }
    async function jobNow(deadline) {
        const bounds = { deadline, signal, onFault: faultsOf(jobsProgress) };
        const finding = await jobs.read(() => ownerOf(pattern, registrations.seen), bounds);
        if (finding.kind !== 'no answer')
            jobsProgress.answered();
        return finding;
    }
    return {
        sought,
        get seen() {
            return registrations.seen;
        },
        find(deadline) {
            const bounds = { deadline, signal, onFault };
            return timed(() => (0,runner_runners/* findRunners */.Bw)(runners, sought, bounds).catch(orNothingUsable));
        },
        read: (until) => timed(() => current(until, runners.getRunner).catch(orNothing)),
        readShared: (until) => timed(() => current(until, runners.glanceAt).catch(orNothing)),
        readJobs: async (until) => (await jobNow(until).catch(orNothing)) ?? { kind: 'no answer' },
        async missing(deadline) {
            return (0,runner_runners/* runnerNotFound */.Wi)(sought, await runners.listRunners(undefined, { deadline, signal, onFault }));
        },
        lastFault: () => lastFault,
        forgetOnline: registrations.forgetOnline,
    };
}
/** The registrations that were seen, as they were last shown. */
function createRegistrations(onNew) {
    const byId = new Map();
    /** The IDs of those that the last read showed. */
    let registered = new Set();
    return {
        get seen() {
            return [...byId.values()];
        },
        get registered() {
            return registered;
        },
        get gone() {
            return [...byId.values()].filter(({ id }) => !registered.has(id));
        },
        remember(found) {
            for (const runner of found) {
                if (!byId.has(runner.id))
                    onNew(runner);
                byId.set(runner.id, runner);
            }
            registered = new Set(found.map(({ id }) => id));
        },
        forgetOnline() {
            for (const [id, runner] of byId)
                byId.set(id, { ...runner, isOnline: false });
        },
    };
}
/** For finding their jobs. */
function ownerOf(pattern, seen) {
    const labels = seen.map((runner) => runner.labels.map(({ name }) => name));
    return { pattern, ids: new Set(seen.map(({ id }) => id)), labels };
}
/**
 * If only one name fits: by its ID; if that is gone by name, as it may have registered again. The newest of several counts.
 * Otherwise from the list, as others may have registered; pages shift, so those that it lacks are read by their IDs.
 */
async function currentRunners(search) {
    const { pattern, registered, list, bounds } = search;
    if ((0,runner_names/* isExact */.u0)(pattern)) {
        const known = await runnersById(registered, search);
        if (known.length > 0)
            return known;
        const named = await list(pattern, bounds);
        return named.sort((a, b) => b.id - a.id).slice(0, 1);
    }
    const listed = await list(pattern, bounds);
    const missing = registered.difference(new Set(listed.map(({ id }) => id)));
    const found = await runnersById(missing, search);
    return [...listed, ...found].sort((a, b) => a.id - b.id);
}
/** A runner whose name has changed is another runner. */
async function runnersById(ids, { pattern, getRunner, bounds }) {
    const found = await Promise.all([...ids].map((id) => getRunner(id, bounds)));
    return found.filter((one) => one !== undefined).filter(({ name }) => (0,runner_names/* fitsPattern */.jF)(pattern, name));
}
/** A transient error counts as no answer. @throws all other errors. */
function orNothing(error) {
    return (0,errors/* isTransient */.dg)(error) ? undefined : orNothingUsable(error);
}
function orNothingUsable(error) {
    if (error instanceof json/* UnusableAnswer */.kf)
        return undefined;
    throw error;
}
function createPool({ nameTemplate, runners, liveInstances }) {
    let isBorneOut = false;
    async function ofLiveVms(bounds) {
        const all = await runners.listRunners(undefined, bounds);
        if (all.length === 0)
            return [];
        const live = await liveInstances(bounds);
        const fitting = all.filter(({ name }) => live.some((instance) => (0,runner_names/* mayBeIn */.K_)(instance, nameTemplate, name)));
        isBorneOut ||= fitting.length > 0;
        return fitting;
    }
    return {
        isBorneOut: async (bounds) => isBorneOut || (await ofLiveVms(bounds)).length > 0,
        async isAllOffline(bounds) {
            const fitting = await ofLiveVms(bounds);
            return fitting.length > 1 && fitting.every(({ isOnline }) => !isOnline);
        },
    };
}

;// CONCATENATED MODULE: ./lib/runner/gate-limits.js
// How long the gate waits, and how often it reads meanwhile. Pure.
//
// | the VM is             | the step waits for it until                                                       |
// | --------------------- | --------------------------------------------------------------------------------- |
// | busy                  | busy_timeout                                                                      |
// | unknown               | GitHub's time is up; a stretch that began by then may run to its end              |
// | registering           | a runner may no longer register, which ends this state                            |
// | absent                | the next read, which confirms that                                                |
// | in any other state    | it is idle; some time longer than above if runners keep registering again         |

/** Seeing no job for long enough always takes time: that is not silence. */
function limitsFrom(now, options) {
    const { whenBusy, idleForMs, busyTimeoutMs, patienceMs, busyUntil = Number.POSITIVE_INFINITY } = options;
    const busy = Math.max(now, Math.min(busyUntil, now + (whenBusy === 'wait' ? busyTimeoutMs : 0)));
    return { busy, unknown: busy + idleForMs + patienceMs };
}
/** Whether GitHub's silence is why the runner was not seen without a job for long enough. */
function isNotKnown({ state: { kind }, hasBeenUnknown }) {
    return kind === 'unknown' || (kind === 'settling' && hasBeenUnknown);
}
/** Until when the step waits for the VM as it is now, on the clock's scale. */
function endOfPatience({ idleForMs, patienceMs }, { state, idleSince, limits }) {
    const { busy, unknown } = limits;
    const onceMoreMs = idleForMs + patienceMs;
    switch (state.kind) {
        case 'busy':
            return busy;
        case 'unknown': {
            const { believedFrom = 0 } = state;
            const latest = Math.max(unknown, believedFrom + READ_EVERY_MS);
            return idleSince === undefined || idleSince > unknown
                ? latest
                : Math.max(latest, idleSince + onceMoreMs);
        }
        case 'registering':
        case 'absent':
            return Number.POSITIVE_INFINITY;
        default: {
            // Otherwise the step would wait forever for runners that keep registering again.
            const latest = unknown + 2 * onceMoreMs;
            return idleSince === undefined || idleSince <= latest ? Number.POSITIVE_INFINITY : latest;
        }
    }
}
/** Time between two reads of the jobs while only a job makes the VM busy: in milliseconds. They cost many requests. */
const READ_JOBS_EVERY_MS = 15_000;
/** Time until an absence is confirmed: in milliseconds. */
const CONFIRM_ABSENCE_MS = 1_000;
/** A one-job runner whose job has ended is gone within this: in milliseconds. */
const LEAVES_WITHIN_MS = 20_000;
/** @param leavesSoon a one-job runner may be about to leave. */
function gatePauseMs(state, leavesSoon) {
    if (state.kind === 'absent')
        return CONFIRM_ABSENCE_MS;
    if (state.kind === 'busy' && state.job !== 'unread')
        return READ_JOBS_EVERY_MS;
    return leavesSoon ? READ_ONE_JOB_EVERY_MS : READ_EVERY_MS;
}

;// CONCATENATED MODULE: ./lib/runner/occupancy.js
// Whether the runners in one VM leave it free for a restart: a state machine over what GitHub shows. Pure; gate.ts does the reading.
//
// Two sources are read. The runners are read every few seconds. The jobs in progress cost many requests, so they are read once
// per idle stretch (an unbroken run of reads in which no runner shows a job), and once more right before the restart.
// The VM is busy if any of its runners is.
//
// | state       | what is known                                                   | what comes next                        |
// | ----------- | --------------------------------------------------------------- | -------------------------------------- |
// | unread      | nothing yet                                                     | read the runners                       |
// | unknown     | GitHub gave no usable answer, or one that says too little       | read again, until the time is up       |
// | busy        | a source shows a job                                            | what when_busy says                    |
// | online      | a sweep, and a runner is online                                 | leave the VM alone                     |
// | registering | no runner, but the VM has just booted: one may register         | read the runners again                 |
// | unconfirmed | no runner shows a job; the jobs are unread in this idle stretch | read the jobs                          |
// | absent      | one read showed that an ephemeral runner is gone                | read the runners again: pages shift    |
// | settling    | no source shows a job, but not for all of idle_for yet          | read the runners again                 |
// | idle        | no source shows a job, for long enough                          | the restart, after a last read of each |
//
// | event, and what it shows             | new state                                          | idle stretch        |
// | ------------------------------------ | -------------------------------------------------- | ------------------- |
// | runners: no answer                   | unknown                                            | ends                |
// | runners: one online, in a sweep      | online                                             | ends                |
// | runners: one with a job              | busy; if it is offline, and the jobs source sees   | ends; goes on       |
// |                                      | all of its jobs: as without one                    |                     |
// | runners: none with a job             | unconfirmed while the jobs are unread, else        | begins at first, or |
// |                                      | settling or idle                                   | after a gap, or     |
// |                                      |                                                    | with a new runner   |
// | runners: the ephemeral ones are gone | the same, with no idle_for, but by two reads       | begins with the     |
// | after a job, or long after the boot  | (absent after the first)                           | absence             |
// | runners: no ephemeral one, otherwise | registering                                        | ends                |
// | jobs: one on a runner                | busy                                               | ends                |
// | jobs: any other, while busy          | busy                                               |                     |
// | jobs: no answer, or one job that may | unknown                                            | goes on, with jobs  |
// | be on one of these runners; or any   |                                                    | unread              |
// | job without a runner, while an       |                                                    |                     |
// | offline runner shows one             |                                                    |                     |
// | jobs: unreadable, and an offline     | busy                                               | ends                |
// | runner shows a job                   |                                                    |                     |
// | jobs: none, or unreadable            | absent, settling or idle; the same without stretch | goes on, with jobs  |
// |                                      |                                                    | read                |
const UNREAD = { kind: 'unread' };
/** Between two reads further apart than this a job may have come and gone, and another have begun: in milliseconds. */
const LONGEST_GAP_MS = 20_000;
/** The state after an event. Pure. */
function nextOccupancy(state, event, rules) {
    return event.kind === 'runners'
        ? afterRunners(state, event.reading, rules)
        : afterJobs(state, event.finding);
}
/** Whether a runner takes one job per registration: GitHub knows better than the input. */
function isEphemeral({ ephemeral }, rules) {
    return ephemeral ?? rules.isEphemeral === true;
}
// ---- after a read of the runners ----
function afterRunners(state, reading, rules) {
    const { runners, gone } = reading;
    if (runners === undefined)
        return { kind: 'unknown', about: 'runners', stretch: undefined };
    if (rules.isSweep && runners.some(({ isOnline }) => isOnline))
        return { kind: 'online' };
    const before = stretchOf(state);
    const working = rules.ignoresJobs ? [] : runners.filter(({ isBusy }) => isBusy);
    if (working.some((runner) => !canBeCleared(runner, before, rules)))
        return { kind: 'busy', job: 'unread' };
    const isAbsent = runners.length === 0 && wereEphemeral(gone, rules);
    if (isAbsent && !isAbsenceCertain(reading, rules))
        return { kind: 'registering' };
    const registrations = isAbsent ? 'gone' : runners.map(({ id }) => id);
    const stretch = extendOrBegin(before, { ...reading, registrations }, rules);
    return stateOfStretch({ ...stretch, isDoubtful: working.length > 0 });
}
/** An offline runner with a job may have lost it. Only a jobs source that sees all of its jobs can decide that. */
function canBeCleared({ isOnline }, stretch, { seesAllJobs = false }) {
    return !isOnline && seesAllJobs && stretch?.jobs !== 'unreadable';
}
function wereEphemeral(gone, rules) {
    return gone.length === 0 ? rules.isEphemeral === true : gone.every((one) => isEphemeral(one, rules));
}
/** No runner is left that might have a job, and none is about to register. One that was only seen offline may be of an earlier boot. */
function isAbsenceCertain({ askedAt, gone }, { boot = UNKNOWN_BOOT }) {
    const hadJob = boot.hadJob || gone.some(({ isOnline }) => isOnline);
    return hadJob || askedAt - boot.at >= boot.registersWithinMs;
}
const UNKNOWN_BOOT = { at: 0, registersWithinMs: Number.POSITIVE_INFINITY, hadJob: false };
/** From the first answer to the last question: a first read has no time behind it, which is enough for an `idle_for` of 0. */
function extendOrBegin(before, { askedAt, answeredAt, registrations }, { idleForMs, ignoresJobs = false }) {
    const wantedMs = registrations === 'gone' ? 0 : idleForMs;
    if (before !== undefined &&
        askedAt - before.until <= LONGEST_GAP_MS &&
        isSameSet(before.registrations, registrations)) {
        const leftMs = wantedMs - (askedAt - before.since);
        return { ...before, until: answeredAt, leftMs, reads: before.reads + 1 };
    }
    const nothingRead = { reads: 1, jobs: ignoresJobs ? 'none' : 'unread', isDoubtful: false };
    return { since: answeredAt, until: answeredAt, leftMs: wantedMs, registrations, ...nothingRead };
}
/** A new registration can have a job that none of the earlier ones had. One that ended cannot. */
function isSameSet(before, now) {
    if (before === 'gone' || now === 'gone')
        return before === now;
    return now.every((id) => before.includes(id));
}
/** Absence counts only after two reads: pages shift while they are read. */
const LEAST_READS_OF_ABSENCE = 2;
function stateOfStretch(stretch) {
    if (stretch.jobs === 'unread')
        return { kind: 'unconfirmed', stretch };
    if (stretch.registrations === 'gone' && stretch.reads < LEAST_READS_OF_ABSENCE)
        return { kind: 'absent', stretch };
    return { kind: stretch.leftMs <= 0 ? 'idle' : 'settling', stretch };
}
// ---- after a read of the jobs ----
function afterJobs(state, seen) {
    const finding = doubted(seen, stretchOf(state));
    if (finding.kind === 'job')
        return { kind: 'busy', job: finding.job };
    const isAnswer = finding.kind === 'none' || finding.kind === 'unreadable';
    if (state.kind === 'busy')
        return isAnswer ? { kind: 'busy', job: finding.kind } : state;
    const stretch = stretchOf(state);
    if (!isAnswer) {
        const { kind: _, ...why } = finding;
        return { kind: 'unknown', about: 'jobs', ...why, stretch: stretch && { ...stretch, jobs: 'unread' } };
    }
    if (finding.kind === 'unreadable' && stretch?.isDoubtful)
        return { kind: 'busy', job: 'unreadable' };
    return stretch === undefined ? state : stateOfStretch({ ...stretch, jobs: finding.kind });
}
/** A runner that GitHub shows offline and busy may run the job that has no runner, whatever its labels. */
function doubted(finding, stretch) {
    if (finding.kind !== 'none' || finding.unplaced === undefined || !stretch?.isDoubtful)
        return finding;
    return { kind: 'unassigned', job: finding.unplaced };
}
function stretchOf(state) {
    return 'stretch' in state ? state.stretch : undefined;
}

;// CONCATENATED MODULE: ./lib/runner/gate.js
// Before the restart: reads GitHub until the runners of one VM leave it free. occupancy.ts has the states and says what a read means;
// here the reads are made, and the limits kept. Right before the restart both sources are read again, and the runners once more
// after the jobs: reading the jobs may take seconds.









function createGate(options) {
    const { whenBusy, isSweep, log } = options;
    const isIgnored = whenBusy === 'ignore' && isSweep !== true;
    let gate;
    async function enter(instance) {
        const boot = vmBootOf(options, instance, gate?.boot);
        if (isSweep && options.clock.now() - boot.at < boot.registersWithinMs)
            throw leftAloneAsFresh(options, boot, instance);
        if (gate === undefined)
            gate = await begin(options, instance, boot);
        else if (boot.text !== gate.boot.text)
            gate.runners.forgetOnline();
        gate.boot = boot;
        return gate;
    }
    return {
        async passOrWait(instance) {
            const isFirst = gate === undefined;
            const known = await enter(instance);
            // What the attempt took does not count as waiting.
            if (known.hasLetPass)
                known.limits = limitsFrom(options.clock.now(), options);
            known.hasLetPass = false;
            if (isIgnored) {
                if (hasBusy(known))
                    log.warning(`${describeSeen(known)}; when_busy says to ignore that.`);
                return true;
            }
            const hasDrained = await drainRunners(options, known);
            await checkBeforeRestart(options, known, isFirst && !hasDrained);
            known.hasLetPass = known.state.kind === 'idle';
            if (known.hasLetPass)
                return true;
            if (!isFirst)
                options.onWait?.();
            await waitUntilIdle(options, known);
            return false;
        },
        async untilIdle(instance) {
            const known = await enter(instance);
            if (isIgnored)
                return;
            await gate_confirm(options, known);
            if (options.drain === undefined)
                await waitUntilIdle(options, known);
            // With a drain a VM waits with its slot, which those without a job get first: they have been read by then, too.
            else if (hasBusy(known) || known.state.kind === 'busy')
                await waitUntilIdle(options, known, options.clock.now() + IDLE_FIRST_MS);
        },
        async rehearse(instance) {
            gate = undefined;
            const known = await enter(instance);
            if (!isIgnored)
                await readJobs(options, known);
            log.info(`Dry run: ${describeWithDoubt(known)}`);
            return true;
        },
        stillIdle: async () => gate === undefined || keepIdle(options, gate),
        findings: () => gate,
        verdict: () => gate?.state.kind,
    };
}
function hasBusy({ shown }) {
    return shown.some(({ isBusy }) => isBusy);
}
function describeWithDoubt(gate) {
    const { state } = gate;
    return `${describeSeen(gate)}${state.kind === 'unknown' ? `; ${describeUnknown(state)}` : ''}`;
}
/** How long idle VMs go first when busy ones are drained: in milliseconds. */
const IDLE_FIRST_MS = 5_000;
/** What changing labels may take: in milliseconds. */
const CHANGE_LABELS_MS = 30_000;
/** @returns whether it had something to drain. Always false for a busy VM that the step does not wait for. */
async function drainRunners(options, gate) {
    const { drain, whenBusy, clock, signal } = options;
    const { shown, limits } = gate;
    if (drain === undefined || (whenBusy !== 'wait' && hasBusy(gate)))
        return false;
    await drain(shown, { deadline: Math.max(limits.busy, clock.now() + CHANGE_LABELS_MS), signal });
    return shown.length > 0;
}
async function begin(options, instance, boot) {
    const { clock, log } = options;
    const limits = limitsFrom(clock.now(), options);
    const runners = options.runnersOf(instance);
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined });
    const gate = {
        ...{ runners, shown: [], limits, boot, progress },
        ...{ state: UNREAD, idleSince: undefined, hasBeenUnknown: false, hasLetPass: false },
    };
    applyRunners(options, gate, await firstReading(options, runners));
    return gate;
}
// ---- reads ----
/** A slower answer says too little about the present: the process may have been suspended while it waited. In milliseconds. */
const LONGEST_LAST_READ_MS = 10_000;
/** Reads the runners, the jobs, and the runners again. @param isFirst their first read was made just now. */
async function checkBeforeRestart(options, gate, isFirst) {
    const { clock } = options;
    if (!isFirst)
        await readRunners(options, gate);
    const areJobsRead = await gate_confirm(options, gate);
    if (!isFree(gate))
        return;
    if (!areJobsRead)
        await readJobs(options, gate);
    if (!isFree(gate))
        return reportState(options, gate);
    await refuseIfAllOffline(options, gate);
    const askedAt = clock.now();
    await readAndConfirm(options, gate);
    if (clock.now() - askedAt > LONGEST_LAST_READ_MS)
        await readAndConfirm(options, gate);
}
/** So far: a last read has to confirm it. */
function isFree({ state: { kind } }) {
    return kind === 'idle' || kind === 'absent';
}
async function readAndConfirm(options, gate) {
    await readRunners(options, gate);
    await gate_confirm(options, gate);
}
/** Reads the jobs if the state takes that. @param latest when that must end. @returns whether it did. */
async function gate_confirm(options, gate, latest) {
    const isNeeded = gate.state.kind === 'unconfirmed';
    if (isNeeded)
        await readJobs(options, gate, latest);
    reportState(options, gate);
    return isNeeded;
}
async function readRunners(options, gate) {
    applyRunners(options, gate, await gate.runners.read(endOfRead(options, gate)));
}
async function readJobs(options, gate, latest) {
    const finding = await gate.runners.readJobs(endOfRead(options, gate, latest));
    apply(options, gate, { kind: 'jobs', finding });
}
/** @throws LeftAlone if a sweep must skip the VM. */
function applyRunners(options, gate, reading) {
    gate.shown = reading.runners ?? gate.shown;
    apply(options, gate, { kind: 'runners', reading });
    if (gate.state.kind === 'online')
        throw new outcome/* LeftAlone */.l('skipped', `${describeSeen(gate)}; restart_if leaves it alone`, {
            isNeedless: true,
        });
}
function apply(options, gate, event) {
    const { idleForMs, seesAllJobs = false, isSweep = false, isEphemeral = false } = options;
    const { boot } = gate;
    const ignoresJobs = options.whenBusy === 'ignore';
    const rules = { idleForMs, seesAllJobs, isSweep, isEphemeral, ignoresJobs, boot };
    gate.state = nextOccupancy(gate.state, event, rules);
    gate.hasBeenUnknown ||= gate.state.kind === 'unknown';
    const stretch = 'stretch' in gate.state ? gate.state.stretch : undefined;
    // While the jobs are unread, nothing says that the runner is idle: a jobs source that hangs must not prolong the wait.
    if (stretch !== undefined && stretch.jobs !== 'unread')
        gate.idleSince = stretch.since;
}
function endOfRead(options, gate, latest = Number.POSITIVE_INFINITY) {
    return readUntil(options.clock.now(), Math.min(latest, endOfReads(options, gate)));
}
/** What ends an idle stretch has its own time limit. */
function endOfReads(options, gate) {
    return Math.max(gate.limits.unknown, endOfPatience(options, gate));
}
/** @throws ActionError in a sweep if GitHub shows all runners offline. */
async function refuseIfAllOffline(options, gate) {
    const { isSweep, pool, signal } = options;
    if (!isSweep)
        return;
    if (await pool.isAllOffline({ deadline: endOfRead(options, gate), signal }))
        throw allOfflineError();
}
/** While a free VM waits for a slot, busy_timeout for its next job does not start. */
async function keepIdle(options, gate) {
    applyRunners(options, gate, await gate.runners.readShared(endOfRead(options, gate)));
    const { kind } = gate.state;
    // With a drain it waits for its job only once it has its slot.
    if (kind === 'busy' && options.drain === undefined)
        return false;
    if (kind !== 'unknown')
        gate.limits = limitsFrom(options.clock.now(), options);
    return true;
}
// ---- the wait ----
/** @param end if given, it returns then, idle or not. */
async function waitUntilIdle(options, gate, end = Number.POSITIVE_INFINITY) {
    const { clock, signal } = options;
    if (gate.state.kind === 'idle')
        return;
    const leavesBy = options.isEphemeral === true ? clock.now() + LEAVES_WITHIN_MS : Number.NEGATIVE_INFINITY;
    const nextAt = () => clock.now() + gatePauseMs(gate.state, clock.now() < leavesBy);
    const deadline = () => Math.min(end, endOfPatience(options, gate));
    const polling = { clock, signal, deadline, nextAt, firstAt: nextAt() };
    const isIdle = clock.now() < deadline() &&
        (await (0,poll/* pollUntil */.g)(polling, async () => {
            // Runners that show no job have no limit of their own; the jobs that are to confirm that keep the one from before.
            const latest = endOfReads(options, gate);
            applyRunners(options, gate, await gate.runners.readShared(endOfRead(options, gate)));
            await gate_confirm(options, gate, latest);
            return gate.state.kind === 'idle' || undefined;
        }));
    if (isIdle || clock.now() >= end)
        return;
    if (!isNotKnown(gate))
        throw await stillBusy(options, gate);
    throw notKnownError({ ...gate, lastFault: gate.runners.lastFault() });
}
/** GitHub can show a runner as busy forever: whether it lists a job for the runner decides what to do. */
async function stillBusy(options, gate) {
    const { whenBusy } = options;
    const { state } = gate;
    if (state.kind === 'busy' && whenBusy === 'skip')
        return new outcome/* LeftAlone */.l('skipped', describeSeen(gate));
    if (state.kind === 'busy' && state.job === 'unread')
        await readJobs(options, gate);
    return stillBusyError(gate, { ...options, tally: gate.progress.tally() });
}
function reportState(options, gate) {
    const { state, shown, progress } = gate;
    const rest = state.kind === 'settling' ? ` (${(0,lib_clock/* minutes */.Gx)(state.stretch.leftMs)} left)` : '';
    const isDetail = options.isBrief === true && state.kind !== 'busy' && state.kind !== 'unknown';
    progress.note(state.kind, describeOccupancy({ state, shown }, options), { rest, isDetail });
}

;// CONCATENATED MODULE: ./lib/runner/job-finding.js


/** The group of the runners that GitHub hosts. */
const HOSTED = 'GitHub Actions';
/**
 * Finds a job of the runners. The name decides: the number of a runner is unique for its owner only, and changes when the runner
 * registers again. A job without a name is theirs if both number and labels fit, and may be theirs if one of these does. Pure.
 */
function findJob(jobs, { pattern, ids, labels }) {
    const named = jobs.find(({ runnerName }) => runnerName !== undefined && (0,runner_names/* fitsPattern */.jF)(pattern, runnerName));
    if (named !== undefined)
        return { kind: 'job', job: named };
    const nameless = jobs.filter(({ runnerName, runnerGroup }) => {
        return runnerName === undefined && runnerGroup !== HOSTED;
    });
    const isNumbered = ({ runnerId }) => runnerId !== undefined && ids.has(runnerId);
    const isLabeled = (job) => fitsLabels(job, labels);
    const certain = nameless.find((job) => isNumbered(job) && isLabeled(job));
    if (certain !== undefined)
        return { kind: 'job', job: certain };
    const possible = nameless.find((job) => isNumbered(job) || isLabeled(job));
    if (possible !== undefined)
        return { kind: 'unassigned', job: possible };
    const [unplaced] = nameless;
    return { kind: 'none', ...(unplaced && { unplaced }) };
}
/** GitHub gives a job to a runner that has all of its labels, in upper or lower case. */
function fitsLabels(job, runners) {
    const wanted = job.labels.map((label) => label.toLowerCase());
    return runners.some((labels) => {
        const own = new Set(labels.map((label) => label.toLowerCase()));
        return wanted.every((label) => own.has(label));
    });
}
/** How long GitHub may refuse the jobs, and nothing else, before the source is off: in milliseconds. */
const REFUSED_FOR_MS = 30_000;
/** Two refusals further apart than this are not one run, in milliseconds. */
const LONGEST_PAUSE_MS = 30_000;
function createJobReader(jobs, { clock, log }) {
    let run;
    let isOff = false;
    let hasWarned = false;
    function refuse({ refused, isFinal, isPartial = false }) {
        const now = clock.now();
        const before = isPartial || run === undefined || now - run.until > LONGEST_PAUSE_MS ? undefined : run;
        run = { since: before?.since ?? now, until: now };
        isOff = isFinal || (isOff && !isPartial) || now - run.since >= REFUSED_FOR_MS;
        if (!isOff)
            return { kind: 'no answer', believedFrom: run.since + REFUSED_FOR_MS, refused };
        if (!hasWarned && !isFinal)
            log.warning(describeRefusal(refused));
        hasWarned = true;
        return { kind: 'unreadable' };
    }
    return {
        async read(owner, bounds) {
            try {
                const running = await jobs.runningJobs(bounds);
                if ('refused' in running)
                    return refuse(running);
                isOff = false;
                run = undefined;
                return findJob(running, owner());
            }
            catch (error) {
                run = undefined;
                throw error;
            }
        },
    };
}
function describeRefusal(refused) {
    return `GitHub has refused the jobs in progress for ${(0,lib_clock/* seconds */.YA)(REFUSED_FOR_MS)}: ${refused}. Only the runners themselves now show whether a job runs, and GitHub may show that a minute late: such a job would be killed. Give jobs_token or github_token "Actions: read".`;
}

// EXTERNAL MODULE: ./lib/runner/scope.js
var runner_scope = __webpack_require__(5918);
// EXTERNAL MODULE: ./lib/runner/self-restart.js
var self_restart = __webpack_require__(2044);
// EXTERNAL MODULE: ./lib/runner/sources.js + 1 modules
var sources = __webpack_require__(2160);
;// CONCATENATED MODULE: ./lib/runner/back-verdict.js
// Whether the runners in a VM are back after its restart. Pure; wait-for-runner.ts does the reading.
//
// GitHub keeps the session of a runner that was cut off for minutes, and shows it online for as long. So "online" proves nothing
// in itself. Each name is judged by its own history. The runners are back when each that was online before the restart is: by its
// name, or, as one-job runners may get a new name, by another one. If none was online before, one is enough.
//
// A registration is new if neither a read before the restart nor the first one after the boot showed it.
//
// | one name, as it is read              | what proves that its runner is back                                |
// | ------------------------------------ | ------------------------------------------------------------------ |
// | no answer                            | nothing                                                            |
// | gone                                 | it takes one job only, and a new registration of it was seen       |
// | offline                              | nothing                                                            |
// | online, under a new registration     | that                                                               |
// | online, and offline since the boot   | that, once a read some seconds later shows it online again:        |
// |                                      | a version that GitHub no longer accepts connects and then exits    |
// | online and busy                      | it was seen idle long enough for this job to be a new one          |
// | online otherwise                     | nothing; after six minutes it is most likely back                  |


/**
 * A job from before the restart may show as late as this, in milliseconds: GitHub says "busy" up to 90 s after it began (25 to 60 s
 * and more have been seen), and may show it as idle again for a minute before any read has seen it.
 */
const OLD_JOB_MS = 150_000;
/**
 * GitHub keeps the session of a runner that was cut off for up to five minutes, and shows it online for as long. A runner that is
 * online after that is most likely alive.
 */
const SESSION_LIFE_MS = 360_000;
/** Two reads that show a runner online again are this far apart at least, in milliseconds; a timer may end a little early. */
const STAYS_ONLINE_MS = 4_900;
function startBackHistory(verifiedAt, before) {
    const online = before.shown.filter(({ isOnline }) => isOnline);
    const wanted = online.filter((runner) => !isEphemeral(runner, before)).map(({ name }) => keyOf(name));
    const others = online.length - wanted.length;
    return {
        ...{ verifiedAt, wanted, wantedOthers: wanted.length === 0 ? Math.max(1, others) : others },
        oldIds: new Set(before.seen.map(({ id }) => id)),
        isEphemeral: before.isEphemeral,
        byName: new Map(before.shown.map(({ name, isOnline }) => [
            keyOf(name),
            { ...nothingSeen(undefined), wasOnlineBefore: isOnline },
        ])),
        lastAt: undefined,
    };
}
function keyOf(name) {
    return name.toLowerCase();
}
function nothingSeen(first) {
    const nothing = { last: undefined, wasOffline: false, onlineSince: undefined, wasIdle: false };
    return { wasOnlineBefore: false, first, ...nothing, occupancy: UNREAD, verdict: UNKNOWN };
}
/** Decides whether the runners are back, from one read and those before it. Pure. */
function judgeBack(before, reading) {
    const { runners } = reading;
    const isFirst = before.lastAt === undefined;
    const shown = new Map((runners ?? []).map((runner) => [keyOf(runner.name), runner]));
    const oldIds = isFirst
        ? new Set([...before.oldIds, ...(runners ?? []).map(({ id }) => id)])
        : before.oldIds;
    // A name that was not seen before was absent from the earlier reads.
    const unseen = nothingSeen(isFirst ? undefined : 'gone');
    const names = new Set([...before.byName.keys(), ...shown.keys()]);
    const judged = [...names].map((name) => {
        const earlier = before.byName.get(name) ?? unseen;
        const runner = runners && (shown.get(name) ?? 'gone');
        return [name, judgeName(earlier, runner, { ...before, oldIds, reading })];
    });
    const lastAt = runners === undefined ? before.lastAt : reading.answeredAt;
    const history = { ...before, oldIds, byName: new Map(judged), lastAt };
    return { history, verdict: runners === undefined ? UNKNOWN : verdictOnAll(history) };
}
const STRENGTH = { pending: 0, probably_online: 1, online: 2 };
/** The weakest verdict on those that have to be back: by their names, and the best of the others. */
function verdictOnAll(history) {
    const needed = neededNames(history);
    const [name, weakest] = byStrength(needed)[0] ?? [];
    if (weakest === undefined || needed.length < history.wanted.length + history.wantedOthers)
        return GONE;
    const { verdict } = weakest;
    if (verdict.kind !== 'pending' || history.byName.size === 1)
        return verdict;
    return { ...verdict, seen: `runner "${name}": ${verdict.seen}` };
}
function neededNames({ wanted, wantedOthers, byName }) {
    const byWish = (isWanted) => [...byName].filter(([name]) => wanted.includes(name) === isWanted);
    const best = byStrength(byWish(false)).toReversed().slice(0, wantedOthers);
    return [...byWish(true), ...best];
}
/** The weakest first. */
function byStrength(names) {
    return names.toSorted(([, a], [, b]) => STRENGTH[a.verdict.kind] - STRENGTH[b.verdict.kind]);
}
/** @param runner undefined if GitHub gave no usable answer. */
function judgeName(before, runner, context) {
    const runners = runner === undefined ? undefined : runner === 'gone' ? [] : [runner];
    const event = { kind: 'runners', reading: { ...context.reading, runners, gone: [] } };
    const occupancy = nextOccupancy(before.occupancy, event, { idleForMs: OLD_JOB_MS });
    if (runner === undefined)
        return { ...before, occupancy };
    const history = { ...before, occupancy, first: before.first ?? runner, last: runner };
    const known = runner === 'gone' ? { ...history, onlineSince: undefined } : withRunner(history, runner, context.reading);
    // What was proved once stays proved while the step waits for the others.
    if (before.verdict.kind === 'online')
        return known;
    const verdict = runner === 'gone' ? verdictOnGone(before, context) : verdictOn(known, runner, context);
    return { ...known, verdict };
}
function withRunner(history, { isOnline }, { answeredAt }) {
    if (!isOnline)
        return { ...history, wasOffline: true, onlineSince: undefined };
    const wasIdle = history.wasIdle || isIdleLongEnough(history.occupancy);
    return { ...history, onlineSince: history.onlineSince ?? answeredAt, wasIdle };
}
function isIdleLongEnough(occupancy) {
    return 'stretch' in occupancy && occupancy.stretch !== undefined && occupancy.stretch.leftMs <= 0;
}
/** A one-job runner that was seen with a new registration has taken its job. */
function verdictOnGone({ last }, { oldIds, ...rules }) {
    const wasNew = last !== undefined && last !== 'gone' && !oldIds.has(last.id) && isEphemeral(last, rules);
    return wasNew ? TOOK_ITS_JOB : GONE;
}
function verdictOn({ wasOffline, onlineSince = Number.POSITIVE_INFINITY, wasIdle }, { id, isOnline, isBusy }, { reading: { askedAt }, verifiedAt, oldIds }) {
    if (!isOnline)
        return OFFLINE;
    if (!oldIds.has(id))
        return REGISTERED;
    if (wasOffline)
        return askedAt - onlineSince >= STAYS_ONLINE_MS ? WAS_OFFLINE : ONLINE_AGAIN;
    if (wasIdle && isBusy)
        return BEGAN_A_JOB;
    return askedAt - verifiedAt >= SESSION_LIFE_MS ? { kind: 'probably_online' } : SHOWN_ONLINE;
}
const REGISTERED = { kind: 'online', proof: 'it registered again' };
const WAS_OFFLINE = { kind: 'online', proof: 'it was offline before' };
const BEGAN_A_JOB = { kind: 'online', proof: 'a job began on it' };
const TOOK_ITS_JOB = { kind: 'online', proof: 'it registered again, and has had its job' };
const UNKNOWN = notBackYet('no usable answer from GitHub', 'an answer has to show it back');
const GONE = notBackYet('it is not registered', 'it has to register');
const OFFLINE = notBackYet('it is offline', 'it has to come back online');
const ONLINE_AGAIN = notBackYet('it is online again', 'it has to stay online for some seconds');
const SHOWN_ONLINE = {
    ...notBackYet('it is still listed online, which may be stale', 'it has to go offline and come back, register again, or start a job'),
    isLikely: true,
};
function notBackYet(seen, needed) {
    return { kind: 'pending', seen, needed, isLikely: false };
}
const LOGIN = 'Log a user in automatically after the boot, which needs FileVault off (with it, SSH answers before the disk is unlocked)';
const STEPS = 'See "How the runner comes back by itself" in docs/between-jobs.md.';
/** After a longer silence, GitHub's last answer says little about the present: in milliseconds. */
const OUTDATED_AFTER_MS = 60_000;
/**
 * The likely cause. What happens inside the VM cannot be seen from here.
 * @param endedAt when the wait ended, on the clock's scale.
 */
function likelyCause(history, endedAt) {
    if (history.lastAt === undefined)
        return { reason: SILENCE, hint: CHECK };
    const missing = neededNames(history).find(([, { verdict }]) => verdict.kind === 'pending');
    const cause = missing === undefined ? REGISTRATION_GONE : seenCause(missing[1]);
    const silentMs = endedAt - history.lastAt;
    if (silentMs < OUTDATED_AFTER_MS)
        return cause;
    return { reason: `${SILENCE} for the last ${(0,lib_clock/* minutes */.Gx)(silentMs)}; before that ${cause.reason}`, hint: CHECK };
}
const SILENCE = 'GitHub gave no usable answer';
const CHECK = 'See the log for why GitHub gave none, and check the runner before you rely on it.';
const REGISTRATION_GONE = {
    reason: 'its registration is gone: it took one job only (ephemeral), or has registered under another name or elsewhere',
    hint: `Register it under the same name after each boot. ${STEPS}`,
};
function seenCause({ wasOnlineBefore, first, last, wasOffline }) {
    if (last === 'gone')
        return REGISTRATION_GONE;
    if (!wasOffline) {
        const reason = 'it is still listed online, but that may be stale';
        return { reason, hint: 'Raise runner_timeout above 6m, and check the runner before you rely on it.' };
    }
    if (first !== 'gone' && first?.isOnline) {
        const reason = 'it went offline and stayed so: most likely its new process met the session of the old one and gave up after 4 minutes, or no user is logged in';
        return {
            reason,
            hint: `${LOGIN}, and let its service be started again whenever it ends (KeepAlive). ${STEPS}`,
        };
    }
    const reason = wasOnlineBefore
        ? 'it stayed offline from the boot on: most likely no user is logged in, so that its service never started'
        : 'it was offline before the restart already: most likely it has no service that starts it';
    return { reason, hint: `${LOGIN}, and install the runner as a service (svc.sh install). ${STEPS}` };
}

;// CONCATENATED MODULE: ./lib/runner/wait-for-runner.js






/**
 * Reads the runners until they are back; there is always a last read at the deadline.
 * @throws ActionError `runner_not_back` with the likely cause; `github_api_failed` if GitHub never gave an answer.
 */
async function waitForRunner(options) {
    const { runners, verifiedAt, clock, log, signal } = options;
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: verifiedAt });
    const deadline = verifiedAt + options.runnerTimeoutMs;
    let history = startBackHistory(verifiedAt, options.before);
    const polling = {
        ...{ clock, signal, deadline: () => deadline, longestMs: LONGEST_READ_MS, shortestMs: LAST_READ_MS },
        nextAt: () => clock.now() + pauseMs(options),
    };
    const back = await (0,poll/* pollUntil */.g)(polling, async ({ until }) => {
        const judged = judgeBack(history, await runners.readShared(until));
        history = judged.history;
        const { verdict } = judged;
        if (verdict.kind !== 'pending')
            return verdict;
        const rest = describeNeeded(verdict, options);
        progress.note(verdict.seen, `waiting for the runner: ${verdict.seen}`, { rest });
        return undefined;
    });
    if (back === undefined)
        throw notBack(options, history, progress);
    log.info(`${describeBack(back)}, ${(0,lib_clock/* seconds */.YA)(clock.now() - verifiedAt)} after the VM`);
    return back.kind;
}
/** A boot rarely takes longer than this. In milliseconds. */
const LONG_BOOT_MS = 120_000;
function pauseMs({ before, verifiedAt, clock }) {
    const isSoon = before.isEphemeral && clock.now() - verifiedAt < LONG_BOOT_MS;
    return isSoon ? READ_ONE_JOB_EVERY_MS : READ_EVERY_MS;
}
/** What has to happen, and until when at most. */
function describeNeeded({ needed, isLikely }, { verifiedAt, runnerTimeoutMs, clock }) {
    const leftMs = verifiedAt + runnerTimeoutMs - clock.now();
    const likelyInMs = verifiedAt + SESSION_LIFE_MS - clock.now();
    const end = isLikely && likelyInMs < leftMs ? `probably_online in ${(0,lib_clock/* minutes */.Gx)(likelyInMs)}` : `${(0,lib_clock/* minutes */.Gx)(leftMs)} left`;
    return `; ${needed} (${end})`;
}
function describeBack(verdict) {
    return verdict.kind === 'online'
        ? `The runner is back, proved: ${verdict.proof}`
        : 'The runner is most likely back: it is still online after GitHub would have forgotten the one before';
}
function notBack(options, history, progress) {
    const { reason, hint } = likelyCause(history, options.clock.now());
    const time = (0,lib_clock/* seconds */.YA)(options.runnerTimeoutMs);
    const message = `The VM was restarted, but the runner was not proved to be back within ${time}: ${reason}. Reads: ${progress.tally()}.`;
    const code = history.lastAt === undefined ? 'github_api_failed' : 'runner_not_back';
    return new errors/* ActionError */.lZ(code, message, { hint });
}

;// CONCATENATED MODULE: ./lib/runner/guard.js
// Before the restart, the gate finds the VM's runners on GitHub by name and blocks the restart while a job runs on one of them.
// After the restart, once the VM is verified, the wait reads them until they are proved to be back, or until runner_timeout. What
// goes wrong before the restart prevents it; what goes wrong after it becomes part of the outcome, as the VM is restarted all the same.
//
// gate.ts            before the restart: occupancy.ts has its states, gate-lines.ts its words
// wait-for-runner.ts after the restart: back-verdict.ts judges
// vm-runners.ts      the runners in one VM, which both read
// sources.ts         the two sources, shared by all VMs: the runners of the scope, and the jobs of a repository












/** @throws ActionError `self_restart` if the runner's name says that much already. */
function createGuards(options) {
    const { runner, ownRunner, clock, random, log, requestTimeoutMs, dispatchers } = options;
    const { scope, nameTemplate } = runner;
    const name = (0,runner_names/* fixedPattern */.VG)(nameTemplate);
    if (name !== undefined)
        (0,self_restart/* refuseSelfRestart */.CD)(ownRunner, { name, scope });
    const { repository } = ownRunner;
    const opened = (0,sources.openSources)({
        ...{ ...runner, repository, clock, random, log, requestTimeoutMs, dispatchers },
        onList: (listing) => expired.lookThrough(listing),
    });
    const mayRestore = runner.drains !== undefined && options.isDryRun !== true;
    const expired = createExpiredDrains({ ...options, labels: mayRestore ? opened.labels : undefined });
    const { share = (sources) => sources, liveInstances = async () => [] } = options;
    const { runners, jobs } = share(opened);
    const shared = {
        ...openDrains(options, opened.labels),
        expired,
        restoring: new Set(),
        runners,
        jobs: createJobReader(jobs, { clock, log }),
        pool: createPool({ nameTemplate, runners, liveInstances }),
        onNew: createWarnings(runner, log),
    };
    return {
        runnerNameOf: (instance) => (0,runner_names/* describePattern */.Qs)((0,runner_names/* fillPattern */.ut)(nameTemplate, instance)),
        isRunnerIn: (instance, runnerName) => (0,runner_names/* mayBeIn */.K_)(instance, nameTemplate, runnerName),
        guardFor: (ward) => createGuard({ ...options, log: ward.log }, { shared, ward }),
        readRun: opened.readRun,
        async close() {
            await Promise.all([...shared.restoring, expired.finish()]);
            await opened.close();
        },
    };
}
/** Beyond the waits that the inputs limit: what the guest may take, and the requests. In milliseconds. */
const DRAIN_MARGIN_MS = 3_600_000;
/** An installation token lives for an hour; with less time left than this, no drain begins, because it could not be ended. In milliseconds. */
const INSTALLATION_TOKEN_MS = 50 * 60_000;
function openDrains(options, labels) {
    const { runner, clock, log, patienceMs, saveDrains = () => { } } = options;
    const { drains: asked, busyTimeoutMs, runnerTimeoutMs, token } = runner;
    if (asked === undefined)
        return { drains: undefined, drainedUntil: undefined };
    const restartMs = patienceMs + runnerTimeoutMs;
    const lifeMs = busyTimeoutMs + restartMs + DRAIN_MARGIN_MS;
    const drains = (0,runner_drain.createDrains)({ labels, ...asked, lifeMs, clock, log, saveState: saveDrains });
    if (!token.startsWith('ghs_'))
        return { drains, drainedUntil: undefined };
    const waitsForMs = Math.max(0, INSTALLATION_TOKEN_MS - restartMs);
    if (waitsForMs < busyTimeoutMs)
        log.info(`github_token is an installation token, which lives for an hour: busy_timeout ends ${(0,lib_clock/* minutes */.Gx)(waitsForMs)} after the step's start, so that all labels can be restored`);
    return { drains, drainedUntil: clock.now() + waitsForMs };
}
/** A runner that has not registered this long after the boot never will: a minimum, in milliseconds. */
const REGISTERS_WITHIN_MS = 300_000;
/** @param options with the log of the one VM. */
function createGuard(options, { shared, ward }) {
    const { runner, ownRunner, clock, log, patienceMs } = options;
    const { scope } = runner;
    function runnersOf(instance) {
        const name = (0,runner_names/* fillPattern */.ut)(runner.nameTemplate, instance);
        (0,self_restart/* refuseSelfRestart */.CD)(ownRunner, { name, scope });
        warnOfSharedAddress(instance, options);
        (ward.isBrief ? log.debug : log.info)(`Looking for the self-hosted runner "${(0,runner_names/* describePattern */.Qs)(name)}" of ${(0,runner_scope/* describeScope */.OI)(scope)}`);
        return createVmRunners({ ...shared, sought: { name, scope }, clock, log, signal: ward.signal });
    }
    const drained = new Set();
    const { drains, drainedUntil: busyUntil } = shared;
    async function drain(found, bounds) {
        for (const each of found) {
            drained.add(each.id);
            await shared.expired.leaveTo(each.id);
            await drains?.drain(each, bounds);
        }
    }
    async function restore(outcome) {
        if (drained.size > 0 && outcome.restarted === 'unknown')
            log.warning('The labels are restored, but the restart may still come: a job that begins by then is killed');
        const forMs = options.signal.aborted ? runner_drain.RESTORE_AFTER_CANCELLATION_MS : runner_drain.RESTORE_MS;
        await Promise.all([...drained].map((id) => drains?.restore(id, forMs)));
    }
    const gate = createGate({
        ...(drains && { drain, busyUntil }),
        ...{ ...runner, ...ward, patienceMs, clock, runnersOf, pool: shared.pool },
        seesAllJobs: scope.kind === 'repository',
        registersWithinMs: Math.max(REGISTERS_WITHIN_MS, runner.runnerTimeoutMs),
    });
    return {
        gate,
        async afterRestart(outcome, until = options.signal) {
            const back = await waitIfVerified(outcome, { gate, options: { ...options, signal: until } });
            const restoring = restore(outcome);
            shared.restoring.add(restoring);
            await restoring;
            return { ...outcome, ...back };
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
    const { runners, shown } = findings;
    const { waitsForRunner, runnerTimeoutMs } = asked;
    if (!waitsForRunner) {
        log.info('The runner is not waited for, as wait_for_runner says');
        return { runner: NO_RUNNER };
    }
    try {
        const before = { shown, seen: runners.seen, isEphemeral: asked.isEphemeral };
        const watching = { runners, before, verifiedAt, runnerTimeoutMs, clock, log, signal };
        return { runner: { status: await waitForRunner(watching), backAt: clock.now() } };
    }
    catch (thrown) {
        const error = (0,errors/* asActionError */.z6)(thrown);
        const status = error.code === 'runner_not_back' ? 'not_back' : undefined;
        return { runner: { status, backAt: undefined }, error: (0,errors/* explainCancellation */.Xg)(error, RUNNER_UNKNOWN) };
    }
}
const RUNNER_UNKNOWN = 'The VM was restarted and verified; whether its runner is back is not known.';
const NO_RUNNER = { status: undefined, backAt: undefined };
/** GitHub lets no older version register, though it may let one connect briefly. Since 2026. */
const LEAST_VERSION = [2, 329, 0];
/** What the log says about registrations when they are first seen. */
function createWarnings({ isEphemeral }, log) {
    let hasToldOfKind = false;
    return ({ name, id, ephemeral, version }) => {
        if (version !== undefined && isOlderVersion(version.split('.').map(Number), LEAST_VERSION))
            log.warning(`Runner "${name}" (ID ${id}) has version ${version}, but GitHub requires ${LEAST_VERSION.join('.')}: it may connect, and end without taking a job. Update it.`);
        if (hasToldOfKind || ephemeral === undefined || ephemeral === isEphemeral)
            return;
        hasToldOfKind = true;
        const kind = ephemeral ? 'takes one job per registration' : 'takes one job after the other';
        log.warning(`runner_ephemeral is ${isEphemeral}, but GitHub says that runner "${name}" (ID ${id}) ${kind}. What GitHub says counts.`);
    };
}
/** Whether a version is older than another. A part that is not a number is not older. */
function isOlderVersion([part = 0, ...rest], [thanPart, ...thanRest]) {
    if (thanPart === undefined)
        return false;
    return part < thanPart || (part === thanPart && isOlderVersion(rest, thanRest));
}


/***/ }),

/***/ 2309:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Bw: () => (/* binding */ findRunners),
/* harmony export */   WC: () => (/* binding */ createRunnerLabels),
/* harmony export */   Wi: () => (/* binding */ runnerNotFound),
/* harmony export */   Yg: () => (/* binding */ describeRunner),
/* harmony export */   oZ: () => (/* binding */ createRunners)
/* harmony export */ });
/* unused harmony exports runnersPath, readRunner */
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(452);
/* harmony import */ var _http_json_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1528);
/* harmony import */ var _github_client_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(5330);
/* harmony import */ var _github_faults_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(8213);
/* harmony import */ var _runner_names_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(9407);
/* harmony import */ var _scope_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(5918);






/** @param onList called after each list that GitHub dated. */
function createRunners(client, scope, onList = () => { }) {
    const place = { subject: `the self-hosted runners of ${(0,_scope_js__WEBPACK_IMPORTED_MODULE_5__/* .describeScope */ .OI)(scope)}`, input: 'runner_scope' };
    const about = { ...place, permission: (0,_scope_js__WEBPACK_IMPORTED_MODULE_5__/* .fittingToken */ .jr)(scope) };
    const { path, parameters } = runnersPath(scope);
    const ofOne = new Map();
    const ofPages = new Map();
    /** A list of one page is always read whole. */
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
        if (pattern === undefined)
            return (await readPages(pattern, bounds)).runners;
        const named = await listByName(pattern, bounds);
        if (named.length > 0)
            return named;
        const first = await listWhole(pattern, bounds);
        return first.length === 0 && hasManyPages ? listWhole(pattern, bounds) : first;
    }
    /** By GitHub's own filter, which may be exact in case, or find more. A list of one page needs none. */
    async function listByName(pattern, bounds) {
        if (!hasManyPages || !(0,_runner_names_js__WEBPACK_IMPORTED_MODULE_4__/* .isExact */ .u0)(pattern))
            return [];
        return (await readPages(pattern, bounds, (0,_runner_names_js__WEBPACK_IMPORTED_MODULE_4__/* .describePattern */ .Qs)(pattern))).runners;
    }
    async function listWhole(pattern, bounds) {
        const { runners, pages, lacks } = await readPages(pattern, bounds);
        hasManyPages = pages > 1;
        if (lacks === undefined || ((0,_runner_names_js__WEBPACK_IMPORTED_MODULE_4__/* .isExact */ .u0)(pattern) && runners.length > 0))
            return runners;
        const named = await listByName(pattern, bounds);
        if (named.length > 0)
            return named;
        const reason = `its list of ${place.subject} has ${lacks}, and the runner may be among the rest`;
        const error = new _http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .UnusableAnswer */ .kf(reason, { hint: INCOMPLETE });
        bounds.onFault?.((0,_github_faults_js__WEBPACK_IMPORTED_MODULE_3__/* .faultOfUnreadable */ .Bm)(error));
        throw error;
    }
    async function readPages(pattern, bounds, name) {
        const { items, pages, total = 0, isCut, date, } = await client.askForList({
            ...{ ...bounds, ...about, route: `GET ${path}`, memory: ofPages, read: listedRunners },
            parameters: name === undefined ? parameters : { ...parameters, name },
            check(page) {
                for (const item of page)
                    requireReadable(item, pattern);
            },
        });
        const listed = distinct(items.flatMap(({ runner }) => runner ?? []));
        if (date !== undefined)
            onList({ runners: listed, date });
        const fitting = listed.filter(({ name: its }) => pattern === undefined || (0,_runner_names_js__WEBPACK_IMPORTED_MODULE_4__/* .fitsPattern */ .jF)(pattern, its));
        const known = listed.length + items.filter(({ runner }) => runner === undefined).length;
        return {
            runners: fitting,
            pages,
            lacks: isCut || known < total ? `only ${known} of ${total}` : undefined,
        };
    }
    return { getRunner, glanceAt: getRunner, listRunners, shownBusyAt: () => undefined };
}
/** A runner that slips to the next page is there twice: the later entry counts, but it is busy if either says so. */
function distinct(runners) {
    const byId = new Map();
    for (const runner of runners) {
        const isBusy = runner.isBusy || byId.get(runner.id)?.isBusy === true;
        byId.set(runner.id, { ...runner, isBusy });
    }
    return [...byId.values()];
}
const INCOMPLETE = 'Remove registrations that are no longer used. Of more than 10,000 runners, one is found only by its whole name, without "*".';
/** Octokit has no methods for enterprises, so all requests use paths. */
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
        throw new _http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .UnusableAnswer */ .kf('it answered with another runner');
    return runner;
}
/** @throws UnusableAnswer where there is no list. */
function listedRunners(data) {
    const items = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(data) ? data['runners'] : undefined;
    if (!Array.isArray(items))
        throw new _http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .UnusableAnswer */ .kf('it answered without a list of runners');
    if (items.length > _github_client_js__WEBPACK_IMPORTED_MODULE_2__/* .PER_PAGE */ .EK)
        throw new _http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .UnusableAnswer */ .kf('it answered with more runners than were asked for');
    return items.map((item) => {
        return { name: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(item) ? (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(item, 'name') : undefined, runner: runnerFrom(item) };
    });
}
/** @throws UnusableAnswer */
function requireReadable({ name, runner }, pattern) {
    if (runner !== undefined || pattern === undefined)
        return;
    if (name === undefined || (0,_runner_names_js__WEBPACK_IMPORTED_MODULE_4__/* .fitsPattern */ .jF)(pattern, name))
        throw unreadable();
}
function unreadable() {
    return new _http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .UnusableAnswer */ .kf('it answered with a runner that lacks id, name, status or busy');
}
/** @throws UnusableAnswer where it cannot be read. */
function readRunner(data) {
    const runner = runnerFrom(data);
    if (runner === undefined)
        throw unreadable();
    return runner;
}
function runnerFrom(data) {
    const fields = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(data) ? data : {};
    const { id, busy } = fields;
    const [name, status] = [(0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'name'), (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'status')];
    // An unknown status is not "offline": a runner that was seen offline is part of the proof that it came back.
    const isKnown = status === 'online' || status === 'offline';
    if (typeof id !== 'number' || typeof busy !== 'boolean' || name === undefined || !isKnown)
        return undefined;
    const { ephemeral } = fields;
    return {
        ...{ id, name, isOnline: status === 'online', isBusy: busy, labels: labelsFrom(fields) },
        ephemeral: typeof ephemeral === 'boolean' ? ephemeral : undefined,
        version: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'version'),
    };
}
const LONGEST_LABEL = 256;
function labelsFrom({ labels }) {
    return (Array.isArray(labels) ? labels : []).flatMap((label) => {
        const name = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(label) ? (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(label, 'name', LONGEST_LABEL) : undefined;
        if (!(0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(label) || name === undefined)
            return [];
        return { name, type: label['type'] === 'custom' ? 'custom' : 'read-only' };
    });
}
/**
 * The runners that fit the name; more than one only if it has a `*`.
 * @throws ActionError `ambiguous_target`; and what GitHub throws.
 */
async function findRunners(runners, sought, bounds) {
    const found = await runners.listRunners(sought.name, bounds);
    if (found.length > 1 && (0,_runner_names_js__WEBPACK_IMPORTED_MODULE_4__/* .isExact */ .u0)(sought.name))
        throw ambiguousName(sought, found);
    return found;
}
/** @param all the runners of the scope. */
function runnerNotFound({ name, scope }, all) {
    const written = (0,_runner_names_js__WEBPACK_IMPORTED_MODULE_4__/* .describePattern */ .Qs)(name);
    const message = `No self-hosted runner "${written}" is registered in ${(0,_scope_js__WEBPACK_IMPORTED_MODULE_5__/* .describeScope */ .OI)(scope)}; there ${describeAll((0,_runner_names_js__WEBPACK_IMPORTED_MODULE_4__/* .nearestFirst */ .F8)(all, written))}.`;
    const elsewhere = scope.kind === 'repository'
        ? ' A runner of an organization or enterprise is found only if runner_scope names that.'
        : '';
    const hint = `Check runner_name and runner_scope: a runner is listed only where it is registered.${elsewhere}`;
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .ActionError */ .lZ('runner_not_found', message, { hint });
}
function ambiguousName({ name, scope }, found) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .ActionError */ .lZ('ambiguous_target', `${found.length} self-hosted runners are called "${(0,_runner_names_js__WEBPACK_IMPORTED_MODULE_4__/* .describePattern */ .Qs)(name)}" in ${(0,_scope_js__WEBPACK_IMPORTED_MODULE_5__/* .describeScope */ .OI)(scope)}: there ${describeAll(found)}.`, { hint: 'Remove the stale registrations, or give the runners different names.' });
}
const MOST_LISTED = 10;
function describeAll(runners) {
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
/**
 * All labels of the runner: one that is missing would not be restored.
 * @throws UnusableAnswer where one of them cannot be read.
 */
function readLabels(data) {
    const labels = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(data) ? data['labels'] : undefined;
    const isWhole = Array.isArray(labels) && labels.every(isLabel);
    if (!isWhole)
        throw new _http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .UnusableAnswer */ .kf('it answered with a runner whose labels cannot be read');
    return readRunner(data).labels;
}
function isLabel(label) {
    if (!(0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(label) || (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(label, 'name', LONGEST_LABEL) === undefined)
        return false;
    return label['type'] === 'custom' || label['type'] === 'read-only';
}
function createRunnerLabels(client, scope) {
    const { path, parameters } = runnersPath(scope);
    const about = {
        ...{ subject: `the labels of the self-hosted runners of ${(0,_scope_js__WEBPACK_IMPORTED_MODULE_5__/* .describeScope */ .OI)(scope)}`, input: 'runner_scope' },
        permission: (0,_scope_js__WEBPACK_IMPORTED_MODULE_5__/* .changingToken */ .f2)(scope),
    };
    const nothing = () => undefined;
    return {
        async read(id, bounds) {
            const answer = await client.ask({
                ...{ ...bounds, ...about, route: `GET ${path}/{runner_id}`, otherAnswers: [404] },
                ...{ parameters: { ...parameters, runner_id: id }, read: readLabels },
            });
            if ('status' in answer)
                return undefined;
            if (answer.date === undefined)
                throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .ActionError */ .lZ('github_api_failed', 'GitHub answered without a Date, so no label can say until when it holds.');
            return { labels: answer.data, date: answer.date };
        },
        async add(id, label, bounds) {
            await client.ask({
                ...{ ...bounds, ...about, route: `POST ${path}/{runner_id}/labels`, read: nothing },
                parameters: { ...parameters, runner_id: id, labels: [label] },
            });
        },
        async remove(id, label, bounds) {
            await client.ask({
                ...{ ...bounds, ...about, route: `DELETE ${path}/{runner_id}/labels/{name}`, read: nothing },
                ...{ parameters: { ...parameters, runner_id: id, name: label }, otherAnswers: [404] },
            });
        },
    };
}


/***/ }),

/***/ 2160:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  openSources: () => (/* binding */ openSources)
});

// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/http/transport.js + 2 modules
var http_transport = __webpack_require__(6974);
// EXTERNAL MODULE: ./lib/runner/github-client.js + 1 modules
var github_client = __webpack_require__(5330);
// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
;// CONCATENATED MODULE: ./lib/runner/jobs.js
// The jobs source. GitHub's runners API learns late that a runner is busy, and sometimes forgets it; the jobs of a repository
// say on which runner each of them runs. So the runs that are not completed are read, then the jobs of each. This takes its own
// permission, so it may have its own token.



/** How many runs are asked for their jobs at a time: GitHub allows 100 concurrent requests, and a reading must not take long. */
const AT_ONCE = 16;
/** The jobs of one repository. Each reading asks again, regardless of the result before. */
function createJobsSource(place, { clock, log }) {
    const ofRuns = new Map();
    const ofJobs = new Map();
    const kept = createKeptJobs(clock);
    let isTold = false;
    /** A detail: that the refusals are believed is a warning. */
    function tellOnce({ refused }) {
        if (!isTold)
            log.debug(`GitHub does not show the workflow runs (${refused}). ${JOBS_ACCESS.permission}`);
        isTold = true;
    }
    async function readJobs(runs, bounds) {
        const found = new Map();
        kept.begin();
        try {
            await forEachAtOnce(runs, async (run) => {
                const jobs = kept.get(run) ?? (await askForJobs(place, { ...bounds, runId: run.id, memory: ofJobs }));
                kept.keep(run, jobs);
                found.set(run, jobs);
            });
        }
        catch (error) {
            const progress = `the jobs of ${found.size} of ${runs.length} workflow runs`;
            if (found.size > 0 && (0,errors/* isTransient */.dg)(error))
                log.info(`GitHub has given ${progress} so far; the next read continues from there`);
            throw error;
        }
        kept.finish();
        return [...found.values()].flat();
    }
    return {
        async runningJobs(bounds) {
            const runs = await askForRuns(place, { ...bounds, memory: ofRuns });
            if ('refused' in runs) {
                tellOnce(runs);
                return runs;
            }
            return (await readJobs(runs, bounds)).filter(({ status }) => status === 'in_progress');
        },
    };
}
// ---- what is kept ----
/** How long what was read is kept for a reading that takes several calls: in milliseconds. */
const KEPT_MS = 90_000;
/** How long it is kept once the reading is finished: in milliseconds. The jobs are read again right before the restart. */
const KEPT_AFTER_MS = 10_000;
/**
 * The jobs by run, so that a reading that ran out of time resumes where it stopped. A run that has changed since is
 * read again. After a complete reading, the next one starts from scratch.
 */
function createKeptJobs(clock) {
    const kept = new Map();
    let usableUntil = Number.NEGATIVE_INFINITY;
    let isResumed = false;
    const keyOf = ({ id, state }) => `${id} ${state}`;
    return {
        begin() {
            if (clock.now() > usableUntil)
                kept.clear();
            isResumed = kept.size > 0;
            usableUntil = clock.now() + KEPT_MS;
        },
        get(run) {
            const one = kept.get(keyOf(run));
            return one !== undefined && clock.now() - one.readAt <= KEPT_MS ? one.jobs : undefined;
        },
        keep(run, jobs) {
            const before = kept.get(keyOf(run));
            if (before?.jobs !== jobs)
                kept.set(keyOf(run), { jobs, readAt: clock.now() });
        },
        finish() {
            usableUntil = isResumed ? clock.now() + KEPT_AFTER_MS : Number.NEGATIVE_INFINITY;
        },
    };
}
/** The jobs source of a step that runs for no repository. */
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
/** Reads the jobs of all attempts of a run. @throws ActionError as the GitHub client does. */
async function readRunJobs(place, runId, bounds) {
    const question = { ...jobsQuestion(place, { runId, filter: 'all' }), input: 'run_id' };
    const { items, date } = await place.client.askForList({ ...bounds, ...question });
    return { jobs: latestOf(items), readAt: date };
}
/** After "Re-run failed jobs" a job is there once per attempt that ran it. */
function latestOf(jobs) {
    const attempts = new Map();
    for (const { name, attempt } of jobs)
        attempts.set(name, Math.max(attempt, attempts.get(name) ?? 0));
    return jobs.filter(({ name, attempt }) => attempts.get(name) === attempt);
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
            return { refused: list.said, isFinal: false, isPartial: true };
        requireWhole(list, 'workflow runs', request);
        for (const run of list.items)
            runs.set(run.id, run);
    }
    return [...runs.values()];
}
/** @throws ActionError, transient, where the list lacks some: one of those may be on the runner. */
function requireWhole({ items, total = 0, isCut }, what, { onFault }) {
    if (!isCut)
        return;
    const reason = `its list of ${what} ends after ${items.length}${total > items.length ? ` of ${total}` : ''}`;
    onFault?.({ kind: 'incomplete list', reason, hint: TOO_MANY, nature: 'passing' });
    throw new errors/* ActionError */.lZ('github_api_failed', `GitHub cannot be queried: ${reason}.`, {
        hint: TOO_MANY,
        isTransient: true,
    });
}
const TOO_MANY = 'Cancel runs that are no longer needed, or set when_busy: ignore.';
function askForRunsOf({ client, repository: { owner, repo } }, status, request) {
    return client.askForList({
        ...{ ...request, ...JOBS_ACCESS, subject: `the workflow runs of repository ${owner}/${repo}` },
        route: 'GET /repos/{owner}/{repo}/actions/runs',
        parameters: { owner, repo, status, exclude_pull_requests: true },
        ...{ read: readRuns, otherAnswers: REFUSED_JOBS },
    });
}
/** @throws ActionError, transient, where the run is gone by now: it was deleted, so it had ended. */
async function askForJobs(place, request) {
    const list = await place.client.askForList({
        ...{ ...jobsQuestion(place, request), ...request, otherAnswers: REFUSED_JOBS },
    });
    if ('items' in list) {
        requireWhole(list, `jobs of run ${request.runId}`, request);
        return list.items;
    }
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
    input: 'the name of the repository',
};
/** HTTP 401 is not among them: a token that GitHub does not know cannot read the runners, either. */
const REFUSED_JOBS = [403, 404];
/** A few at a time; none starts once one has failed. */
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
/** All results. If one throws, waits until none is running, then throws that error. */
async function allOf(tasks) {
    await Promise.allSettled(tasks);
    return Promise.all(tasks);
}
// ---- answers ----
/** Matrix jobs have long names. */
const LONGEST_SHOWN_NAME = 1_000;
/** @throws UnusableAnswer where there is no list of runs, or one of them has no ID. */
function readRuns(data) {
    const runs = (0,json/* isRecord */.u4)(data) ? data['workflow_runs'] : undefined;
    if (!Array.isArray(runs))
        throw new json/* UnusableAnswer */.kf('it answered without a list of workflow runs');
    if (runs.length > github_client/* PER_PAGE */.EK)
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
        ...{
            name: (0,json/* text */.Qq)(fields, 'name', LONGEST_SHOWN_NAME) ?? '',
            status,
            conclusion: (0,json/* text */.Qq)(fields, 'conclusion'),
        },
        completedAt: Number.isNaN(completedAt) ? undefined : completedAt,
        labels: (Array.isArray(labels) ? labels : []).filter((label) => typeof label === 'string'),
        // GitHub writes 0 where it has no ID for a runner.
        runnerId: typeof id === 'number' && id > 0 ? id : undefined,
        ...{ runnerName: (0,json/* text */.Qq)(fields, 'runner_name'), runnerGroup: (0,json/* text */.Qq)(fields, 'runner_group_name') },
    };
}

// EXTERNAL MODULE: ./lib/runner/runners.js
var runners = __webpack_require__(2309);
// EXTERNAL MODULE: ./lib/runner/scope.js
var runner_scope = __webpack_require__(5918);
;// CONCATENATED MODULE: ./lib/runner/sources.js






const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };
/** Connects to GitHub. */
function openSources(options) {
    const { scope, apiUrl: baseUrl, proxy, requestTimeoutMs, dispatchers, clock, random, log } = options;
    const connection = { proxy, tls: PUBLIC_TLS, requestTimeoutMs, clock, dispatchers };
    const transport = (0,http_transport/* createTransport */.o)({ baseUrl, ...connection });
    const github = (0,github_client/* createGitHub */.Cl)({
        ...{ baseUrl: baseUrl.href.replace(/\/+$/, ''), transport, clock, random, debug: log.debug },
    });
    const token = (0,github_client/* createToken */.Ey)('github_token', options.token);
    const placeOf = (repository) => {
        return { client: github.clientWith(jobsTokens(token, repository, options)), repository };
    };
    const repository = (0,runner_scope/* repositoryOf */._M)(scope, options.repository);
    const place = repository && placeOf(repository);
    const own = (0,runner_scope/* parseScope */.Sk)(options.repository);
    return {
        runners: (0,runners/* createRunners */.oZ)(github.clientWith([token]), scope, options.onList),
        labels: (0,runners/* createRunnerLabels */.WC)(github.clientWith([token]), scope),
        jobs: place === undefined ? createNoJobsSource(log) : createJobsSource(place, { clock, log }),
        async readRun(runId, bounds) {
            if (own?.kind !== 'repository')
                throw noRepository();
            return readRunJobs(placeOf(own), runId, bounds);
        },
        close() {
            log.debug(github.describeUsage());
            return transport.close();
        },
    };
}
function noRepository() {
    return new errors/* ActionError */.lZ('invalid_input', 'used_by_job reads a workflow run, but GITHUB_REPOSITORY is not set.', {
        hint: 'Run the step in a workflow, where GitHub sets it.',
    });
}
/** Those that can read the jobs of a repository; the one to try first comes first. */
function jobsTokens(token, { owner, repo }, { jobsToken = '', repository }) {
    const isOwn = `${owner}/${repo}`.toLowerCase() === repository.toLowerCase();
    const isOther = jobsToken !== '' && jobsToken !== token.value;
    return isOwn && isOther ? [(0,github_client/* createToken */.Ey)('jobs_token', jobsToken), token] : [token];
}


/***/ })

};
