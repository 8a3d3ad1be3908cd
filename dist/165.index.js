export const id = 165;
export const ids = [165];
export const modules = {

/***/ 5233:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Gx: () => (/* binding */ minutes),
/* harmony export */   Wh: () => (/* binding */ unlessAborted),
/* harmony export */   YA: () => (/* binding */ seconds),
/* harmony export */   kL: () => (/* binding */ isTimeout),
/* harmony export */   ml: () => (/* binding */ systemClock),
/* harmony export */   tm: () => (/* binding */ NEVER),
/* harmony export */   ux: () => (/* binding */ within)
/* harmony export */ });
const systemClock = {
    now: () => performance.now(),
    sleep: (ms, signal) => new Promise((resolve, reject) => {
        if (signal.aborted)
            return reject(signal.reason);
        const wake = () => {
            signal.removeEventListener('abort', stop);
            resolve();
        };
        const stop = () => {
            clearTimeout(timer);
            reject(signal.reason);
        };
        const timer = setTimeout(wake, Math.max(0, ms));
        signal.addEventListener('abort', stop, { once: true });
    }),
};
/** For work that no signal stops. */
const NEVER = new AbortController().signal;
/** The reason for stopping a timer whose work is done. Created once, because errors are expensive to create. */
const WORK_IS_OVER = new DOMException('the work is over', 'AbortError');
/** If a timer is this late, the process was suspended. In milliseconds. */
const LATE_MS = 250;
/** Time to read what arrived meanwhile: in milliseconds. */
const READ_MS = 50;
/** Throws once the limit is reached. If the process was suspended past it, an answer that already arrived gets a moment to be read. */
async function overAfter(clock, { ms, signal }) {
    const dueAt = clock.now() + ms;
    await clock.sleep(ms, signal);
    if (clock.now() - dueAt > LATE_MS)
        await clock.sleep(READ_MS, signal);
    throw new DOMException('the time allowed is over', 'TimeoutError');
}
/**
 * Runs `work` and stops waiting for it once its limit is reached, even if it ignores its signal. Rejects with a `TimeoutError` after
 * `ms` (see {@link isTimeout}), and with the signal's reason after an abort.
 */
async function within(clock, { ms, signal }, work) {
    signal.throwIfAborted();
    const [stopTimer, stopWork] = [new AbortController(), new AbortController()];
    const pass = () => stopTimer.abort(signal.reason);
    signal.addEventListener('abort', pass);
    const limit = overAfter(clock, { ms, signal: stopTimer.signal });
    try {
        return await Promise.race([limit, work(stopWork.signal)]);
    }
    finally {
        signal.removeEventListener('abort', pass);
        stopTimer.abort(WORK_IS_OVER);
        stopWork.abort(WORK_IS_OVER);
    }
}
/** Stops waiting for `work` when `signal` aborts; the work goes on. Rejects with the signal's reason then. */
async function unlessAborted(signal, work) {
    const aborted = Promise.withResolvers();
    const stop = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', stop);
    if (signal.aborted)
        stop();
    try {
        return await Promise.race([aborted.promise, work]);
    }
    finally {
        signal.removeEventListener('abort', stop);
    }
}
function isTimeout(error) {
    return error instanceof DOMException && error.name === 'TimeoutError';
}
/** Formats milliseconds, e.g. `5.1 s`. */
function seconds(ms) {
    return `${(ms / 1000).toFixed(1)} s`;
}
/** Formats the milliseconds left, in whole seconds: `4 min 10 s`, `35 s`. */
function minutes(ms) {
    const left = Math.max(0, Math.ceil(ms / 1_000));
    const [whole, rest] = [Math.floor(left / 60), left % 60];
    const parts = [...(whole > 0 ? [`${whole} min`] : []), ...(rest > 0 || whole === 0 ? [`${rest} s`] : [])];
    return parts.join(' ');
}


/***/ }),

/***/ 4917:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Hd: () => (/* binding */ isTerminal),
/* harmony export */   Lv: () => (/* binding */ WELL_KNOWN),
/* harmony export */   O1: () => (/* binding */ isUuid),
/* harmony export */   Oj: () => (/* binding */ looksFailed),
/* harmony export */   UQ: () => (/* binding */ runningConditions),
/* harmony export */   WB: () => (/* binding */ isSameId),
/* harmony export */   W_: () => (/* binding */ isRunning),
/* harmony export */   XK: () => (/* binding */ notTheApi),
/* harmony export */   qZ: () => (/* binding */ instanceFrom),
/* harmony export */   xV: () => (/* binding */ LONGEST_EXTERNAL_ID)
/* harmony export */ });
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7030);
/* harmony import */ var _dates_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3534);
/* harmony import */ var _http_json_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1528);



/** The documented values of `instance_state` and `vminfo.status`. */
const WELL_KNOWN = new Set([
    'Scheduling',
    'Pulling',
    'Started',
    'Stopping',
    'Stopped',
    'Terminating',
    'Terminated',
    'Error',
    'Pushing',
    'running',
    'stopped',
    'suspended',
    'deleted',
]);
/** The values of both fields when a VM is running. The only place that defines it. */
function runningConditions({ state, status }) {
    return { instance_state: state === 'Started', status: status === 'running' };
}
function isRunning(instance) {
    const conditions = runningConditions(instance);
    return conditions.instance_state && conditions.status;
}
/** These states are final. */
function isTerminal({ state }) {
    return state === 'Terminating' || state === 'Terminated';
}
function looksFailed(instance) {
    return isTerminal(instance) || instance.state === 'Error' || instance.status === 'deleted';
}
/** Most likely another API, unless there was a good answer before. */
function notTheApi(what) {
    return new _http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .UnusableAnswer */ .kf(what, { nature: 'mistake' });
}
function isSameId(one, other) {
    return one.toLowerCase() === other.toLowerCase();
}
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
function isUuid(text) {
    return UUID.test(text);
}
const ID = /^[\w.:-]{1,100}$/;
function instanceFrom(fields) {
    const instanceId = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'instance_id') ?? '';
    const state = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'instance_state');
    if (!ID.test(instanceId))
        throw new _http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .UnusableAnswer */ .kf('the instance has no usable instance_id');
    if (state === undefined)
        throw notTheApi('the instance has no instance_state');
    return {
        instanceId,
        state,
        externalId: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'external_id', LONGEST_EXTERNAL_ID),
        name: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'name'),
        message: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'message', LONGEST_MESSAGE),
        nodeId: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'node_id'),
        updatedAt: instant(fields, 'ts'),
        answeredAtMs: undefined,
        ...vmFrom((0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(fields['vminfo']) ? fields['vminfo'] : {}),
    };
}
function vmFrom(fields) {
    const forwarding = fields['port_forwarding'];
    const hostIp = address(fields, 'host_ip') ?? hostName(fields, 'host_ip');
    return {
        uuid: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'uuid'),
        status: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'status'),
        startDate: instant(fields, 'start_date'),
        stopDate: instant(fields, 'stop_date'),
        startDateText: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, 'start_date'),
        reportedAt: instant(fields, 'timestamp'),
        hostIp,
        unusableHostIp: hostIp === undefined ? asWritten(fields['host_ip']) : undefined,
        ip: address(fields, 'ip'),
        vncPort: port(fields, 'vnc_port'),
        portForwarding: Array.isArray(forwarding)
            ? forwarding.slice(0, MOST_FORWARDINGS).flatMap(forwardingFrom)
            : [],
    };
}
function forwardingFrom(item) {
    if (!(0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(item))
        return [];
    const [guestPort, hostPort] = [port(item, 'guest_port'), port(item, 'host_port')];
    if (guestPort === undefined || hostPort === undefined)
        return [];
    // Old versions spell it `Name`.
    const name = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(item, 'name') ?? (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(item, 'Name');
    return [{ guestPort, hostPort, protocol: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(item, 'protocol'), name }];
}
const LONGEST_MESSAGE = 1_000;
const LONGEST_HOST_NAME = 253;
const MOST_FORWARDINGS = 256;
/** In characters; the input `external_id` may be as long. */
const LONGEST_EXTERNAL_ID = 500;
function instant(fields, key) {
    const value = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, key);
    return value === undefined ? undefined : (0,_dates_js__WEBPACK_IMPORTED_MODULE_2__/* .parseInstant */ .nV)(value);
}
function address(fields, key) {
    const value = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, key);
    return value !== undefined && (0,node_net__WEBPACK_IMPORTED_MODULE_0__.isIP)(value) !== 0 ? value : undefined;
}
const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
/** The last part is not a number: that would be an IP address, or invalid. */
const HOST_NAME = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)*(?!\\d+\\.?$)${LABEL}\\.?$`, 'i');
/** A node may join with a host name instead of an IP address. */
function hostName(fields, key) {
    const value = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, key, LONGEST_HOST_NAME);
    return value !== undefined && HOST_NAME.test(value) ? value : undefined;
}
/** For messages; undefined if the field is absent or empty. */
function asWritten(value) {
    if (value === undefined || value === null || value === '')
        return undefined;
    return (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)({ value: typeof value === 'string' ? value : JSON.stringify(value) }, 'value');
}
function port(fields, key) {
    const value = fields[key];
    return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65_535
        ? value
        : undefined;
}


/***/ }),

/***/ 3534:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   QI: () => (/* binding */ compareInstants),
/* harmony export */   nV: () => (/* binding */ parseInstant),
/* harmony export */   nl: () => (/* binding */ millisecondsBetween),
/* harmony export */   wI: () => (/* binding */ shifted)
/* harmony export */ });
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;
const EARLIEST_YEAR = 2002;
/**
 * Reads an RFC 3339 date with a fraction of up to nine digits and any offset.
 * @returns undefined if the text is not a date, and for dates before 2002: Go writes "none" as `0001-01-01T00:00:00Z`, others
 * as the epoch of Unix (1970) or of Apple (2001), and no VM booted then.
 */
function parseInstant(text) {
    const match = RFC_3339.exec(text);
    if (match === null)
        return undefined;
    const part = (index) => Number(match[index] ?? 0);
    const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
    const [offsetHours, offsetMinutes] = [part(9), part(10)];
    const daysInMonth = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
    const inRange = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth && hour <= 23 && minute <= 59 && second <= 60;
    if (!inRange || offsetHours > 23 || offsetMinutes > 59)
        return undefined;
    const offsetMs = (match[8] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes) * 60_000;
    const epochMs = Date.UTC(year, month - 1, day, hour, minute, second) - offsetMs;
    const nanoseconds = BigInt((match[7] ?? '').padEnd(9, '0'));
    // Date.UTC maps the years 0 to 99 to 1900 to 1999, so `year` itself is compared.
    if (year < EARLIEST_YEAR)
        return undefined;
    return { text, epochNanoseconds: BigInt(epochMs) * 1000000n + nanoseconds };
}
/** Negative if `a` is earlier than `b`, positive if it is later, 0 for the same instant. */
function compareInstants(a, b) {
    return Number(a.epochNanoseconds - b.epochNanoseconds);
}
/** Negative if `to` is earlier than `from`. */
function millisecondsBetween(from, to) {
    return compareInstants(to, from) / 1_000_000;
}
/** The instant `ms` milliseconds later. It keeps the text that was written. */
function shifted({ text, epochNanoseconds }, ms) {
    return { text, epochNanoseconds: epochNanoseconds + BigInt(Math.round(ms)) * 1000000n };
}


/***/ }),

/***/ 4542:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Cf: () => (/* binding */ MOST_DRAINED),
/* harmony export */   Fg: () => (/* binding */ markOf),
/* harmony export */   Gj: () => (/* binding */ isTakenOver),
/* harmony export */   M$: () => (/* binding */ MARK),
/* harmony export */   Ok: () => (/* binding */ marksOf),
/* harmony export */   Rp: () => (/* binding */ shownOf),
/* harmony export */   S6: () => (/* binding */ expiredMarks),
/* harmony export */   TN: () => (/* binding */ keyOf),
/* harmony export */   ZN: () => (/* binding */ isReplaceable),
/* harmony export */   b: () => (/* binding */ liveMarks),
/* harmony export */   bf: () => (/* binding */ ownerOf),
/* harmony export */   cu: () => (/* binding */ doubtfulMarks),
/* harmony export */   qi: () => (/* binding */ isMark),
/* harmony export */   zW: () => (/* binding */ originalOf)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(452);
/* harmony import */ var _http_json_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1528);
// Reads and writes the marks of drains (pure). A mark is a label of the form `LABEL.drained-RUNID-UNIXTIME`: it replaces LABEL until the drain
// ends, and the drain expires at UNIXTIME by GitHub's clock. `RUNID-UNIXTIME` is the owner.


/** A step drains at most this many runners at once: GitHub's rate limit counts a change of labels like five reads. */
const MOST_DRAINED = 20;
const MARK = '.drained-';
/** A user's own label may contain `.drained-`, but is unlikely to have this form. */
const MARKED = /^(.+)\.drained-(\d+)-(\d{10})$/s;
/** GitHub's limit for a label, in characters. */
const LONGEST_LABEL = 256;
/** A URL that ends in one of these names is the URL of something else, so no request can remove such a label. See github-fetch.ts. */
const UNREMOVABLE = ['', '.', '..'];
/**
 * @param expiresAt by GitHub's clock, in milliseconds since 1970.
 * @throws ActionError `github_api_failed` if no step could recognize the marks of this owner.
 */
function ownerOf(runId, expiresAt) {
    const owner = `${runId}-${Math.ceil(expiresAt / 1_000)}`;
    if (markFrom(markOf('label', owner))?.owner === owner)
        return owner;
    const message = `The labels of a drain would end in "${MARK}${owner}", and no later step could recognize them. No label was changed.`;
    const hint = 'Check GITHUB_RUN_ID, which must be a number, and the clock of the server that GITHUB_API_URL names.';
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .ActionError */ .lZ('github_api_failed', message, { hint });
}
function markOf(original, owner) {
    return `${original}${MARK}${owner}`;
}
function markFrom(label) {
    const [, original = '', runId = '', end = ''] = MARKED.exec(label) ?? [];
    if (original === '')
        return undefined;
    return { label, original, owner: `${runId}-${end}`, runId, expiresAt: Number(end) * 1_000 };
}
/** The label that a mark replaces; any other label is returned as it is. */
function originalOf(label) {
    return markFrom(label)?.original ?? label;
}
function isMark(label) {
    return markFrom(label) !== undefined;
}
/** Whether the label's mark is short enough for GitHub, and a request can remove the label. */
function isReplaceable(name, owner) {
    // A description stands for a label that was too long to keep.
    const isShort = !(0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isDescription */ .Zu)(name) && markOf(name, owner).length <= LONGEST_LABEL;
    return isShort && !UNREMOVABLE.includes(name);
}
// ---- the labels that a runner has ----
/** Which of these names the runner has as labels. */
function shownOf(names, { labels }) {
    const shown = new Set(labels.map(({ name }) => keyOf(name)));
    return [...names].filter((name) => shown.has(keyOf(name)));
}
/** GitHub ignores case in labels. */
function keyOf(label) {
    return label.toLowerCase();
}
function marksIn({ labels }) {
    return labels.flatMap(({ name }) => markFrom(name) ?? []);
}
function marksOf(owner, seen) {
    return marksIn(seen).filter((mark) => mark.owner === owner);
}
/** The marks of drains that are still running. */
function liveMarks(seen) {
    return marksIn(seen).filter(({ expiresAt }) => expiresAt > seen.date);
}
/** The marks of expired drains; none while any drain of the runner is still running. */
function expiredMarks(seen) {
    return liveMarks(seen).length === 0 ? marksIn(seen) : [];
}
/** Whether the runner has only marks of other drains: it lost this drain's marks when it registered again, and then another step drained it. */
function isTakenOver({ owner }, seen) {
    return marksIn(seen).length > 0 && marksOf(owner, seen).length === 0;
}
/**
 * This drain's marks that may be on the runner although the read does not show them. A read that lags behind still shows the label that such a
 * mark has replaced, or an earlier drain's mark of it.
 */
function doubtfulMarks({ owner, names }, seen) {
    const others = marksIn(seen).filter((mark) => mark.owner !== owner);
    const before = [...seen.labels, ...others.map(({ original: name }) => ({ name, type: 'custom' }))];
    return shownOf(names, { labels: before }).flatMap((name) => markFrom(markOf(name, owner)) ?? []);
}


/***/ }),

/***/ 1688:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Bm: () => (/* binding */ faultOfUnreadable),
/* harmony export */   CS: () => (/* binding */ describeReply),
/* harmony export */   TR: () => (/* binding */ faultOfDenial),
/* harmony export */   UW: () => (/* binding */ rateLimitMs),
/* harmony export */   j3: () => (/* binding */ faultOfLimit),
/* harmony export */   nw: () => (/* binding */ isAboutToken)
/* harmony export */ });
/* harmony import */ var _clock_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5233);
/* harmony import */ var _http_json_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1528);
/* harmony import */ var _http_retry_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8394);
// What an unexpected answer from GitHub means: a rate limit, a refusal, or a temporary fault.



/** The pause if GitHub limits requests without saying for how long: in milliseconds. */
const UNSAID_MS = 60_000;
/** The quota is renewed each hour, so no longer pause makes sense. In milliseconds. */
const LONGEST_MS = 3_600_000;
/** Added because the limit ends at some time within the second that GitHub names: in milliseconds. */
const LIMIT_MARGIN_MS = 1_000;
/**
 * How long GitHub accepts no requests, in milliseconds: because the hourly quota is used up (primary limit), or because there were too many
 * requests at once (secondary limit). Undefined if the answer has another reason. Pure: the current time comes from the answer itself.
 */
function rateLimitMs(reply) {
    if (!LIMITS.includes(reply.status))
        return undefined;
    const ms = askedMs(reply);
    if (ms !== undefined)
        return Math.min(LONGEST_MS, ms);
    return reply.status === 429 || isUsedUp(reply) || mentionsLimit(reply) ? UNSAID_MS : undefined;
}
/** The pause that the answer asks for, in milliseconds: by Retry-After, or by the time at which the quota is renewed. */
function askedMs(reply) {
    const { headers } = reply;
    const date = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(headers, 'date');
    const waitMs = (0,_http_retry_js__WEBPACK_IMPORTED_MODULE_2__/* .parseRetryAfter */ .mu)((0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(headers, 'retry-after'), date);
    if (waitMs !== undefined || !isUsedUp(reply))
        return waitMs;
    const ms = Number((0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(headers, 'x-ratelimit-reset')) * 1_000 - Date.parse(date ?? '');
    return Number.isNaN(ms) ? undefined : Math.max(0, ms) + LIMIT_MARGIN_MS;
}
function isUsedUp({ status, headers }) {
    return LIMITS.includes(status) && headers['x-ratelimit-remaining'] === '0';
}
/** GitHub answers with these statuses if it limits requests; 403 can also be a refusal. */
const LIMITS = [403, 429];
function mentionsLimit({ data }) {
    const message = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(data) ? data['message'] : data;
    return typeof message === 'string' && /rate limit/i.test(message);
}
/** Whether another token may get another answer: GitHub does not accept this one, denies it access, or limits its requests. */
function isAboutToken(reply) {
    return DENIALS.includes(reply.status) || rateLimitMs(reply) !== undefined;
}
const DENIALS = [401, 403, 404];
/** e.g. `HTTP 403 ("Resource not accessible by integration")`. */
function describeReply({ status, data }) {
    const message = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isRecord */ .u4)(data) ? (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(data, 'message') : undefined;
    return `HTTP ${status}${message === undefined ? '' : ` ("${message}")`}`;
}
function faultOfDenial(denial, access) {
    const { reply } = denial;
    const limitMs = rateLimitMs(reply);
    if (limitMs === undefined && !(0,_http_retry_js__WEBPACK_IMPORTED_MODULE_2__/* .isTransientStatus */ .Dm)(reply.status))
        return refusalOf(denial, access);
    const ms = askedMs(reply);
    const request = ms === undefined ? '' : `, asking to wait for ${(0,_clock_js__WEBPACK_IMPORTED_MODULE_0__/* .minutes */ .Gx)(ms)}`;
    const fault = faultWith(`it answered ${describeReply(reply)}${request}`);
    const waitMs = limitMs ?? ms;
    if (waitMs === undefined)
        return fault;
    return { ...fault, waitMs, nature: 'quota', hint: limitMs === undefined ? CHECK_STATUS : LESS_OFTEN };
}
const LESS_OFTEN = 'GitHub limits the requests of a token. Use a token with fewer other users (each GitHub App has its own quota), or run the step later.';
/** If rate limits suspend all tokens. */
function faultOfLimit(waitMs) {
    const reason = `its rate limit allows no request for another ${(0,_clock_js__WEBPACK_IMPORTED_MODULE_0__/* .minutes */ .Gx)(waitMs)}`;
    return { ...faultWith(reason), nature: 'quota', waitMs, hint: LESS_OFTEN };
}
/** A refusal by GitHub, or an answer from a server that is not GitHub's API. */
function refusalOf(denial, access) {
    const { status } = denial.reply;
    const [message, hint] = (REFUSALS[status] ?? otherRefusal)(denial, access);
    // Any refusal may be temporary, even if it looks permanent: a gateway that is starting can answer with any status.
    return { ...faultWith(`it answered ${denial.said}`), nature: 'denial', message, hint };
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
        `GitHub does not find ${subject} with ${tokens}: ${said}${wanted(reply)}. It does not exist, or the token cannot see it.`,
        `Check the spelling of ${input}, and ${tokens}. ${permission}`,
    ],
};
const otherRefusal = ({ said }, { subject, input }) => [
    `GitHub answered the request for ${subject} with ${said}.`,
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

/***/ 892:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   H6: () => (/* binding */ runnerNameIn),
/* harmony export */   K_: () => (/* binding */ mayBeIn),
/* harmony export */   Kc: () => (/* binding */ hasPlaceholder),
/* harmony export */   Qs: () => (/* binding */ describePattern),
/* harmony export */   S5: () => (/* binding */ fitsText),
/* harmony export */   VG: () => (/* binding */ fixedPattern),
/* harmony export */   ax: () => (/* binding */ keyOfName),
/* harmony export */   jF: () => (/* binding */ fitsPattern),
/* harmony export */   mC: () => (/* binding */ around),
/* harmony export */   mz: () => (/* binding */ unknownPlaceholder),
/* harmony export */   rV: () => (/* binding */ hasValues),
/* harmony export */   u0: () => (/* binding */ isExact),
/* harmony export */   ut: () => (/* binding */ fillPattern),
/* harmony export */   yS: () => (/* binding */ isSameName)
/* harmony export */ });
/* unused harmony exports fillName, exactly */
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(452);
/* harmony import */ var _http_json_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1528);
// The name of the runner in a VM, from `runner_name`: placeholders stand for values of the instance, `*` for any text.


const PLACEHOLDERS = {
    '{external_id}': ({ externalId }) => externalId,
    '{name}': ({ name }) => name,
    '{instance_id}': ({ instanceId }) => instanceId,
    '{uuid}': ({ uuid }) => uuid,
};
const BRACES = /\{[^{}]*\}/g;
const BRACES_OR_ONE = /\{[^{}]*\}?|\}/g;
const ANY_TEXT = '*';
/** The first text in braces, closed or not, that is not a placeholder; undefined if all are. */
function unknownPlaceholder(template) {
    return template.match(BRACES_OR_ONE)?.find((word) => PLACEHOLDERS[word] === undefined);
}
/** In characters. GitHub's own limit is 64. */
const LONGEST_NAME = 1_000;
/** A runner's name in an answer of GitHub; undefined if it is missing, or too long to be compared. */
function runnerNameIn(fields, key) {
    const name = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq)(fields, key, LONGEST_NAME);
    return name === undefined || (0,_http_json_js__WEBPACK_IMPORTED_MODULE_1__/* .isDescription */ .Zu)(name) ? undefined : name;
}
function hasPlaceholder(template) {
    return template.search(BRACES) >= 0;
}
/**
 * Fills in the placeholders from the instance. A `*` in a value does not stand for any text.
 * @throws ActionError as {@link fillName} does.
 */
function fillPattern(template, instance) {
    return { parts: template.split(ANY_TEXT).map((part) => fillName(part, instance)) };
}
/** The pattern, if it is the same for every instance. */
function fixedPattern(template) {
    return hasPlaceholder(template) ? undefined : { parts: template.split(ANY_TEXT) };
}
/** Whether the instance has a value for each placeholder. */
function hasValues(instance, template) {
    const words = template.match(BRACES) ?? [];
    return words.every((word) => PLACEHOLDERS[word]?.(instance) !== undefined);
}
/** Whether a runner of this name may be in the VM. A VM that lacks a value for a placeholder has no runner. */
function mayBeIn(instance, template, runnerName) {
    return hasValues(instance, template) && fitsPattern(fillPattern(template, instance), runnerName);
}
/** @throws ActionError `runner_not_found` if the instance lacks a value, or the reason why its names could not be read. */
function fillName(template, instance) {
    const name = template.replace(BRACES, (word) => {
        const value = PLACEHOLDERS[word]?.(instance);
        if (value !== undefined)
            return value;
        if (instance.unreadNames !== undefined)
            throw instance.unreadNames;
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .ActionError */ .lZ('runner_not_found', `runner_name contains ${word}, but instance ${instance.instanceId} has none.`, { hint: 'Use a placeholder that the instance has a value for, or write the name of the runner.' });
    });
    // A lone surrogate cannot be sent.
    return name.toWellFormed();
}
/** The pattern that only this name fits. */
function exactly(name) {
    return { parts: [name] };
}
/** The pattern that every name fits that contains this text. */
function around(text) {
    return { parts: ['', text, ''] };
}
/** Whether only one name fits. */
function isExact({ parts }) {
    return parts.length === 1;
}
/** For messages. */
function describePattern({ parts }) {
    return parts.join(ANY_TEXT);
}
function fitsPattern({ parts }, name) {
    return fitsText(parts.map(keyOfName), keyOfName(name));
}
/** Whether a text consists of these parts with any text, even none, between them. In linear time, because the text may come from a server. */
function fitsText(parts, text) {
    let from = 0;
    for (const [index, part] of parts.entries()) {
        const isLast = index === parts.length - 1;
        const at = isLast ? text.length - part.length : text.indexOf(part, from);
        const isThere = at >= from && text.startsWith(part, at);
        if (!isThere || (index === 0 && at > 0))
            return false;
        from = at + part.length;
    }
    return true;
}
function isSameName(one, other) {
    return keyOfName(one) === keyOfName(other);
}
/** The same for two names of one runner: case does not matter, and macOS tools may write an accented letter as two characters. */
function keyOfName(name) {
    return name.toLowerCase().normalize('NFC');
}


/***/ }),

/***/ 7411:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   OI: () => (/* binding */ describeScope),
/* harmony export */   Sk: () => (/* binding */ parseScope),
/* harmony export */   _M: () => (/* binding */ repositoryOf),
/* harmony export */   dK: () => (/* binding */ mayServe),
/* harmony export */   f2: () => (/* binding */ changingToken),
/* harmony export */   jr: () => (/* binding */ fittingToken),
/* harmony export */   xr: () => (/* binding */ runnersPath)
/* harmony export */ });
// The repository, organization or enterprise where a runner is registered.
const ENTERPRISES = 'enterprises/';
const OWNER = /^[A-Za-z0-9][\w-]{0,99}$/;
const REPO = /^(?!\.{1,2}$)[\w.-]{1,100}$/;
/** Reads `owner/repo`, an organization's name, or `enterprises/NAME`; undefined for anything else. */
function parseScope(text) {
    if (text.startsWith(ENTERPRISES)) {
        const enterprise = text.slice(ENTERPRISES.length);
        return OWNER.test(enterprise) ? { kind: 'enterprise', enterprise } : undefined;
    }
    const slash = text.indexOf('/');
    if (slash < 0)
        return OWNER.test(text) ? { kind: 'organization', org: text } : undefined;
    const [owner, repo] = [text.slice(0, slash), text.slice(slash + 1)];
    return OWNER.test(owner) && REPO.test(repo) ? { kind: 'repository', owner, repo } : undefined;
}
/** For messages, e.g. `repository octo-org/app`. */
function describeScope(scope) {
    switch (scope.kind) {
        case 'repository':
            return `repository ${scope.owner}/${scope.repo}`;
        case 'organization':
            return `organization ${scope.org}`;
        case 'enterprise':
            return `enterprise ${scope.enterprise}`;
    }
}
/** For a route of octokit, which has no methods for enterprises. */
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
/** The tokens that can read the runners of a scope. The GITHUB_TOKEN of a job never can. */
const TOKENS = {
    repository: 'a fine-grained token or an app\'s with the repository permission "Administration: read", or a classic one with the scope repo',
    organization: 'a fine-grained token or an app\'s with the organization permission "Self-hosted runners: read", or a classic one with the scope admin:org',
    enterprise: 'a classic token with the scope manage_runners:enterprise',
};
/** The tokens that can change the labels of a scope's runners. */
const CHANGING_TOKENS = {
    repository: 'the repository permission "Administration: write", or the scope repo of a classic token',
    organization: 'the organization permission "Self-hosted runners: write", or the scope admin:org of a classic token',
    enterprise: 'a classic token with the scope manage_runners:enterprise',
};
/** The permission that `drain` needs, for hints. */
function changingToken({ kind }) {
    return `Draining runners requires ${CHANGING_TOKENS[kind]}.`;
}
/** Which kind of token works, for hints. */
function fittingToken({ kind }) {
    return `It takes ${TOKENS[kind]}; GITHUB_TOKEN cannot read runners.`;
}
/** The repository whose jobs to read: the scope's if it is one, otherwise the workflow's (`owner/repo`). Undefined if neither is known. */
function repositoryOf(scope, workflowRepository) {
    const repository = scope.kind === 'repository' ? scope : parseScope(workflowRepository);
    return repository?.kind === 'repository' ? repository : undefined;
}
/** Whether a runner of the scope may run jobs of the repository (`owner/repo`). An enterprise may own any repository. */
function mayServe(scope, repository) {
    const [owner, repo] = repository.toLowerCase().split('/');
    switch (scope.kind) {
        case 'repository':
            return scope.owner.toLowerCase() === owner && scope.repo.toLowerCase() === repo;
        case 'organization':
            return scope.org.toLowerCase() === owner;
        case 'enterprise':
            return true;
    }
}


/***/ }),

/***/ 1528:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Qq: () => (/* binding */ text),
/* harmony export */   RP: () => (/* binding */ isTooComplex),
/* harmony export */   Zu: () => (/* binding */ isDescription),
/* harmony export */   kf: () => (/* binding */ UnusableAnswer),
/* harmony export */   qF: () => (/* binding */ parseJson),
/* harmony export */   u4: () => (/* binding */ isRecord)
/* harmony export */ });
/** Thrown for an unusable answer; the kind of fault decides how long the request is repeated. */
class UnusableAnswer extends Error {
    name = 'UnusableAnswer';
    nature;
    /** What can be done about it, if known. */
    hint;
    constructor(message, { nature = 'passing', hint, ...options } = {}) {
        super(message, options);
        this.nature = nature;
        this.hint = hint;
    }
}
const LONGEST_TEXT = 200;
function isRecord(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}
/** The JSON value; undefined if the text is not JSON, or {@link isTooComplex}. */
function parseJson(json) {
    if (isTooComplex(json))
        return undefined;
    try {
        return JSON.parse(json);
    }
    catch {
        return undefined;
    }
}
/** The API nests fewer than ten levels. */
const DEEPEST_NESTING = 200;
/** A record of a VM has about 200 tokens. So this is enough for 20,000 VMs; `JSON.parse` takes less than a second for it. */
const MOST_TOKENS = 4_000_000;
/**
 * Whether `JSON.parse` could block the process for seconds, and signals with it: 32 MiB of `{},` take six seconds and more than
 * a gigabyte. Counts brackets, commas, colons and strings; the length of strings does not matter.
 */
function isTooComplex(json) {
    let depth = 0;
    let tokens = 0;
    for (let index = 0; index < json.length; index++) {
        const code = json.charCodeAt(index);
        if (STRUCTURAL[code] !== 1)
            continue;
        if (++tokens > MOST_TOKENS)
            return true;
        if (code === QUOTE)
            index = endOfString(json, index);
        else if (code === OPEN_BRACE || code === OPEN_BRACKET)
            depth++;
        else if (code === CLOSE_BRACE || code === CLOSE_BRACKET)
            depth--;
        if (depth > DEEPEST_NESTING)
            return true;
    }
    return false;
}
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET] = [0x7b, 0x5b, 0x7d, 0x5d];
/** By character code: 1 for a token's first character. */
const STRUCTURAL = new Uint8Array(0x80);
for (const code of [QUOTE, OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET, 0x2c, 0x3a])
    STRUCTURAL[code] = 1;
/** The index of the quote that ends the string; the length of the text if none does. */
function endOfString(json, start) {
    for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
        let backslashes = 0;
        while (json.charCodeAt(end - 1 - backslashes) === BACKSLASH)
            backslashes++;
        if (backslashes % 2 === 0)
            return end;
    }
    return json.length;
}
/**
 * A text field; undefined if it is absent, empty or not a string. A text that is too long is described, not truncated: that could
 * leave half a secret, which no mask matches.
 */
function text(fields, key, longest = LONGEST_TEXT) {
    const value = fields[key];
    if (typeof value !== 'string' || value === '')
        return undefined;
    return value.length > longest ? `(a text of ${value.length} characters)` : value;
}
/** Whether `text` returned this instead of a text that is too long. */
function isDescription(value) {
    return /^\(a text of \d+ characters\)$/.test(value);
}


/***/ }),

/***/ 8394:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Ce: () => (/* binding */ createRetryBudget),
/* harmony export */   Dm: () => (/* binding */ isTransientStatus),
/* harmony export */   L5: () => (/* binding */ retry),
/* harmony export */   LZ: () => (/* binding */ createRetries),
/* harmony export */   PC: () => (/* binding */ natureOf),
/* harmony export */   Z_: () => (/* binding */ LONGEST_CONNECT_MS),
/* harmony export */   mu: () => (/* binding */ parseRetryAfter),
/* harmony export */   pS: () => (/* binding */ ENDLESS_BUDGET)
/* harmony export */ });
/**
 * Makes an attempt, then another after each fault, as {@link createRetries} allows. `isFinal`: the budget for the last fault is spent, so
 * more time would not help.
 * @throws what an attempt throws; the signal's reason, but never after an attempt that returned a value.
 */
async function retry({ clock, random, budget }, tryOnce, { deadline, signal, onFault }) {
    const retries = createRetries({ random, budget });
    for (;;) {
        const startedAt = clock.now();
        const attempt = await tryOnce();
        if ('value' in attempt)
            return attempt;
        signal.throwIfAborted();
        const { fault } = attempt;
        const now = clock.now();
        const next = retries.after(fault, deadline - now, now - startedAt);
        onFault?.({ ...fault, leftMs: next.kind === 'pause' ? next.leftMs : 0 });
        if (next.kind === 'give up')
            return { fault, isFinal: next.isFinal };
        await clock.sleep(next.pauseMs, signal);
    }
}
function createRetries({ random, budget }) {
    let tries = 0;
    return {
        after({ nature, waitMs = 0 }, timeLeftMs, tookMs) {
            tries++;
            const allowedMs = budget.note(nature, tookMs);
            const isFinal = allowedMs === 0;
            const isForbidden = nature === 'quota' && waitMs >= timeLeftMs;
            if (isFinal || timeLeftMs < SHORTEST_TRY_MS || isForbidden)
                return { kind: 'give up', isFinal };
            // The server requests a longer pause than the time left: it may be back sooner.
            const isLong = nature === 'long pause' || waitMs >= timeLeftMs;
            const backoff = isLong ? LONGEST_BACKOFF_MS : backoffMs(tries, random);
            // Pauses get shorter toward the deadline, so that a server that recovers in time is noticed in time.
            const pauseMs = Math.max(isLong ? 0 : waitMs, Math.min(backoff, timeLeftMs / 2));
            return { kind: 'pause', pauseMs, leftMs: Math.min(timeLeftMs, allowedMs) };
        },
    };
}
/** With less time left, another attempt is pointless. */
const SHORTEST_TRY_MS = 250;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 3_000;
/** The pause in milliseconds after this many attempts: they double from 250 up to 3,000, and jitter shortens them by up to half. */
function backoffMs(tries, random) {
    return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (tries - 1)) * (1 - random() / 2);
}
/** A longer pause than this, in milliseconds, is not honored: the request is retried sooner, for a while. */
const LONGEST_WAIT_MS = 60_000;
/** The nature of an answer that may be different next time, from its Retry-After. */
function natureOf(retryAfterMs = 0) {
    return retryAfterMs > LONGEST_WAIT_MS ? 'long pause' : 'passing';
}
/** HTTP statuses that may be different next time. */
function isTransientStatus(status) {
    return status === 408 || status === 429 || status >= 500;
}
/**
 * The pause in a Retry-After header, in milliseconds. The header has a number of seconds, or a date; for a date, the Date header of the same
 * answer is the server's current time.
 */
function parseRetryAfter(retryAfter = '', date = '') {
    const value = retryAfter.trim();
    if (/^\d{1,9}$/.test(value))
        return Number(value) * 1000;
    const untilMs = Date.parse(value) - Date.parse(date);
    return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs);
}
/** An attempt to connect takes no longer than this, in milliseconds. */
const LONGEST_CONNECT_MS = 20_000;
const ENDLESS_MS = Number.POSITIVE_INFINITY;
/**
 * How long an unbroken run of faults of one nature is retried, in milliseconds: before the server's first good answer, and after it, when
 * the inputs are known to be right.
 */
const ALLOWANCES = {
    passing: { atFirstMs: ENDLESS_MS, laterMs: ENDLESS_MS },
    // One more attempt takes at most LONGEST_CONNECT_MS after a pause of 3 s: this ends within 60 s.
    unreachable: { atFirstMs: 37_000, laterMs: ENDLESS_MS },
    quota: { atFirstMs: ENDLESS_MS, laterMs: ENDLESS_MS },
    'long pause': { atFirstMs: 30_000, laterMs: 30_000 },
    denial: { atFirstMs: 10_000, laterMs: 30_000 },
    refusal: { atFirstMs: 0, laterMs: 30_000 },
    // With one more attempt, which takes at most 10 s by default, this ends within 30 s.
    mistake: { atFirstMs: 15_000, laterMs: ENDLESS_MS },
};
/** In milliseconds. Two faults further apart than this are not one run: the process was suspended, or no answer arrived in between. */
const LONGEST_PAUSE_IN_RUN_MS = 30_000;
/** No fault is final before the deadline: for a server that is known to be right, and if nothing tries again later. */
const ENDLESS_BUDGET = {
    apart: () => ENDLESS_BUDGET,
    renew() { },
    reached() { },
    note: () => ENDLESS_MS,
};
/** @param hadGoodAnswer the server has given a good answer before. */
function createRetryBudget(clock, hadGoodAnswer = false) {
    let isTrusted = hadGoodAnswer;
    /** The unbroken run of faults: the times of its first and its last fault. */
    let run;
    return {
        apart: () => createRetryBudget(clock, isTrusted),
        renew() {
            isTrusted = true;
            run = undefined;
        },
        reached() {
            if (run?.isUnreachable)
                run = undefined;
        },
        note(nature, tookMs = 0) {
            const { atFirstMs, laterMs } = ALLOWANCES[nature];
            const allowedMs = isTrusted ? laterMs : atFirstMs;
            if (allowedMs === ENDLESS_MS) {
                run = undefined;
                return ENDLESS_MS;
            }
            const now = clock.now();
            const isUnreachable = nature === 'unreachable';
            const isUnbroken = run?.isUnreachable === isUnreachable && now - run.until <= LONGEST_PAUSE_IN_RUN_MS;
            // If it took longer than an attempt may take, the process was suspended.
            const beganAt = isUnreachable ? now - Math.min(tookMs, LONGEST_CONNECT_MS) : now;
            const since = run !== undefined && isUnbroken ? run.since : beganAt;
            run = { since, until: now, isUnreachable };
            return Math.max(0, since + allowedMs - now);
        },
    };
}


/***/ }),

/***/ 6974:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  o: () => (/* binding */ createTransport)
});

// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __webpack_require__(7975);
// EXTERNAL MODULE: external "node:zlib"
var external_node_zlib_ = __webpack_require__(8522);
// EXTERNAL MODULE: ./node_modules/undici/index.js
var undici = __webpack_require__(6752);
// EXTERNAL MODULE: ./lib/clock.js
var lib_clock = __webpack_require__(5233);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
;// CONCATENATED MODULE: ./lib/http/causes.js



const PROXY_VARIABLES = 'HTTP_PROXY or HTTPS_PROXY';
const CHECK_PROXY = `Check host and port of the proxy in ${PROXY_VARIABLES}, and that it is up; or add the host that is asked to NO_PROXY.`;
const CHECK_NETWORK = 'Check the host in controller_url, and the network, VPN and firewalls between this machine and it.';
const LOCAL_NETWORK = 'On macOS 15 or later, also allow the runner access to the local network (System Settings, Privacy & Security, Local Network).';
const CHECK_URL = 'Check controller_url, and that the controller is up and this machine can reach it.';
/**
 * OpenSSL's verification errors for the server's certificate. Node has a code for some of them, and `UNSPECIFIED` with OpenSSL's
 * text for the others.
 */
const CERTIFICATE_CAUSES = [
    {
        pattern: /^ERR_TLS_CERT_ALTNAME_INVALID |^\w+ .*\b(hostname|email address|IP address) mismatch/,
        reason: "the server's certificate is for another host",
        hint: 'Use the host name in controller_url that the certificate is made for.',
        nature: 'mistake',
    },
    {
        pattern: /^CERT_HAS_EXPIRED /,
        reason: "the server's certificate has expired",
        hint: 'Renew the certificate of the server, or correct the clock of this machine.',
        nature: 'mistake',
    },
    {
        pattern: /^CERT_NOT_YET_VALID /,
        reason: "the server's certificate is not valid yet",
        hint: 'Correct the clock of this machine, or the certificate of the server.',
        nature: 'mistake',
    },
    {
        pattern: /^CERT_REVOKED |^\w+ OCSP |^\w*CRL\w* |^UNSPECIFIED .*\bCRL\b/,
        reason: "the server's certificate is revoked, or cannot be checked for that",
        hint: 'Renew the certificate of the server, or check its revocation list.',
        nature: 'mistake',
    },
    {
        pattern: /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|CERT_REJECTED|UNABLE_TO_\w+) |^UNSPECIFIED .*(issuer certificate lookup|mismatch)/,
        reason: "no trusted CA has signed the server's certificate",
        hint: 'Give the CA that signed it in ca_cert.',
        nature: 'mistake',
    },
    {
        pattern: /^UNSPECIFIED .*(too weak|Suite B)/,
        reason: "the server's certificate, or its CA's, is too weak",
        hint: 'Issue it again with a key of at least 2,048 bits (RSA) or 256 bits (EC), signed with SHA-256.',
        nature: 'mistake',
    },
    {
        pattern: /^INVALID_PURPOSE |^UNSPECIFIED .*(digital signature|proxy)/,
        reason: "the server's certificate, or its CA's, is made for another purpose",
        hint: 'Issue it for servers (extended key usage serverAuth), and sign it with the certificate of a CA (basic constraints CA:TRUE).',
        nature: 'mistake',
    },
    {
        pattern: /^(INVALID_CA|PATH_LENGTH_EXCEEDED|CERT_CHAIN_TOO_LONG) |^UNSPECIFIED .*(\bCA cert|path l|keyCertSign|certificate signing|subtree|name constraint)/i,
        reason: "the server's certificate is signed by one that is not allowed to sign it",
        hint: 'Have it signed by a CA: basic constraints CA:TRUE, key usage certificate signing, and a path length and names that allow it.',
        nature: 'mistake',
    },
    {
        pattern: /^OUT_OF_MEM /,
        reason: 'this machine has too little memory for the TLS handshake',
        hint: 'Check the memory of the machine that runs the step.',
    },
    {
        pattern: /^(UNSPECIFIED|ERROR_IN_CERT_\w+) /,
        reason: "the server's certificate is not valid",
        hint: 'Have it issued again; "openssl verify" says more.',
        nature: 'mistake',
    },
];
/** Maps errors of Node, OpenSSL and undici to their meaning. The first match counts. */
const CAUSES = [
    {
        pattern: /Proxy.*\(407\)/i,
        reason: 'the proxy requires other credentials (HTTP 407)',
        hint: 'Put user and password into the URL in HTTP_PROXY or HTTPS_PROXY, or add the controller to NO_PROXY.',
        nature: 'refusal',
    },
    {
        pattern: /Proxy response \(403\)/,
        reason: 'the proxy refuses to connect there (HTTP 403)',
        hint: 'Have the proxy allow the host and port in controller_url, or add the controller to NO_PROXY.',
        nature: 'refusal',
    },
    {
        pattern: /Proxy response \(\d+\)/,
        reason: 'the proxy cannot connect there',
        hint: 'Check controller_url as the proxy sees it, or add the controller to NO_PROXY.',
    },
    {
        pattern: /^EAI_AGAIN /,
        reason: 'the name of the host cannot be resolved at the moment',
        hint: 'Check the DNS of the machine that runs the step.',
        nature: 'unreachable',
    },
    {
        pattern: /^(ENOTFOUND|EAI_\w+) /,
        reason: 'the name of the host cannot be resolved',
        hint: 'Check the host in controller_url, and the DNS of the machine that runs the step.',
        proxyHint: `Check the host of the proxy in ${PROXY_VARIABLES}, and the DNS of the machine that runs the step.`,
        nature: 'mistake',
    },
    {
        pattern: /^ECONNREFUSED /,
        reason: 'the connection was refused',
        hint: 'Check host and port in controller_url, and that the controller is up.',
        proxyHint: CHECK_PROXY,
        nature: 'unreachable',
    },
    {
        pattern: /^EHOSTUNREACH /,
        reason: 'there is no route to the host',
        hint: `${CHECK_NETWORK} ${LOCAL_NETWORK}`,
        proxyHint: `${CHECK_PROXY} ${LOCAL_NETWORK}`,
        nature: 'unreachable',
    },
    {
        pattern: /^(ENETUNREACH|EADDRNOTAVAIL) /,
        reason: 'there is no route to the host',
        hint: CHECK_NETWORK,
        proxyHint: CHECK_PROXY,
        nature: 'unreachable',
    },
    ...CERTIFICATE_CAUSES,
    {
        pattern: /^ERR_SSL_\S*ALERT_CERTIFICATE_EXPIRED /,
        reason: 'the server says that the client certificate has expired',
        hint: 'Renew client_cert and client_key.',
        nature: 'mistake',
    },
    {
        pattern: /^ERR_SSL_\S*ALERT_CERTIFICATE_REQUIRED /,
        reason: 'the server requires a client certificate',
        hint: 'Give one in client_cert and client_key.',
        nature: 'mistake',
    },
    {
        pattern: /^ERR_SSL_\S*ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR) /,
        reason: 'the server does not accept the client certificate',
        hint: 'Give one that is signed by a CA that the server trusts in client_cert and client_key.',
        nature: 'mistake',
    },
    {
        pattern: /ALERT_NO_APPLICATION_PROTOCOL |no application protocol/,
        reason: 'the server speaks HTTP/2 only',
        hint: 'Let it speak HTTP/1.1, too: this action uses nothing else, because HTTP/2 may repeat a request on its own.',
        nature: 'mistake',
    },
    {
        pattern: /^ERR_SSL_\S*ALERT_HANDSHAKE_FAILURE /,
        reason: 'the server broke off the TLS handshake',
        hint: 'It may require a client certificate (client_cert and client_key), or support only other ciphers.',
        nature: 'mistake',
    },
    {
        pattern: /^ERR_SSL_(\S*ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL) /,
        reason: 'the server speaks no version of TLS that this machine accepts',
        hint: 'Let it speak TLS 1.2 or 1.3.',
        nature: 'mistake',
    },
    {
        pattern: /^ERR_SSL_\w+_TOO_(SMALL|WEAK) |^ERR_SSL_UNSAFE_LEGACY/,
        reason: 'the server uses encryption that this machine does not accept',
        hint: 'Update its TLS library and keys: RSA keys of at least 2,048 bits, and SHA-256.',
        nature: 'mistake',
    },
    {
        pattern: /^ERR_SSL_\S*UNRECOGNIZED_NAME /,
        reason: 'the server does not know the host',
        hint: 'Use the host name in controller_url that the server is set up for.',
        nature: 'mistake',
    },
    {
        pattern: /^(ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)|EPROTO) /,
        reason: 'the server does not speak TLS there, or not as this machine does',
        hint: 'Check whether controller_url should begin with http:// or name another port.',
        nature: 'mistake',
    },
    {
        pattern: /^(HPE_\w+|UND_ERR_HTTP\w*) |HTTP\/1\.1 protocol/,
        reason: 'the server does not speak HTTP there',
        hint: 'Check the port in controller_url, and whether it should begin with https://.',
        nature: 'mistake',
    },
    {
        // RFC 9110 says to ignore it, but undici does not.
        pattern: /^UND_ERR_SOCKET bad response/,
        reason: 'the server sent "100 Continue", which was not asked for',
        hint: 'Turn that off in the server, or in the gateway in front of it.',
        nature: 'mistake',
    },
    {
        // With TLS 1.3, a server learns only after the handshake that the client has no certificate, or the wrong one.
        pattern: /^UND_ERR_SOCKET other side closed/,
        applies: ({ phase, isSecure }) => isSecure && phase === 'waiting for the answer',
        reason: 'the connection was closed without an answer',
        hint: 'The server may require a client certificate, or a different one: see client_cert and client_key.',
        nature: 'mistake',
    },
    {
        pattern: /^UND_ERR_SOCKET other side closed/,
        applies: ({ phase, isSecure }) => !isSecure && phase === 'waiting for the answer',
        reason: 'the connection was closed without an answer',
        hint: `Does the port speak TLS? Then controller_url should begin with https://. ${CHECK_URL}`,
        nature: 'unreachable',
    },
    {
        pattern: /^(ECONNRESET|EPIPE|UND_ERR_SOCKET) /,
        applies: ({ isSecure }) => isSecure,
        reason: 'the connection was closed',
        hint: `${CHECK_URL} It may require a client certificate, or a different one (client_cert and client_key).`,
    },
    {
        pattern: /^(ECONNRESET|EPIPE|UND_ERR_SOCKET) /,
        reason: 'the connection was closed',
        hint: `${CHECK_URL} If it speaks TLS, controller_url should begin with https://.`,
    },
    {
        pattern: /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT) /,
        applies: ({ phase }) => phase === 'connecting',
        reason: 'the connection timed out',
        hint: CHECK_URL,
        nature: 'unreachable',
    },
    {
        pattern: /^ETIMEDOUT /,
        reason: 'the connection timed out',
        hint: CHECK_URL,
    },
];
/** Explains why no (complete) answer came. The most specific cause is often deep in the chain. */
function explainFailure(error, stage) {
    const { phase, proxy } = stage;
    const way = proxy === undefined ? phase : `${phase} through the proxy ${proxy}`;
    const isAtProxy = proxy !== undefined && phase === 'connecting';
    if ((0,lib_clock/* isTimeout */.kL)(error)) {
        const hint = `${isAtProxy ? CHECK_PROXY : CHECK_URL} If it is only slow, raise request_timeout.`;
        return {
            reason: `timed out while ${way}`,
            hint,
            nature: phase === 'connecting' ? 'unreachable' : 'passing',
        };
    }
    const signs = (0,errors/* causeChain */.DD)(error).map(signOf);
    const cause = CAUSES.find(({ pattern, applies }) => {
        return signs.some((sign) => pattern.test(sign)) && (applies?.(stage) ?? true);
    });
    const detail = `${(0,errors/* describeCause */.V$)(error)} (while ${way})`;
    if (cause === undefined)
        return { reason: detail, hint: CHECK_URL, nature: 'passing' };
    const { reason, hint, proxyHint = hint, nature = 'passing' } = cause;
    return { reason: `${reason}: ${detail}`, hint: isAtProxy ? proxyHint : hint, nature };
}
function signOf(thrown) {
    return external_node_util_.types.isNativeError(thrown) ? `${(0,errors/* codeOf */.$N)(thrown)} ${thrown.message}` : String(thrown);
}

// EXTERNAL MODULE: external "node:tls"
var external_node_tls_ = __webpack_require__(1692);
;// CONCATENATED MODULE: ./lib/http/connections.js


/** GitHub refuses a client with more than 100 requests in progress. Further requests wait for a free connection. */
const MOST_CONNECTIONS = 50;
/**
 * Dispatchers over the network. They speak HTTP/1.1 only: an HTTP/2 client may repeat a refused request on its own, and all reads
 * would share one session, which may die silently, or wait for one handshake that hangs.
 */
function createDispatchers({ proxy, ...options }) {
    const { requestTls, proxyTls } = connectOptions({ proxy, ...options });
    function open(pipelining) {
        const common = { pipelining, allowH2: false, connections: MOST_CONNECTIONS };
        if (proxy === undefined)
            return new undici.Agent({ ...common, connect: requestTls });
        return new undici.ProxyAgent({ ...common, uri: proxy.href, requestTls, proxyTls });
    }
    return {
        openReader: () => open(1),
        // A kept-alive connection may be closing when it is used again. Then it is unknown whether the request was carried out.
        openWriter: () => open(0),
    };
}
function connectOptions({ baseUrl, proxy, tls, requestTimeoutMs }) {
    const { ca, cert, key, rejectUnauthorized } = tls;
    const common = {
        timeout: requestTimeoutMs,
        rejectUnauthorized,
        allowH2: false,
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: addressTimeoutMs(requestTimeoutMs),
    };
    const isSecure = baseUrl.protocol === 'https:';
    // The client certificate is for the controller: it is not shown to a proxy.
    const request = isSecure ? { secureContext: secureContext({ ca, cert, key }) } : {};
    const toProxy = proxy?.protocol === 'https:' ? { secureContext: secureContext({ ca }) } : {};
    return { requestTls: { ...common, ...request }, proxyTls: { ...common, ...toProxy } };
}
/** One context for all connections: reading about 150 CA certificates takes 20 ms of CPU. */
function secureContext({ ca, cert, key }) {
    return (0,external_node_tls_.createSecureContext)({
        ...(ca === undefined ? {} : { ca: [...(0,external_node_tls_.getCACertificates)('default'), ca] }),
        cert,
        key,
    });
}
/** Enough for a slow network: in milliseconds. */
const LONGEST_ADDRESS_TIMEOUT_MS = 1_000;
/**
 * How long one of several addresses of a host may take to connect before the next one is tried, in milliseconds. Node's default of
 * 250 ms would be too short for a working address on a slow network. A quarter of the request's time leaves enough for the others.
 */
function addressTimeoutMs(requestTimeoutMs) {
    return Math.min(LONGEST_ADDRESS_TIMEOUT_MS, Math.ceil(requestTimeoutMs / 4));
}
function createReader(open) {
    const begin = () => ({ dispatcher: open(), isUsed: false, reads: 0 });
    let current = begin();
    /** Those that were replaced, but still have reads in progress. */
    const ending = new Set();
    function giveUp(connections) {
        if (connections !== current)
            return;
        ending.add(connections);
        endIfIdle(connections);
        current = begin();
    }
    function endIfIdle(connections) {
        if (connections.reads > 0 || !ending.delete(connections))
            return;
        void connections.dispatcher.destroy();
    }
    async function use(read) {
        const connections = current;
        connections.isUsed = true;
        connections.reads++;
        try {
            return await read(connections.dispatcher);
        }
        catch (error) {
            giveUp(connections);
            throw error;
        }
        finally {
            connections.reads--;
            endIfIdle(connections);
        }
    }
    function renew() {
        if (current.isUsed)
            giveUp(current);
    }
    async function destroy() {
        await Promise.all([current, ...ending].map(({ dispatcher }) => dispatcher.destroy()));
    }
    return { use, renew, destroy };
}

// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
// EXTERNAL MODULE: ./lib/http/retry.js
var retry = __webpack_require__(8394);
;// CONCATENATED MODULE: ./lib/http/transport.js









/** HTTP/1.1, directly or through a proxy. */
function createTransport(options) {
    const { baseUrl, proxy, requestTimeoutMs, clock } = options;
    const { openReader, openWriter } = options.dispatchers ?? createDispatchers(options);
    const [reader, writer] = [createReader(openReader), openWriter()];
    const { origin, pathname } = baseUrl;
    const prefix = pathname.replace(/\/+$/, '');
    const isSecure = baseUrl.protocol === 'https:';
    const forwarder = isSecure ? undefined : proxy?.host;
    async function send(request, { deadline, signal, onDeparture }) {
        const progress = {
            phase: 'connecting',
            mayHaveBeenSent: false,
            onDeparture: request.isWrite ? onDeparture : undefined,
            departure: Promise.withResolvers(),
        };
        const limit = { clock, ms: Math.min(requestTimeoutMs, deadline - clock.now()), signal };
        const sent = { ...request, path: `${prefix}${request.path}` };
        const carry = (dispatcher) => exchangeInTime(sent, { origin, dispatcher, progress }, limit);
        try {
            const answer = await (request.isWrite ? carry(writer) : reader.use(carry));
            return { answer: { ...answer, proxy: forwarder } };
        }
        catch (error) {
            const { mayHaveBeenSent, phase } = progress;
            const explanation = explainFailure(error, { phase, proxy: proxy?.host, isSecure });
            return { noAnswer: { mayHaveBeenSent, ...explanation, cause: error } };
        }
    }
    async function close() {
        await Promise.all([reader.destroy(), writer.destroy()]);
    }
    return { send, renewConnections: reader.renew, close };
}
/** A longer `request_timeout` is for slow answers: without a connection the request ends sooner. */
function exchangeInTime(request, connection, { clock, ms, signal }) {
    const { departure } = connection.progress;
    return (0,lib_clock/* within */.ux)(clock, { ms, signal }, async (stop) => {
        const answer = exchange(request, connection, stop);
        if (ms <= retry/* LONGEST_CONNECT_MS */.Z_)
            return answer;
        const connected = (0,lib_clock/* within */.ux)(clock, { ms: retry/* LONGEST_CONNECT_MS */.Z_, signal: stop }, () => departure.promise);
        return (await Promise.all([answer, connected]))[0];
    });
}
async function exchange({ path, method, headers, body, maxBytes }, { origin, dispatcher, progress }, signal) {
    const response = await (0,undici.request)(`${origin}${path}`, {
        dispatcher: dispatcher.compose(observeDeparture(progress)),
        method,
        headers: {
            accept: 'application/json',
            'accept-encoding': 'identity',
            'user-agent': 'restart-anka-vm',
            ...headers,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal,
        // The injected clock bounds every phase.
        headersTimeout: 0,
        bodyTimeout: 0,
    });
    progress.phase = 'reading the answer';
    const answered = Object.entries(response.headers).map(([name, value]) => [name, firstOf(value)]);
    const received = Object.fromEntries(answered);
    return {
        status: response.statusCode,
        text: new TextDecoder().decode(decodeBody(await readBody(response.body, maxBytes), received, maxBytes)),
        headers: received,
        location: received['location'],
        retryAfterMs: (0,retry/* parseRetryAfter */.mu)(received['retry-after'], received['date']),
    };
}
/** undici calls onRequestStart once the connection is open, right before the first byte is written. */
function observeDeparture(progress) {
    return (dispatch) => (options, handler) => dispatch(options, {
        onRequestStart: (controller, context) => {
            handler.onRequestStart?.(controller, context);
            // The caller gave up while the connection was being opened: nothing is sent.
            if (controller.aborted)
                return;
            try {
                progress.onDeparture?.();
            }
            catch (error) {
                return controller.abort(error instanceof Error ? error : new Error(String(error)));
            }
            progress.mayHaveBeenSent = true;
            progress.phase = 'waiting for the answer';
            progress.departure.resolve();
        },
        onResponseStart: (...start) => handler.onResponseStart?.(...start),
        onResponseData: (...data) => handler.onResponseData?.(...data),
        onResponseEnd: (...end) => handler.onResponseEnd?.(...end),
        onResponseError: (...error) => handler.onResponseError?.(...error),
    });
}
async function readBody(body, maxBytes) {
    const chunks = [];
    let bytes = 0;
    for await (const chunk of body) {
        bytes += chunk.byteLength;
        // Leaving the loop destroys the stream, and the connection with it.
        if (bytes > maxBytes)
            throw tooLarge(maxBytes);
        chunks.push(chunk);
    }
    return Buffer.concat(chunks);
}
const DECODERS = {
    gzip: external_node_zlib_.gunzipSync,
    'x-gzip': external_node_zlib_.gunzipSync,
    deflate: external_node_zlib_.inflateSync,
    br: external_node_zlib_.brotliDecompressSync,
};
/** The decoded body, because a server may encode it unprompted. @throws UnusableAnswer */
function decodeBody(body, headers, maxBytes) {
    const encodings = (headers['content-encoding'] ?? '').toLowerCase().split(',');
    // The last one was applied last.
    return encodings.reduceRight((bytes, listed) => {
        const encoding = listed.trim();
        if (encoding === '' || encoding === 'identity')
            return bytes;
        const decoder = DECODERS[encoding];
        if (decoder === undefined)
            throw new json/* UnusableAnswer */.kf(`the answer is encoded in an unknown way ("${encoding}")`);
        try {
            return decoder(bytes, { maxOutputLength: maxBytes });
        }
        catch (error) {
            if (external_node_util_.types.isNativeError(error) && (0,errors/* codeOf */.$N)(error) === 'ERR_BUFFER_TOO_LARGE')
                throw tooLarge(maxBytes);
            throw new json/* UnusableAnswer */.kf(`the answer is damaged: it cannot be decoded (${encoding})`);
        }
    }, body);
}
function tooLarge(maxBytes) {
    const message = `the answer is larger than ${maxBytes / 1024 / 1024} MiB`;
    const hint = 'That exceeds what this action reads. Long outputs of startup scripts may be the reason.';
    return new json/* UnusableAnswer */.kf(message, { nature: 'mistake', hint });
}
function firstOf(value) {
    return Array.isArray(value) ? value[0] : value;
}


/***/ }),

/***/ 1203:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   F: () => (/* binding */ nearestFirst),
/* harmony export */   z: () => (/* binding */ closestTo)
/* harmony export */ });
// Which of the known names a mistyped one may mean.
/** Sorts by similarity to the given name, so that for a typo the intended one comes first. */
function nearestFirst(named, written) {
    return rated(named, written).map(({ one }) => one);
}
const MOST_SUGGESTIONS = 3;
/** Names that are less alike have more differences than a typo makes. */
const LEAST_LIKENESS = 0.6;
/** Longer names, which a server may send, are only compared for equality. In characters. */
const LONGEST_COMPARED = 100;
/** The known names that are most likely meant, closest first. One that differs only in case is certain. */
function closestTo(written, known) {
    const names = [...new Set(known)];
    const same = names.filter((name) => name.length === written.length && name.toLowerCase() === written.toLowerCase());
    const short = names.filter(({ length }) => length <= LONGEST_COMPARED).map((name) => ({ name }));
    const alike = rated(short, written).filter(({ likeness }) => likeness >= LEAST_LIKENESS);
    return (same.length > 0 ? same : alike.map(({ one }) => one.name)).slice(0, MOST_SUGGESTIONS);
}
/** The most alike first. */
function rated(named, written) {
    const rating = named.map((one) => ({ one, likeness: likenessOf(one.name, written) }));
    return rating.sort((a, b) => b.likeness - a.likeness);
}
/** From 0 to 1: the share of pairs of neighboring characters that both texts have, ignoring case (Dice's coefficient). */
function likenessOf(one, other) {
    const [pairs, others] = [pairsOf(one), pairsOf(other)];
    return (2 * pairs.intersection(others).size) / (pairs.size + others.size);
}
/** The first and the last character each form an extra pair, so that every text has at least one. */
function pairsOf(text) {
    const padded = ` ${text.toLowerCase()} `;
    return new Set(Array.from({ length: padded.length - 1 }, (_, index) => padded.slice(index, index + 2)));
}


/***/ }),

/***/ 7309:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   c: () => (/* binding */ createVmLog),
/* harmony export */   e: () => (/* binding */ createProgressLog)
/* harmony export */ });
/* harmony import */ var _clock_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5233);

/**
 * The log of one VM among many: each line begins with the VM's name.
 * @param isQuiet while it returns true, info lines go to the debug log: hundreds of VMs are read before the first is restarted.
 */
function createVmLog(log, name, isQuiet = () => false) {
    const named = (line) => `${name}: ${line}`;
    return {
        info: (line) => (isQuiet() ? log.debug : log.info)(named(line)),
        debug: (line) => log.debug(named(line)),
        warning: (line) => log.warning(named(line)),
    };
}
/** Repeat an unchanged message after this long, in milliseconds. */
const LONGEST_SILENCE_MS = 30_000;
/** Warn after this long with nothing but failed attempts, in milliseconds. */
const WARN_AFTER_MS = 30_000;
function createProgressLog({ log, now, sentAt, server = 'The controller', about, }) {
    const usableAnswer = about === undefined ? 'no usable answer' : `no usable answer about ${about}`;
    const counts = new Map();
    let last;
    let faultsSince;
    let hasWarned = false;
    function count(kind) {
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    function write(text, { rest = '', isDetail = false } = {}) {
        const line = `${sentAt === undefined ? '' : formatElapsed(now() - sentAt)}${text}${rest}`;
        if (text === last?.text && now() - last.at < LONGEST_SILENCE_MS) {
            log.debug(line);
            return;
        }
        (isDetail ? log.debug : log.info)(line);
        last = { text, at: now() };
    }
    function answered() {
        faultsSince = undefined;
    }
    return {
        answered,
        note(kind, text, manner) {
            answered();
            count(kind);
            write(text, manner);
        },
        fault({ kind, reason, hint, isLogged = false, leftMs }) {
            count(kind);
            if (isLogged)
                return;
            write(`${server} gave ${usableAnswer}: ${reason}`);
            faultsSince ??= now();
            if (hasWarned || leftMs === 0 || now() - faultsSince < WARN_AFTER_MS)
                return;
            hasWarned = true;
            log.warning(`${server} has given ${usableAnswer} for ${(0,_clock_js__WEBPACK_IMPORTED_MODULE_0__/* .seconds */ .YA)(now() - faultsSince)}: ${reason}. Still retrying${givesUpIn(leftMs)}. ${hint}`);
        },
        tally() {
            return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none';
        },
    };
}
function givesUpIn(leftMs) {
    return leftMs === undefined ? '' : `, gives up in ${(0,_clock_js__WEBPACK_IMPORTED_MODULE_0__/* .minutes */ .Gx)(leftMs)}`;
}
/** Right-aligned, so that the lines align: `+  5.1 s  `. */
function formatElapsed(ms) {
    return `+${(0,_clock_js__WEBPACK_IMPORTED_MODULE_0__/* .seconds */ .YA)(ms).padStart(7)}  `;
}


/***/ }),

/***/ 8739:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  main: () => (/* binding */ main)
});

// UNUSED EXPORTS: run

// NAMESPACE OBJECT: ./lib/inputs/parsers.js
var parsers_namespaceObject = {};
__webpack_require__.r(parsers_namespaceObject);
__webpack_require__.d(parsers_namespaceObject, {
  dp: () => (HOUR),
  pY: () => (MINUTE),
  Z2: () => (SECOND),
  vj: () => (amount),
  zM: () => (parsers_boolean),
  ou: () => (parsers_controllerUrl),
  p0: () => (duration),
  IZ: () => (parsers_externalIds),
  sd: () => (jobNames),
  yL: () => (oneOf),
  rg: () => (optionalScope),
  mR: () => (optionalText),
  dq: () => (pollInterval),
  Vz: () => (runId),
  iC: () => (runnerName),
  yD: () => (secretText),
  wR: () => (parsers_timeout),
  ns: () => (uuids),
  rD: () => (wholeNumber)
});

// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: ./lib/clock.js
var lib_clock = __webpack_require__(5233);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/http/json.js
var http_json = __webpack_require__(1528);
// EXTERNAL MODULE: ./lib/http/retry.js
var retry = __webpack_require__(8394);
;// CONCATENATED MODULE: ./lib/controller/envelope.js
// The envelope of every answer of the controller, and the errors for answers that have none.


/** The envelope, if the answer is one. A failure counts whatever the HTTP status. */
function parseEnvelope({ text: json }) {
    const value = (0,http_json/* parseJson */.qF)(json);
    if (!(0,http_json/* isRecord */.u4)(value))
        return undefined;
    const word = (0,http_json/* text */.Qq)(value, 'status');
    if (word === undefined)
        return undefined;
    if (word === 'OK')
        return { status: 'OK', body: value['body'] };
    return { status: 'failure', word, message: (0,http_json/* text */.Qq)(value, 'message', LONGEST_FAILURE) ?? '(no message)' };
}
const LONGEST_FAILURE = 1_000;
/** Whether the controller itself refuses: a gateway's answer can also resemble an envelope. */
function isRefusal(envelope) {
    return envelope?.status === 'failure' && envelope.word === 'FAIL';
}
/**
 * The envelope of an answer to a read.
 * @param call names the endpoint in errors, e.g. `GET /api/v1/vm`.
 * @throws UnusableAnswer if a retry may help, ActionError if not.
 */
function readEnvelope(call, answer) {
    const envelope = parseEnvelope(answer);
    if (answer.status === 401)
        throw unauthorized(call);
    if (answer.status === 403)
        throw denied(call, answer);
    if (envelope?.status === 'failure')
        return envelope;
    if (!isSuccess(answer))
        throw rejected(call, answer);
    if (envelope === undefined) {
        const nature = isCutOff(answer) ? 'passing' : 'mistake';
        throw new http_json/* UnusableAnswer */.kf(`it answered HTTP ${answer.status} with ${describeBody(answer)}`, { nature });
    }
    return envelope;
}
function isSuccess({ status }) {
    return status >= 200 && status <= 299;
}
/** Starts like JSON but is not: its end is missing. UTF-16, which is not accepted here, starts with the same character. */
function isCutOff({ text: body }) {
    const isComplete = (0,http_json/* parseJson */.qF)(body) !== undefined || (0,http_json/* isTooComplex */.RP)(body);
    return /^\s*[{[]/.test(body) && !isComplete && !body.includes('\0');
}
/** Describes the body of an answer, for messages. */
function describeBody(answer) {
    const envelope = parseEnvelope(answer);
    if (envelope?.status === 'failure')
        return `${envelope.word}: "${envelope.message}"`;
    if (envelope !== undefined)
        return 'OK';
    const start = answer.text.trimStart();
    if (start === '')
        return 'an empty body';
    if (start.startsWith('<'))
        return 'an HTML page, not JSON';
    if (isCutOff(answer))
        return 'JSON that is cut off';
    if ((0,http_json/* parseJson */.qF)(start) !== undefined)
        return "JSON that is not this API's";
    return (0,http_json/* isTooComplex */.RP)(start) ? 'JSON that is nested too deeply or has too many parts' : 'text, not JSON';
}
/** The error for HTTP 401. */
function unauthorized({ name, deniedHint }) {
    return new errors/* ActionError */.lZ('authentication_failed', `Authentication failed: the controller answered ${name} with HTTP 401.`, {
        hint: deniedHint,
    });
}
/** The error for HTTP 403: `permission_denied`, unless a proxy sent it. */
function denied({ name: call }, answer) {
    const envelope = parseEnvelope(answer);
    if (envelope?.status === 'OK' || isRefusal(envelope)) {
        return new errors/* ActionError */.lZ('permission_denied', `The controller denies ${call} (HTTP 403).`, {
            hint: 'The step needs permission to list and restart instances: add it to a group of its user or key.',
        });
    }
    if (answer.proxy !== undefined) {
        return new errors/* ActionError */.lZ('controller_unreachable', `The proxy ${answer.proxy} refuses ${call} (HTTP 403).`, {
            hint: 'Have the proxy allow the host and port in controller_url, or add the controller to NO_PROXY.',
        });
    }
    return new errors/* ActionError */.lZ('permission_denied', `${call} is denied (HTTP 403), but not by the controller: the answer is ${describeBody(answer)}.`, {
        hint: 'Check controller_url (is a path prefix missing?), and whether a gateway requires something (see headers).',
    });
}
/** The error for any other status that is neither a success nor transient. */
function rejected(call, answer) {
    if (isRedirect(answer))
        return redirected(call.name, answer);
    if (answer.status === 407)
        return proxyWantsCredentials(call, answer);
    const asked = answer.status === 404 ? `${call.name.replace(/ .*/, '')} ${call.url}` : call.name;
    const message = `${asked} was answered with HTTP ${answer.status} and ${describeBody(answer)}.`;
    return new errors/* ActionError */.lZ('protocol_error', message, { hint: hintForRejection(answer) });
}
/** 300 and 304 do not redirect by themselves. */
function isRedirect({ status, location }) {
    return status >= 300 && status <= 399 && (location !== undefined || REDIRECTS.includes(status));
}
const REDIRECTS = [301, 302, 303, 307, 308];
/** Redirects are refused: the target server would get the credentials. */
function redirected(call, { status, location }) {
    return new errors/* ActionError */.lZ('protocol_error', `${call} was redirected to ${hostOfRedirect(location)} (HTTP ${status}).`, {
        hint: 'Redirects are not followed. Put the address of the controller itself into controller_url.',
    });
}
function proxyWantsCredentials({ name }, { proxy }) {
    const who = proxy === undefined ? 'A proxy' : `The proxy ${proxy}`;
    return new errors/* ActionError */.lZ('controller_unreachable', `${who} requires other credentials for ${name} (HTTP 407).`, {
        hint: 'Put user and password into the URL in HTTP_PROXY or HTTPS_PROXY, or add the controller to NO_PROXY.',
    });
}
/** Go's server, nginx and others say in the body what is wrong below HTTP. */
function hintForRejection({ status, text: body }) {
    if (/SSL certificate/.test(body))
        return 'The server requires a client certificate, or a different one: see client_cert and client_key.';
    if (/HTTPS/.test(body))
        return 'The server speaks TLS there: controller_url should begin with https://.';
    if (status === 404)
        return 'Give only the base address in controller_url, as in https://anka.example.com: no path of the API or of the web page. Is this the controller (not its registry), and is the path prefix right?';
    if (status === 405)
        return 'Most likely a gateway in front of the controller blocks such requests: configure it to allow them.';
    if (status === 300 || status === 304)
        return 'Most likely a cache or gateway in front of the controller answers in its place: configure it to forward requests.';
    return 'Check controller_url: is this the controller (not its registry), and is the path prefix right?';
}
/** Only the host: the rest of a redirect may carry tokens. */
function hostOfRedirect(location) {
    if (location === undefined)
        return 'nowhere';
    const url = URL.parse(location);
    return url === null || url.host === '' ? 'another path' : `"${url.host}"`;
}

;// CONCATENATED MODULE: ./lib/controller/client.js
// Sends requests to the controller with credentials, and repeats reads.





const MAX_POST_ANSWER_BYTES = 1024 * 1024;
function createClient(options) {
    const { transport, credentials, clock, random } = options;
    const budget = (0,retry/* createRetryBudget */.Ce)(clock);
    const send = createSender(options, budget);
    async function read({ path, maxBytes, decode }, bounds) {
        const request = { method: 'GET', path, maxBytes, isWrite: false };
        const tryOnce = async () => {
            const first = await send(request, bounds);
            const isRenewed = isDenied(first) && credentials.renew();
            const result = isRenewed ? await send(request, bounds) : first;
            bounds.signal.throwIfAborted();
            const attempt = decodeResult(result, decode);
            if ('fault' in attempt)
                transport.renewConnections();
            return attempt;
        };
        const last = await (0,retry/* retry */.L5)({ clock, random, budget }, tryOnce, bounds);
        if ('fault' in last)
            throw readFailed(`GET ${path}`, last);
        // An answer without content (FAIL) may come from another server, such as a gateway behind a wrong prefix.
        if (last.value !== undefined)
            budget.renew();
        return last.value;
    }
    return {
        read,
        post: ({ path, body }, bounds) => send({ method: 'POST', path, body, maxBytes: MAX_POST_ANSWER_BYTES, isWrite: true }, bounds),
        retriesOfPost: () => (0,retry/* createRetries */.LZ)({ random, budget: budget.apart() }),
        renewConnections: transport.renewConnections,
        renewSession: credentials.renew,
    };
}
/** Sends a request once, with credentials: a handshake may come first. */
function createSender({ transport, credentials, headers }, budget) {
    async function sendBare(request, bounds) {
        const result = await transport.send(request, bounds);
        if ('answer' in result)
            budget.reached();
        return result;
    }
    return async (request, bounds) => {
        const handshake = { method: 'POST', headers, maxBytes: MAX_POST_ANSWER_BYTES, isWrite: false };
        const authorization = await credentials.authorize((post) => sendBare({ ...handshake, ...post }, bounds));
        if (!('headers' in authorization))
            return authorization;
        return sendBare({ ...request, headers: { ...headers, ...authorization.headers } }, bounds);
    };
}
function isDenied(result) {
    return 'answer' in result && result.answer.status === 401;
}
function readFailed(call, { fault, isFinal }) {
    const { code = 'controller_unreachable', kind, reason, hint, cause } = fault;
    const gaveUp = `The controller gave no usable answer to ${call}; last attempt: ${reason}.`;
    const never = `The controller cannot be queried: ${reason}.`;
    const message = fault.message ?? (kind === NO_ANSWER && isFinal ? never : gaveUp);
    return new errors/* ActionError */.lZ(code, message, { hint, cause, isTransient: !isFinal });
}
function decodeResult(result, decode) {
    if (!('answer' in result) || (0,retry/* isTransientStatus */.Dm)(result.answer.status))
        return { fault: faultOf(result) };
    try {
        return { value: decode(result.answer) };
    }
    catch (error) {
        if (error instanceof http_json/* UnusableAnswer */.kf)
            return { fault: faultOfUnusable(error) };
        if (error instanceof errors/* ActionError */.lZ)
            return { fault: faultOfRefusal(error) };
        throw error;
    }
}
const NO_ANSWER = 'no answer';
/** The fault that a result without a usable answer stands for. */
function faultOf(result) {
    if ('refused' in result)
        return faultOfRefusal(result.refused);
    if ('answer' in result)
        return faultOfStatus(result.answer);
    const { reason, hint, nature, retryAfterMs, cause } = result.noAnswer;
    if (cause instanceof http_json/* UnusableAnswer */.kf)
        return faultOfUnusable(cause);
    return { kind: NO_ANSWER, reason, hint, nature, waitMs: retryAfterMs, cause };
}
function faultOfRefusal({ code, message, hint = '', cause }) {
    return { kind: code, reason: message.replace(/\.$/, ''), hint, nature: 'refusal', code, message, cause };
}
function faultOfStatus(answer) {
    const { status, retryAfterMs } = answer;
    const envelope = parseEnvelope(answer);
    const said = envelope?.status === 'failure' ? ` and ${describeBody(answer)}` : '';
    const askedFor = retryAfterMs === undefined ? '' : `, asking to wait for ${(0,lib_clock/* seconds */.YA)(retryAfterMs)}`;
    return {
        kind: `HTTP ${status}`,
        reason: `it answered HTTP ${status}${said}${askedFor}`,
        hint: 'The controller, or a gateway in front of it, is overloaded or down. Check it, then run the step again.',
        nature: (0,retry/* natureOf */.PC)(retryAfterMs),
        waitMs: retryAfterMs,
    };
}
function faultOfUnusable(cause) {
    const { message: reason, nature, hint = CHECK_ADDRESS } = cause;
    return { kind: 'unusable answer', reason, hint, nature, code: 'protocol_error', cause };
}
const CHECK_ADDRESS = 'Check controller_url: is this the controller, and is the path prefix right? Or is there a login page in front of it?';

// EXTERNAL MODULE: ./lib/controller/instance.js
var controller_instance = __webpack_require__(4917);
;// CONCATENATED MODULE: ./lib/controller/instances.js
// The two answers of `GET /api/v1/vm`: one instance, or the list of all.


/**
 * Reads the body of `GET /api/v1/vm?id=ID`: one instance, or, from a controller that ignores the parameter, a list.
 * @param instanceId the requested ID: old controllers omit it from the answer.
 * @throws UnusableAnswer
 */
function readInstance(body, instanceId) {
    if (Array.isArray(body))
        return readList(body).matching({ by: 'instance_id', id: instanceId })[0];
    if (!(0,http_json/* isRecord */.u4)(body))
        throw (0,controller_instance/* notTheApi */.XK)('the instance is not a JSON object');
    const instance = (0,controller_instance/* instanceFrom */.qZ)({ instance_id: instanceId, ...body });
    if (!(0,controller_instance/* isSameId */.WB)(instance.instanceId, instanceId)) {
        throw new http_json/* UnusableAnswer */.kf('the answer is about another instance than the one asked for');
    }
    return instance;
}
/**
 * Reads the body of `GET /api/v1/vm`. Indexes the items by their names, and parses each only when needed.
 * @throws UnusableAnswer if there is no list.
 */
function readList(body) {
    const items = itemsOf(body);
    const byName = indexed(items);
    const read = new Map();
    function readOnce(item) {
        const instance = read.get(item) ?? (0,controller_instance/* instanceFrom */.qZ)(merge(item.outer, item.vm));
        read.set(item, instance);
        return instance;
    }
    return {
        matching: (target) => distinct((byName.get(nameOf(target)) ?? []).map(readOnce)),
        readable: () => distinct(items.flatMap((item) => unlessBroken(() => readOnce(item)) ?? [])),
        externalIds: () => items.flatMap((item) => externalIdOf(item) ?? []),
    };
}
function itemsOf(body) {
    // Go writes an empty list as null, or omits it with `omitempty`.
    if (body === null || body === undefined)
        return [];
    if (!Array.isArray(body))
        throw (0,controller_instance/* notTheApi */.XK)('the instances are not a JSON array');
    return body.flatMap((outer) => (0,http_json/* isRecord */.u4)(outer) && (0,http_json/* isRecord */.u4)(outer['vm']) ? [{ outer, vm: outer['vm'] }] : []);
}
/** Old controllers omit the outer keys; an ID can be in upper or lower case. */
function indexed(items) {
    const byName = new Map();
    for (const item of items) {
        const { outer, vm } = item;
        const externalId = externalIdOf(item);
        const ids = [outer['instance_id'], vm['instance_id']].flatMap((id) => typeof id === 'string' ? [nameOf({ by: 'instance_id', id })] : []);
        const external = externalId === undefined ? [] : [nameOf({ by: 'external_id', id: externalId })];
        for (const name of new Set([...ids, ...external])) {
            const named = byName.get(name);
            if (named === undefined)
                byName.set(name, [item]);
            else
                named.push(item);
        }
    }
    return byName;
}
function externalIdOf({ outer, vm }) {
    const externalId = outer['external_id'] ?? vm['external_id'];
    return typeof externalId === 'string' ? externalId : undefined;
}
function nameOf({ by, id }) {
    return `${by} ${by === 'instance_id' ? id.toLowerCase() : id}`;
}
/** Each instance once: of several records, the last counts. */
function distinct(instances) {
    return [...new Map(instances.map((instance) => [instance.instanceId, instance])).values()];
}
function unlessBroken(read) {
    try {
        return read();
    }
    catch (error) {
        if (error instanceof http_json/* UnusableAnswer */.kf)
            return undefined;
        throw error;
    }
}
/** The outer keys take precedence over the inner ones, unless they are null. */
function merge(outer, vm) {
    const [outerId, innerId] = [outer['instance_id'], vm['instance_id']];
    if (typeof outerId === 'string' && typeof innerId === 'string' && !(0,controller_instance/* isSameId */.WB)(outerId, innerId)) {
        throw new http_json/* UnusableAnswer */.kf('an instance in the list has two different IDs');
    }
    return {
        ...vm,
        instance_id: outerId ?? innerId,
        external_id: outer['external_id'] ?? vm['external_id'],
        name: outer['name'] ?? vm['name'],
    };
}

;// CONCATENATED MODULE: ./lib/controller/restart-request.js
// One attempt of `POST /api/v1/rpc/vm/restart`, and what its answer means. The loop over attempts is in restart/restart.ts.
//
// | result of the attempt | meaning |
// | --- | --- |
// | held back right before it was sent | not carried out: held back |
// | no connection, no session, a refused handshake | not carried out: never left |
// | no (complete) answer after it may have been sent | uncertain |
// | 401, if the API key's session may have run out | not carried out: session ended |
// | 401 | not carried out: denied |
// | 429 | not carried out: too many requests |
// | 5xx, 408, or a success without a usable envelope | uncertain |
// | FAIL below 500 | not carried out: refused |
// | another failure below 500, e.g. status ERROR | rejected: a gateway may have written it |
// | OK | accepted |
// | 404 by a controller older than 1.44 | not carried out: refused |
// | any other 3xx or 4xx | rejected: it may come from a gateway, after the controller carried out the restart |




const RESTART_PATH = '/api/v1/rpc/vm/restart';
/** Sends the request at most once. Never throws. */
async function tryRestart(request, bounds, { client, call, getVersion }) {
    // The session may have expired while the gate waited. With a new one, another 401 can only be about the credentials.
    if (bounds.isAfter401)
        client.renewSession();
    const { result, veto } = await sendOnce(request, bounds, client);
    if ('refused' in result)
        return neverLeft(result, result.refused);
    if ('noAnswer' in result)
        return withoutAnswer(result, veto);
    const { answer } = result;
    if (answer.status === 401) {
        const mayBeSession = client.renewSession() && !bounds.isAfter401;
        return mayBeSession ? SESSION_ENDED : deniedAgain(answer, call);
    }
    if (answer.status === 404 && !isRefusal(parseEnvelope(answer)))
        return judgeNotFound(answer, await getVersion(bounds));
    return judgeAnswer(answer, call);
}
async function sendOnce(request, bounds, client) {
    const { deadline, signal, onDeparture } = bounds;
    const body = {
        instance_id: request.instanceId,
        vnc_password: request.vncPassword,
        usb_device: request.usbDevice,
    };
    const vetoes = [];
    const result = await client.post({ path: RESTART_PATH, body }, {
        deadline,
        signal,
        onDeparture() {
            const veto = onDeparture();
            if (veto === undefined)
                return;
            vetoes.push(veto);
            throw new Error('held back');
        },
    });
    return { result, veto: vetoes[0] };
}
function withoutAnswer(result, veto) {
    const { mayHaveBeenSent, reason, hint, cause } = result.noAnswer;
    if (mayHaveBeenSent)
        return { kind: 'uncertain', reason: `no answer came: ${reason}` };
    if (veto !== undefined)
        return heldBack(veto);
    return neverLeft(result, neverCarriedOut(reason, { hint, cause }));
}
function judgeAnswer(answer, call) {
    const { status } = answer;
    const envelope = parseEnvelope(answer);
    // After a 5xx status nothing is certain, whatever the body says.
    if (status >= 500)
        return uncertain(answer);
    if (status === 429)
        return tooManyRequests(answer);
    if (envelope?.status === 'failure') {
        const error = status === 403 ? denied(call, answer) : restartRefused(envelope.word, envelope.message);
        return isRefusal(envelope) ? refused(error) : { kind: 'rejected', error };
    }
    if (envelope !== undefined && isSuccess(answer))
        return { kind: 'accepted' };
    if (status === 403)
        return { kind: 'rejected', error: denied(call, answer) };
    if (isSuccess(answer) || (0,retry/* isTransientStatus */.Dm)(status))
        return uncertain(answer);
    return { kind: 'rejected', error: rejected(call, answer) };
}
/** Only a controller without this call certainly did not carry it out; otherwise something in front of it answered. */
function judgeNotFound(answer, version) {
    if (version === undefined) {
        const message = 'The restart request was answered with HTTP 404, and the controller does not report its version.';
        return { kind: 'rejected', error: new errors/* ActionError */.lZ('restart_unsupported', message, { hint: NEEDS_1_44 }) };
    }
    if (lacksRestarts(version)) {
        const message = `The controller does not know the restart request (HTTP 404); it reports version "${version}".`;
        return refused(new errors/* ActionError */.lZ('restart_unsupported', message, { hint: NEEDS_1_44 }));
    }
    const message = `The restart request was answered with HTTP 404 and ${describeBody(answer)}, though the controller reports version "${version}", which knows it.`;
    const hint = `Most likely a gateway in front of the controller blocks POST ${RESTART_PATH}: configure it to allow it.`;
    return { kind: 'rejected', error: new errors/* ActionError */.lZ('protocol_error', message, { hint }) };
}
const NEEDS_1_44 = 'Restarting needs Anka Build Cloud Controller 1.44.0 or later: update the controller.';
const FIRST_WITH_RESTARTS = 44;
/** Versions look like `1.50.1-5e3c3f5b`; anything else counts as a version that supports restarts. */
function lacksRestarts(version) {
    const [, major, minor] = /^v?(\d+)\.(\d+)\b/.exec(version) ?? [];
    return major === '0' || (major === '1' && Number(minor) < FIRST_WITH_RESTARTS);
}
function uncertain(answer) {
    return {
        kind: 'uncertain',
        reason: `it was answered with HTTP ${answer.status} and ${describeBody(answer)}`,
    };
}
// ---- not carried out ----
function neverLeft(result, error) {
    return repeatable('never left', faultOf(result), error);
}
function heldBack(veto) {
    if (veto.kind === 'final')
        return { kind: 'not carried out', because: 'held back', mayRepeat: false, error: veto.error };
    const { reason, hint } = veto;
    const fault = { kind: 'held back', reason, hint, nature: 'passing' };
    return repeatable('held back', fault, neverCarriedOut(reason, { hint }));
}
function deniedAgain(answer, call) {
    const fault = { ...faultOf({ answer }), nature: 'refusal' };
    return repeatable('denied', fault, unauthorized(call));
}
function tooManyRequests(answer) {
    const hint = 'The controller, or a gateway in front of it, asks for fewer requests: run the step again later.';
    const error = neverCarriedOut('the answer was HTTP 429 (too many requests) to the end', { hint });
    return repeatable('too many requests', faultOf({ answer }), error);
}
function repeatable(because, fault, error) {
    return { kind: 'not carried out', because, mayRepeat: true, fault, error };
}
function refused(error) {
    return { kind: 'not carried out', because: 'refused', mayRepeat: false, error };
}
function restartRefused(word, said) {
    const message = word === 'FAIL'
        ? `The controller refused the restart: "${said}".`
        : `The restart was answered with ${word}: "${said}".`;
    return new errors/* ActionError */.lZ('restart_refused', message, {
        hint: 'Check the instance in the controller. A usb_device must exist there, and requires an Enterprise license.',
    });
}
function neverCarriedOut(reason, { hint, cause }) {
    return new errors/* ActionError */.lZ('controller_unreachable', `The restart could not be sent: ${reason}.`, {
        hint: `Nothing was restarted. ${hint}`,
        cause,
    });
}
const SESSION_HINT = 'See the log for the cause of the delay; then run the step again, or raise timeout.';
/** Only a new session shows whether the credentials are valid. */
const SESSION_ENDED = repeatable('session ended', {
    kind: 'HTTP 401',
    reason: 'it answered HTTP 401, so a new session is needed',
    hint: SESSION_HINT,
    nature: 'passing',
}, new errors/* ActionError */.lZ('timed_out', 'The session had ended when the request got there, and too little time was left for a new one.', { hint: SESSION_HINT }));

;// CONCATENATED MODULE: ./lib/controller/controller.js
// A request passes through client.ts, which adds credentials and repeats reads, to http/transport.ts. The answer returns the
// same way: envelope.ts distinguishes OK from FAIL, instances.ts and instance.ts parse the JSON into Instances, restart-request.ts
// judges the answer to a restart.





const MIB = 1024 * 1024;
/** The same limit for one instance as for the list: startup scripts may have long outputs, and a controller may ignore `?id=`. */
const MAX_INSTANCES_BYTES = 32 * MIB;
const VERSION_TIMEOUT_MS = 5_000;
const NAMES_TIMEOUT_MS = 10_000;
const NOT_LISTED = 'its list of instances does not show the instance';
const VM_PATH = '/api/v1/vm';
const STATUS_PATH = '/api/v1/status';
function createController(options) {
    const { client } = options;
    const names = createNames();
    const reads = createReads(options, names);
    const getVersion = (bounds) => readVersion(options, bounds);
    function findInstances(target, bounds) {
        return reads.listed(bounds, (list) => list.matching(target));
    }
    return {
        async getInstance(instanceId, bounds) {
            const instance = await reads.one(instanceId, bounds);
            if (instance !== undefined)
                return withNames(instance, bounds, { ...options, names, reads });
            // FAIL can mean "no such instance" or "the database is down": only a complete list without it is proof.
            const [found] = await findInstances({ by: 'instance_id', id: instanceId }, bounds);
            return found;
        },
        findInstances,
        listInstances: (bounds) => reads.listed(bounds, (list) => list),
        externalIds: reads.externalIds,
        namesOf: names.all,
        tryRestart(request, bounds) {
            names.settle(request);
            return tryRestart(request, bounds, { client, call: callOf(options, 'POST', RESTART_PATH), getVersion });
        },
        restartRetries: client.retriesOfPost,
        renewConnections: client.renewConnections,
        getVersion,
    };
}
/**
 * Old controllers return `external_id` and `name` only in the list. If the list cannot be read (soon, or until the deadline), the
 * instance says why it may lack names, and the next read tries again until the restart is sent.
 */
async function withNames(instance, bounds, { clock, needsNames = false, lacksName = () => false, names, reads }) {
    if (!needsNames || names.areKnown(instance))
        return instance;
    const soon = Math.min(bounds.deadline, clock.now() + NAMES_TIMEOUT_MS);
    const deadline = lacksName(instance) ? bounds.deadline : soon;
    const onFault = (fault) => bounds.onFault?.({ ...fault, leftMs: undefined });
    try {
        await reads.listed({ deadline, signal: bounds.signal, onFault }, (list) => {
            // A lagging replica may not list it yet: that says nothing about its names.
            const isListed = list.matching({ by: 'instance_id', id: instance.instanceId }).length > 0;
            if (!isListed && lacksName(instance) && clock.now() < soon)
                throw new http_json/* UnusableAnswer */.kf(NOT_LISTED);
            return list;
        });
        names.settle(instance);
        return names.fillIn(instance);
    }
    catch (error) {
        bounds.signal.throwIfAborted();
        return names.fillIn({ ...instance, unreadNames: (0,errors/* asActionError */.z6)(error) });
    }
}
/** The two reads of instances. Each instance gets the time of its answer, and its known names. */
function createReads(options, names) {
    const { client } = options;
    const call = callOf(options, 'GET', VM_PATH);
    let lastList;
    function withTimeAndNames(instance, { headers }) {
        const ms = Date.parse(headers['date'] ?? '');
        return names.fillIn({ ...instance, answeredAtMs: Number.isNaN(ms) ? undefined : ms });
    }
    return {
        one(instanceId, bounds) {
            const path = `${VM_PATH}?id=${encodeURIComponent(instanceId)}`;
            const decode = (answer) => {
                const envelope = readEnvelope(call, answer);
                const instance = envelope.status === 'OK' ? readInstance(envelope.body, instanceId) : undefined;
                return instance && withTimeAndNames(instance, answer);
            };
            return client.read({ path, maxBytes: MAX_INSTANCES_BYTES, decode }, bounds);
        },
        /** @param read throws UnusableAnswer to have the list requested again. */
        listed(bounds, read) {
            const decode = (answer) => {
                const list = readList(bodyOf(readEnvelope(call, answer)));
                const { matching, readable } = list;
                lastList = list;
                const completed = (instance) => withTimeAndNames(instance, answer);
                return read({
                    ...list,
                    matching: (target) => matching(target).map(completed),
                    readable: () => readable().map(completed),
                });
            };
            return client.read({ path: VM_PATH, maxBytes: MAX_INSTANCES_BYTES, decode }, bounds);
        },
        externalIds: () => lastList?.externalIds() ?? [],
    };
}
function readVersion(options, { deadline, signal }) {
    const { client, clock } = options;
    const decode = (answer) => {
        const body = bodyOf(readEnvelope(callOf(options, 'GET', STATUS_PATH), answer));
        return (0,http_json/* isRecord */.u4)(body) ? (0,http_json/* text */.Qq)(body, 'version') : undefined;
    };
    const bounds = { deadline: Math.min(deadline, clock.now() + VERSION_TIMEOUT_MS), signal };
    return client.read({ path: STATUS_PATH, maxBytes: MIB, decode }, bounds).catch(() => undefined);
}
/** For errors. */
function callOf({ url, deniedHint }, method, path) {
    const address = `${url?.origin ?? ''}${url?.pathname.replace(/\/+$/, '') ?? ''}${path}`;
    return { name: `${method} ${path}`, url: address, deniedHint };
}
/**
 * Remembers the fields of an instance that do not change while the VM lives, for later answers that lack them; and its names in all answers,
 * because these may change.
 */
function createNames() {
    const known = new Map();
    const shown = new Map();
    /** Instances for which the list need not be read: it was read already, or the restart is sent. */
    const settled = new Set();
    const keyOf = ({ instanceId }) => instanceId.toLowerCase();
    const all = (instance) => shown.get(keyOf(instance)) ?? [];
    return {
        fillIn(instance) {
            const before = known.get(keyOf(instance));
            const nodeId = instance.nodeId ?? before?.nodeId;
            const names = {
                externalId: instance.externalId ?? before?.externalId,
                name: instance.name ?? before?.name,
                uuid: instance.uuid ?? before?.uuid,
            };
            const hostIp = instance.hostIp ?? (nodeId === before?.nodeId ? before?.hostIp : undefined);
            const kept = { ...names, nodeId, hostIp };
            known.set(keyOf(instance), kept);
            shown.set(keyOf(instance), [...all(instance).filter((other) => !areSame(other, names)), names]);
            return { ...instance, ...kept };
        },
        all,
        /** Whether reading the list would add nothing. */
        areKnown: (instance) => (instance.externalId !== undefined && instance.name !== undefined) || settled.has(keyOf(instance)),
        settle: (instance) => void settled.add(keyOf(instance)),
    };
}
function areSame(one, other) {
    return one.externalId === other.externalId && one.name === other.name && one.uuid === other.uuid;
}
function bodyOf(envelope) {
    if (envelope.status === 'OK')
        return envelope.body;
    const hint = "Check the controller's log, and controller_url: is the path prefix right?";
    throw new http_json/* UnusableAnswer */.kf(`it answered ${envelope.word}: "${envelope.message}"`, {
        nature: 'mistake',
        hint,
    });
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
;// CONCATENATED MODULE: ./lib/controller/credentials.js
// The credentials for the controller: none, the root token, or a session that an API key opens.





/**
 * @param onSecret called with each new secret before it is used.
 * @param own the headers from the user.
 */
function createCredentials(identity, onSecret, own = {}) {
    if (identity.kind === 'api_key')
        return createSession(identity, onSecret);
    const isRoot = identity.kind === 'root_token';
    const headers = isRoot ? { authorization: rootAuthorization(identity.token) } : {};
    const hasOwn = Object.keys(own).some((name) => name.toLowerCase() === 'authorization');
    const deniedHint = isRoot ? DENIED_ROOT : hasOwn ? DENIED_OWN : DENIED_ANONYMOUS;
    return { deniedHint, authorize: async () => ({ headers }), renew: () => false };
}
const DENIED_ROOT = 'Check root_token, or whether a gateway in front of the controller requires something else (see headers).';
const DENIED_OWN = 'The Authorization header given in headers is not accepted, by the controller or by a gateway in front of it: check its value.';
const DENIED_ANONYMOUS = 'This controller is protected: give root_token, or api_key_id and api_key, or client_cert and client_key.';
/** `Authorization` for the root token. */
function rootAuthorization(token) {
    return `Basic ${Buffer.from(`root:${token}`).toString('base64')}`;
}
// ---- user API keys: the controller's "TAP" protocol ----
const HAND_PATH = '/tap/v1/hand';
const SHAKE_PATH = '/tap/v1/shake';
/** Performs the handshake on first use, and again once the session has expired (5 minutes by default). */
function createSession(apiKey, onSecret) {
    let authorization;
    return {
        deniedHint: 'A new session was refused, too: check api_key_id and api_key, and the clock of the controller.',
        async authorize(post) {
            if (authorization === undefined) {
                const session = await shakeHands(apiKey, post, onSecret);
                if (!('secrets' in session))
                    return session;
                const bearer = Buffer.from(JSON.stringify(session.data)).toString('base64');
                onSecret(bearer, ...session.secrets);
                authorization = `Bearer ${bearer}`;
            }
            return { headers: { authorization } };
        },
        renew() {
            authorization = undefined;
            return true;
        },
    };
}
/** The decrypted secret of the first answer opens the session: within 10 s, and only once. */
async function shakeHands({ id, key }, post, onSecret) {
    const hand = await post({ path: HAND_PATH, body: { id } });
    if (!isAnswered(hand))
        return notSent(HAND_PATH, hand);
    if (isRedirect(hand.answer))
        return { refused: redirected(`POST ${HAND_PATH}`, hand.answer) };
    if (!isSuccess(hand.answer) || (0,http_json/* isRecord */.u4)((0,http_json/* parseJson */.qF)(hand.answer.text)))
        return { refused: refusedHand(hand.answer) };
    const encrypted = decodeBase64(hand.answer.text);
    if (encrypted?.length !== modulusBytes(key))
        return notSent(HAND_PATH, hand);
    const secret = decrypt(encrypted, key);
    if (secret === undefined)
        return { refused: CANNOT_DECRYPT };
    onSecret(secret);
    const shake = await post({ path: SHAKE_PATH, body: { id, secret } });
    if (!isAnswered(shake))
        return notSent(SHAKE_PATH, shake);
    if (isRedirect(shake.answer))
        return { refused: redirected(`POST ${SHAKE_PATH}`, shake.answer) };
    // The secret may have expired in transit: like an expired session, that requires a new handshake.
    if (!isSuccess(shake.answer))
        return { answer: { ...shake.answer, status: 401 } };
    return readSession(shake.answer.text) ?? notSent(SHAKE_PATH, shake);
}
/** An answer that is final, as opposed to one that may differ next time. */
function isAnswered(result) {
    return 'answer' in result && !(0,retry/* isTransientStatus */.Dm)(result.answer.status);
}
/** Without a session, the request itself is never sent. */
function notSent(path, result) {
    if ('noAnswer' in result)
        return { noAnswer: { ...result.noAnswer, mayHaveBeenSent: false } };
    const { status, retryAfterMs } = result.answer;
    const isPassing = (0,retry/* isTransientStatus */.Dm)(status);
    const reason = `the handshake (${path}) was answered with ${isPassing ? `HTTP ${status}` : describeBody(result.answer)}`;
    const fault = isPassing
        ? { nature: (0,retry/* natureOf */.PC)(retryAfterMs), hint: CHECK_CONTROLLER }
        : { nature: 'mistake', hint: CHECK_ADDRESS_AND_KEY };
    const cause = isPassing ? undefined : new http_json/* UnusableAnswer */.kf(reason, fault);
    return { noAnswer: { ...fault, mayHaveBeenSent: false, reason, retryAfterMs, cause } };
}
const CHECK_CONTROLLER = 'Check the controller, and any gateway in front of it.';
const CHECK_ADDRESS_AND_KEY = 'Check controller_url: is this the controller, and is the path prefix right? Or is there a login page in front of it? And check that api_key is the key of api_key_id.';
function modulusBytes(key) {
    return (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
}
/** Either alphabet, with or without padding, with or without a line break at the end. */
function decodeBase64(text) {
    return /^[\w+/-]+={0,2}\s*$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}
/** Undefined if the key does not match. The cause would add nothing, and might reveal too much. */
function decrypt(encrypted, key) {
    const padding = external_node_crypto_.constants.RSA_PKCS1_OAEP_PADDING;
    try {
        return (0,external_node_crypto_.privateDecrypt)({ key, padding, oaepHash: 'sha256' }, encrypted).toString();
    }
    catch {
        return undefined;
    }
}
const CANNOT_DECRYPT = new errors/* ActionError */.lZ('authentication_failed', 'The handshake failed: api_key cannot decrypt what was encrypted for api_key_id.', { hint: 'Check that api_key is the private key of the user API key that api_key_id names.' });
/** A session's token is an ID; a longer one would make every request large. In characters. */
const LONGEST_TOKEN = 4_000;
/** The data of a session is serialized as JSON again: a text this short cannot nest too deeply for that. In characters. */
const LONGEST_SESSION = 6_000;
/** A shorter string next to the token is a number or a word: masking it would garble every message. In characters. */
const SHORTEST_COMPANION = 8;
function readSession(text) {
    if (text.length > LONGEST_SESSION)
        return undefined;
    const answer = (0,http_json/* parseJson */.qF)(text) ?? (0,http_json/* parseJson */.qF)(decodeBase64(text)?.toString() ?? '');
    const data = (0,http_json/* isRecord */.u4)(answer) ? answer['data'] : undefined;
    if (!(0,http_json/* isRecord */.u4)(data) || typeof data['token'] !== 'string')
        return undefined;
    const { token, userName, ...others } = data;
    if (!PRINTABLE.test(data['token']) || JSON.stringify(data).length > LONGEST_TOKEN)
        return undefined;
    const texts = Object.values(others).filter((value) => typeof value === 'string' && value.length >= SHORTEST_COMPANION);
    return { data, secrets: [data['token'], ...texts.map(String)] };
}
const PRINTABLE = /^[\x21-\x7e]+$/;
/** The controller does not know the key, or the server is most likely not the controller. */
function refusedHand(answer) {
    const { status } = answer;
    if (status === 401 || (0,http_json/* isRecord */.u4)((0,http_json/* parseJson */.qF)(answer.text))) {
        return new errors/* ActionError */.lZ('authentication_failed', `The controller does not accept the user API key (HTTP ${status} to ${HAND_PATH}).`, {
            hint: 'Check api_key_id, and that user API keys are enabled on this controller (1.19 or later).',
        });
    }
    return new errors/* ActionError */.lZ('authentication_failed', `The handshake of the user API key failed: POST ${HAND_PATH} was answered with HTTP ${status} and ${describeBody(answer)}.`, {
        hint: 'Check controller_url: is its path prefix right, and is this the controller? User API keys need version 1.19 or later.',
    });
}

// EXTERNAL MODULE: ./lib/drain/drain-labels.js
var drain_labels = __webpack_require__(4542);
// EXTERNAL MODULE: ./lib/log.js
var lib_log = __webpack_require__(7309);
// EXTERNAL MODULE: ./lib/restart/outcome.js
var restart_outcome = __webpack_require__(8663);
;// CONCATENATED MODULE: ./lib/fleet/slots.js
// Which VM of several may go next: the state of each VM, and its transitions. VMs are identified by index.
//
// | state        | the VM                                              | leaves it by                                    |
// | ------------ | --------------------------------------------------- | ----------------------------------------------- |
// | `preparing`  | is looked up and checked                            | `arrive` → waiting                              |
// | `waiting`    | is at its gate; its runner may have a job           | `queue` → queued; `defer` → deferred            |
// | `queued`     | needs nothing but a slot                            | a free slot → holding; `wait` (a job) → waiting |
// | `deferred`   | the same, but all queued VMs go first               | as queued                                       |
// | `holding`    | has a slot; has certainly not been restarted yet    | `depart` → restarting; `wait` → waiting         |
// | `restarting` | its restart was sent; it runs to its end            | `arrive` (certainly not carried out) → holding  |
// | `dismissed`  | must not start, because too many have failed        |                                                 |
// | `ended`      | is over                                             |                                                 |
// | `failed`     | is over                                             |                                                 |
//
// In every state except the last two, `end` → ended and `fail` → failed. Queued VMs get slots first, then deferred VMs, each in the order of
// the targets, and only once no VM is preparing: failures before sending should come before the first restart. Once too many VMs have
// failed, every VM that is neither restarting nor over is dismissed.

const ENDS = { end: 'ended', fail: 'failed' };
/** An event that is not listed changes nothing. */
const TRANSITIONS = {
    preparing: { arrive: 'waiting', ...ENDS },
    waiting: { queue: 'queued', defer: 'deferred', ...ENDS },
    queued: { wait: 'waiting', ...ENDS },
    deferred: { wait: 'waiting', ...ENDS },
    holding: { depart: 'restarting', wait: 'waiting', ...ENDS },
    restarting: { arrive: 'holding', ...ENDS },
    dismissed: ENDS,
    ended: {},
    failed: {},
};
/** The states after an event: of its VM, and of the VMs that therefore get a slot or are dismissed. Pure. */
function advance(states, { index, event }, limits) {
    const moved = states.map((state, at) => (at === index ? (TRANSITIONS[state][event] ?? state) : state));
    return hasTooManyFailures(moved, limits) ? moved.map(dismiss) : grant(moved, limits);
}
function dismiss(state) {
    return state === 'restarting' || state === 'ended' || state === 'failed' ? state : 'dismissed';
}
function grant(states, { slots }) {
    if (!haveAllArrived(states))
        return states;
    let free = slots - states.filter(holdsSlot).length;
    const grantTo = (some) => (state) => state === some && free-- > 0 ? 'holding' : state;
    return states.map(grantTo('queued')).map(grantTo('deferred'));
}
/** Whether it needs nothing but a slot. */
function isInQueue(state) {
    return state === 'queued' || state === 'deferred';
}
function holdsSlot(state) {
    return state === 'holding' || state === 'restarting';
}
function haveAllArrived(states) {
    return !states.includes('preparing');
}
function countFailed(states) {
    return states.filter((state) => state === 'failed').length;
}
function hasTooManyFailures(states, { mostFailures }) {
    return countFailed(states) > mostFailures;
}
function createSlots({ vms, limits, onTooManyFailures }) {
    const arrival = Promise.withResolvers();
    const grants = Array.from({ length: vms }, () => Promise.withResolvers());
    const dismissals = Array.from({ length: vms }, () => new AbortController());
    let states = Array(vms).fill('preparing');
    function enter(index, state) {
        if (isInQueue(state))
            grants[index] = Promise.withResolvers();
        if (state === 'holding')
            grants[index]?.resolve();
        if (state === 'dismissed')
            dismissals[index]?.abort(new restart_outcome/* LeftAlone */.l('not started'));
    }
    return {
        get states() {
            return states;
        },
        stateOf: (index) => existing(states[index]),
        apply(index, event) {
            const before = states;
            states = advance(before, { index, event }, limits);
            for (const [at, state] of states.entries())
                if (state !== before[at])
                    enter(at, state);
            if (haveAllArrived(states))
                arrival.resolve();
            if (hasTooManyFailures(states, limits) && !hasTooManyFailures(before, limits))
                onTooManyFailures(countFailed(states));
        },
        allArrived: arrival.promise,
        granted: (index) => existing(grants[index]).promise,
        dismissalOf: (index) => existing(dismissals[index]).signal,
    };
}
function existing(value) {
    if (value === undefined)
        throw new Error('there is no such VM');
    return value;
}
/** Shares are rounded down, but there is always one slot. @param mostSlots never more slots than this, whatever the user allows. */
function limitsFor(vms, { maxParallel, maxFailures, dryRun }, mostSlots = Number.POSITIVE_INFINITY) {
    return {
        slots: Math.max(1, Math.min(mostSlots, amountOf(maxParallel, vms))),
        mostFailures: dryRun ? Number.POSITIVE_INFINITY : amountOf(maxFailures, vms),
    };
}
/** Computes with whole percentages, so that a rounding error of the share cannot cost a VM. */
function amountOf(amount, vms) {
    return 'count' in amount ? amount.count : Math.floor((Math.round(amount.share * 100) * vms) / 100);
}

;// CONCATENATED MODULE: ./lib/fleet/step-outcome.js
// How the step ended, as a list of VM outcomes, and what is known about each VM before that.

/** A VM about which only the name is known. */
function nothingKnown({ name, target, externalId }) {
    return { ...restart_outcome/* NOTHING_DONE */.L, name, target, externalId, endedAt: undefined };
}
/** A step that failed before it restarted any VM. */
function failedStep(error, targets = []) {
    const vms = targets.map((target) => ({ ...nothingKnown({ name: target.id, target }), error }));
    return { vms, isDryRun: false, mostFailures: 0, error };
}
/** The VM of a step that has exactly one. */
function theOnlyVm({ vms }) {
    return vms.length === 1 ? vms[0] : undefined;
}
/** What the log and the summary call it. */
const KIND_WORDS = {
    restarted: 'restarted',
    failed: 'failed',
    skipped: 'skipped',
    not_started: 'not started',
    unknown: 'not verified',
};
/**
 * In a dry run, a VM counts as not started; so does one that had no restart before the step was canceled. If its restart was verified before
 * that, it counts as restarted, although the step no longer waits for guest and runner.
 */
function resultKindOf({ leftAlone, restarted, error, moments }) {
    if (leftAlone !== undefined)
        return leftAlone.why === 'not started' ? 'not_started' : 'skipped';
    if (restarted === 'unknown')
        return 'unknown';
    const wasCancelled = error?.code === 'cancelled';
    if (wasCancelled && moments.sent === undefined)
        return 'not_started';
    if (error !== undefined && !(wasCancelled && restarted === 'true'))
        return 'failed';
    return restarted === 'true' ? 'restarted' : 'not_started';
}
/** Whether the step was canceled before its last VM had ended. */
function wasCancelled({ vms }) {
    return vms.some(({ error }) => error?.code === 'cancelled');
}
/** e.g. `1 VM`, `40 VMs`. */
function numberOfVms(count) {
    return count === 1 ? '1 VM' : `${count} VMs`;
}
/** The first of them, e.g. `a, b and 3 more`. */
function listNames(names, most) {
    const more = names.length - most;
    return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
function countKinds(vms) {
    const counts = { restarted: 0, failed: 0, skipped: 0, not_started: 0, unknown: 0 };
    for (const vm of vms)
        counts[resultKindOf(vm)]++;
    return counts;
}
/** `unknown` if it is for any VM. `true` if at least one VM was restarted, and so was every VM that was not skipped. */
function restartedOf(vms) {
    if (vms.some(({ restarted }) => restarted === 'unknown'))
        return 'unknown';
    const wanted = vms.filter((vm) => resultKindOf(vm) !== 'skipped');
    return wanted.length > 0 && wanted.every(({ restarted }) => restarted === 'true') ? 'true' : 'false';
}
/** The most announcements per step, because each is appended to a file. */
const MOST_ANNOUNCEMENTS = 50;
/** The most VMs in all announcements together, because each costs CPU time. */
const MOST_ANNOUNCED = 40_000;
function createOutcomesSoFar({ members, announce, ...plan }) {
    const vms = members.map(nothingKnown);
    const announcements = Math.min(MOST_ANNOUNCEMENTS, MOST_ANNOUNCED / members.length);
    const atOnce = Math.ceil(members.length / announcements);
    /** The indexes of the VMs that are already announced as `unknown`. */
    let covered = new Set();
    let error;
    function note(index, to) {
        const vm = vms[index];
        if (vm !== undefined)
            vms[index] = { ...vm, ...to };
    }
    return {
        ofStep: () => ({ ...plan, vms: [...vms], error }),
        depart(index, known) {
            note(index, known);
            if (covered.has(index))
                return;
            // Few announcements are allowed, so each covers the next VMs, too: if the process is killed, their restarts may have been sent.
            const next = vms.flatMap(({ endedAt }, other) => {
                return endedAt === undefined && other !== index && !covered.has(other) ? [other] : [];
            });
            const maybeSent = new Set([...covered, index, ...next.slice(0, atOnce - 1)]);
            announce?.({ ...plan, vms: vms.map((vm, at) => (maybeSent.has(at) ? asMaybeSent(vm) : vm)), error });
            covered = maybeSent;
        },
        note,
        end(index, outcome) {
            error ??= outcome.error;
            note(index, outcome);
            return outcome;
        },
    };
}
/** A verified restart stays verified while the step waits for guest and runner. */
function asMaybeSent(vm) {
    return vm.endedAt === undefined && vm.restarted !== 'true' ? { ...vm, restarted: 'unknown' } : vm;
}

;// CONCATENATED MODULE: ./lib/fleet/fleet-log.js
// The log lines about several VMs together.




function describeFleet(vms, { slots, mostFailures }) {
    const most = mostFailures === 0 ? 'the first failure' : `more than ${numberOfFailures(mostFailures)}`;
    return `${numberOfVms(vms)}, at most ${slots} at a time; after ${most} no new restart starts`;
}
function numberOfFailures(failures) {
    return failures === 1 ? '1 failure' : `${failures} failures`;
}
function describeDryRun(vms) {
    return `Dry run: ${numberOfVms(vms)} to check; nothing is changed`;
}
/** How one VM ended. Undefined if it succeeded, and if it never started: those VMs are listed together at the end. */
function describeEnd(outcome) {
    const { error, leftAlone } = outcome;
    if (neverStarted(outcome))
        return undefined;
    const ending = KIND_WORDS[resultKindOf(outcome)];
    if (error !== undefined)
        return `${ending}: ${error.code}: ${error.message}`;
    return leftAlone && `${ending}: ${leftAlone.message}`;
}
/** A VM that a dry run has checked is `not_started`, too, but has neither an error nor a reason to be left alone. */
function neverStarted(outcome) {
    const { error, leftAlone } = outcome;
    return resultKindOf(outcome) === 'not_started' && (error !== undefined || leftAlone !== undefined);
}
function describeTooManyFailures(failed, { mostFailures }) {
    return `${numberOfFailures(failed)}, more than max_failures (${mostFailures}) allows: no new restart starts`;
}
const MOST_NOT_STARTED = 10;
/** Undefined if every VM was started. */
function describeNotStarted({ vms }) {
    const names = vms.filter(neverStarted).map(({ name }) => name);
    if (names.length === 0)
        return undefined;
    return `Not started: ${numberOfVms(names.length)}: ${listNames(names, MOST_NOT_STARTED)}`;
}
const PROGRESS_EVERY_MS = 10_000;
/** Logs the progress every ten seconds, less often while it does not change. @returns a function that stops it. */
function logProgress({ clock, log, signal }, progressNow) {
    const lines = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined });
    const stop = new AbortController();
    const until = AbortSignal.any([signal, stop.signal]);
    const repeat = async () => {
        for (;;) {
            await clock.sleep(PROGRESS_EVERY_MS, until);
            lines.note('progress', describeProgress(progressNow()));
        }
    };
    // The loop ends only by a rejected sleep, when it is stopped or the step is canceled.
    repeat().catch(() => { });
    return () => stop.abort();
}
const PROBLEMS = ['failed', 'unknown', 'skipped', 'not_started'];
/** e.g. `12 of 40 done, 3 in progress, 2 failed, 23 to go, about 4 min left`. */
function describeProgress(progress) {
    const { vms } = progress;
    const counts = countKinds(vms.filter(isEnded).map(({ known }) => known));
    const leftMs = estimateMs(progress);
    const parts = [
        `${counts.restarted} of ${vms.length} done`,
        describeInProgress(vms.filter(isInProgress)),
        ...PROBLEMS.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${KIND_WORDS[kind]}`),
        describeToGo(vms.filter(isToGo)),
        ...(leftMs === undefined ? [] : [`about ${roughly(leftMs)} left`]),
    ];
    return parts.join(', ');
}
function isEnded({ state }) {
    return state === 'ended' || state === 'failed';
}
function isInProgress({ state }) {
    return holdsSlot(state);
}
function isToGo(vm) {
    return !isEnded(vm) && !isInProgress(vm);
}
function describeInProgress(vms) {
    const rebooted = vms.filter(({ known }) => known.restarted === 'true');
    if (rebooted.length === 0)
        return `${vms.length} in progress`;
    const missing = rebooted.some(({ runner }) => runner !== undefined)
        ? 'runner not back yet'
        : 'guest not up yet';
    return `${vms.length} in progress (${rebooted.length} rebooted, ${missing})`;
}
const MOST_BUSY = 3;
/** Includes why runners block VMs: no other line explains why a fleet makes no progress. */
function describeToGo(vms) {
    const waiting = vms.filter(({ state }) => state === 'waiting');
    const busy = waiting.filter(({ runner }) => runner === 'busy');
    const busyNames = busy.map(({ known }) => known.name);
    const settling = waiting.filter(({ runner }) => runner === 'settling').length;
    const unknown = waiting.filter(({ runner }) => runner === 'unknown').length;
    const reasons = [
        ...(settling > 0 ? [`${settling} idle, but not yet for idle_for`] : []),
        ...(busy.length > 0 ? [`${busy.length} with a job: ${listNames(busyNames, MOST_BUSY)}`] : []),
        ...(unknown > 0 ? [`${unknown} about which GitHub gives no usable answer`] : []),
    ];
    return `${vms.length} to go${reasons.length === 0 ? '' : ` (${reasons.join('; ')})`}`;
}
/** A VM in progress that has taken this many times as long as the others makes an estimate useless. */
const OVERDUE = 2;
/** Estimates from the VMs restarted so far. Undefined if there are none, if the step waits for jobs, or if one VM takes far longer. */
function estimateMs({ vms, slots, now }) {
    const tookMs = vms.flatMap(({ known }) => (known.restarted === 'true' ? durationOf(known) : []));
    const toGo = vms.filter(isToGo);
    const inProgress = vms.filter(isInProgress);
    const waitsForJobs = toGo.some(({ state }) => !isInQueue(state));
    if (tookMs.length === 0 || waitsForJobs || toGo.length + inProgress.length === 0)
        return undefined;
    const meanMs = tookMs.reduce((sum, ms) => sum + ms, 0) / tookMs.length;
    const elapsedMs = inProgress.map(({ known }) => now - (beginningOf(known) ?? now));
    if (elapsedMs.some((ms) => ms > OVERDUE * meanMs))
        return undefined;
    const leftMs = [...elapsedMs.map((ms) => Math.max(0, meanMs - ms)), ...toGo.map(() => meanMs)];
    const sharedMs = leftMs.reduce((sum, ms) => sum + ms, 0) / slots;
    return Math.max(sharedMs, ...leftMs);
}
/** The time from its start to its end, or nothing before its end. */
function durationOf(vm) {
    const beganAt = beginningOf(vm);
    return beganAt === undefined || vm.endedAt === undefined ? [] : [vm.endedAt - beganAt];
}
function beginningOf({ moments: { gateAnswered, sent } }) {
    return gateAnswered ?? sent;
}
const MINUTE_MS = 60_000;
const STEP_MS = 10_000;
/** In tens of seconds below a minute and a half, otherwise in minutes. */
function roughly(ms) {
    const stepMs = ms < 1.5 * MINUTE_MS ? STEP_MS : MINUTE_MS;
    return (0,lib_clock/* minutes */.Gx)(Math.max(1, Math.round(ms / stepMs)) * stepMs);
}

// EXTERNAL MODULE: ./lib/github/github-faults.js
var github_faults = __webpack_require__(1688);
// EXTERNAL MODULE: ./lib/github/runner-names.js
var runner_names = __webpack_require__(892);
;// CONCATENATED MODULE: ./lib/fleet/coalescing.js
// Many callers, one request. A call joins the batch that starts next, so each caller gets an answer that was requested after its call. Only one
// batch is in progress at a time. Each caller has its own deadline and signal; a batch continues as long as any of its callers waits.

/** The pause for batches that start `everyMs` apart; a longer batch is followed by an equally long pause. The first one starts at once. */
function spacing(everyMs, previous, now) {
    if (previous === undefined)
        return 0;
    const { beganAt, endedAt } = previous;
    return Math.max(0, Math.max(beganAt + everyMs, endedAt + (endedAt - beganAt)) - now);
}
/** @returns a function that asks one question. It throws the error of the request, `noAnswer` at its deadline, or its signal's reason. */
function coalesce(options) {
    const batches = new Batches(options);
    return (question, bounds) => batches.ask(question, bounds);
}
class Batches {
    #options;
    /** The callers of the next batch. */
    #waiting = new Set();
    /** The callers of the batch in progress. */
    #asking = new Set();
    /** Ends the batch in progress. */
    #stop = new AbortController();
    #previous;
    #isAtWork = false;
    constructor(options) {
        this.#options = options;
    }
    async ask(question, bounds) {
        const { clock, noAnswer } = this.#options;
        const answer = Promise.withResolvers();
        const asker = { question, bounds, answer, lastFault: undefined };
        try {
            return await (0,lib_clock/* within */.ux)(clock, { ms: bounds.deadline - clock.now(), signal: bounds.signal }, () => {
                this.#waiting.add(asker);
                void this.#work();
                return answer.promise;
            });
        }
        catch (error) {
            throw (0,lib_clock/* isTimeout */.kL)(error) ? noAnswer(asker.lastFault) : error;
        }
        finally {
            this.#leave(asker);
        }
    }
    async #work() {
        if (this.#isAtWork)
            return;
        this.#isAtWork = true;
        const { clock, signal, pauseMs } = this.#options;
        while (this.#waiting.size > 0) {
            // After a cancellation, no request is sent: each caller's own signal ends its wait.
            await clock
                .sleep(pauseMs(questionsOf(this.#waiting), this.#previous), signal)
                .catch(() => this.#waiting.clear());
            if (this.#waiting.size > 0)
                await this.#askForAll();
        }
        this.#isAtWork = false;
    }
    async #askForAll() {
        const { clock, signal, ask } = this.#options;
        this.#stop = new AbortController();
        for (const asker of this.#waiting)
            this.#asking.add(asker);
        this.#waiting.clear();
        const beganAt = clock.now();
        const bounds = {
            deadline: Math.max(...[...this.#asking].map(({ bounds: { deadline } }) => deadline)),
            signal: AbortSignal.any([signal, this.#stop.signal]),
            onFault: (fault) => this.#passOn(fault),
        };
        try {
            const answer = await ask(questionsOf(this.#asking), bounds);
            for (const asker of this.#asking)
                asker.answer.resolve(answer);
        }
        catch (error) {
            for (const asker of this.#asking)
                asker.answer.reject(error);
        }
        this.#asking.clear();
        this.#previous = { beganAt, endedAt: clock.now() };
    }
    /** Goes to the callers of this batch, and to those of the next one, which it delays. */
    #passOn(fault) {
        this.#options.onFault(fault);
        for (const asker of [...this.#asking, ...this.#waiting]) {
            asker.lastFault = fault;
            asker.bounds.onFault?.({ ...fault, isLogged: true });
        }
    }
    #leave(asker) {
        this.#waiting.delete(asker);
        if (this.#asking.delete(asker) && this.#asking.size === 0)
            this.#stop.abort();
    }
}
function questionsOf(askers) {
    return [...askers].map(({ question }) => question);
}

;// CONCATENATED MODULE: ./lib/fleet/shared-reads.js
// Shared reads of the controller and GitHub: one list serves all VMs that ask at about the same time. A VM with too little time
// left to wait for the next list makes its own request.







/** A VM with less time left than this makes its own request: in milliseconds. */
const URGENT_MS = 3_000;
function isUrgent({ deadline }, clock) {
    return deadline - clock.now() < URGENT_MS;
}
// ---- the controller ----
/** The shortest time from one list to the next: in milliseconds. */
const LIST_EVERY_MS = 1_000;
/** How long to wait before reading an unreadable record again: in milliseconds. */
const READ_AGAIN_MS = 1_000;
/**
 * Shares the reads of instances. While only one VM is being restarted, its reads are made immediately, and only of that instance. All other
 * calls go to the controller unchanged.
 * @param isCrowded whether several VMs hold a slot.
 */
function shareController(controller, { isCrowded, ...options }) {
    const { clock, log } = options;
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined });
    const list = coalesce({
        ...{ ...options, onFault: progress.fault, noAnswer: noControllerAnswer },
        pauseMs: (targets, previous) => shared_reads_areSame(targets) && !isCrowded() ? 0 : spacing(LIST_EVERY_MS, previous, clock.now()),
        async ask(targets, bounds) {
            const found = await requestFor(controller, targets, bounds);
            progress.answered();
            return found;
        },
    });
    async function find(target, bounds) {
        for (;;) {
            const found = await readFrom(await list(target, bounds), target);
            if (Array.isArray(found))
                return found;
            bounds.onFault?.(found);
            if (bounds.deadline - clock.now() < READ_AGAIN_MS)
                throw noControllerAnswer(found);
            await clock.sleep(READ_AGAIN_MS, bounds.signal);
        }
    }
    return {
        ...controller,
        findInstances: (target, bounds) => isUrgent(bounds, clock) ? controller.findInstances(target, bounds) : find(target, bounds),
        async getInstance(id, bounds) {
            if (isUrgent(bounds, clock))
                return controller.getInstance(id, bounds);
            const [instance] = await find({ by: 'instance_id', id }, bounds);
            return instance;
        },
    };
}
/** Reads all live VMs of the controller. One list serves the guards of all VMs. */
function shareLiveInstances(controller, options) {
    const { clock, log } = options;
    const onFault = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined }).fault;
    const list = coalesce({
        ...{ ...options, onFault, noAnswer: noControllerAnswer },
        pauseMs: (_, previous) => spacing(LIST_EVERY_MS, previous, clock.now()),
        async ask(_, bounds) {
            const listed = await controller.listInstances(bounds);
            return listed.readable().filter((instance) => !(0,controller_instance/* isTerminal */.Hd)(instance));
        },
    });
    return (bounds) => list(undefined, bounds);
}
/** Whether all ask for the same instance. */
function shared_reads_areSame(targets) {
    return new Set(targets.map(({ by, id }) => `${by} ${id}`)).size === 1;
}
async function requestFor(controller, targets, bounds) {
    const [first] = targets;
    if (first?.by !== 'instance_id' || !shared_reads_areSame(targets))
        return controller.listInstances(bounds);
    const instance = await controller.getInstance(first.id, bounds);
    return { matching: () => (instance === undefined ? [] : [instance]) };
}
/** An unreadable record is a fault only for the VM that it describes. */
function readFrom(list, target) {
    try {
        return list.matching(target);
    }
    catch (error) {
        if (!(error instanceof http_json/* UnusableAnswer */.kf))
            throw error;
        const { message: reason, nature, hint = 'Check the instance in the controller.' } = error;
        return { kind: 'unusable answer', reason, hint, nature, code: 'protocol_error' };
    }
}
function noControllerAnswer(last) {
    const hint = 'Check that the controller is up, and how long it takes to list its instances.';
    return noAnswer('The controller', last, { code: last?.code ?? 'controller_unreachable', hint });
}
// ---- GitHub ----
/** The shortest time between two lists of runners: in milliseconds. */
const RUNNERS_EVERY_MS = 5_000;
/** How long a list of runners waits for other VMs to join: in milliseconds. */
const GATHER_MS = 500;
/** The same for a list with the pace `soon`. */
const GATHER_SOON_MS = 100;
/** One list of runners, and one read of the jobs, serve the guards of all VMs. */
function shareSources({ runners, jobs }, options) {
    const { clock, log } = options;
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined, server: 'GitHub' });
    // Other reads follow, so the time left for this one does not matter.
    const onFault = (fault) => progress.fault({ ...fault, leftMs: undefined });
    const shared = { ...options, progress, onFault, noAnswer: noGitHubAnswer };
    const runningJobs = coalesce({
        ...shared,
        pauseMs: () => 0,
        async ask(_, bounds) {
            const running = await jobs.runningJobs(bounds);
            progress.answered();
            return running;
        },
    });
    return {
        runners: shareRunners(runners, shared),
        jobs: { ...jobs, runningJobs: (bounds) => runningJobs(undefined, bounds) },
    };
}
/**
 * One list answers repeated reads and searches by name. A runner that the list lacks is requested separately, because the pages of a list can
 * shift while they are read. An incomplete list may lack one of several runners in a VM, so it answers no search for a pattern.
 */
function shareRunners(runners, shared) {
    const listFor = shareList(runners, shared);
    const listed = async (bounds) => isUrgent(bounds, shared.clock) ? NO_LIST : await listFor(bounds);
    return {
        ...runners,
        async pollRunner(id, bounds) {
            const runner = (await listed(bounds)).runners.find((one) => one.id === id);
            return runner ?? runners.pollRunner(id, bounds);
        },
        async listAll(bounds) {
            const all = await listed(bounds);
            return all.runners.length > 0 ? all : runners.listAll(bounds);
        },
        async listRunners(name, bounds) {
            const all = await listed(bounds);
            const lacks = (0,runner_names/* isExact */.u0)(name) ? undefined : all.whyIncomplete(name);
            if (lacks !== undefined) {
                bounds.onFault?.((0,github_faults/* faultOfUnreadable */.Bm)(lacks));
                throw lacks;
            }
            const named = all.runners.filter((one) => (0,runner_names/* fitsPattern */.jF)(name, one.name));
            // If there is only one page, no runner can have moved to another one.
            const isComplete = all.pages === 1 && all.whyIncomplete(name) === undefined;
            return named.length > 0 || isComplete ? named : runners.listRunners(name, bounds);
        },
    };
}
/** The list for reads at the usual pace, and one for faster reads. NO_LIST if a request for each runner costs no more than the pages of a list. */
function shareList(runners, shared) {
    const { clock, progress } = shared;
    let pages = 1;
    let wasListed = false;
    async function ask(questions, bounds) {
        if (questions.length <= pages)
            return NO_LIST;
        const list = await runners.listAll(bounds);
        progress.answered();
        pages = list.pages;
        return list;
    }
    const usual = coalesce({
        ...shared,
        pauseMs: (_, previous) => Math.max(GATHER_MS, wasListed ? spacing(RUNNERS_EVERY_MS, previous, clock.now()) : 0),
        ask(questions, bounds) {
            wasListed = questions.length > pages;
            return ask(questions, bounds);
        },
    });
    /** Worth sharing, because the waits of several VMs often end together. */
    const fast = coalesce({
        ...shared,
        pauseMs: (gathersMs) => Math.min(...gathersMs),
        ask,
    });
    return (bounds) => {
        if (bounds.pace === undefined)
            return usual(undefined, bounds);
        return fast(bounds.pace === 'now' ? 0 : GATHER_SOON_MS, bounds);
    };
}
const NO_LIST = { runners: [], pages: 0, whyIncomplete: () => undefined };
function noGitHubAnswer(last) {
    const hint = 'Check githubstatus.com and the debug log of this step.';
    return noAnswer('GitHub', last, { code: 'github_api_failed', hint });
}
function noAnswer(server, last, { code, hint }) {
    const lastAttempt = last === undefined ? '' : `; last attempt: ${last.reason}`;
    const message = `${server} gave no usable answer in time${lastAttempt}.`;
    return new errors/* ActionError */.lZ(code, message, { hint: last?.hint ?? hint, isTransient: true });
}

;// CONCATENATED MODULE: ./lib/fleet/slot-gate.js
// The gate of one VM among several: it waits for a slot, and for the VM's runner.


/** After a longer wait, the VM's record is read again, because it is the baseline for the restart: in milliseconds. */
const FRESH_MS = 500;
/** How often an idle runner is read while its VM is queued: in milliseconds. */
const READ_QUEUED_EVERY_MS = 5_000;
/**
 * Blocks the restart of one VM until all VMs have arrived at their gates, its runner has no job, and it holds a slot. A VM that had to wait
 * keeps its slot while its record is read again. A VM that turns out to be in use gives its slot back.
 */
function createSlotGate(options) {
    const { runnerGate, checkDuplicate } = options;
    let hasLetPass = false;
    return {
        startsTimeout: true,
        get hasLetPass() {
            return hasLetPass;
        },
        async passOrWait(instance) {
            checkDuplicate(instance);
            const isOpen = await mayPass(options, instance);
            hasLetPass ||= isOpen;
            return isOpen;
        },
        async rehearse(instance) {
            checkDuplicate(instance);
            return (await runnerGate?.rehearse(instance)) ?? true;
        },
    };
}
/**
 * False if the VM had to wait, so that its record must be read again. Only a VM that holds a slot calls the runner gate's `passOrWait`, which
 * reads single runners: for hundreds of VMs, that would be too many requests.
 */
async function mayPass(options, instance) {
    const { slots, index, runnerGate, clock, signal, checkDuplicate } = options;
    const arrivedAt = clock.now();
    slots.apply(index, 'arrive');
    await (0,lib_clock/* unlessAborted */.Wh)(signal, slots.allArrived);
    checkDuplicate(instance);
    if (!holdsSlot(slots.stateOf(index))) {
        if (runnerGate !== undefined && runnerGate.occupancy() !== 'idle')
            await runnerGate.untilIdle(instance);
        signal.throwIfAborted();
        if (!(await takeSlot(options)) || clock.now() - arrivedAt > FRESH_MS)
            return false;
    }
    if (runnerGate !== undefined && !(await runnerGate.passOrWait(instance)))
        return false;
    signal.throwIfAborted();
    return true;
}
/** False if the runner got a job while the VM was queued: then the VM leaves the queue. */
async function takeSlot(options) {
    const { slots, index, runnerGate, clock, signal } = options;
    slots.apply(index, options.comesLast() ? 'defer' : 'queue');
    const granted = slots.granted(index);
    if (runnerGate === undefined) {
        await (0,lib_clock/* unlessAborted */.Wh)(signal, granted);
        return true;
    }
    while (!(await happensWithin(granted, { ms: READ_QUEUED_EVERY_MS, signal }, clock))) {
        if (await runnerGate.stillIdle())
            continue;
        slots.apply(index, 'wait');
        return false;
    }
    return true;
}
async function happensWithin(event, limit, clock) {
    try {
        await (0,lib_clock/* within */.ux)(clock, limit, () => event);
        return true;
    }
    catch (error) {
        if (!(0,lib_clock/* isTimeout */.kL)(error))
            throw error;
        return false;
    }
}

;// CONCATENATED MODULE: ./lib/fleet/targets.js
// Which VMs the targets name, patterns included, and no VM twice.




/** Whether it is a pattern, in which `*` matches any text. */
function hasWildcard({ by, id }) {
    return by === 'external_id' && id.includes('*');
}
/** Whether the targets may name more than one VM. */
function mayBeSeveral(targets) {
    return targets.length > 1 || targets.some(hasWildcard);
}
/** Whether the text matches the pattern, where each `*` matches any text, even none. Pure. */
function fits(pattern, text) {
    return (0,runner_names/* fitsText */.S5)(pattern.split('*'), text);
}
/** The live VMs that the targets name, each once. A pattern that matches none becomes a member that fails. Pure. */
function membersOf(targets, instances) {
    const literals = new Set(targets.filter((target) => !hasWildcard(target)).map(({ id }) => id));
    const live = instances.filter((instance) => !(0,controller_instance/* isTerminal */.Hd)(instance)).flatMap(memberOf);
    const taken = new Set();
    const members = targets.flatMap((target) => {
        if (!hasWildcard(target))
            return [{ name: target.id, target }];
        const found = live.filter(({ name }) => fits(target.id, name));
        if (found.length === 0)
            return [{ name: target.id, target, error: noMatch(target.id) }];
        const unclaimed = found.filter(({ name, target: { id } }) => !literals.has(name) && !taken.has(id));
        for (const one of unclaimed)
            taken.add(one.target.id);
        return unclaimed;
    });
    return distinctNames(members);
}
/** Empty for a VM without an external ID, because no pattern matches it. */
function memberOf({ externalId, instanceId }) {
    if (externalId === undefined)
        return [];
    return [{ name: externalId, externalId, target: { by: 'instance_id', id: instanceId }, isMatch: true }];
}
function noMatch(pattern) {
    return new errors/* ActionError */.lZ('instance_not_found', `No live instance has an external_id that matches "${pattern}".`, {
        hint: 'Check external_id (* matches any text; case matters) and controller_url.',
    });
}
/** Adds the ID to each name that several VMs have. */
function distinctNames(members) {
    const counts = new Map();
    for (const { name } of members)
        counts.set(name, (counts.get(name) ?? 0) + 1);
    return members.map((member) => {
        const isAlone = counts.get(member.name) === 1;
        return isAlone ? member : { ...member, name: `${member.name} (${member.target.id})` };
    });
}
/** How long to wait for an unlisted VM, in milliseconds: a lagging replica may not list a new one yet. */
const LISTING_GRACE_MS = 6_000;
const LIST_AGAIN_MS = 1_000;
/** One list is never enough: if it lacked a VM that matches a pattern, the step would silently ignore that VM. */
const LEAST_LISTS = 2;
/** GitHub accepts 1 MB of outputs per job: the results of more VMs would not fit. */
const MOST_VMS = 2_000;
/**
 * Finds the VMs that the targets name. A pattern that matches none becomes a member that fails.
 * @throws ActionError if the controller gives no usable answer.
 */
async function resolveTargets(targets, options) {
    if (!targets.some(hasWildcard))
        return membersOf(targets, []);
    const members = (instances) => membersOf(targets, instances);
    return listUntilFound(options, members, (found) => found.find(({ error }) => error !== undefined)?.error);
}
/**
 * Lists the instances at least twice, and again for a few seconds if something is missing, because a list may briefly lack a VM.
 * @param read evaluates the instances seen so far.
 * @param missing what the result lacks; undefined if nothing.
 */
async function listUntilFound({ controller, clock, log, signal, timeoutMs }, read, missing) {
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined });
    const bounds = { deadline: clock.now() + timeoutMs, signal, onFault: progress.fault };
    const seen = new Map();
    let graceEndsAt;
    for (let lists = 1;; lists++) {
        remember(seen, (await controller.listInstances(bounds)).readable());
        const found = read([...seen.values()]);
        const problem = missing(found);
        graceEndsAt ??= Math.min(clock.now() + LISTING_GRACE_MS, bounds.deadline);
        const isEnough = problem === undefined && lists >= LEAST_LISTS;
        if (isEnough || clock.now() + LIST_AGAIN_MS > graceEndsAt)
            return found;
        if (problem !== undefined)
            progress.note(problem.code, `Trying again, this may be temporary: ${problem.message}`);
        await clock.sleep(LIST_AGAIN_MS, signal);
    }
}
/** A VM that any list showed as ended has ended, even if a later answer from a lagging replica shows otherwise. */
function remember(seen, instances) {
    for (const instance of instances) {
        const id = instance.instanceId.toLowerCase();
        const before = seen.get(id);
        if (before === undefined || !(0,controller_instance/* isTerminal */.Hd)(before))
            seen.set(id, instance);
    }
}
/** Guards against a pattern that matches more than intended. @throws ActionError `invalid_input` */
function refuseTooMany({ length: vms }, maxVms) {
    if (vms <= maxVms)
        return;
    const message = `The targets name ${vms} VMs, but max_vms is ${maxVms}. No restart was sent.`;
    throw new errors/* ActionError */.lZ('invalid_input', message, {
        hint: `Narrow the targets, raise max_vms (${MOST_VMS} at most), or divide the VMs among several steps.`,
    });
}
/** @param runnerNameOf `runner_name` with a VM's values; undefined if there are no runners to guard. */
function createDuplicateCheck(runnerNameOf) {
    const members = new Map();
    const owners = new Map();
    return (member, instance) => {
        refuseSecondName(members, member, instance);
        if (runnerNameOf !== undefined)
            refuseSharedRunner(owners, runnerNameOf(instance), instance);
    };
}
/** Refuses the second of two targets that name the same VM. */
function refuseSecondName(members, member, { instanceId }) {
    const id = instanceId.toLowerCase();
    const other = members.get(id) ?? member;
    members.set(id, other);
    if (other === member)
        return;
    const message = `Instance ${instanceId} is the same VM as "${other.name}", which is already being restarted.`;
    throw new errors/* ActionError */.lZ('ambiguous_target', message, { hint: 'Name each VM once.' });
}
/** Refuses all VMs that would have the same runner, because only one of them can have it, and the step cannot know which. */
function refuseSharedRunner(owners, name, { instanceId }) {
    const key = (0,runner_names/* keyOfName */.ax)(name);
    const ids = (owners.get(key) ?? new Set()).add(instanceId.toLowerCase());
    owners.set(key, ids);
    if (ids.size === 1)
        return;
    const message = `Runner "${name}" would be the runner of several VMs: instances ${[...ids].join(', ')}.`;
    throw new errors/* ActionError */.lZ('ambiguous_target', message, {
        hint: 'Let runner_name contain {external_id}, {instance_id} or {uuid}, or give the VMs different names.',
    });
}

// EXTERNAL MODULE: ./lib/dates.js
var dates = __webpack_require__(3534);
// EXTERNAL MODULE: ./lib/runner/job-finding.js
var job_finding = __webpack_require__(3549);
;// CONCATENATED MODULE: ./lib/fleet/job-selection.js
// For `used_by_job`: which jobs of a workflow run are meant, and on which self-hosted runners they ran. Pure.


/** Selects the jobs whose names match one of the patterns, in which `*` matches any text; never the step's own job, in any attempt. */
function selectJobs(jobs, patterns, own) {
    const ownNames = new Set(jobs.filter((job) => isOwnJob(job, own)).map(({ name }) => name));
    const isWanted = ({ name }) => patterns.some((pattern) => fits(pattern, name));
    const wanted = jobs.filter((job) => isWanted(job) && !ownNames.has(job.name));
    return {
        onRunners: wanted.filter(isOnRunner),
        others: wanted.flatMap((job) => (isOnRunner(job) ? [] : [{ job, why: whyWithout(job) }])),
        unexpanded: jobs.filter(({ name, conclusion }) => conclusion === 'skipped' && name.includes('${{')),
    };
}
/** Whether the step runs in this job. */
function isOwnJob({ runId, runnerName, status }, own) {
    const isSameRunner = runnerName !== undefined && runnerName === own.runnerName;
    return runId === own.runId && isSameRunner && status === 'in_progress';
}
function isOnRunner(job) {
    return job.runnerName !== undefined && job.runnerGroup !== job_finding/* HOSTED */.ah;
}
function whyWithout({ conclusion, runnerGroup, status }) {
    if (conclusion === 'skipped')
        return 'skipped';
    if (runnerGroup === job_finding/* HOSTED */.ah)
        return 'hosted by GitHub';
    if (status === 'completed' && conclusion === 'cancelled')
        return 'canceled';
    return status === 'completed' || status === 'in_progress' ? 'runner not shown' : 'not started';
}

;// CONCATENATED MODULE: ./lib/fleet/used-by-job.js
// For `used_by_job`: from the jobs whose names match, via the runners that they ran on, to the live instances that these runners are in.
//
// | the jobs                                          | the result                                                          |
// | ------------------------------------------------- | ------------------------------------------------------------------- |
// | none matches                                      | `job_not_found`; if a skipped matrix was never expanded, so its     |
// |                                                   | real names are unknown: a warning and nothing to restart            |
// | none ran on a self-hosted runner                  | nothing to restart, and a line that says why                        |
// | a runner is in no live instance                   | a warning; `instance_not_found` if that is true for all runners     |
// | a runner may be in several live instances         | `ambiguous_target` for each of them                                 |
// | the VM has booted since its last job ended        | it is skipped, because it was already restarted                     |









/**
 * Finds the VMs that the jobs used. Empty if there is nothing to restart; the log then says why.
 * @throws ActionError `job_not_found`, `instance_not_found`, and the errors of GitHub and the controller.
 */
async function findVmsUsedByJob(wanted, lookup) {
    const { log } = lookup;
    const { jobs, selection, ...answered } = await readJobsOfRun(wanted, lookup);
    const { onRunners, others } = selection;
    if (onRunners.length + others.length === 0) {
        explainNoMatch(selection, { wanted, jobs, log });
        return [];
    }
    for (const { job, why } of others) {
        const write = why === 'runner not shown' ? log.warning : log.info;
        write(`Job "${job.name}" names no VM: ${WHY_NO_VM[why]}`);
    }
    if (onRunners.length === 0)
        return [];
    const locate = (instances) => locateJobs(onRunners, instances, lookup.isRunnerIn);
    const { located, unplaced } = await listUntilFound(lookup, locate, ({ unplaced }) => runnersNotFound(unplaced));
    for (const { instance, jobs } of located) {
        for (const { name, runnerName } of jobs)
            log.info(`Job "${name}" used runner "${runnerName}", which is in VM ${used_by_job_nameOf(instance)}`);
    }
    for (const { name, runnerName } of unplaced)
        log.warning(`Job "${name}" ran on runner "${runnerName}", which is in no live instance.`);
    const problem = runnersNotFound(unplaced);
    if (located.length === 0 && problem !== undefined)
        throw problem;
    return membersFrom(located, (job) => endOf(job, answered));
}
/** GitHub can show for a while that a job has not begun, or not on which runner it ran. In milliseconds. */
const SHOWN_LATE_MS = 30_000;
const used_by_job_READ_AGAIN_MS = 5_000;
/**
 * Reads the jobs of the run; for a while, again if an answer does not show where each of them ran. If GitHub then gives no usable answer, the
 * last one counts.
 */
async function readJobsOfRun({ runId, patterns, own }, { readRun, clock, log, signal, timeoutMs }) {
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined, server: 'GitHub' });
    const bounds = { deadline: clock.now() + timeoutMs, signal, onFault: progress.fault };
    const againUntil = Math.min(clock.now() + SHOWN_LATE_MS, bounds.deadline);
    let run = await readRun(runId, bounds);
    for (;;) {
        const { jobs, total, readAt } = run;
        const answeredAt = clock.now();
        const selection = selectJobs(jobs, patterns, own);
        const problem = problemOf(selection, { listed: jobs.length, total });
        const found = { jobs, selection, readAt, answeredAt };
        if (problem === undefined)
            return found;
        const next = clock.now() + used_by_job_READ_AGAIN_MS <= againUntil ? await readAgain(problem) : undefined;
        if (next === undefined) {
            if (jobs.length < total)
                log.warning(`${problem}: the step cannot restart the VMs of the others.`);
            return found;
        }
        run = next;
    }
    async function readAgain(problem) {
        progress.note('incomplete', `Trying again, this may be temporary: ${problem}`);
        await clock.sleep(used_by_job_READ_AGAIN_MS, signal);
        const deadline = Math.min(bounds.deadline, againUntil + used_by_job_READ_AGAIN_MS);
        return readRun(runId, { ...bounds, deadline }).catch(() => {
            signal.throwIfAborted();
            return undefined;
        });
    }
}
/** What a later answer may show. */
function problemOf({ others }, { listed, total }) {
    if (listed < total)
        return `GitHub lists ${listed} of the ${total} jobs of the run`;
    const late = others.find(({ why }) => why === 'runner not shown' || why === 'not started');
    return late && `job "${late.job.name}": ${WHY_NO_VM[late.why]}`;
}
// ---- jobs ----
const WHY_NO_VM = {
    skipped: 'it was skipped',
    canceled: 'it was canceled before a runner took it',
    'not started': 'no runner has taken it yet',
    'hosted by GitHub': 'it ran on a runner hosted by GitHub',
    'runner not shown': 'GitHub does not show its runner',
};
const MOST_IN_MESSAGE = 20;
/** @throws ActionError `job_not_found`, except if a skipped matrix may be what the user meant: that is only a warning. */
function explainNoMatch({ unexpanded }, { wanted, jobs, log }) {
    const { runId, patterns } = wanted;
    const asked = patterns.map((pattern) => `"${pattern}"`).join(', ');
    const message = `No job of run ${runId} matches used_by_job (${asked})`;
    const [skipped] = unexpanded;
    if (skipped !== undefined) {
        const why = `skipped ones such as "${skipped.name}" have unexpanded matrix names`;
        log.warning(`${message}, but ${why}. Nothing is restarted.`);
        return;
    }
    const others = jobs.filter((job) => !isOwnJob(job, wanted.own));
    const names = [...new Set(others.map(({ name }) => name))];
    const listed = names.length === 0 ? 'It has no other job' : `It has: ${listNames(names, MOST_IN_MESSAGE)}`;
    throw new errors/* ActionError */.lZ('job_not_found', `${message}. ${listed}.`, {
        hint: 'Check used_by_job (case matters) and run_id. Add `needs` to the reset job, because jobs that have not started may not be listed yet. The reset job itself never counts.',
    });
}
/** When the job ended, on the step's clock. Undefined while it is in progress, or if GitHub does not say. */
function endOf({ status, completedAt }, { readAt, answeredAt }) {
    if (status !== 'completed' || completedAt === undefined || readAt === undefined)
        return undefined;
    return answeredAt - (readAt - completedAt);
}
function locateJobs(jobs, instances, isRunnerIn) {
    const live = instances.filter((instance) => !(0,controller_instance/* isTerminal */.Hd)(instance));
    const located = new Map();
    const unplaced = [];
    for (const job of jobs) {
        const candidates = mostLikely(live.filter((instance) => isRunnerIn(instance, job.runnerName)));
        if (candidates.length === 0)
            unplaced.push(job);
        for (const instance of candidates) {
            const known = located.get(instance.instanceId);
            const vm = known ?? { instance, jobs: [], ambiguous: undefined };
            located.set(instance.instanceId, vm);
            vm.jobs.push(job);
            if (candidates.length > 1)
                vm.ambiguous ??= mayBeInSeveral(job, candidates);
        }
    }
    return { located: [...located.values()], unplaced };
}
/** If they all have the same external ID and only one of them is running: that one, as for the input `external_id`. */
function mostLikely(fitting) {
    const running = fitting.filter(controller_instance/* isRunning */.W_);
    const areAlike = new Set(fitting.map(({ externalId }) => externalId)).size === 1;
    return areAlike && running.length === 1 ? running : fitting;
}
function mayBeInSeveral({ name, runnerName }, candidates) {
    const ids = candidates.map(({ instanceId }) => instanceId);
    const message = `Runner "${runnerName}" of job "${name}" fits several live instances: ${listNames(ids, MOST_IN_MESSAGE)}.`;
    return new errors/* ActionError */.lZ('ambiguous_target', message, {
        hint: 'Let runner_name contain {instance_id} or {uuid}, or choose names that do not begin with one another.',
    });
}
/** Undefined if every runner is in a live instance. */
function runnersNotFound(unplaced) {
    if (unplaced.length === 0)
        return undefined;
    const names = [...new Set(unplaced.map(({ runnerName }) => runnerName))];
    const message = `The jobs ran on runners that are in no live instance: ${listNames(names, MOST_IN_MESSAGE)}.`;
    return new errors/* ActionError */.lZ('instance_not_found', message, {
        hint: 'Check runner_name and controller_url. A VM that was terminated since then needs no restart.',
    });
}
function membersFrom(located, endOfJob) {
    return distinctNames(located.map(({ instance, jobs, ambiguous }) => {
        const { instanceId, externalId } = instance;
        return {
            name: used_by_job_nameOf(instance),
            externalId,
            target: { by: 'instance_id', id: instanceId },
            lastJob: lastJobOf(jobs, endOfJob),
            ...(ambiguous && { error: ambiguous }),
        };
    }));
}
function used_by_job_nameOf({ instanceId, externalId, name }) {
    return externalId ?? name ?? instanceId;
}
/** A job without a known end counts as the last one. */
function lastJobOf(jobs, endOfJob) {
    const ends = jobs.map((job) => ({ name: job.name, endedAt: endOfJob(job) }));
    return ends.reduce((last, job) => {
        return (job.endedAt ?? Number.POSITIVE_INFINITY) > (last.endedAt ?? Number.POSITIVE_INFINITY)
            ? job
            : last;
    });
}
/** @throws LeftAlone if the VM has booted since its last job ended: then it was already restarted. */
function refuseIfRestartedSince({ endedAt, name }, instance, clock) {
    const { startDate, reportedAt } = instance;
    if (endedAt === undefined || startDate === undefined || reportedAt === undefined)
        return;
    const bootAgeMs = (0,dates/* millisecondsBetween */.nl)(startDate, reportedAt) + reportAgeMs(instance);
    const jobAgeMs = clock.now() - endedAt;
    if (bootAgeMs >= jobAgeMs)
        return;
    const seen = `The VM booted ${(0,lib_clock/* minutes */.Gx)(bootAgeMs)} ago, and its job "${name}" had ended before that: ${(0,lib_clock/* minutes */.Gx)(jobAgeMs)} ago`;
    throw new restart_outcome/* LeftAlone */.l('needless', seen);
}
/** The answer's date may be off by this much, in milliseconds: a proxy with a clock of its own may have written it. */
const CLOCK_ERROR_MS = 60_000;
/** How old the report was when the controller answered: the agent may have been silent. 0 if the clocks may explain the difference. */
function reportAgeMs({ updatedAt, answeredAtMs }) {
    if (updatedAt === undefined || answeredAtMs === undefined)
        return 0;
    const ageMs = answeredAtMs - Number(updatedAt.epochNanoseconds / 1000000n);
    return ageMs > CLOCK_ERROR_MS ? ageMs : 0;
}

// EXTERNAL MODULE: ./lib/poll.js
var poll = __webpack_require__(9310);
// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __webpack_require__(7030);
;// CONCATENATED MODULE: ./lib/guest/contact.js



/** Less than the 1.5 s of a last attempt. In milliseconds. */
const ADDRESS_TIMEOUT_MS = 500;
/**
 * Dials over real sockets.
 * @param problemWith why an IP address must not be dialed: a host name may resolve to it.
 */
function createDial(problemWith) {
    return ({ host, port }, { connected, received, ended }) => {
        let failure;
        const socket = (0,external_node_net_.connect)({ host, port, autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS });
        socket.on('connect', () => {
            const problem = problemWith(String(socket.remoteAddress));
            if (problem === undefined)
                connected();
            else
                socket.destroy(new Error(`the node ${problem}`));
        });
        socket.on('data', received);
        socket.on('error', (error) => {
            failure = error;
        });
        socket.on('close', () => ended(failure));
        return () => socket.destroy();
    };
}
/** An SSH server sends its banner within this many bytes. */
const MOST_BYTES = 8 * 1024;
/** The identification string of RFC 4253: printable, on its own line, possibly after other lines. */
const BANNER = /^SSH-\d+\.\d+-[\x20-\x7e]+$/;
/** Judges what a server has sent, from its first byte on. A line counts once it has ended. Undefined if it is unclear yet. Pure. */
function readGreeting(bytes) {
    // Latin-1 maps each byte to one character, so nothing is lost in any encoding.
    const text = Buffer.from(bytes.subarray(0, MOST_BYTES)).toString('latin1');
    const lines = text.split('\n').slice(0, -1);
    const banner = lines.map((line) => line.replace(/\r$/, '')).find((line) => BANNER.test(line));
    if (banner !== undefined)
        return { kind: 'banner', banner };
    return bytes.length >= MOST_BYTES ? foreign(bytes) : undefined;
}
/** In characters. */
const LONGEST_EXCERPT = 100;
/**
 * The first line of what the server sent, for messages. It is external text. A long one is described, not truncated: that could leave
 * half a secret, which no mask matches.
 */
function excerptOf(bytes) {
    const line = Buffer.from(bytes)
        .toString()
        .trimStart()
        .replace(/[\r\n].*/s, '');
    return line.length > LONGEST_EXCERPT ? `(a line of ${line.length} characters)` : `"${line}"`;
}
/**
 * Connects and waits for a banner until the limit is reached. It never sends anything.
 * @throws the signal's reason, after an abort.
 */
async function contact({ clock, dial, address }, limit) {
    let isConnected = false;
    let bytes = new Uint8Array();
    let release = () => { };
    const listen = () => new Promise((resolve) => {
        release = dial(address, {
            connected() {
                isConnected = true;
            },
            received(more) {
                bytes = Buffer.concat([bytes, more]);
                const greeting = readGreeting(bytes);
                if (greeting !== undefined)
                    resolve(greeting);
            },
            ended(error) {
                resolve(afterEnd({ isConnected, bytes, error }));
            },
        });
    });
    try {
        return await (0,lib_clock/* within */.ux)(clock, limit, listen);
    }
    catch (error) {
        limit.signal.throwIfAborted();
        if (!(error instanceof DOMException))
            throw error;
        return afterSilence({ isConnected, bytes });
    }
    finally {
        release();
    }
}
function afterEnd({ isConnected, bytes, error }) {
    if (bytes.length > 0)
        return foreign(bytes);
    const detail = error === undefined ? 'it was ended there' : (0,errors/* describeCause */.V$)(error);
    if (isConnected)
        return { kind: 'closed', detail };
    return {
        kind: error !== undefined && (0,errors/* codeOf */.$N)(error) === 'ECONNREFUSED' ? 'refused' : 'unreachable',
        detail,
    };
}
function afterSilence({ isConnected, bytes }) {
    if (bytes.length > 0)
        return foreign(bytes);
    return isConnected
        ? { kind: 'silent', detail: 'connected, but nothing was sent' }
        : { kind: 'unreachable', detail: 'the connection timed out' };
}
/** What OpenSSH sends instead of its banner: after connections without a login, or if there are too many at once. */
const PENALTY = /^"(Not allowed at this time|Exceeded MaxStartups)/;
function foreign(bytes) {
    const excerpt = excerptOf(bytes);
    return { kind: PENALTY.test(excerpt) ? 'penalized' : 'foreign', detail: `it began with ${excerpt}` };
}

;// CONCATENATED MODULE: ./lib/restart/ordering.js
// Which of two answers is the newer one. The controller runs in replicas, so an older answer can follow a newer one. An answer carries
// two dates: the node's, of its report (`vminfo.timestamp`), and the controller's, of its record (`ts`). A node's clock may step back,
// and the clocks of two controllers may differ, so any date that says "later" is believed:
//
// | one of the two dates | the other | answer is |
// | --- | --- | --- |
// | earlier | earlier, the same, or missing | older |
// | later | any | newer |
// | the same, or missing | the same, or missing | neither |

/** Whether `a` was made before `b`. */
function isOlder(a, b) {
    const signs = comparisons(a, b);
    return signs.some((sign) => sign < 0) && !signs.some((sign) => sign > 0);
}
/** Whether `a` was made after `b`. */
function isNewer(a, b) {
    return comparisons(a, b).some((sign) => sign > 0);
}
/** Compares the dates that both carry: negative if that of `a` is earlier. */
function comparisons(a, b) {
    const pairs = [
        [a.reportedAt, b.reportedAt],
        [a.updatedAt, b.updatedAt],
    ];
    return pairs.flatMap(([left, right]) => (left && right ? [(0,dates/* compareInstants */.QI)(left, right)] : []));
}
/** The dates that an answer carries, for messages. */
function datesOf({ reportedAt, updatedAt }) {
    return [reportedAt, updatedAt].flatMap((date) => date?.text ?? []).join(' and ');
}
/**
 * Whether `a` carries a date that can be compared with `b`; also true if `b` has no date. A report that lacks its own time, though an
 * earlier one had it, was damaged in transit: how long its VM had run is unknown.
 */
function isDated(a, b) {
    if (a.reportedAt === undefined && b.reportedAt !== undefined)
        return false;
    return comparisons(a, b).length > 0 || b.updatedAt === undefined;
}
// ---- which clock was set between two answers ----
//
// Four clocks are involved: the node's (`vminfo.timestamp`), the controller's (`ts`), that of the server that answered (HTTP Date), and
// the local one, which is monotonic. How much time passed on each of them shows which one was set.
/** If two clocks disagree by more than this about how much time passed, one of them was set: in milliseconds. */
const CLOCK_STEP_MS = 10_000;
/**
 * How far the node's clock was set back since the baseline (negative: set forward), compared with the controller's.
 * @param sinceSentMs used instead if the controller writes no dates.
 * @returns undefined if that is unknown: without one of the controller's dates, the baseline may have been old when it was taken.
 */
function nodeSetBackMs(report, baseline, sinceSentMs) {
    const forNodeMs = passed(baseline.reportedAt, report.reportedAt);
    if (forNodeMs === undefined)
        return undefined;
    if ((baseline.updatedAt === undefined) !== (report.updatedAt === undefined))
        return undefined;
    const forControllerMs = passed(baseline.updatedAt, report.updatedAt) ?? sinceSentMs;
    return forControllerMs - forNodeMs;
}
/**
 * How far all the other clocks were set back together, as happens if controller and node are one machine. HTTP Date and both dates of
 * the record must have been set back by the same time. If only HTTP Date was, the answer may come from a replica whose clock is behind.
 * @returns undefined if they were not set back.
 */
function allSetBackMs(before, after) {
    const passedMs = after.answeredAt - before.answeredAt;
    const [dateBefore, dateAfter] = [before.instance.answeredAtMs, after.instance.answeredAtMs];
    const forNodeMs = passed(before.instance.reportedAt, after.instance.reportedAt);
    const forControllerMs = passed(before.instance.updatedAt, after.instance.updatedAt);
    if (dateBefore === undefined || dateAfter === undefined)
        return undefined;
    if (forNodeMs === undefined || forControllerMs === undefined)
        return undefined;
    const setBackMs = passedMs - (dateAfter - dateBefore);
    const isConfirmed = [forNodeMs, forControllerMs].every((forClockMs) => Math.abs(passedMs - forClockMs - setBackMs) <= CLOCK_STEP_MS);
    return setBackMs > CLOCK_STEP_MS && isConfirmed ? setBackMs : undefined;
}
/** The same report, with the dates that it would have had if the clocks had been set back before. */
function setBackBy(ms, instance) {
    const { reportedAt, updatedAt } = instance;
    return {
        ...instance,
        reportedAt: reportedAt && (0,dates/* shifted */.wI)(reportedAt, -ms),
        updatedAt: updatedAt && (0,dates/* shifted */.wI)(updatedAt, -ms),
    };
}
function passed(before, after) {
    return before === undefined || after === undefined ? undefined : (0,dates/* millisecondsBetween */.nl)(before, after);
}

;// CONCATENATED MODULE: ./lib/restart/boot.js
// Which boot a report shows. Only a boot after the restart was sent can prove it, and the baseline may come from a lagging replica,
// so it may miss an earlier boot. The first matching row applies:
//
// | start_date | boot |
// | --- | --- |
// | none | none |
// | within SAME_BOOT_MS of one seen before the restart was sent | known |
// | later than its own report, by more than the node's clock was set back | contradictory |
// | earlier than the baseline's start_date and the baseline's report, though the node's clock was not set back | before |
// | up longer by the report than since the restart was sent, plus TOLERANCE_MS | before; new if the node's clock was set (see below) |
// | any other | new |
//
// Four dates come from the node: start_date and the date of the report (`reportedAt`), of this answer and of the baseline. The node's clock
// may be wrong, but only differences matter. The time since the restart was sent is by the local clock, and `nodeSetBackMs` compares the
// node's clock with the controller's: positive if it was set back, negative if forward; unknown counts as not set.
//
// If the node's clock was set forward, a boot after the restart seems long past. It counts as new if start_date is later than the baseline's
// report, the node's clock was set since then, and start_date did not move by the same amount. If it did, an agent may have recomputed the
// date of the old boot.


/** An agent may recompute the date of one boot repeatedly, in whole seconds. No VM stops and boots within this time. */
const SAME_BOOT_MS = 1_000;
/** How much later than the report a date in whole seconds can look. */
const ROUNDING_MS = 2_000;
/** The total error from a controller that updates late, dates in whole seconds, and a smaller clock change. */
const TOLERANCE_MS = 20_000;
/** @param sinceSentMs the time from sending the restart until the report was first seen. */
function bootOf(instance, baseline, sinceSentMs) {
    const { startDate, reportedAt } = instance;
    if (startDate === undefined)
        return 'none';
    if (baseline.knownStartDates.some((known) => isAbout(startDate, known)))
        return 'known';
    const setBackMs = nodeSetBackMs(instance, baseline.instance, sinceSentMs) ?? 0;
    const uptimeMs = reportedAt && (0,dates/* millisecondsBetween */.nl)(startDate, reportedAt);
    if (uptimeMs !== undefined && uptimeMs < -ROUNDING_MS - Math.max(0, setBackMs))
        return 'contradictory';
    if (isEarlier(startDate, baseline) && setBackMs <= CLOCK_STEP_MS)
        return 'before';
    if (uptimeMs === undefined)
        return 'new';
    const before = baseline.instance.reportedAt;
    const isAfterBaseline = before !== undefined && (0,dates/* compareInstants */.QI)(startDate, before) > 0;
    const wasClockSet = Math.abs(setBackMs) > CLOCK_STEP_MS;
    const isRecomputed = Math.abs((0,dates/* millisecondsBetween */.nl)(baseline.startDate, startDate) + setBackMs) <= TOLERANCE_MS;
    const onlySeemsOld = isAfterBaseline && wasClockSet && !isRecomputed;
    return uptimeMs > sinceSentMs + TOLERANCE_MS && !onlySeemsOld ? 'before' : 'new';
}
/** If the clock was set back after that boot, the baseline's date is later than its own report: then only the report counts. */
function isEarlier(startDate, { startDate: known, instance: { reportedAt = known } }) {
    return (0,dates/* compareInstants */.QI)(startDate, known) < 0 && (0,dates/* compareInstants */.QI)(startDate, reportedAt) < 0;
}
function isAbout(date, known) {
    return Math.abs((0,dates/* millisecondsBetween */.nl)(date, known)) <= SAME_BOOT_MS;
}

;// CONCATENATED MODULE: ./lib/restart/verdict.js
// Whether the restart is proved, from one answer and the earlier ones. Pure. The steps, and the modules with their rules:
//
// 1. An answer that is older than an earlier one proves nothing (ordering.ts), unless all clocks were set back.
// 2. A VM that looks failed for long enough has failed (see the end).
// 3. The restart is proved once all conditions hold in one answer: the VM runs, and its boot is a new one (boot.ts).





/** @param sentAt when the restart was sent, in milliseconds on the clock's scale. */
function startHistory(baseline, sentAt) {
    return { baseline, sentAt, newest: baseline.instance, newestAt: sentAt, failure: undefined };
}
/** Judges an answer, given those before it. */
function judge(before, observation) {
    const { instance } = observation;
    const history = followClocks(before, observation);
    if (instance !== undefined && isOutdated(instance, history)) {
        const failure = afterOlderAnswer(history.failure, observation, instance);
        return { verdict: pending('newer answer', datesOf(instance)), history: { ...history, failure } };
    }
    const failure = afterAnswer(history.failure, observation, history.newest);
    const next = { ...withNewest(history, observation), failure };
    return { verdict: judgeCurrent(next, observation), history: next };
}
/** Compares with the baseline, too: if the node's clock was set back, a report from before it may seem newer than the newest. */
function isOutdated(instance, { newest, baseline }) {
    return isOlder(instance, newest) || isOlder(instance, baseline.instance);
}
/** If all clocks were set back since the newest report, shifts the known dates as if that had happened before. */
function followClocks(history, { answeredAt, instance }) {
    if (instance === undefined || !isOutdated(instance, history))
        return history;
    const { baseline, newest, newestAt } = history;
    const isFirst = newest === baseline.instance;
    const last = { answeredAt: isFirst ? baseline.answeredAt : newestAt, instance: newest };
    const ms = allSetBackMs(last, { answeredAt, instance });
    if (ms === undefined)
        return history;
    const startDate = (0,dates/* shifted */.wI)(baseline.startDate, -ms);
    const again = { ...baseline, startDate, instance: setBackBy(ms, baseline.instance) };
    return { ...history, baseline: again, newest: instance, newestAt: answeredAt };
}
function withNewest(history, { answeredAt, instance }) {
    if (instance === undefined || !isNewer(instance, history.newest))
        return history;
    return { ...history, newest: instance, newestAt: answeredAt };
}
function judgeCurrent(history, observation) {
    const { failure } = history;
    const { instance } = observation;
    if (failure !== undefined && isFinalFailure(failure, observation))
        return { kind: 'failed', reason: describeTrouble(instance) };
    if (instance === undefined)
        return pending('presence', 'not listed');
    const unmet = unmetConditions(history, instance);
    return unmet.length > 0 ? { kind: 'pending', unmet } : { kind: 'restarted', instance };
}
/** The three conditions of a proved restart, and the checks that this restart caused the boot. */
function unmetConditions({ baseline, sentAt, newestAt }, instance) {
    const running = (0,controller_instance/* runningConditions */.UQ)(instance);
    // An answer that is not newer shows the newest report again, so its time counts from when that was first seen.
    const boot = bootOf(instance, baseline, newestAt - sentAt);
    const isOtherBoot = boot === 'new' || boot === 'before';
    return [
        ...unmetIf(!running.instance_state, 'instance_state', instance.state),
        ...unmetIf(!running.status, 'status', instance.status),
        ...unmetIf(boot === 'none' || boot === 'known', 'start_date', instance.startDateText),
        ...unmetIf(isOtherBoot && !isDated(instance, baseline.instance), 'dated answer', undefined),
        ...unmetIf(boot === 'before', 'new boot', instance.startDateText),
        ...unmetIf(boot === 'contradictory', 'sound dates', instance.startDateText),
    ];
}
function unmetIf(isUnmet, condition, seen) {
    return isUnmet ? [{ condition, seen: seen ?? 'none' }] : [];
}
function pending(condition, seen) {
    return { kind: 'pending', unmet: [{ condition, seen }] };
}
// ---- words ----
/** One answer in a few words, e.g. `instance_state "Started", status "running", start_date 2024-10-13T10:51:34Z`. */
function describeState({ state, status, startDateText }) {
    return `instance_state "${state}", status "${status ?? 'none'}", start_date ${startDateText ?? 'none'}`;
}
/** For errors: the state as last seen, and the instance's message, which may explain it. */
function describeTrouble(instance) {
    if (instance === undefined)
        return 'the controller does not list the instance';
    const { message } = instance;
    return `${describeState(instance)}${message === undefined ? '' : `, message (may be left over) '${message}'`}`;
}
const UNMET = {
    presence: () => 'the controller does not list the instance',
    'newer answer': (seen) => `the answer is older than one seen before (of ${seen})`,
    'dated answer': () => 'the answer does not say how old it is',
    instance_state: (seen) => seen === 'Error'
        ? `instance_state is "Error", which is a failure if it lasts for ${(0,lib_clock/* minutes */.Gx)(FAILED_AFTER_MS)}`
        : `instance_state is "${seen}", not "Started"`,
    status: (seen) => `status is "${seen}", not "running"`,
    start_date: (seen) => `start_date is ${seen}, not a new one`,
    'new boot': (seen) => `start_date ${seen} belongs to a boot before the restart was sent`,
    'sound dates': (seen) => `start_date ${seen} is later than the report that shows it`,
};
/** A condition that does not hold yet, in words. */
function describeUnmet({ condition, seen }) {
    return UNMET[condition](seen);
}
/** A failure that lasts this long is final: in milliseconds. */
const FAILED_AFTER_MS = 30_000;
const CONFIRMATIONS = 2;
/** Two heartbeats: in milliseconds. */
const GAP_MS = 10_000;
/** After an answer that is older than an earlier one. */
function afterOlderAnswer(run, { answeredAt }, older) {
    if (run === undefined || (0,controller_instance/* looksFailed */.Oj)(older))
        return run;
    return { ...run, since: answeredAt, confirmations: 0 };
}
/** After any other answer. @param newest the newest report before it. */
function afterAnswer(run, observation, newest) {
    const { askedAt, answeredAt, instance } = observation;
    if (instance !== undefined && !(0,controller_instance/* looksFailed */.Oj)(instance))
        return undefined;
    const terminal = (run?.terminal ?? 0) + (instance !== undefined && (0,controller_instance/* isTerminal */.Hd)(instance) ? 1 : 0);
    const isGap = answeredAt - askedAt >= GAP_MS;
    if (run === undefined || isGap)
        return { since: answeredAt, confirmations: 0, terminal };
    const isConfirmed = instance === undefined || isNewer(instance, newest);
    return { since: run.since, confirmations: run.confirmations + (isConfirmed ? 1 : 0), terminal };
}
function isFinalFailure({ since, confirmations, terminal }, { askedAt }) {
    return terminal > 1 || (confirmations >= CONFIRMATIONS && askedAt - since >= FAILED_AFTER_MS);
}

;// CONCATENATED MODULE: ./lib/http/addresses.js

const SUBNETS = [
    ['unspecified', ['0.0.0.0/8', '::/128']],
    ['loopback', ['127.0.0.0/8', '::1/128']],
    ['link-local', ['169.254.0.0/16', 'fe80::/10']],
    // And broadcast.
    ['multicast', ['224.0.0.0/4', '255.255.255.255/32', 'ff00::/8']],
];
const LISTS = SUBNETS.map(([kind, subnets]) => [kind, listOf(subnets)]);
/** @param ip in any notation, with or without a zone such as `%en0`. */
function kindOfAddress(ip) {
    return LISTS.find(([, list]) => includes(list, ip))?.[0] ?? 'other';
}
/** Whether a URL leads to this machine. */
function isOwnHost(url) {
    const host = bareHost(url);
    if ((0,external_node_net_.isIP)(host) !== 0)
        return ['loopback', 'unspecified'].includes(kindOfAddress(host));
    return host === 'localhost' || host.endsWith('.localhost');
}
/** A URL's host without the brackets of an IPv6 address and the dot at the end of a full name. */
function bareHost({ hostname }) {
    return hostname.replace(/[[\]]/g, '').replace(/(?<=.)\.$/, '');
}
/** A list of addresses and CIDR ranges. Ignores anything else. */
function listOf(addresses) {
    const list = new external_node_net_.BlockList();
    for (const { ip, family, bits } of addresses.flatMap(parseRange))
        list.addSubnet(ip, bits, family);
    return list;
}
/** Independent of notation: `::ffff:10.0.0.1` is `10.0.0.1`. */
function includes(list, ip) {
    const { address, family } = parseAddress(ip);
    return family !== undefined && list.check(address, family);
}
/** An address, or a range such as `10.0.0.0/8`; nothing for any other text. */
function parseRange(text) {
    const [, ip = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const { address, family } = parseAddress(ip);
    const most = family === 'ipv4' ? 32 : 128;
    const bits = prefix === undefined ? most : Number(prefix);
    return family === undefined || bits > most ? [] : [{ ip: address, family, bits }];
}
function isAddressOrRange(text) {
    return parseRange(text).length > 0;
}
function parseAddress(ip) {
    const address = ip.replace(/%.*$/s, '');
    const version = (0,external_node_net_.isIP)(address);
    return { address, family: version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6' };
}

;// CONCATENATED MODULE: ./lib/guest/address.js

const SSH_PORT = 22;
/** The node's port that forwards to the guest's SSH server. */
function sshPort(instance) {
    return instance?.portForwarding.find(({ guestPort, protocol }) => guestPort === SSH_PORT && protocol?.toLowerCase() !== 'udp')?.hostPort;
}
/** The node's forwarded port, or the VM's own address if no port is forwarded. @returns the address to dial, or why there is none. */
function guestAddress(instance, own) {
    const port = sshPort(instance);
    const role = port === undefined ? 'VM' : 'node';
    const host = port === undefined ? instance.ip : instance.hostIp;
    const problem = host === undefined ? 'has no known address' : address_problemOf(host, { role, own });
    if (host !== undefined && problem === undefined)
        return { address: { host, port: port ?? SSH_PORT } };
    const unforwarded = port === undefined ? 'no port forwards to its port 22, and ' : '';
    return { why: `${unforwarded}the ${role} ${problem}` };
}
/** Kinds of addresses at which another machine cannot reach a VM. */
const NO_VM = ['unspecified', 'loopback', 'link-local', 'multicast'];
/**
 * Why an address must not be dialed, in words that follow the noun: the step could reach its own SSH server. Undefined if it may
 * be dialed; also for a host name, which is checked once it is resolved.
 */
function address_problemOf(host, { role, own }) {
    const kind = kindOfAddress(host);
    const isLocalNode = role === 'node' && kind === 'loopback' && own.hasController;
    if (isLocalNode)
        return undefined;
    const refused = role === 'VM' ? NO_VM : ['unspecified', 'loopback'];
    if (refused.includes(kind))
        return `has the address ${host}, which is ${kind}`;
    const isOwn = includes(listOf(own.addresses), host);
    return isOwn ? `has the address ${host}, which is this machine's own` : undefined;
}
/** E.g. `192.0.2.70:10001`, or `[2001:db8::7]:10001`. */
function formatAddress({ host, port }) {
    return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

;// CONCATENATED MODULE: ./lib/guest/guest-verdict.js







/** @param proof the answer that verified the restart, when the clock showed `verifiedAt`. */
function startGuestHistory(proof, verifiedAt, own) {
    const { startDate } = proof;
    const baseline = {
        ...{ instance: proof, answeredAt: verifiedAt },
        ...{ startDate, knownStartDates: [startDate] },
    };
    return { provedBoot: startDate, own, watched: startHistory(baseline, verifiedAt) };
}
/**
 * Decides from one read of the instance where its guest can be reached. Pure. A lagging replica's answer proves nothing here
 * either. If the VM has booted again by itself, the guest of that boot counts.
 */
function judgeGuest(history, sample) {
    const { verdict, history: watched } = judge(history.watched, sample);
    const isLost = verdict.kind === 'failed';
    const found = isLost
        ? { kind: 'failed', reason: verdict.reason }
        : findEndpoint(history, sample);
    return { verdict: found, history: { ...history, watched } };
}
function findEndpoint(history, { instance }) {
    if (instance === undefined)
        return obstacleOf('not running', 'the controller does not list the instance');
    return isOlder(instance, history.watched.newest) ? { kind: 'outdated' } : endpointOf(history, instance);
}
function endpointOf({ provedBoot, own }, instance) {
    const { startDate } = instance;
    if (!(0,controller_instance/* isRunning */.W_)(instance) || startDate === undefined || (0,dates/* compareInstants */.QI)(startDate, provedBoot) < 0)
        return obstacleOf('not running', `the VM is not back: ${describeState(instance)}`);
    const found = guestAddress(instance, own);
    if ('why' in found)
        return obstacleOf('no address', found.why);
    return { kind: 'endpoint', endpoint: { startDate, address: found.address } };
}
/** The verdict on a read that found no route to the guest. */
function obstacleOf(kind, seen) {
    return { kind: 'obstacle', obstacle: { kind, seen } };
}
/** Whether a read after the banner shows that it was this VM's: the same boot at the same address. */
function isSameEndpoint(endpoint, { startDate, address }) {
    const isSameBoot = (0,dates/* compareInstants */.QI)(startDate, endpoint.startDate) === 0;
    return isSameBoot && formatAddress(address) === formatAddress(endpoint.address);
}
const CONTACT_WORDS = {
    refused: 'the connection was refused',
    unreachable: 'it cannot be reached',
    silent: 'no SSH banner came',
    closed: 'the connection was closed before an SSH banner came',
    penalized: 'the SSH server refuses this machine for a while',
    foreign: 'it is not an SSH server',
};
/** The obstacle that an attempt without a banner met. */
function obstacleAt({ address }, contact) {
    const { kind, detail } = contact;
    return { kind, seen: `${CONTACT_WORDS[kind]} at ${formatAddress(address)} (${detail})` };
}
/** There was a banner, but possibly from another VM. @param why what the read after it showed, if known. */
function unconfirmed({ address }, why = 'the VM has booted or moved since') {
    const seen = `an SSH server answered at ${formatAddress(address)}, but it may be another VM's: ${why}`;
    return { kind: 'moved', seen };
}
// ---- errors ----
/** The VM itself failed while the step waited for its guest. */
function lostWithVm(reason) {
    const message = `The VM was restarted and verified, but it failed before its guest was seen to be up: ${reason}.`;
    const hint = 'Check the instance and its node in the controller. A VM that is gone or in Error must be started again.';
    return new errors/* ActionError */.lZ('guest_not_up', message, { hint });
}
/** `guest_timeout` was reached. @param obstacle the last one. @param tally of the attempts. */
function notUp({ kind, seen }, timeoutMs, tally) {
    const message = `The VM was restarted and verified, but its guest was not seen to be up within ${(0,lib_clock/* seconds */.YA)(timeoutMs)}: ${seen}. Attempts: ${tally}.`;
    return new errors/* ActionError */.lZ('guest_not_up', message, { hint: HINTS[kind] });
}
const REACH_NODES = 'The machine that runs the step must reach the nodes themselves, not only the controller: check the network, VPN and firewalls between them';
const HINTS = {
    refused: `Check that Remote Login (SSH) is on in the VM's template, and that the port is forwarded. ${REACH_NODES}.`,
    unreachable: `${REACH_NODES}. Without a forwarded port it must reach the VM's own address. On macOS 15 or later, also allow the runner access to the local network (System Settings, Privacy & Security, Local Network).`,
    silent: "The node's forwarder accepts connections, but the guest does not answer: macOS hangs, waits for its disk to be unlocked (FileVault), or needs longer than guest_timeout; or macOS on the node asks whether the forwarder may use the local network. Check the screen of the VM (VNC) and of the node.",
    penalized: "The guest's SSH server is up, but refuses this machine after connections without a login, or because of too many (OpenSSH's PerSourcePenalties and MaxStartups). Exempt this machine in the VM's template, with PerSourcePenaltyExemptList in sshd_config.",
    closed: "The node's forwarder found no server in the guest: check that Remote Login (SSH) is on in the VM's template, and check the VM's screen through VNC.",
    foreign: "Something other than an SSH server answers there: check what the VM's port 22 is forwarded to.",
    'no address': `Forward a port to the guest's port 22 in the VM's template; without one, the VM's own address is used. ${REACH_NODES}.`,
    'not running': 'Check the instance and its node in the controller: the VM did not stay up.',
    moved: 'Check the instance in the controller: it was restarted in the meantime, or its ports keep changing.',
    'no answer': 'Check that the controller and all of its replicas are up, and that this machine can reach it.',
};

;// CONCATENATED MODULE: ./lib/guest/wait-for-guest.js
// Once the restart is verified, the hypervisor has started the VM, but macOS may still be booting, or hang. So the step probes the guest:
//
// 1. A read of the instance shows where its SSH server is now: forwarded ports may change with each boot.
// 2. The step connects there and waits for the server's banner. A port forwarder accepts connections before the guest does, so a
//    connection alone proves nothing.
// 3. A second read must show the same boot at the same address: otherwise the banner may be another VM's.
//
// This repeats until guest_timeout, with a last attempt at the end.






/** Waits for the guest after a verified restart. Never throws: a failure is part of the result. */
async function waitForGuest({ proof, moments: { verified: verifiedAt } }, check, context) {
    if (proof?.startDate === undefined || verifiedAt === undefined)
        return { guest: NO_GUEST };
    const history = startGuestHistory({ ...proof, startDate: proof.startDate }, verifiedAt, check.own);
    const progress = (0,lib_log/* createProgressLog */.e)({ log: context.log, now: context.clock.now, sentAt: verifiedAt });
    const { instanceId } = proof;
    const wait = { check, context, progress, instanceId, verifiedAt, history, last: undefined };
    try {
        await untilUp(wait);
        return { guest: { status: 'up', upAt: context.clock.now() }, ...lastSeen(wait) };
    }
    catch (thrown) {
        const error = (0,errors/* asActionError */.z6)(thrown);
        const status = error.code === 'guest_not_up' ? 'not_up' : undefined;
        return {
            guest: { status, upAt: undefined },
            ...lastSeen(wait),
            error: (0,errors/* explainCancellation */.Xg)(error, GUEST_UNKNOWN),
        };
    }
}
const GUEST_UNKNOWN = 'The VM was restarted and verified; whether its guest is up is not known.';
const NO_GUEST = { status: undefined, upAt: undefined };
function lastSeen({ last }) {
    return last === undefined ? {} : { last };
}
/** One attempt, connecting and reading together. */
const LONGEST_CONTACT_MS = 5_000;
/** After the first attempts, and after all others. */
const FIRST_PAUSES_MS = [1_000, 2_000];
const LATER_PAUSE_MS = 5_000;
const UNREAD = 'the instance could not be read';
async function untilUp(wait) {
    const { check, context, progress, verifiedAt } = wait;
    const { clock, log, signal } = context;
    const deadline = verifiedAt + check.timeoutMs;
    let obstacle = { kind: 'no answer', seen: UNREAD };
    let attempts = 0;
    const polling = {
        ...{ clock, signal, deadline: () => deadline },
        nextAt: () => clock.now() + (FIRST_PAUSES_MS[attempts++] ?? LATER_PAUSE_MS),
    };
    const banner = await (0,poll/* pollUntil */.g)(polling, async ({ until }) => {
        const result = await attempt(wait, until);
        if (typeof result === 'string')
            return result;
        const { kind, seen } = result;
        progress.note(kind, `waiting for the guest: ${seen}`);
        // The guest's last behavior says more than a missing answer from the controller at the end.
        if (kind !== 'no answer' || obstacle.kind === 'no answer')
            obstacle = result;
        return undefined;
    });
    if (banner === undefined)
        throw notUp(obstacle, check.timeoutMs, progress.tally());
    log.info(`The guest is up: "${banner}", ${(0,lib_clock/* seconds */.YA)(clock.now() - verifiedAt)} after the VM was verified`);
}
/** @returns the banner, or why there is none. @throws ActionError if the VM itself is lost, or the step is canceled. */
async function attempt(wait, until) {
    const { clock, signal } = wait.context;
    const endpoint = await findGuest(wait, until);
    if ('seen' in endpoint)
        return endpoint;
    const ms = Math.min(LONGEST_CONTACT_MS, Math.max(0, until - clock.now()));
    const heard = await contact({ clock, dial: wait.check.dial, address: endpoint.address }, { ms, signal });
    if (heard.kind !== 'banner')
        return obstacleAt(endpoint, heard);
    const again = await findGuest(wait, until);
    if ('seen' in again)
        return unconfirmed(endpoint, again.seen);
    return isSameEndpoint(endpoint, again) ? heard.banner : unconfirmed(endpoint);
}
/** After a lagging replica's answer, another replica will most likely answer the next read. In milliseconds. */
const OUTDATED_PAUSE_MS = 1_000;
const SHORTEST_READ_MS = 250;
/** Reads the instance until an answer counts. @throws ActionError if the VM itself is lost, or the step is canceled. */
async function findGuest(wait, until) {
    const { clock, signal } = wait.context;
    for (;;) {
        const verdict = await readGuest(wait, until);
        if (verdict.kind === 'failed')
            throw lostWithVm(verdict.reason);
        if (verdict.kind === 'endpoint')
            return verdict.endpoint;
        if (verdict.kind === 'obstacle')
            return verdict.obstacle;
        const leftMs = until - clock.now();
        if (leftMs < SHORTEST_READ_MS)
            return { kind: 'no answer', seen: `${UNREAD}: the answers are older than an earlier one` };
        await clock.sleep(Math.min(OUTDATED_PAUSE_MS, leftMs / 4), signal);
    }
}
async function readGuest(wait, until) {
    const { context, instanceId, progress } = wait;
    const { clock, controller, signal } = context;
    const askedAt = clock.now();
    let instance;
    try {
        instance = await controller.getInstance(instanceId, { deadline: until, signal, onFault: progress.fault });
    }
    catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof errors/* ActionError */.lZ))
            throw error;
        return obstacleOf('no answer', `${UNREAD}: ${error.message.replace(/\.$/, '')}`);
    }
    progress.answered();
    const { verdict, history } = judgeGuest(wait.history, { askedAt, answeredAt: clock.now(), instance });
    wait.history = history;
    if (verdict.kind !== 'outdated')
        wait.last = instance ?? wait.last;
    return verdict;
}

// EXTERNAL MODULE: ./lib/likeness.js
var likeness = __webpack_require__(1203);
;// CONCATENATED MODULE: ./lib/restart/preflight.js
// The checks before the restart: the VM exists, it can be restarted, and the restart can be proved.






/** A little more than one heartbeat: a state that old controllers show only briefly (see the end of verdict.ts) is over by then. */
const GRACE_MS = 6_000;
const PAUSE_MS = 1_000;
const MOST_CANDIDATES = 10;
/**
 * Reads the target until it passes all checks.
 * @throws ActionError `instance_not_found`, `ambiguous_target`, `not_running` or `cannot_verify`, if that persists for a few
 * seconds.
 */
async function takeBaseline(context, options) {
    const { clock, log, signal } = context;
    const { deadline } = options;
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined });
    const search = {
        context,
        bounds: { deadline, signal, onFault: progress.fault },
        usable: new Map(),
    };
    let since;
    let graceEndsAt;
    let trouble;
    for (;;) {
        const finding = await readTarget(options, search).catch((error) => {
            // The deadline came before the trouble could clear up. The trouble explains more than "the next answer was too late".
            throw trouble !== undefined && graceEndsAt === deadline && (0,errors/* isTransient */.dg)(error) ? trouble : error;
        });
        if (finding.kind === 'ready')
            return finding.baseline;
        since ??= clock.now();
        graceEndsAt = Math.min(since + graceMs(finding, options), deadline);
        if (clock.now() + PAUSE_MS > graceEndsAt)
            return settleFor(finding, search);
        trouble = finding.kind === 'trouble' ? finding.error : undefined;
        progress.note(...describeFinding(finding));
        await clock.sleep(PAUSE_MS, signal);
    }
}
function graceMs(finding, { startsWithinMs = GRACE_MS }) {
    return finding.kind === 'trouble' && finding.mayStart === true ? startsWithinMs : GRACE_MS;
}
async function readTarget({ target, onRead }, search) {
    const { clock } = search.context;
    const askedAt = clock.now();
    const found = await find(target, search);
    if (found.kind === 'none')
        return { kind: 'trouble', error: found.error };
    const { instance, listed, doubt } = found;
    const answeredAt = clock.now();
    const report = () => {
        // The list may come from another replica, which knows a later boot.
        if (listed !== undefined)
            onRead(listed, { askedAt, answeredAt });
        onRead(instance, { askedAt, answeredAt });
    };
    if (doubt === undefined)
        report();
    const baseline = checkPreconditions(instance, answeredAt);
    if (baseline instanceof errors/* ActionError */.lZ)
        return { kind: 'trouble', error: baseline, mayStart: mayStart(instance) };
    if (doubt !== undefined)
        return { kind: 'doubtful', baseline, doubt, report };
    if (hasBothDates(instance))
        return { kind: 'ready', baseline };
    return { kind: 'doubtful', baseline, doubt: 'the answer does not say how old it is' };
}
/** A finding that persisted for some seconds is final. */
async function settleFor(finding, search) {
    if (finding.kind === 'trouble')
        throw await withVersion(finding.error, search);
    finding.report?.();
    return finding.baseline;
}
function describeFinding(finding) {
    if (finding.kind === 'doubtful')
        return ['doubtful', `Reading again: ${finding.doubt}`];
    return [finding.error.code, `Reading again, this may be temporary: ${finding.error.message}`];
}
/**
 * Whether its dates distinguish later answers from older ones. Controllers write both dates; without them, a lagging replica's answer would
 * look new.
 */
function hasBothDates({ reportedAt, updatedAt }) {
    return reportedAt !== undefined && updatedAt !== undefined;
}
/** A VM that can be restarted is running; one whose restart can be proved has a real start_date. */
function checkPreconditions(instance, answeredAt) {
    const { instanceId, startDate } = instance;
    if (!(0,controller_instance/* isRunning */.W_)(instance)) {
        return new errors/* ActionError */.lZ('not_running', `Instance ${instanceId} is not running: ${describeTrouble(instance)}.`, {
            hint: (0,controller_instance/* isTerminal */.Hd)(instance)
                ? 'It is gone permanently: start a new one.'
                : 'Only a VM that is Started and running can be restarted: start it, or wait until it runs.',
        });
    }
    if (startDate === undefined) {
        return new errors/* ActionError */.lZ('cannot_verify', `Instance ${instanceId} has no usable start_date, so a restart could not be proved: ${describeTrouble(instance)}.`, { hint: 'start_date requires Anka agent and controller 1.44.0 or later: update both.' });
    }
    return { instance, answeredAt, startDate, knownStartDates: [startDate] };
}
/** Another client may be restarting it. */
function mayStart(instance) {
    return !(0,controller_instance/* isRunning */.W_)(instance) && !(0,controller_instance/* looksFailed */.Oj)(instance);
}
/** If a restart cannot be verified, the controller's version is most often the reason, so the error names it. */
async function withVersion(error, { context, bounds }) {
    if (error.code !== 'cannot_verify')
        return error;
    const version = (await context.controller.getVersion(bounds)) ?? 'unknown';
    return new errors/* ActionError */.lZ(error.code, error.message, {
        hint: `${error.hint} Version of the controller: "${version}".`,
    });
}
/** Always ends with the same call that will later prove the restart: if it fails, nothing is sent. */
async function find(target, search) {
    const { context, bounds } = search;
    const { controller } = context;
    switch (target.by) {
        case 'instance_id': {
            const instance = await controller.getInstance(target.id, bounds);
            return instance === undefined ? noInstance(target.id) : { kind: 'found', instance };
        }
        case 'external_id': {
            const picked = pickLive(await controller.findInstances(target, bounds), target.id, search);
            if (picked.kind === 'none')
                return picked;
            const listed = picked.instance;
            const single = await controller.getInstance(listed.instanceId, bounds);
            if (single === undefined)
                return noInstance(listed.instanceId);
            // The second answer may come from a lagging replica.
            return { ...picked, listed, instance: isOlder(single, listed) ? listed : single };
        }
    }
}
function noInstance(instanceId) {
    const error = new errors/* ActionError */.lZ('instance_not_found', `The controller has no instance ${instanceId}.`, {
        hint: 'Check instance_id and controller_url. An instance that was terminated is gone permanently.',
    });
    return { kind: 'none', error };
}
/**
 * The one live instance among those that have the external ID:
 *
 * | usable | other live ones | picked |
 * | --- | --- | --- |
 * | one | none | it |
 * | one | some | it, with a doubt: an Error may clear up |
 * | none | one | it, so that the error says what is wrong with it |
 * | none | several | none: ambiguous |
 * | several | | none: ambiguous |
 * | none | none | none: not found |
 *
 * A list may briefly omit an instance, so an instance that was usable remains so until it is listed as ended.
 */
function pickLive(instances, externalId, { context, usable }) {
    const live = instances.filter((instance) => !(0,controller_instance/* isTerminal */.Hd)(instance));
    for (const one of instances) {
        if ((0,controller_instance/* isTerminal */.Hd)(one))
            usable.delete(one.instanceId);
        else if (canBeMeant(one))
            usable.set(one.instanceId, one);
    }
    const [first, ...rivals] = usable.size > 0 ? [...usable.values()] : live;
    if (first === undefined)
        return noneHas(externalId, instances, context.controller.externalIds());
    if (rivals.length > 0)
        return severalHave(externalId, [first, ...rivals]);
    const others = live.filter(({ instanceId }) => instanceId !== first.instanceId);
    if (others.length === 0)
        return { kind: 'found', instance: first };
    const doubt = `${listCandidates(others)} also has the external_id, and may be unusable only briefly`;
    return { kind: 'found', instance: first, doubt };
}
/** Whether the user can mean this instance if others have the same ID: it is not in Error or deleted, and it has a VM. */
function canBeMeant(instance) {
    return !(0,controller_instance/* looksFailed */.Oj)(instance) && instance.status !== undefined;
}
function noneHas(externalId, ended, known) {
    const gone = ended.length === 0 ? '' : ` Terminated ones that had it: ${listCandidates(ended)}.`;
    const message = `No live instance has the external_id "${externalId}".${gone}`;
    const hint = INSTANCE_ID.test(externalId)
        ? 'It looks like the ID of an instance: did you mean instance_id?'
        : suggestion((0,likeness/* closestTo */.z)(externalId, known));
    return { kind: 'none', error: new errors/* ActionError */.lZ('instance_not_found', message, { hint }) };
}
const INSTANCE_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
function suggestion(closest) {
    const check = 'Check external_id (the output action-id of anka-actions/up) and controller_url.';
    if (closest.length === 0)
        return check;
    return `Did you mean ${closest.map((id) => `"${id}"`).join(' or ')}? Upper and lower case matter. ${check}`;
}
function severalHave(externalId, instances) {
    const message = `${instances.length} live instances have the external_id "${externalId}": ${listCandidates(instances)}.`;
    const hint = 'Name the one to restart by its instance_id.';
    return { kind: 'none', error: new errors/* ActionError */.lZ('ambiguous_target', message, { hint }) };
}
function listCandidates(instances) {
    const listed = instances.slice(0, MOST_CANDIDATES).map(({ instanceId, state, nodeId }) => {
        return `${instanceId} (${state}, node ${nodeId ?? 'unknown'})`;
    });
    const more = instances.length - listed.length;
    return listed.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

;// CONCATENATED MODULE: ./lib/restart/schedule.js
// When to poll the VM. With `auto`, polls are about a second apart, and are timed to come right after a report:
//
// 1. Heartbeats are whole seconds apart, so all reports arrive in the same part of the second. A poll right after that part shows a new report
//    at once.
// 2. Which part that is has to be learned from the answers. At any time, it is known only to lie within some range of times, the open range. A
//    poll whose answer arrives in the middle of the open range rules out one half of it (see the end of this file).
// 3. If a report is due before such a poll, the poll comes at the end of the open range instead, where it shows the report.
// 4. Without dates to learn from, polls are simply a second apart. After minutes without a report, they become less frequent.
//
// The timing of polls does not affect the verdict, which applies the same rules to all answers.

/** When to poll next, on the clock's scale. Pure. poll.ts applies the deadline. */
function nextPollAt(pollInterval, progress) {
    return pollInterval === 'auto' ? nextInStep(progress) : progress.lastPollAt + pauseOf(pollInterval);
}
function pauseOf(pollInterval) {
    return typeof pollInterval === 'number' ? pollInterval : pollInterval();
}
const SECOND_MS = 1_000;
const SHORTEST_PAUSE_MS = 300;
/** A poll is planned this much later, because it may reach the controller sooner than usual: in milliseconds. */
const ARRIVAL_MARGIN_MS = 10;
/** If the open range is no longer than this, in milliseconds, narrowing it would gain nothing. */
const WELL_KNOWN_MS = 50;
/** Inside this function, moments are arrival times of answers. A poll begins one round trip earlier. */
function nextInStep({ sentAt, lastPollAt, timing }) {
    const { tripMs, aheadMs, gapMs } = timing;
    const arrival = arrivalOf(timing);
    const silentMs = lastPollAt - Math.max(sentAt, arrival?.to ?? sentAt);
    if (arrival === undefined)
        return lastPollAt + SECOND_MS + calmMs(silentMs);
    const earliest = lastPollAt + SHORTEST_PAUSE_MS + calmMs(silentMs) + tripMs;
    const isKnown = arrival.to - arrival.from <= WELL_KNOWN_MS;
    const due = { at: arrival.to + ARRIVAL_MARGIN_MS, everyMs: isKnown ? SECOND_MS : gapMs };
    const dueAt = firstFrom(earliest, due);
    const middleAt = firstFrom(earliest, { at: (aheadMs.from + aheadMs.to) / 2, everyMs: SECOND_MS });
    const isForLearning = !isKnown && middleAt + SHORTEST_PAUSE_MS <= dueAt;
    return (isForLearning ? middleAt : dueAt) - tripMs;
}
function firstFrom(earliest, { at, everyMs }) {
    return at + Math.ceil((earliest - at) / everyMs) * everyMs;
}
const schedule_MINUTE_MS = 60_000;
const MOST_CALM_MS = 4_000;
/** How much longer pauses are after a silence: by a second after two minutes, by two after three, and so on. */
function calmMs(silentMs) {
    return Math.min(MOST_CALM_MS, Math.max(0, Math.floor(silentMs / schedule_MINUTE_MS) - 1) * SECOND_MS);
}
const DEFAULT_HEARTBEAT_MS = 5_000;
const ANY = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
/** The state before the first answer. */
const NO_TIMING = {
    tripMs: Number.POSITIVE_INFINITY,
    newest: undefined,
    aheadMs: ANY,
    gapMs: DEFAULT_HEARTBEAT_MS,
};
/** The state after one more answer. An answer older than an earlier one comes from a lagging replica. Pure. */
function learn(before, { askedAt, answeredAt, instance }) {
    const { newest, aheadMs } = before;
    const tripMs = Math.min(before.tripMs, answeredAt - askedAt);
    const isOutdated = newest !== undefined && instance !== undefined && isOlder(instance, newest);
    if (instance === undefined || isOutdated)
        return { ...before, tripMs };
    return {
        tripMs,
        newest: instance,
        aheadMs: narrow(narrow(aheadMs, aheadByHeader(instance, answeredAt)), aheadByReport(instance, answeredAt)),
        gapMs: shortestGap(before, instance),
    };
}
/** When the newest report arrived, within a second; undefined if dates are missing, or contradict each other. */
function arrivalOf({ newest, aheadMs }) {
    // Rounded down: sums of fractions are not exact.
    const openMs = Math.floor(aheadMs.to - aheadMs.from);
    if (newest?.updatedAt === undefined || openMs > SECOND_MS)
        return undefined;
    const madeAtMs = millisecondsOf(newest.updatedAt);
    return { from: madeAtMs + aheadMs.from, to: madeAtMs + aheadMs.to };
}
function aheadByHeader({ answeredAtMs }, answeredAt) {
    if (answeredAtMs === undefined)
        return ANY;
    return { from: answeredAt - answeredAtMs - SECOND_MS, to: answeredAt - answeredAtMs };
}
/** A report arrived before the answer that shows it. */
function aheadByReport({ updatedAt }, answeredAt) {
    return updatedAt === undefined ? ANY : { from: ANY.from, to: answeredAt - millisecondsOf(updatedAt) };
}
/** The intersection; if the ranges do not overlap, the range between them. */
function narrow(a, b) {
    const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)];
    return { from: Math.min(from, to), to: Math.max(from, to) };
}
/** A time below half a second is not a heartbeat: the controller may change a record without a report. */
function shortestGap({ newest, gapMs }, { updatedAt }) {
    if (newest?.updatedAt === undefined || updatedAt === undefined)
        return gapMs;
    const latestMs = millisecondsOf(updatedAt) - millisecondsOf(newest.updatedAt);
    const wholeMs = Math.round(latestMs / SECOND_MS) * SECOND_MS;
    return wholeMs > 0 ? Math.min(gapMs, wholeMs) : gapMs;
}
/** Since the Unix epoch, to the microsecond. */
function millisecondsOf({ epochNanoseconds }) {
    return Number(epochNanoseconds / 1000n) / 1_000;
}

;// CONCATENATED MODULE: ./lib/restart/attempt.js
// The state of one VM's restart while it runs: the time left, the gate's last answer, and the baseline for the proof.





function startAttempt(job, context, record) {
    const startedAt = context.clock.now();
    mark(record, 'started', startedAt);
    return {
        ...{ job, context, record, target: job.target },
        ...{ deadline: startedAt + job.timeoutMs, hasPassedGate: false },
        ...{ timing: NO_TIMING, baseline: undefined, knownStartDates: [] },
    };
}
function mark(record, moment, at) {
    record.moments = { ...record.moments, [moment]: at };
}
// ---- before each attempt ----
/** Takes a baseline and asks the gate; repeats both until the gate opens without a wait, so that the baseline is up to date. */
async function prepare(attempt) {
    const { context, record } = attempt;
    for (;;) {
        const baseline = await readBaseline(attempt);
        const { instance } = baseline;
        attempt.target = { by: 'instance_id', id: instance.instanceId };
        logBefore(attempt, instance);
        record.before = instance;
        if (instance.unusableHostIp !== undefined)
            context.log.debug(`host_ip is ignored: ${instance.unusableHostIp} is neither an IP address nor a host name`);
        context.refuse?.(instance);
        if (await passGate(attempt, instance))
            return baseline;
    }
}
/** If the gate had to wait and the state is still the same, the line goes to the debug log. */
function logBefore({ context: { log }, record: { before } }, instance) {
    const state = describeState(instance);
    const isLogged = before !== undefined && describeState(before) === state;
    (isLogged ? log.debug : log.info)(`Before: ${state}`);
}
/** Keeps the last baseline if a lagging replica shows an older state. */
async function readBaseline(attempt) {
    const { context, record, target, deadline, knownStartDates, baseline: before } = attempt;
    const onRead = (instance, times) => {
        record.last = instance;
        if (instance.startDate !== undefined)
            knownStartDates.push(instance.startDate);
        attempt.timing = learn(attempt.timing, { ...times, instance });
    };
    const { startsWithinMs } = attempt.job;
    const taken = await takeBaseline(context, { target, deadline, startsWithinMs, onRead });
    const isOutdated = before !== undefined && isOlder(taken.instance, before.instance);
    attempt.baseline = { ...(isOutdated ? before : taken), knownStartDates: [...knownStartDates] };
    return attempt.baseline;
}
/** Asks the gate. The timeout is paused during that time. */
async function passGate(attempt, instance) {
    const { job, context, record } = attempt;
    const { clock, gate } = context;
    if (gate === undefined)
        return true;
    const askedAt = clock.now();
    if (record.moments.gateAsked === undefined)
        mark(record, 'gateAsked', askedAt);
    const isOpen = await (job.dryRun ? gate.rehearse(instance) : gate.passOrWait(instance));
    mark(record, 'gateAnswered', clock.now());
    attempt.deadline += clock.now() - askedAt;
    if (isOpen && gate.startsTimeout === true && !attempt.hasPassedGate)
        attempt.deadline = clock.now() + job.timeoutMs;
    attempt.hasPassedGate ||= isOpen;
    return isOpen;
}
// ---- whether the request may still be sent ----
/** How much time must be left to prove the restart when it is sent, in milliseconds; or this share of the timeout, if that is less. */
const PROOF_MS = 10_000;
const PROOF_SHARE = 1 / 5;
/** No restart may be sent after this moment. */
function sendBy({ job, deadline }) {
    return deadline - Math.min(PROOF_MS, job.timeoutMs * PROOF_SHARE);
}
/** The error if it is too late to send the restart. */
function tooLateError(attempt) {
    const { context, record } = attempt;
    if (context.clock.now() <= sendBy(attempt))
        return undefined;
    const message = record.moments.sent === undefined
        ? 'No restart was sent: too little of the timeout was left to prove it.'
        : 'The restart was sent but not accepted, and too little of the timeout was left to send it again.';
    return new errors/* ActionError */.lZ('timed_out', message, {
        hint: 'See the log for the cause of the delay; then run the step again, or raise timeout.',
    });
}
/** How long the gate's answer stays valid: in milliseconds. */
const GATE_VALID_MS = 20_000;
/**
 * The last check, right before the first byte is sent. From then on, the restart may be carried out: the step announces that, and the record
 * says so until a result proves otherwise.
 * @returns why the request must not be sent now; undefined if it may be.
 */
function recordDeparture(attempt) {
    const { context, record } = attempt;
    const now = context.clock.now();
    const late = tooLateError(attempt);
    if (late !== undefined)
        return { kind: 'final', error: late };
    // The process was suspended, or connecting took long: the gate must be asked again.
    if (now - (record.moments.gateAnswered ?? now) > GATE_VALID_MS)
        return { kind: 'try again', reason: OUTDATED, hint: 'See the log for the cause of the delay.' };
    const departing = { ...record, restarted: 'unknown' };
    mark(departing, 'sent', now);
    try {
        context.announce?.(departing);
    }
    catch (error) {
        return { kind: 'final', error };
    }
    Object.assign(record, departing);
    return undefined;
}
const OUTDATED = 'too much time has passed since the last check of the runner; checking again';

;// CONCATENATED MODULE: ./lib/restart/watch.js
// After the restart was sent: polls the instance until the restart is proved.







/**
 * Polls the VM until its restart is proved; there is always a poll at the deadline.
 * @returns the instance in the proof.
 * @throws ActionError `vm_failed`, `timed_out`, or a refusal of the controller.
 */
async function watch(context, options) {
    const { clock, signal } = context;
    const { baseline, sentAt } = options;
    const progress = (0,lib_log/* createProgressLog */.e)({ log: context.log, now: clock.now, sentAt });
    const history = startHistory(baseline, sentAt);
    const state = {
        ...{ history, unmet: [], timing: options.timing },
        ...{ startedAt: clock.now(), heartbeatMs: SHORTEST_HEARTBEAT_MS },
        ...{ lastPollAt: sentAt, nextPollAt: sentAt, renewedAt: sentAt },
    };
    const deadline = () => deadlineOf(options, state, clock.now());
    const plan = (at) => {
        // A slow answer also makes the next poll late. That must not look like a suspension.
        state.nextPollAt = Math.max(Math.min(at, deadline()), clock.now());
        return at;
    };
    const nextAt = (lastPollAt) => nextPollAt(options.pollInterval, { sentAt, lastPollAt, timing: state.timing });
    let hasAnswer = true;
    const polling = {
        ...{ clock, signal, deadline, firstAt: plan(nextAt(sentAt)) },
        // A poll without an answer has used all its time, so the next one follows at once.
        nextAt: ({ startedAt, until }) => plan(hasAnswer ? nextAt(startedAt) : until),
    };
    const proof = await (0,poll/* pollUntil */.g)(polling, async ({ startedAt, until }) => {
        renewConnectionsIfStuck(context, state);
        state.lastPollAt = startedAt;
        const observation = await pollInstance(context, { options, progress, until });
        hasAnswer = observation !== undefined;
        return observation && consider(observation, state, progress);
    });
    if (proof !== undefined)
        return proof;
    throw notProved({ ...options, ...state, progress, endedAt: clock.now() });
}
const SHORTEST_HEARTBEAT_MS = 5_000;
/** A restart shows within this many heartbeats. An agent that reports nothing for longer is not just slow. */
const HEARTBEATS_OF_EVIDENCE = 3;
function longSilenceMs({ heartbeatMs }) {
    return HEARTBEATS_OF_EVIDENCE * heartbeatMs;
}
/**
 * A restart that was rejected, but perhaps only after it was carried out, shows within three heartbeats. The step knows their length only
 * once reports arrive: until then, the silence so far counts as one heartbeat. Any other restart has the whole timeout.
 */
function deadlineOf({ reply, deadline }, state, now) {
    if (reply.kind !== 'rejected')
        return deadline;
    const heartbeatMs = Math.max(state.heartbeatMs, now - state.history.newestAt);
    return Math.min(deadline, state.startedAt + HEARTBEATS_OF_EVIDENCE * heartbeatMs);
}
/** The time between the newest report and the one before; 0 if that is the same or unknown. */
function gapMs({ newest: { reportedAt: before } }, { newest: { reportedAt: after } }) {
    return before === undefined || after === undefined ? 0 : (0,dates/* millisecondsBetween */.nl)(before, after);
}
/** A poll that begins this much later than planned: the process was suspended. In milliseconds. */
const SUSPENDED_MS = 5_000;
/**
 * Renews the connections if no new report has come for long: the replica behind them may be stuck while others have newer data. Also after a
 * suspension, between two polls or during one: the connections may be dead.
 */
function renewConnectionsIfStuck({ clock, controller }, state) {
    const now = clock.now();
    const since = Math.max(Math.min(state.history.newestAt, state.lastPollAt), state.renewedAt);
    const wasSuspended = now - state.nextPollAt > SUSPENDED_MS;
    if (!wasSuspended && now - since <= longSilenceMs(state))
        return;
    controller.renewConnections();
    state.renewedAt = now;
}
/** Judges an answer: returns the instance if it is the proof, throws if the VM has failed, otherwise notes what is missing. */
function consider(observation, state, progress) {
    const { verdict, history } = judge(state.history, observation);
    state.heartbeatMs = Math.max(state.heartbeatMs, gapMs(state.history, history));
    state.history = history;
    if (verdict.kind === 'restarted')
        return verdict.instance;
    if (verdict.kind === 'failed')
        throw vmFailed(verdict.reason);
    state.unmet = verdict.unmet;
    state.timing = learn(state.timing, observation);
    progress.note(kindOf(verdict.unmet), `waiting: ${verdict.unmet.map(describeUnmet).join('; ')}`);
    return undefined;
}
/** One answer of the controller; undefined if there was no usable one in time. */
async function pollInstance({ controller, clock, signal }, { options, progress, until }) {
    const { instanceId } = options.baseline.instance;
    const askedAt = clock.now();
    try {
        const bounds = { deadline: until, signal, onFault: progress.fault };
        const instance = await controller.getInstance(instanceId, bounds);
        if (instance !== undefined)
            options.onSeen(instance);
        return { askedAt, answeredAt: clock.now(), instance };
    }
    catch (error) {
        if ((0,errors/* isTransient */.dg)(error))
            return undefined;
        throw error;
    }
}
function kindOf(unmet) {
    return `waiting for ${unmet.map(({ condition }) => condition).join(' and ')}`;
}
function vmFailed(reason) {
    return new errors/* ActionError */.lZ('vm_failed', `The VM failed after the restart was sent: ${reason}.`, {
        hint: 'Check the instance and its node in the controller. A VM that is gone or in Error must be started again.',
    });
}
/** A rejected request fails with its own error: no new boot has shown that it was carried out. */
function notProved(ending) {
    const { reply, sentAt, endedAt } = ending;
    if (reply.kind !== 'rejected')
        return timedOut(ending);
    const { code, message, hint, cause } = reply.error;
    const evidence = `No new boot showed within ${(0,lib_clock/* seconds */.YA)(endedAt - sentAt)}.`;
    return new errors/* ActionError */.lZ(code, `${message} ${evidence}`, {
        hint: `${hint ?? ''} ${MAY_STILL}`.trim(),
        cause,
    });
}
function timedOut(ending) {
    const { baseline, reply, sentAt, history, unmet, progress, endedAt } = ending;
    const { newest, newestAt } = history;
    const missing = unmet.length === 0 ? 'any usable answer' : unmet.map(describeUnmet).join('; ');
    const hasNews = newest !== baseline.instance;
    const message = [
        `The restart was sent, but not verified after ${(0,lib_clock/* seconds */.YA)(endedAt - sentAt)}.`,
        ...(reply.kind === 'uncertain'
            ? [`It is unclear whether the controller accepted it: ${reply.reason}.`]
            : []),
        `Missing: ${missing}.`,
        `Last seen: ${describeTrouble(newest)}; before the restart: start_date ${baseline.startDate.text}.`,
        hasNews
            ? `The last new report came ${(0,lib_clock/* seconds */.YA)(endedAt - newestAt)} before the end.`
            : 'No new report has arrived since then.',
        `Answers: ${progress.tally()}.`,
    ];
    const isSilent = !hasNews && endedAt - sentAt > longSilenceMs(ending);
    return new errors/* ActionError */.lZ('timed_out', message.join(' '), {
        hint: hintForTimeout({ reply, unmet, isSilent }),
    });
}
/** Controllers drop a queued task after 24 h. */
const MAY_STILL = 'The restart may still happen, up to a day later if the node is offline: check the instance before you send another.';
function hintForTimeout({ reply, unmet, isSilent }) {
    if (unmet.length === 0)
        return `The controller gave no usable answer: check that it is up. ${MAY_STILL}`;
    if (reply.kind === 'uncertain')
        return `Most likely the restart never reached the controller. ${MAY_STILL}`;
    if (isSilent)
        return `The node's agent reported nothing: check that the node is up. ${MAY_STILL}`;
    return `The node's agent may be busy, or the timeout too short. ${MAY_STILL}`;
}

;// CONCATENATED MODULE: ./lib/restart/restart.js
// The restart of one VM:
//
// 1. The preflight (preflight.ts) finds the instance, checks that it can be restarted, and records its state as the baseline.
// 2. The gate, if there is one, may block the restart. After a wait there, the preflight is repeated. `prepare` in attempt.ts does 1 and 2.
// 3. The request is sent. It is sent again only if it certainly was not carried out, and only after 1 and 2 are repeated.
// 4. The instance is polled until one answer proves the restart, or the timeout is reached (watch.ts).








/** Restarts one VM and proves that it came back. Never throws: errors are part of the outcome. */
async function restart(job, context) {
    const record = { ...restart_outcome/* NOTHING_DONE */.L, target: job.target };
    try {
        await restartAndProve(startAttempt(job, context, record));
    }
    catch (error) {
        if (error instanceof restart_outcome/* LeftAlone */.l)
            record.leftAlone = error;
        else
            record.error = explainWhatWasSent((0,errors/* asActionError */.z6)(error), record);
    }
    return record;
}
async function restartAndProve(attempt) {
    const { job, context, record } = attempt;
    const { clock, log } = context;
    const first = await prepare(attempt);
    if (job.dryRun)
        return log.info(`Dry run: nothing was changed. Would restart ${describeRequest(job, first.instance)}`);
    const sent = await send(attempt, first);
    log.info(describeRestartReply(sent.reply));
    const { pollInterval } = job;
    const onSeen = (instance) => {
        record.last = instance;
    };
    const { deadline, timing } = attempt;
    const instance = await watch(context, { ...sent, deadline, pollInterval, timing, onSeen });
    record.restarted = 'true';
    record.proof = instance;
    mark(record, 'verified', clock.now());
    record.durationMs = clock.now() - sent.sentAt;
    log.info(`Restarted and verified in ${(0,lib_clock/* seconds */.YA)(record.durationMs)}: ${describeState(instance)}`);
}
/**
 * Repeats the request until the restart has been carried out, or may have been. The record says `unknown` from the moment a request
 * is sent, until its result proves that it was not carried out.
 * @throws the error of the last attempt if none was carried out; errors of the preflight and the gate; the signal's reason.
 */
async function send(attempt, first) {
    const { job, context, record } = attempt;
    const { clock, controller, log, signal } = context;
    const { instanceId } = first.instance;
    const request = { instanceId, vncPassword: job.vncPassword, usbDevice: job.usbDevice };
    const retries = controller.restartRetries();
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined });
    let [baseline, isAfter401] = [first, false];
    throwIfLate(attempt);
    log.info(`Restarting ${describeRequest(job, first.instance)}`);
    for (;;) {
        const { deadline } = attempt;
        const onDeparture = () => recordDeparture(attempt);
        const result = await controller.tryRestart(request, { deadline, signal, onDeparture, isAfter401 });
        const { sent: sentAt = clock.now() } = record.moments;
        if (result.kind !== 'not carried out')
            return { baseline, reply: result, sentAt };
        record.restarted = 'false';
        signal.throwIfAborted();
        if (!result.mayRepeat)
            throw result.error;
        const leftMs = sendBy(attempt) - clock.now();
        const next = retries.after(result.fault, leftMs);
        if (result.because === 'held back')
            log.info(`The restart was held back: ${result.fault.reason}`);
        else
            progress.fault({ ...result.fault, leftMs: next.kind === 'pause' ? next.leftMs : 0 });
        if (next.kind === 'give up')
            throw result.error;
        await clock.sleep(next.pauseMs, signal);
        isAfter401 ||= result.because === 'session ended';
        const again = await prepare(attempt);
        if (hasBootedSince(record.moments.sent, { known: baseline, again, now: clock.now() })) {
            record.restarted = 'unknown';
            return { baseline, reply: CARRIED_OUT_NEVERTHELESS, sentAt };
        }
        baseline = again;
        throwIfLate(attempt);
    }
}
function throwIfLate(attempt) {
    const late = tooLateError(attempt);
    if (late !== undefined)
        throw late;
}
/** Whether the VM has booted since a request whose answer said that nothing had been done: that answer was wrong. */
function hasBootedSince(sentAt, { known, again, now }) {
    if (sentAt === undefined)
        return false;
    const boot = bootOf(again.instance, known, now - sentAt);
    return boot === 'new' || boot === 'contradictory';
}
const CARRIED_OUT_NEVERTHELESS = {
    kind: 'uncertain',
    reason: 'the answer said that nothing had been done, but the VM has booted since',
};
// ---- words ----
function describeRestartReply(reply) {
    switch (reply.kind) {
        case 'accepted':
            return 'The controller accepted the restart';
        case 'uncertain':
            return `It is unclear whether the restart was accepted; looking for a new boot: ${reply.reason}`;
        case 'rejected':
            return `The restart was rejected, possibly after the controller had accepted it; looking for a new boot: ${reply.error.message}`;
    }
}
function describeRequest({ vncPassword, usbDevice }, { instanceId, nodeId }) {
    const vnc = vncPassword === undefined ? '' : ', setting a VNC password';
    const usb = usbDevice === undefined ? '' : `, attaching USB device "${usbDevice}"`;
    return `instance ${instanceId} on node ${nodeId ?? 'unknown'}${vnc}${usb}`;
}
function explainWhatWasSent(error, { restarted, moments }) {
    if (restarted !== 'false')
        return (0,errors/* explainCancellation */.Xg)(error, 'The restart had been sent, or may have been, and is not verified: the VM may still restart.', {
            hint: 'Check the instance before you send another: if the node is offline, it may happen up to a day later.',
        });
    return moments.sent === undefined
        ? (0,errors/* explainCancellation */.Xg)(error, 'No restart had been sent.')
        : (0,errors/* explainCancellation */.Xg)(error, 'The restart had been sent, but was not accepted.');
}

;// CONCATENATED MODULE: ./lib/fleet/vm.js
// One VM, the only one or one of several: its restart, then the wait for guest and runner.


/** Never throws: errors are part of the outcome. */
async function restartVm(job, { name, guard, guest, onRestarted, ...context }) {
    const outcome = await restart(job, { ...context, gate: context.gate ?? guard?.gate });
    onRestarted?.(outcome);
    const whole = await waitUntilBack(outcome, { name, guard, guest, ...context });
    return { ...whole, name, endedAt: context.clock.now() };
}
async function waitUntilBack(outcome, { guard, guest, ...context }) {
    if (guest === undefined)
        return guard === undefined ? outcome : await guard.afterRestart(outcome);
    // Both waits run in parallel, because the proof that the runner is back depends on reads right after the boot.
    const stop = new AbortController();
    const signal = AbortSignal.any([context.signal, stop.signal]);
    const runnerBack = guard?.afterRestart(outcome, signal);
    const afterGuest = await waitForGuest(outcome, guest, context);
    // If the guest is not up, the VM has failed: the step takes what is known about the runner by now, and stops waiting for it.
    const afterRunner = await (afterGuest.error === undefined ? runnerBack : settledNow(runnerBack));
    if (afterGuest.error !== undefined)
        stop.abort(afterGuest.error);
    return withGuest({ ...outcome, ...afterRunner }, afterGuest);
}
/** The result of the work if it has settled; otherwise undefined. */
function settledNow(work) {
    return Promise.race([work, Promise.resolve(undefined)]);
}
function withGuest(outcome, { error, ...afterGuest }) {
    return { ...outcome, ...afterGuest, ...(error && { error }) };
}

;// CONCATENATED MODULE: ./lib/fleet/fleet.js
// Restarts the VMs of a step, each exactly as a single VM is restarted:
//
// 1. It resolves the targets: a pattern becomes the VMs that match it.
// 2. All VMs run in parallel up to their gates, and share their reads of the controller and of GitHub. Most failures show here, before the
//    first restart is sent.
// 3. The gates let as many VMs pass as there are slots. A VM keeps its slot until it has ended. Once too many have failed, no further VM passes.
// 4. `OutcomesSoFar` stores what is known about each VM. That is announced before a restart is sent, and becomes the outcome.
//
// A single VM needs no slot: its gate is its runner's gate, it shares no reads, and the log has no lines about all VMs.












/** Restarts the VMs of a step, one or many. Never throws: errors are part of the outcome. */
async function restartFleet(job, context) {
    let members;
    try {
        members = await findMembers(job, context);
        refuseTooMany(members, job.maxVms);
    }
    catch (thrown) {
        const error = (0,errors/* explainCancellation */.Xg)((0,errors/* asActionError */.z6)(thrown), 'No restart had been sent.');
        return { ...failedStep(error, job.targets), isDryRun: job.dryRun };
    }
    return restartMembers(members, job, context);
}
function findMembers({ targets, usedByJob, timeoutMs }, { guards, ...context }) {
    const options = { ...context, timeoutMs };
    if (usedByJob === undefined || guards === undefined)
        return resolveTargets(targets, options);
    return findVmsUsedByJob(usedByJob, { ...options, ...guards });
}
async function restartMembers(members, job, context) {
    const { announce } = context;
    const { dryRun: isDryRun } = job;
    // The step drains a runner only while its VM holds a slot.
    const limits = limitsFor(members.length, job, job.runner?.drains && drain_labels/* MOST_DRAINED */.Cf);
    const outcomes = createOutcomesSoFar({ members, announce, isDryRun, mostFailures: limits.mostFailures });
    const step = { job, context, outcomes };
    const [first, ...others] = members;
    if (others.length > 0)
        await restartSeveral(members, step, limits);
    else if (first !== undefined)
        await restartTheOnly(first, step);
    return outcomes.ofStep();
}
async function restartTheOnly(member, step) {
    const { context } = step;
    const { leftAlone } = await restartMember(step, { member, index: 0 }, () => ({
        guard: context.guards?.guardFor({ ...context, lastJob: knownJobOf(member) }),
    }));
    // If the runner is busy, the gate has logged that already.
    if (leftAlone !== undefined && leftAlone.why !== 'busy')
        context.log.info(`The VM is left alone: ${leftAlone.message}`);
}
/** The job belongs to the VM's current boot: `refuseIfRestartedSince` stops a VM that has booted since. */
function knownJobOf({ lastJob }) {
    return lastJob && { hasEnded: lastJob.endedAt !== undefined };
}
/** A sweep, or the reset of another run, may be restarting a VM that a job has used. In milliseconds. */
const RESTARTED_BY_OTHERS_MS = 60_000;
/** @param prepare called only if the member has a VM to restart. */
async function restartMember(step, { member, index }, prepare) {
    const { job, context, outcomes } = step;
    const { name, target, lastJob, error } = member;
    const { clock } = context;
    if (error !== undefined)
        return outcomes.end(index, { ...nothingKnown(member), error, endedAt: clock.now() });
    const { onDeparture, ...own } = prepare();
    let hasDeparted = false;
    const outcome = await restartVm({ ...job, target, startsWithinMs: lastJob && RESTARTED_BY_OTHERS_MS }, {
        ...{ ...context, name, ...own },
        refuse(instance) {
            context.refuse(instance);
            // After the first request, a new boot may be the result of this step.
            if (lastJob !== undefined && !hasDeparted)
                refuseIfRestartedSince(lastJob, instance, clock);
        },
        onRestarted: (known) => outcomes.note(index, known),
        announce(known) {
            onDeparture?.();
            hasDeparted = true;
            outcomes.depart(index, known);
        },
    });
    return outcomes.end(index, skipIfNotRunning(member, outcome));
}
/** A VM that is not running is an error only if the user named it, not if a pattern matched it. */
function skipIfNotRunning({ isMatch }, outcome) {
    const { error, moments } = outcome;
    if (!isMatch || error?.code !== 'not_running' || moments.sent !== undefined)
        return outcome;
    return { ...outcome, error: undefined, leftAlone: new restart_outcome/* LeftAlone */.l('not running', error.message) };
}
async function restartSeveral(members, step, limits) {
    const { job, context, outcomes } = step;
    const { clock, log, signal, guards } = context;
    log.info(job.dryRun ? describeDryRun(members.length) : describeFleet(members.length, limits));
    const onTooManyFailures = (failed) => log.info(describeTooManyFailures(failed, limits));
    const slots = createSlots({ vms: members.length, limits, onTooManyFailures });
    const isCrowded = () => slots.states.filter(holdsSlot).length > 1;
    const controller = shareController(context.controller, { ...context, isCrowded });
    const runnerGates = new Map();
    const checkDuplicate = createDuplicateCheck(guards?.runnerNameOf);
    const fleet = { ...step, context: { ...context, controller }, slots, checkDuplicate, runnerGates };
    const stopLogging = logProgress({ clock, log, signal }, () => ({
        vms: outcomes.ofStep().vms.map((known, index) => {
            return { known, state: slots.stateOf(index), runner: runnerGates.get(index)?.occupancy() };
        }),
        slots: limits.slots,
        now: clock.now(),
    }));
    await Promise.all(members.map((member, index) => restartOneOfSeveral(fleet, { member, index })));
    stopLogging();
    infoIfAny(log, describeNotStarted(outcomes.ofStep()));
}
async function restartOneOfSeveral(fleet, indexed) {
    const outcome = await restartMember(fleet, indexed, () => prepareForSlot(fleet, indexed));
    infoIfAny((0,lib_log/* createVmLog */.c)(fleet.context.log, indexed.member.name), describeEnd(outcome));
    fleet.slots.apply(indexed.index, countsAsFailed(outcome, fleet.job) ? 'fail' : 'end');
}
/** The VM's guard, and its gate, which waits for a slot. */
function prepareForSlot(fleet, { member, index }) {
    const { job, context, slots, runnerGates } = fleet;
    const dismissal = slots.dismissalOf(index);
    const signal = AbortSignal.any([context.signal, dismissal]);
    const guard = context.guards?.guardFor({
        log: (0,lib_log/* createVmLog */.c)(context.log, member.name),
        signal,
        isBrief: true,
        lastJob: knownJobOf(member),
        // With `drain`, a VM that has to wait again keeps its slot.
        ...(job.runner?.drains === undefined && { onWait: () => slots.apply(index, 'wait') }),
    });
    if (guard !== undefined)
        runnerGates.set(index, guard.gate);
    const gate = createSlotGate({
        ...{ slots, index, signal, clock: context.clock },
        runnerGate: guard?.gate,
        comesLast: () => guard !== undefined && comesLast(guard.gate, job),
        checkDuplicate: (instance) => fleet.checkDuplicate(member, instance),
    });
    return {
        ...{ guard, gate },
        log: (0,lib_log/* createVmLog */.c)(context.log, member.name, () => !job.dryRun && !gate.hasLetPass),
        onDeparture() {
            // Too many may have failed since the gate let it pass.
            dismissal.throwIfAborted();
            slots.apply(index, 'depart');
        },
    };
}
/** A canceled VM has not failed. A sweep restarts VMs with dead runners: some will not come back, and should not stop the others. */
function countsAsFailed({ error }, { runner }) {
    if (error === undefined || error.code === 'cancelled')
        return false;
    return !(runner?.isSweep && error.code === 'runner_not_back');
}
/** The states of a VM whose runner has a job, or may have one. */
const MAY_HAVE_A_JOB = ['busy', 'unknown'];
/**
 * With `drain`, VMs without a job go first, because the others would hold a slot while their job runs. In a sweep, VMs that have had their job
 * go first, because they are known to come back, unlike those with a dead runner.
 */
function comesLast(gate, { runner }) {
    if (runner?.drains !== undefined)
        return MAY_HAVE_A_JOB.includes(gate.occupancy());
    const shown = gate.runners()?.registrations.current ?? [];
    return runner?.isSweep === true && shown.some(({ isOnline }) => !isOnline);
}
function infoIfAny(log, line) {
    if (line !== undefined)
        log.info(line);
}

// EXTERNAL MODULE: ./lib/http/transport.js + 2 modules
var http_transport = __webpack_require__(6974);
// EXTERNAL MODULE: external "node:tls"
var external_node_tls_ = __webpack_require__(1692);
;// CONCATENATED MODULE: ./lib/http/proxy.js

/**
 * The proxy for a URL: from HTTP_PROXY or HTTPS_PROXY, by the URL's scheme, unless NO_PROXY lists the host. A variable in lower
 * case takes precedence. No proxy is used for this machine itself.
 * @returns undefined for no proxy, or the variable's name if its value is not the URL of a proxy.
 */
function proxyFor(url, environment) {
    const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
    const value = read(environment, variable).trim();
    if (value === '' || isOwnHost(url) || isExcepted(url, exceptionsIn(environment)))
        return undefined;
    const proxy = URL.parse(value.includes('://') ? value : `http://${value}`);
    return proxy !== null && isPlainHttp(proxy) ? proxy : { invalid: variable };
}
function isPlainHttp({ protocol, username, password, pathname, search, hash }) {
    try {
        // A stray percent sign would otherwise show only when the credentials are sent.
        decodeURIComponent(username + password);
    }
    catch {
        return false;
    }
    const isBare = pathname === '/' && search === '' && hash === '';
    // A URL of these protocols has a host.
    return ['http:', 'https:'].includes(protocol) && isBare;
}
function read(environment, variable) {
    return environment[variable.toLowerCase()] || environment[variable] || '';
}
/**
 * NO_PROXY lists hosts, which include their subdomains: `example.com`, `.example.com`, or `*.example.com` for the subdomains
 * alone; IP addresses; ranges such as `10.0.0.0/8`, as Go and curl know them; `*` for everything. All but ranges may have a port,
 * an IPv6 address then in brackets. Except for ranges, these are the rules of undici's `EnvHttpProxyAgent`, which does not say
 * which proxy it uses.
 */
function exceptionsIn(environment) {
    const list = read(environment, 'NO_PROXY').toLowerCase();
    return list.split(/[\s,]/).filter((entry) => entry !== '');
}
const NAME = /^(\*|(\*?\.)?[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)*\.?)$/u;
/** Entries of NO_PROXY that have none of its forms, so they exclude nothing. */
function unknownExceptions(environment) {
    return exceptionsIn(environment).filter((entry) => {
        const { host } = parseException(entry);
        return !isAddressOrRange(host) && !NAME.test(host);
    });
}
function isExcepted(url, entries) {
    const host = bareHost(url);
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    return entries
        .map(parseException)
        .some((exception) => (exception.port ?? port) === port && covers(exception.host, host));
}
/** A bare IPv6 address has more than one colon, and no port. */
function parseException(entry) {
    const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(entry) ?? [];
    const host = bracketed ?? plain ?? entry.replace(/^\[(.+)\](\/\d+)?$/, '$1$2');
    return { host: host.replace(/(?<=.)\.$/, ''), port };
}
function covers(pattern, host) {
    if (pattern === '*')
        return true;
    if (isAddressOrRange(pattern))
        return includes(listOf([pattern]), host);
    const name = pattern.replace(/^\*?\./, '');
    const isItself = host === name && !pattern.startsWith('*');
    return isItself || host.endsWith(`.${name}`);
}

// EXTERNAL MODULE: ./lib/github/scope.js
var github_scope = __webpack_require__(7411);
;// CONCATENATED MODULE: ./lib/inputs/parsers.js
// Turns the text of an input into a value, or says what is wrong with it.




const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const optionalText = (text) => ({ value: text.trim() || undefined });
const LONGEST_SECRET = 1_000;
/** A shorter secret would occur in other texts, too, so it could not be masked. In characters. */
const SHORTEST_SECRET = 4;
/**
 * Keeps white space, which may belong to a secret, except line breaks at the end, which a YAML block adds.
 * @param what the secret is, for messages.
 * @param shortest in characters.
 */
function secretText(what = 'a secret', shortest = SHORTEST_SECRET) {
    return (text) => {
        let end = text.length;
        while (/[\r\n]/.test(text.charAt(end - 1)))
            end--;
        if (end > LONGEST_SECRET)
            return { problem: `${end} characters; at most ${LONGEST_SECRET} are allowed` };
        if (end > 0 && end < shortest)
            return {
                problem: `${end} characters; ${what} has at least ${shortest}${shortest === SHORTEST_SECRET ? ', or it could not be masked' : ''}`,
            };
        return { value: text.slice(0, end) || undefined };
    };
}
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** UUIDs, one per line, each once. */
const uuids = (text) => {
    const lines = linesOf(text.toLowerCase());
    if (lines.length > MOST_VMS)
        return tooMany(lines);
    const wrong = lines.find((line) => !UUID.test(line));
    if (wrong === undefined)
        return { value: lines };
    return { problem: `${shown(wrong)} is not a UUID such as c2af6080-3ae3-4cd3-64e5-2193f31b9aa5` };
};
/** External IDs, one per line, each once; `*` in one matches any text. */
const parsers_externalIds = (text) => {
    const lines = linesOf(text);
    if (lines.length > MOST_VMS)
        return tooMany(lines);
    const wrong = lines.find((line) => line.length > controller_instance/* LONGEST_EXTERNAL_ID */.xV);
    if (wrong === undefined)
        return { value: lines };
    return { problem: `${shown(wrong)} is longer than ${controller_instance/* LONGEST_EXTERNAL_ID */.xV} characters` };
};
/** Names of jobs, one per line, each once; `*` in one matches any text. */
const jobNames = (text) => {
    const lines = linesOf(text);
    const wrong = lines.find((line) => line.length > LONGEST_JOB_NAME);
    if (wrong === undefined && lines.length <= MOST_JOB_NAMES)
        return { value: lines };
    if (wrong !== undefined)
        return { problem: `${shown(wrong)} is longer than ${LONGEST_JOB_NAME} characters` };
    return { problem: `${lines.length} lines; at most ${MOST_JOB_NAMES} are allowed` };
};
const LONGEST_JOB_NAME = 1_000;
const MOST_JOB_NAMES = 200;
/** The ID of a workflow run. @param own the ID of the step's own run, for a blank text. */
function runId(own) {
    return (text) => {
        const given = text.trim() || own;
        const value = Number(given);
        if (/^\d+$/.test(given) && Number.isSafeInteger(value) && value > 0)
            return { value };
        if (given === '')
            return { problem: 'it is blank, and GITHUB_RUN_ID is not set: give it' };
        return { problem: `${shown(given)} is not the ID of a workflow run` };
    };
}
function tooMany({ length }) {
    return { problem: `${length} lines; at most ${MOST_VMS} are allowed in one step` };
}
/** The lines that are not blank, without white space around them, each once. */
function linesOf(text) {
    const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
    return [...new Set(lines.filter((line) => line !== ''))];
}
function wholeNumber({ min, max }) {
    return (text) => {
        const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
        if (value >= min && value <= max)
            return { value };
        return { problem: `${shown(text)} must be a whole number from ${min} to ${max}` };
    };
}
const AMOUNT = /^(\d{1,5})( ?%)?$/;
/** A number of VMs of at least `least`, or a share of them such as `25%`. */
function amount(least) {
    return (text) => {
        const [, digits = '', percent] = AMOUNT.exec(text.trim()) ?? [];
        const value = Number(digits);
        const isShare = percent !== undefined;
        if (digits !== '' && value >= least && (!isShare || value <= 100))
            return { value: isShare ? { share: value / 100 } : { count: value } };
        return { problem: `${shown(text)} must be a number from ${least}, or a share of all such as 25%` };
    };
}
/** The booleans of YAML. */
const BOOLEANS = new Map([
    ['true', true],
    ['True', true],
    ['TRUE', true],
    ['false', false],
    ['False', false],
    ['FALSE', false],
]);
const parsers_boolean = (text) => {
    const value = BOOLEANS.get(text.trim());
    return value === undefined ? { problem: `${shown(text)} is neither true nor false` } : { value };
};
const pollInterval = (text) => {
    if (text.trim() === 'auto')
        return { value: 'auto' };
    const parsed = duration({ min: SECOND / 5, max: 10 * MINUTE })(text);
    return 'value' in parsed ? parsed : { problem: `${parsed.problem}; or auto` };
};
/** One of these words, exactly. */
function oneOf(...words) {
    return (text) => {
        const value = words.find((word) => word === text.trim());
        if (value !== undefined)
            return { value };
        return { problem: `${shown(text)} is not one of ${words.join(', ')}` };
    };
}
const DURATION = /^(\d{1,9}(?:\.\d{1,3})?) ?([smh]?)$/;
/** A time in seconds, or with a unit. The value is in milliseconds. */
function duration({ min, max }) {
    return (text) => {
        const [, number = '', unit = ''] = DURATION.exec(text.trim()) ?? [];
        if (number === '')
            return {
                problem: `${shown(text)} is not a time; write seconds, or a number with s, m or h, such as 90s`,
            };
        const value = Number(number) * unitMs(unit);
        if (value >= min && value <= max)
            return { value };
        const inMinutes = Number(number) * MINUTE;
        const isMeant = unit === '' && !number.includes('.') && value < min && inMinutes >= min && inMinutes <= max;
        const guess = isMeant ? `; did you mean ${number}m?` : '';
        return { problem: `${shown(text)} is not between ${formatLimit(min)} and ${formatLimit(max)}${guess}` };
    };
}
/** How long a wait may take. In less than two heartbeats of a node nothing can be proved: the user probably meant minutes. */
const parsers_timeout = duration({ min: 10 * SECOND, max: 24 * HOUR });
function unitMs(unit) {
    return unit === 'h' ? HOUR : unit === 'm' ? MINUTE : SECOND;
}
function formatLimit(ms) {
    if (ms >= HOUR)
        return `${ms / HOUR}h`;
    return ms >= MINUTE ? `${ms / MINUTE}m` : `${ms / SECOND}s`;
}
const LONGEST_URL = 2_000;
const LONGEST_RUNNER_NAME = 1_000;
/** A runner's name, which may contain placeholders; or nothing. */
const runnerName = (text) => {
    const value = text.trim();
    const unknown = (0,runner_names/* unknownPlaceholder */.mz)(value);
    if (value.length > LONGEST_RUNNER_NAME)
        return { problem: `${shown(value)} is longer than ${LONGEST_RUNNER_NAME} characters` };
    if (unknown === undefined)
        return { value };
    return {
        problem: `${shown(unknown)} is not a placeholder; use {external_id}, {name}, {instance_id} or {uuid}`,
    };
};
const optionalScope = (text) => {
    const value = text.trim();
    const scope = (0,github_scope/* parseScope */.Sk)(value);
    if (value === '' || scope !== undefined)
        return { value: scope };
    return { problem: `${shown(value)} is neither owner/repo, an organization's name, nor enterprises/NAME` };
};
const parsers_controllerUrl = (text) => {
    const value = text.trim();
    const form = 'http(s)://host[:port][/prefix], such as https://controller.example.com:8090';
    if (value === '')
        return { problem: `it is required; give ${form}` };
    if (value.length > LONGEST_URL)
        return { problem: `${shown(value)} is longer than ${LONGEST_URL} characters` };
    const seen = shown(withoutSecrets(value));
    const url = /^https?:\/\/[^/\s][^\s]*$/i.test(value) ? URL.parse(value) : null;
    if (url === null)
        return { problem: `${seen} is not of the form ${form}` };
    if (url.username !== '' || url.password !== '')
        return { problem: `${seen} carries credentials; leave them out` };
    if (/[?#]/.test(value))
        return { problem: `${seen} has a query or a fragment, as in a browser; give only the base address` };
    return { value: url };
};
/** Hides what may be a password, before an `@`, or a token, in the query. */
function withoutSecrets(url) {
    return url.replace(/^(\w+:\/\/)?.*@/s, '$1***@').replace(/[?#].*$/s, '?...');
}
const LONGEST_SHOWN = 200;
function shown(text) {
    return text.length > LONGEST_SHOWN ? `a text of ${text.length} characters` : JSON.stringify(text.trim());
}

;// CONCATENATED MODULE: ./lib/inputs/form.js
// Reads one input at a time, or its default, and collects what is wrong with them.


/** The value of an input that is absent or blank; action.yml declares the same. */
const DEFAULTS = {
    max_vms: '2000',
    max_parallel: '1',
    max_failures: '0',
    timeout: '5m',
    request_timeout: '10s',
    poll_interval: 'auto',
    dry_run: 'false',
    job_summary: 'true',
    skip_tls_verify: 'false',
    runner_ephemeral: 'false',
    drain: 'false',
    restart_if: 'always',
    idle_for: '90s',
    busy_timeout: '1h',
    wait_for_runner: 'true',
    runner_timeout: '10m',
    guest_check: 'none',
    guest_timeout: '5m',
};
function createForm(environment, onSecret = () => { }) {
    const problems = [];
    const warnings = [];
    function accept(names, parsed) {
        if ('value' in parsed)
            return parsed;
        problems.push(`${names}: ${parsed.problem}`);
        return undefined;
    }
    function read(name, parser) {
        const text = textOf(environment, name);
        const fallback = DEFAULTS[name] ?? '';
        return accept(name, parser(text.trim() === '' ? fallback : text));
    }
    return { environment, problems, warnings, onSecret, read, accept };
}
function textOf(environment, name) {
    return environment[`INPUT_${name.toUpperCase()}`] ?? '';
}
/** Whether the input is not blank, valid or not. */
function isGiven({ environment }, name) {
    return textOf(environment, name).trim() !== '';
}
/** Reads a secret, and reports it to `onSecret`. */
function readSecret({ read, onSecret }, name) {
    const secret = read(name, secretText());
    if (secret?.value !== undefined)
        onSecret(secret.value);
    return secret;
}
/** One field from several, which is valid if all of them are. */
function form_all(fields) {
    const entries = Object.entries(fields).map(([name, field]) => field && [name, field.value]);
    if (entries.some((entry) => entry === undefined))
        return undefined;
    // It has a value of the right type for each key of T.
    return { value: Object.fromEntries(entries.filter((entry) => entry !== undefined)) };
}
const WHY_EMPTY = 'If it comes from a secret: does that secret exist for this repository and event? (Forks and Dependabot get none.)';
/** Adds a problem if the input is blank. @param why the end of "it is empty, but ...". */
function requireInput(form, name, why) {
    if (!isGiven(form, name))
        form.problems.push(`${name}: it is empty, but ${why}. ${WHY_EMPTY}`);
}
/** Adds a problem if only one of two inputs is given. */
function requireBoth(form, one, other) {
    const [hasOne, hasOther] = [isGiven(form, one), isGiven(form, other)];
    if (hasOne)
        requireInput(form, other, `${one} is given: give both or neither`);
    if (hasOther)
        requireInput(form, one, `${other} is given: give both or neither`);
}
/** The value of the whole form. @throws ActionError `invalid_input` with all problems, if there are any. */
function complete({ problems }, field) {
    if (problems.length > 0 || field === undefined)
        throw invalid(problems);
    return field.value;
}
function invalid(problems) {
    const title = problems.length === 1 ? 'An input is invalid' : `${problems.length} inputs are invalid`;
    const list = problems.map((problem) => `- ${problem}`).join('\n');
    return new errors/* ActionError */.lZ('invalid_input', `${title}:\n${list}`, {
        hint: "Correct the inputs under the step's with:.",
    });
}

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
;// CONCATENATED MODULE: ./lib/inputs/pem.js
// Certificates and keys, given as PEM text or as the path of a file.



/** PEM text with normalized line breaks: in a value pasted into a secret, they may be `\n` or CRLF. */
function normalizePem(text) {
    return `${text.replaceAll('\\n', '\n').replace(/\r\n?/g, '\n').trim()}\n`;
}
function isPem(text) {
    return /-----BEGIN [A-Z0-9 ]+-----/.test(text);
}
/** Certificates in a PEM text, one or more. */
function readCertificates(pem) {
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0)
        return { problem: 'it contains no certificate (-----BEGIN CERTIFICATE-----)' };
    try {
        return { value: blocks.map((block) => new external_node_crypto_.X509Certificate(block)) };
    }
    catch {
        return { problem: `it contains ${blocks.length} certificates, at least one of which cannot be read` };
    }
}
/** A private key in PEM: PKCS#1, SEC1 or PKCS#8, encrypted or not. */
function readPrivateKey(pem, passphrase) {
    const isEncrypted = /ENCRYPTED/.test(pem);
    if (isEncrypted && passphrase === undefined)
        return { problem: 'it is encrypted, and no passphrase is given' };
    try {
        return { value: (0,external_node_crypto_.createPrivateKey)({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) }) };
    }
    catch {
        return {
            problem: isEncrypted ? 'the passphrase does not open it' : 'it contains no readable private key',
        };
    }
}
const LARGEST_PEM = 1024 * 1024;
/** Five times the longest keys. Limited, because each line is masked. In characters. */
const LARGEST_KEY = 20_000;
/** Reads PEM text, or a file of it. The input is never quoted: it may be a mangled key. */
function readPem(form, name) {
    const given = form.read(name, optionalText)?.value;
    if (given === undefined)
        return undefined;
    const text = isPem(given) ? given : readSmallFile(given);
    if (text !== undefined && isPem(text))
        return acceptPem(form, name, text);
    const what = text === undefined
        ? 'neither PEM text nor the path of a file that can be read'
        : 'a file without PEM text';
    form.problems.push(`${name}: it is ${what}`);
    return undefined;
}
/** The same for an API key, which the controller returns as bare base64 (DER, without the lines of PEM). */
function readApiKeyPem(form, name) {
    const given = form.read(name, optionalText)?.value ?? '';
    const text = bareBase64(given) === undefined ? (readSmallFile(given) ?? '') : given;
    const bare = bareBase64(text);
    if (bare === undefined)
        return readPem(form, name);
    form.onSecret(text, bare);
    const pem = pemOf(bare);
    if (pem !== undefined)
        return acceptPem(form, name, pem);
    form.problems.push(`${name}: it is base64, but not of a private key`);
    return undefined;
}
function acceptPem({ problems, onSecret }, name, text) {
    const pem = normalizePem(text);
    if (!/PRIVATE KEY/.test(pem))
        return pem;
    if (text.length > LARGEST_KEY) {
        problems.push(`${name}: ${text.length} characters with a private key among them; at most ${LARGEST_KEY} are allowed`);
        return undefined;
    }
    // Certificate and key may be mixed up: any text with a key is a secret.
    onSecret(text, pem, pem.replace(/-----.*?-----|\s/g, ''));
    return pem;
}
/** Base64 that is too long to be a path; undefined for anything else. Not its URL-safe alphabet, to which the dashes of PEM belong. */
function bareBase64(text) {
    const compact = text.replace(/\\n|\s+/g, '');
    return compact.length <= LARGEST_KEY && /^[A-Za-z0-9+/]{300,}={0,2}$/.test(compact) ? compact : undefined;
}
function pemOf(bare) {
    const key = Buffer.from(bare, 'base64');
    // PKCS#8 comes first: Node also reads it as PKCS#1, and would then export it as that, so that the given form would not be masked.
    for (const type of ['pkcs8', 'pkcs1']) {
        try {
            return (0,external_node_crypto_.createPrivateKey)({ key, format: 'der', type }).export({ type, format: 'pem' }).toString();
        }
        catch {
            // It may be of the other type.
        }
    }
    return undefined;
}
function readSmallFile(path) {
    try {
        const status = (0,external_node_fs_.statSync)(path);
        return status.isFile() && status.size <= LARGEST_PEM ? (0,external_node_fs_.readFileSync)(path, 'utf8') : undefined;
    }
    catch {
        return undefined;
    }
}

;// CONCATENATED MODULE: ./lib/inputs/access.js
// How to reach the controller, and how to authenticate.







/** In characters. */
const SHORTEST_ROOT_TOKEN = 10;
/** How the step authenticates: not at all, as root, or with an API key; never in two ways. */
function readIdentity(form, headers) {
    const { problems } = form;
    const root = readRoot(form);
    const apiKey = readApiKey(form);
    const hasToken = isGiven(form, 'root_token');
    const hasApiKey = isGiven(form, 'api_key_id') || isGiven(form, 'api_key');
    if (hasToken && hasApiKey) {
        problems.push('root_token, api_key_id, api_key: two ways to authenticate are given; give the root token or the API key');
    }
    requireBoth(form, 'api_key_id', 'api_key');
    if ((hasToken || hasApiKey) && headers !== undefined && 'authorization' in headers) {
        problems.push('headers: Authorization is another way to authenticate; leave it out, or root_token, api_key_id and api_key');
    }
    if (hasToken)
        return root;
    return hasApiKey ? apiKey : { value: { kind: 'none' } };
}
function readRoot({ read, onSecret }) {
    const token = read('root_token', secretText('a root token', SHORTEST_ROOT_TOKEN))?.value;
    if (token === undefined)
        return undefined;
    onSecret(token, rootAuthorization(token).replace('Basic ', ''));
    return { value: { kind: 'root_token', token } };
}
function readApiKey(form) {
    const id = form.read('api_key_id', optionalText)?.value;
    const pem = readApiKeyPem(form, 'api_key');
    const key = pem === undefined ? undefined : form.accept('api_key', rsaKey(readPrivateKey(pem)));
    return id === undefined || key === undefined
        ? undefined
        : { value: { kind: 'api_key', id, key: key.value } };
}
function rsaKey(parsed) {
    if ('value' in parsed && parsed.value.asymmetricKeyType !== 'rsa')
        return { problem: 'it is not an RSA key' };
    return parsed;
}
/** How the connection is secured. */
function readTls(form) {
    const { read, accept, warnings } = form;
    const skipsVerification = read('skip_tls_verify', parsers_boolean);
    if (skipsVerification?.value)
        warnings.push('skip_tls_verify is set: any machine in between can pretend to be the controller and read the secrets.');
    const ca = readPem(form, 'ca_cert');
    if (ca !== undefined)
        accept('ca_cert', readCertificates(ca));
    return form_all({
        rejectUnauthorized: skipsVerification && { value: !skipsVerification.value },
        ca: { value: ca },
        ...readClientCertificate(form),
    });
}
function readClientCertificate(form) {
    const { accept, problems } = form;
    const cert = readPem(form, 'client_cert');
    const keyPem = readPem(form, 'client_key');
    const passphrase = readSecret(form, 'client_key_passphrase')?.value;
    requireBoth(form, 'client_cert', 'client_key');
    if (passphrase !== undefined && !isGiven(form, 'client_key'))
        problems.push('client_key_passphrase: it is given, but client_key is empty');
    if (cert === undefined || keyPem === undefined)
        return { cert: { value: undefined }, key: { value: undefined } };
    const certificates = accept('client_cert', readCertificates(cert))?.value;
    const key = accept('client_key, client_key_passphrase', readPrivateKey(keyPem, passphrase))?.value;
    const keyText = key?.export({ type: 'pkcs8', format: 'pem' }).toString();
    if (keyText === undefined || certificates === undefined)
        return { cert: undefined, key: undefined };
    if (key !== undefined && certificates[0]?.checkPrivateKey(key) === false)
        problems.push('client_key: it is not the key of the (first) certificate in client_cert');
    else
        accept('client_cert', usable(cert, keyText));
    return { cert: { value: cert }, key: { value: keyText } };
}
/** Lets OpenSSL check both: it refuses a certificate whose key is too short, for instance. */
function usable(cert, key) {
    try {
        return { value: (0,external_node_tls_.createSecureContext)({ cert, key }) };
    }
    catch (error) {
        return { problem: `it cannot be used: ${(0,errors/* describeCause */.V$)(error)}` };
    }
}
/** The proxy that the environment sets for requests to a URL. */
function readProxy(form, url) {
    const { environment, problems, onSecret } = form;
    const proxy = proxyFor(url, environment);
    if (proxy !== undefined)
        warnOfExceptions(form);
    if (proxy === undefined || proxy instanceof URL) {
        onSecret(...proxySecrets(proxy));
        return { value: proxy };
    }
    const problem = `${proxy.invalid} (environment): it must be of the form http(s)://[user:password@]host[:port]`;
    // The controller and GitHub may be behind the same proxy.
    if (!problems.includes(problem))
        problems.push(problem);
    return undefined;
}
/** Warns about entries of NO_PROXY that mean nothing: perhaps the proxy should not be used. */
function warnOfExceptions({ environment, warnings }) {
    for (const entry of unknownExceptions(environment)) {
        const warning = `NO_PROXY (environment): ${JSON.stringify(entry)} excludes nothing; give a host name, an IP address, or a range such as 10.0.0.0/8.`;
        if (!warnings.includes(warning))
            warnings.push(warning);
    }
}
/** A proxy's password as written in the URL, decoded, and as it is sent. */
function proxySecrets(proxy) {
    if (proxy === undefined || proxy.username + proxy.password === '')
        return [];
    const [user, password] = [decodeURIComponent(proxy.username), decodeURIComponent(proxy.password)];
    const basic = Buffer.from(`${user}:${password}`).toString('base64');
    // Without a password, the user may be a token.
    const token = password === '' ? [proxy.username, user] : [];
    return [proxy.password, password, basic, ...token].filter((secret) => secret !== '');
}

;// CONCATENATED MODULE: ./lib/inputs/headers.js
// The input `headers`: its syntax, the headers that it must not set, and the secrets in its values. controller/client.ts sends the headers.

/** Each value is a secret, and so is each part of it that may be one. All are masked before a problem is reported. */
function readHeaders({ read, onSecret }) {
    const text = read('headers', headerText);
    if (text === undefined)
        return undefined;
    const values = text.value.split(/[\r\n]+/).map((line) => line.replace(/^[^:]*:/, '').trim());
    onSecret(...values.flatMap(secretParts));
    return read('headers', headerLines);
}
// ---- syntax ----
const HEADER_LINE = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const LONGEST_HEADERS = 16_000;
const MOST_HEADERS = 100;
/** These belong to the connection or to the body, which the action controls. */
const REFUSED_HEADERS = new Set([
    'host',
    'content-length',
    'content-type',
    'transfer-encoding',
    'connection',
    'keep-alive',
    'upgrade',
    'expect',
    'te',
    'trailer',
    'http2-settings',
    'proxy-authorization',
    'proxy-connection',
]);
/** Limited to a size that can be processed quickly. */
const headerText = (text) => {
    const lines = text.split('\n').length;
    if (text.length <= LONGEST_HEADERS && lines <= MOST_HEADERS)
        return { value: text };
    return {
        problem: `${text.length} characters in ${lines} lines; at most ${LONGEST_HEADERS} in ${MOST_HEADERS} are allowed`,
    };
};
/** `Name: value` lines; names in lower case. Values are secrets: no problem quotes them. */
const headerLines = (text) => {
    const headers = new Map();
    const problems = [];
    for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
        if (line.trim() === '')
            continue;
        const [, name = '', value = ''] = HEADER_LINE.exec(line.trim()) ?? [];
        const problem = headerProblem(headers, name, value);
        if (problem === undefined)
            headers.set(name.toLowerCase(), value);
        else
            problems.push(`line ${index + 1}${problem}`);
    }
    return problems.length > 0 ? { problem: problems.join('; ') } : { value: Object.fromEntries(headers) };
};
function headerProblem(others, name, value) {
    if (value === '')
        return ' is not of the form "Name: value"';
    const key = name.toLowerCase();
    if (REFUSED_HEADERS.has(key))
        return `: ${name} belongs to the connection and cannot be set`;
    return others.has(key) ? `: ${name} is given twice` : undefined;
}
// ---- secrets ----
/** A shorter part is a word like `Bearer` rather than a secret. In characters. */
const SHORTEST_PART = 8;
/** A header's value, and the parts of it that may be secret: `Bearer TOKEN`, `Basic BASE64(user:password)`, `a=1; session="X"`. */
function secretParts(value) {
    const parts = value.split(/[\s;,]+|(?<=\w)=(?!=|$)/).filter((part) => part.length >= SHORTEST_PART);
    const [, password = ''] = /^[^:\s]*:(.+)$/.exec(value) ?? [];
    const all = [value, ...parts, ...quotedTexts(value), password.trim(), basicPassword(value)];
    return all.filter((secret) => !NO_SECRETS.has(secret));
}
/** Masking these would ruin outputs. */
const NO_SECRETS = new Set(['', 'true', 'false', 'null']);
/** Texts in quotes, as written and unescaped, without names of JSON fields, which are words like `token`. */
function quotedTexts(value) {
    return [...value.matchAll(/"(?:[^"\\]|\\.)*(?:"|\\?$)(?:\s*:)?/gs)]
        .map(([quoted]) => quoted)
        .filter((quoted) => !/"\s*:$/.test(quoted))
        .map((quoted) => quoted.replace(/^"|"$/g, ''))
        .flatMap((text) => (text.includes('\\') ? [text, unquoted(text)] : [text]));
}
/** Without the escapes of JSON or, if it is not JSON, of HTTP's quoted strings. */
function unquoted(text) {
    return String((0,http_json/* parseJson */.qF)(`"${text}"`) ?? text.replace(/\\(.?)/gs, '$1'));
}
/** The password in `Basic BASE64(user:password)`, if it is of that form. */
function basicPassword(value) {
    const [, basic = ''] = /^Basic +(\S+)$/i.exec(value) ?? [];
    const [, password = ''] = /^[^:]*:(.+)$/s.exec(Buffer.from(basic, 'base64').toString()) ?? [];
    return password;
}

;// CONCATENATED MODULE: ./lib/inputs/runner.js
// What to do about the GitHub runner in the VM.




const { /* SECOND */ "Z2": runner_SECOND, /* HOUR */ "dp": runner_HOUR } = parsers_namespaceObject;
const TOKEN = /^[\x21-\x7e]+$/;
const PUBLIC_API = 'https://api.github.com';
/** Undefined in the field if `runner_name` is blank. */
function readRunnerOptions(form) {
    const { read } = form;
    const token = readToken(form, 'github_token');
    const jobsToken = readToken(form, 'jobs_token');
    const nameTemplate = read('runner_name', runnerName);
    const restartIf = read('restart_if', oneOf('always', 'runner_offline'));
    const isSweep = restartIf && { value: restartIf.value === 'runner_offline' };
    const when = {
        ...{
            isEphemeral: read('runner_ephemeral', parsers_boolean),
            isSweep,
            whenBusy: readWhenBusy(form, isSweep),
        },
        drains: drainsOf(form),
        idleForMs: read('idle_for', duration({ min: 0, max: runner_HOUR })),
        busyTimeoutMs: read('busy_timeout', duration({ min: runner_SECOND, max: 24 * runner_HOUR })),
        waitsForRunner: read('wait_for_runner', parsers_boolean),
        runnerTimeoutMs: read('runner_timeout', parsers_timeout),
    };
    if (!isGiven(form, 'runner_name'))
        return withoutRunner(form, when);
    requireInput(form, 'github_token', 'runner_name is given, and this token reads the runners');
    const apiUrl = readApiUrl(form);
    return form_all({
        nameTemplate,
        token: token && { value: token.value ?? '' },
        jobsToken,
        ...when,
        apiUrl,
        scope: readScope(form),
        proxy: apiUrl && readProxy(form, apiUrl.value),
    });
}
/**
 * What the post step needs, and nothing else: labels are restored even if another input is invalid.
 * @throws ActionError `invalid_input`
 */
function readRunnersAccess(environment, onSecret) {
    const form = createForm(environment, onSecret);
    const token = readToken(form, 'github_token');
    requireInput(form, 'github_token', 'it restores the labels of runners');
    const apiUrl = readApiUrl(form);
    const access = form_all({
        token: token && { value: token.value ?? '' },
        scope: readScope(form),
        apiUrl,
        proxy: apiUrl && readProxy(form, apiUrl.value),
    });
    return complete(form, access);
}
/** If the input is blank, the workflow's repository. */
function readScope(form) {
    const scope = form.read('runner_scope', optionalScope);
    return scope && (scope.value === undefined ? thisRepository(form) : { value: scope.value });
}
/** A one-job runner needs no drain: it takes no second job. */
function drainsOf(form) {
    const drain = form.read('drain', parsers_boolean);
    if (drain?.value !== true)
        return drain && { value: undefined };
    if (form.read('runner_ephemeral', parsers_boolean)?.value)
        form.problems.push('drain, runner_ephemeral: a runner that takes one job only is not drained; give one of them');
    if (!isGiven(form, 'runner_name'))
        form.problems.push('drain, runner_name: drain is given, but runner_name is not; give it');
    return { value: { runId: form.environment['GITHUB_RUN_ID'] || '0' } };
}
/** By default, a sweep skips a busy VM, because the next sweep will find it again. */
function readWhenBusy(form, isSweep) {
    if (!isGiven(form, 'when_busy'))
        return { value: isSweep?.value ? 'skip' : 'wait' };
    return form.read('when_busy', oneOf('wait', 'fail', 'skip', 'ignore'));
}
function withoutRunner(form, { isSweep, isEphemeral }) {
    if (isEphemeral?.value)
        form.problems.push('runner_ephemeral, runner_name: runner_ephemeral is given, but runner_name is not; give it');
    if (isSweep?.value)
        form.problems.push('restart_if, runner_name: runner_offline is given, but runner_name is not; give it');
    if (isGiven(form, 'github_token') || isGiven(form, 'runner_scope'))
        form.problems.push('runner_name: it is blank, so the runner would not be watched; give it, or leave out github_token and runner_scope');
    return { value: undefined };
}
/** Undefined in the field if the input is blank. */
function readToken(form, name) {
    const token = readSecret(form, name);
    if (token?.value === undefined || TOKEN.test(token.value))
        return token;
    form.problems.push(`${name}: it contains characters that are not valid in a token, such as a space or a line break`);
    return undefined;
}
function thisRepository({ environment, accept }) {
    const scope = (0,github_scope/* parseScope */.Sk)(environment['GITHUB_REPOSITORY'] ?? '');
    const problem = 'it is blank, and GITHUB_REPOSITORY is not set: give it';
    return accept('runner_scope', scope === undefined ? { problem } : { value: scope });
}
/** The API of github.com, or of a GitHub Enterprise Server. */
function readApiUrl({ environment, problems }) {
    const url = URL.parse(environment['GITHUB_API_URL'] || PUBLIC_API);
    const isPlain = url !== null && `${url.username}${url.password}${url.search}${url.hash}` === '';
    if (isPlain && /^https?:$/.test(url.protocol))
        return { value: url };
    problems.push('GITHUB_API_URL (environment): it must be of the form http(s)://host[:port][/prefix]');
    return undefined;
}
/** The step's own runner, unless it is GitHub-hosted. */
function readOwnRunner(environment) {
    const isHosted = environment['RUNNER_ENVIRONMENT'] === 'github-hosted';
    return {
        runnerName: isHosted ? undefined : environment['RUNNER_NAME'],
        repository: environment['GITHUB_REPOSITORY'] ?? '',
    };
}

;// CONCATENATED MODULE: ./lib/inputs/inputs.js








const { /* SECOND */ "Z2": inputs_SECOND, /* MINUTE */ "pY": inputs_MINUTE } = parsers_namespaceObject;
/**
 * Reads the inputs from the environment that the runner sets. Each secret is masked before any message can quote it.
 * @param onSecret called with each secret.
 * @throws ActionError `invalid_input`, with all problems.
 */
function readInputs(environment, onSecret) {
    const form = createForm(environment, onSecret);
    const { read } = form;
    const vncPassword = readSecret(form, 'vnc_password');
    const controllerUrl = read('controller_url', parsers_controllerUrl);
    const headers = readHeaders(form);
    read('job_summary', parsers_boolean);
    const targets = readTargets(form);
    const usedByJob = readUsedByJob(form);
    const [maxVms, maxParallel, maxFailures] = [
        read('max_vms', wholeNumber({ min: 1, max: MOST_VMS })),
        read('max_parallel', amount(1)),
        read('max_failures', amount(0)),
    ];
    const runner = readRunnerOptions(form);
    if (mayBeSeveral(targets) || isGiven(form, 'used_by_job'))
        requireOwnNames(form, runner);
    const inputs = form_all({
        controllerUrl,
        targets: { value: targets },
        usedByJob,
        maxVms,
        maxParallel,
        maxFailures,
        vncPassword,
        usbDevice: read('usb_device', optionalText),
        timeoutMs: readTimeout(form),
        requestTimeoutMs: read('request_timeout', duration({ min: inputs_SECOND / 10, max: 10 * inputs_MINUTE })),
        pollInterval: read('poll_interval', pollInterval),
        dryRun: read('dry_run', parsers_boolean),
        headers,
        identity: readIdentity(form, headers?.value),
        tls: readTls(form),
        proxy: controllerUrl && readProxy(form, controllerUrl.value),
        ownRunner: { value: readOwnRunner(environment) },
        warnings: { value: form.warnings },
        runner,
        guest: readGuestOptions(form),
    });
    return Object.freeze(complete(form, inputs));
}
/** Three heartbeats of a node's agent: in milliseconds. */
const SHORT_TIMEOUT_MS = 15_000;
function readTimeout({ read, warnings }) {
    const timeout = read('timeout', parsers_timeout);
    if (timeout !== undefined && timeout.value < SHORT_TIMEOUT_MS)
        warnings.push(`timeout is ${(0,lib_clock/* seconds */.YA)(timeout.value)}: that is barely enough to prove a restart, because nodes report every 5 s. Allow at least 15 s.`);
    return timeout;
}
/** Whether to write a job summary: also if inputs are invalid, unless this one is clearly false. */
function wantsJobSummary(environment) {
    return createForm(environment).read('job_summary', parsers_boolean)?.value !== false;
}
/** Adds a problem if several VMs would have the same runner: the guard of one VM would wait for the jobs of another. */
function requireOwnNames(form, runner) {
    const { problems } = form;
    if (isGiven(form, 'used_by_job') && !isGiven(form, 'runner_name')) {
        const why = 'it shows which VM the runner of a job is in';
        problems.push(`used_by_job, runner_name: give runner_name with a placeholder such as {external_id}; ${why}`);
    }
    if (runner?.value === undefined || (0,runner_names/* hasPlaceholder */.Kc)(runner.value.nameTemplate))
        return;
    problems.push('runner_name: several VMs cannot have the same runner; let the name contain {external_id}, {name}, {instance_id} or {uuid}');
}
const TARGETS = ['instance_id', 'external_id', 'used_by_job'];
function readTargets(form) {
    const { read, problems } = form;
    const instanceIds = read('instance_id', uuids)?.value ?? [];
    const externalIds = read('external_id', parsers_externalIds)?.value ?? [];
    const given = TARGETS.filter((name) => isGiven(form, name));
    if (given.length !== 1) {
        const seen = given.length === 0 ? 'none is given' : `${given.join(' and ')} are given`;
        problems.push(`${TARGETS.join(', ')}: ${seen}; give exactly one of them`);
    }
    return [
        ...instanceIds.map((id) => ({ by: 'instance_id', id })),
        ...externalIds.map((id) => ({ by: 'external_id', id })),
    ];
}
function readUsedByJob(form) {
    const { environment, read } = form;
    if (!isGiven(form, 'used_by_job'))
        return { value: undefined };
    const { GITHUB_RUN_ID: ownRunId = '', RUNNER_NAME: runnerName } = environment;
    return form_all({
        patterns: read('used_by_job', jobNames),
        runId: read('run_id', runId(ownRunId)),
        own: { value: { runId: Number(ownRunId), runnerName } },
    });
}
/** What to wait for in the guest; undefined for nothing. */
function readGuestOptions({ read }) {
    const check = read('guest_check', oneOf('none', 'ssh'));
    const options = form_all({
        timeoutMs: read('guest_timeout', parsers_timeout),
    });
    if (check === undefined || options === undefined)
        return undefined;
    return check.value === 'ssh' ? options : { value: undefined };
}

;// CONCATENATED MODULE: ./lib/post-step.js



// The post step: restores the labels of runners that a killed step has left drained.
/** For one HTTP request: in milliseconds. */
const REQUEST_MS = 10_000;
/**
 * Restores the labels, or warns: a failure does not fail the job.
 * @param left what the step saved.
 * @returns closes the connections.
 */
async function runPostStep(left, { environment, terminal, clock, random, signal }) {
    let close = async () => { };
    try {
        const access = readRunnersAccess(environment, terminal.mask);
        delete environment['GITHUB_EVENT_PATH'];
        const [{ restoreLeft }, { openSources }] = await Promise.all([
            Promise.all(/* import() | guard */[__webpack_require__.e(413), __webpack_require__.e(794)]).then(__webpack_require__.bind(__webpack_require__, 6147)),
            Promise.all(/* import() | guard */[__webpack_require__.e(413), __webpack_require__.e(794)]).then(__webpack_require__.bind(__webpack_require__, 7737)),
        ]);
        const context = { clock, random, log: terminal, dispatchers: undefined };
        // The step has drained runners with this token and scope, so they are right.
        const connection = { budget: retry/* ENDLESS_BUDGET */.pS, repository: '', requestTimeoutMs: REQUEST_MS };
        const sources = openSources({ ...access, ...context, ...connection });
        close = sources.close;
        await restoreLeft(left, { ...sources, ...context, signal });
    }
    catch (error) {
        terminal.warning(`The labels of drained runners were not restored: ${(0,errors/* asActionError */.z6)(error).message}`);
    }
    return close;
}

// EXTERNAL MODULE: ./lib/process.js
var lib_process = __webpack_require__(6318);
// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 14 modules
var core = __webpack_require__(6421);
;// CONCATENATED MODULE: ./lib/report/outputs.js






/** Sets every output. @throws if the runner's file cannot be written. */
function setOutputs(outcome, terminal) {
    for (const [name, value] of Object.entries(outputsOf(outcome, terminal.clean)))
        core/* setOutput */.uH(name, value);
}
/** Sets the outputs before a restart is sent. @throws ActionError if the runner's file cannot be written: nothing could be reported later. */
function announceOutputs(outcome, terminal) {
    try {
        setOutputs(outcome, terminal);
    }
    catch (cause) {
        const message = `The outputs cannot be written, so no restart was sent: ${(0,errors/* describeCause */.V$)(cause)}.`;
        const hint = 'Check the file that GITHUB_OUTPUT names, and the disk of the machine that runs the step.';
        throw new errors/* ActionError */.lZ('internal_error', message, { hint, cause });
    }
}
/** What the post step finds in `STATE_drains`. @throws if the runner's file cannot be written. */
function saveDrains(state) {
    core/* saveState */.LZ('drains', state.length === 0 ? '' : JSON.stringify(state));
}
/**
 * Every output that action.yml declares; empty if unknown. The outputs about one VM are set if the step has exactly one.
 * @param show makes external free text safe to print.
 */
function outputsOf(outcome, show) {
    return {
        restarted: restartedOf(outcome.vms),
        ...vmOutputs(theOnlyVm(outcome) ?? nothingKnown({ name: '', target: undefined }), show),
        ...resultsOf(outcome, show),
        error_code: outcome.error?.code ?? '',
    };
}
/** A zone ID is free text. */
const isAddress = (text) => (0,external_node_net_.isIP)(text) !== 0 && !text.includes('%');
/**
 * The instance itself never becomes an output: it can contain passwords.
 * @param show makes external free text safe to print. Dates and ports were checked when they were read; and a plain ID, an
 * address or a well-known word is not a secret, even if it contains a password.
 */
function vmOutputs(outcome, show) {
    const { before, last, proof, durationMs, runner, guest } = outcome;
    const word = (text = '') => (controller_instance/* WELL_KNOWN */.Lv.has(text) ? text : show(text));
    const plain = (text, isHarmless) => text === '' || isHarmless(text) ? text : show(text);
    return {
        // A later answer may lack it for a while, as the node's agent does not know it at once.
        start_date: (last?.startDate ?? proof?.startDate)?.text ?? '',
        previous_start_date: before?.startDate?.text ?? '',
        instance_id: plain(last?.instanceId ?? given('instance_id', outcome), controller_instance/* isUuid */.O1),
        external_id: show(last?.externalId ?? before?.externalId ?? outcome.externalId ?? given('external_id', outcome)),
        instance_state: word(last?.state),
        status: word(last?.status),
        node_id: show(last?.nodeId ?? ''),
        host_ip: plain(last?.hostIp ?? '', isAddress),
        ip: plain(last?.ip ?? '', isAddress),
        vnc_port: String(last?.vncPort ?? ''),
        ssh_port: String(sshPort(last) ?? ''),
        port_forwarding: last === undefined ? '' : JSON.stringify(last.portForwarding.map((port) => wireForm(port, show))),
        duration: durationMs === undefined ? '' : (durationMs / 1000).toFixed(1),
        runner_status: runner?.status ?? '',
        guest_status: guest?.status ?? '',
    };
}
/** The given ID, if the controller never showed it. */
function given(by, { target }) {
    return target?.by === by ? target.id : '';
}
function wireForm({ guestPort, hostPort, protocol = '', name = '' }, show) {
    return { guest_port: guestPort, host_port: hostPort, protocol: show(protocol), name: show(name) };
}
/** GitHub accepts 1 MB of outputs per job, counted as UTF-16. In characters, for all three; that leaves room for the others. */
const LONGEST_IN_ALL = 450_000;
/**
 * GitHub drops an output that contains anything masked, so these contain nothing masked: not even checked values that are shown elsewhere. An
 * ID with a masked part is useless, so it is omitted.
 */
function resultsOf(outcome, show) {
    const vms = outcome.vms.map((vm) => describeVm(vm, show));
    const usable = vms.filter(({ id }) => id !== '' && show(id) === id);
    const due = usable.filter(({ vm }) => vm.restarted !== 'true' && mayBeNamed(vm));
    const remaining = due.map(({ id }) => id).join('\n');
    const matrix = JSON.stringify(matrixOf(due.filter(({ kind }) => canBeStarted(kind))));
    return { results: fitting(vms, LONGEST_IN_ALL - remaining.length - matrix.length), remaining, matrix };
}
/** Whether the next run can name the VM by its ID: one that needs no restart would get one, and one that is not running would fail the step. */
function mayBeNamed({ leftAlone }) {
    return leftAlone?.why !== 'needless' && leftAlone?.why !== 'not running';
}
/** Whether a job of the matrix can restart it: it has not failed, and no restart was started. */
function canBeStarted(kind) {
    return kind === 'not_started' || kind === 'skipped';
}
function describeVm(vm, show) {
    const outputs = vmOutputs(vm, show);
    const { instance_id: id, external_id: externalId } = outputs;
    const message = show((vm.error ?? vm.leftAlone)?.message ?? '');
    return {
        vm,
        kind: resultKindOf(vm),
        id,
        name: externalId || show(vm.name) || id,
        outputs: cleaned(outputs, show),
        message,
    };
}
/** Without anything masked, even where it was checked. */
function cleaned(outputs, show) {
    return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, show(value)]));
}
const FIELDS = [
    'instance_id',
    'external_id',
    'outcome',
    'error_code',
    'message',
    'start_date',
    'previous_start_date',
    'duration',
    'runner_status',
    'guest_status',
    'node_id',
    'host_ip',
    'ssh_port',
];
const PLACE = ['node_id', 'host_ip', 'ssh_port'];
const TIMES = ['start_date', 'previous_start_date', 'duration'];
const REST = ['external_id', 'message', 'runner_status', 'guest_status'];
/** From the most detailed to the least. */
const SHAPES = [
    { longestMessage: 1_000, without: [] },
    { longestMessage: 300, without: [] },
    { longestMessage: 80, without: [] },
    { longestMessage: 80, without: PLACE },
    { longestMessage: 80, without: [...PLACE, ...TIMES] },
    { longestMessage: 0, without: [...PLACE, ...TIMES, ...REST] },
];
/** The results with as much detail as fits into this length; if nothing does, with the least. */
function fitting(vms, longest) {
    let results = '';
    for (const shape of SHAPES) {
        results = JSON.stringify(vms.map((vm) => resultOf(vm, shape)));
        if (results.length <= longest)
            break;
    }
    return results;
}
function resultOf({ vm, kind, outputs, message }, { longestMessage, without }) {
    const all = {
        ...outputs,
        outcome: kind,
        error_code: vm.error?.code ?? '',
        message: cut(message, longestMessage),
    };
    const names = FIELDS.filter((name) => !without.includes(name));
    return Object.fromEntries(names.map((name) => [name, all[name]]));
}
/** A text must be clean before it is truncated: half a secret is not recognized. */
function cut(text, longest) {
    return text.length <= longest ? text : `${text.slice(0, Math.max(0, longest - 1)).toWellFormed()}…`;
}
/** The most jobs that GitHub generates from a matrix. */
const MOST_ENTRIES = 256;
const LONGEST_ENTRY_NAME = 80;
/** All entries have about the same number of VMs. */
function matrixOf(vms) {
    const entries = Math.min(MOST_ENTRIES, vms.length);
    const entryOf = (index) => Math.floor((index * entries) / vms.length);
    const endOf = (entry) => Math.ceil(((entry + 1) * vms.length) / entries);
    const taken = new Set();
    return vms.flatMap((first, index) => {
        if (entryOf(index) === entryOf(index - 1))
            return [];
        const ids = vms.slice(index, endOf(entryOf(index))).map(({ id }) => id);
        const name = ownName(`${cut(first.name, LONGEST_ENTRY_NAME)}${andMore(ids.length - 1)}`, first.id, taken);
        taken.add(name);
        return [{ name, instance_id: ids.join('\n') }];
    });
}
function andMore(count) {
    return count === 0 ? '' : ` and ${count} more`;
}
function ownName(name, id, taken) {
    return taken.has(name) ? `${name} (${id})` : name;
}

// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __webpack_require__(7975);
;// CONCATENATED MODULE: ./lib/report/report.js
// Reports the outcome: the outputs, then one error annotation that says what happened, for all VMs together.




/**
 * Sets every output; then prints the one error annotation, if there is an error. Outputs that cannot be written are also an
 * error: later steps would treat them as empty.
 * @returns whether it succeeded.
 */
function report(outcome, terminal) {
    // Outputs come first: printing blocks if nothing reads the log.
    const problem = problemWithOutputs(outcome, terminal);
    const error = stepError(outcome, terminal.clean);
    const title = titleOf(outcome);
    if (problem !== undefined) {
        const message = `The outputs could not be written: ${(0,errors/* describeCause */.V$)(problem)}.`;
        const both = error === undefined ? message : `${error.message}\n${message}`;
        const hint = error?.hint === undefined ? {} : { hint: error.hint };
        const unwritten = new errors/* ActionError */.lZ('internal_error', both, { cause: problem, ...hint });
        reportError(unwritten, { terminal, title: `${title}, outputs not written` });
    }
    else if (error !== undefined) {
        reportError(error, { terminal, title });
    }
    return problem === undefined && error === undefined;
}
/** Whether there is no time for a long report: the step has used up its time, or was canceled. */
function isHurried({ vms, error }) {
    const errors = [error, ...vms.map((vm) => vm.error)];
    return errors.some((each) => each?.code === 'cancelled' || each?.code === 'timed_out');
}
function problemWithOutputs(outcome, terminal) {
    try {
        setOutputs(outcome, terminal);
        return undefined;
    }
    catch (problem) {
        return problem;
    }
}
/** Stacks and causes to the debug log, and the one error annotation. */
function reportError(error, { terminal, title }) {
    for (const link of (0,errors/* causeChain */.DD)(error)) {
        for (const line of stackOf(link).split('\n'))
            terminal.debug(line);
    }
    terminal.error(title, error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
}
function stackOf(thrown) {
    return external_node_util_.types.isNativeError(thrown) ? (thrown.stack ?? thrown.message) : String(thrown);
}
// ---- what happened, in words ----
/** What happened, in a few words. */
function titleOf(outcome) {
    const { vms, error } = outcome;
    if (vms.length === 0)
        return error === undefined ? 'No VM to restart' : `${FAILURES.false}: ${error.code}`;
    const only = theOnlyVm(outcome);
    return only === undefined ? titleOfSeveral(outcome) : titleOfOne(only);
}
function titleOfOne({ restarted, error, leftAlone, guest }) {
    if (error !== undefined) {
        const isGuests = restarted === 'true' && guest !== undefined && guest.status !== 'up';
        return `${isGuests ? 'VM restarted, but not its guest' : FAILURES[restarted]}: ${error.code}`;
    }
    if (leftAlone !== undefined)
        return `VM ${LEFT_ALONE[leftAlone.why]}`;
    return restarted === 'true' ? 'VM restarted' : 'VM can be restarted (dry run)';
}
const FAILURES = {
    true: 'VM restarted, but not its runner',
    false: 'VM not restarted',
    unknown: 'VM restart not verified',
};
const LEFT_ALONE = {
    busy: 'left alone: its runner has a job',
    needless: 'left alone: it needs no restart',
    'not running': 'left alone: it is not running',
    'not started': 'not restarted: its turn never came',
};
function titleOfSeveral(outcome) {
    const { vms, error, isDryRun } = outcome;
    const { restarted, failed, not_started: notStarted } = countKinds(vms);
    const of = `of ${numberOfVms(vms.length)}`;
    if (wasCancelled(outcome))
        return `Canceled: ${restarted} ${of} restarted`;
    if (isDryRun && error !== undefined)
        return `${failed} ${of} cannot be restarted (dry run): ${error.code}`;
    if (isDryRun)
        return `${notStarted} ${of} can be restarted (dry run)`;
    if (error !== undefined)
        return `${describeFailures(vms)}: ${error.code}`;
    return `${restarted} ${of} restarted`;
}
/** e.g. `2 of 40 VMs failed, 1 not verified`. */
function describeFailures(vms) {
    const { failed, unknown } = countKinds(vms);
    const of = `of ${numberOfVms(vms.length)}`;
    if (unknown === 0)
        return `${failed} ${of} failed`;
    return failed === 0 ? `${unknown} ${of} not verified` : `${failed} ${of} failed, ${unknown} not verified`;
}
const MOST_LINES = 10;
const MOST_NAMES = 5;
const LONGEST_NAME = 100;
/** In characters: of one message among several, and of the only one. */
const LONGEST_OF_SEVERAL = 300;
const LONGEST_ONLY_MESSAGE = 2_000;
/**
 * The error of the only VM, or one that names all VMs that failed, with one line for those that failed in the same way.
 * @param clean makes a text safe to print, which must happen before it is truncated.
 */
function stepError(outcome, clean) {
    const { vms, error } = outcome;
    if (error === undefined || vms.length < 2)
        return error;
    const groups = [...groupsOf(vms).values()];
    const longest = groups.length === 1 ? LONGEST_ONLY_MESSAGE : LONGEST_OF_SEVERAL;
    const lines = groups.map((group) => describeGroup(group, (text) => cut(clean(text), longest), clean));
    const more = lines.length - MOST_LINES;
    const message = [
        describeCounts(outcome),
        ...lines.slice(0, MOST_LINES),
        ...(more > 0 ? [`- and ${more} more, listed in the output results and the job summary`] : []),
    ];
    const hint = hintFor(outcome);
    return new errors/* ActionError */.lZ(error.code, message.join('\n'), {
        ...(hint !== undefined && { hint }),
        cause: error,
    });
}
/** What to do about the first failure; if it has no hint, about the first one that has. */
function hintFor({ vms, error }) {
    return error?.hint ?? vms.find((vm) => vm.error?.hint !== undefined)?.error?.hint;
}
/** e.g. `2 of 40 VMs failed.` */
function describeCounts(outcome) {
    const { vms, isDryRun, mostFailures } = outcome;
    const { restarted, unknown, failed, not_started: notStarted } = countKinds(vms);
    const of = `of ${numberOfVms(vms.length)}`;
    if (wasCancelled(outcome))
        return `The step was canceled: ${restarted} ${of} restarted, ${unknown} not verified, ${notStarted} not started.`;
    if (isDryRun)
        return `${failed} ${of} cannot be restarted; ${notStarted} can.`;
    if (notStarted === 0)
        return `${describeFailures(vms)}.`;
    return `${describeFailures(vms)}, which is more than max_failures (${mostFailures}) allows, so ${notStarted === 1 ? '1 was' : `${notStarted} were`} not started. The output remaining has the IDs of all that were not restarted.`;
}
function groupsOf(vms) {
    const groups = new Map();
    for (const { name, error } of vms) {
        if (error === undefined)
            continue;
        const what = `${error.code} ${error.message}`;
        const group = groups.get(what) ?? { error, names: [] };
        groups.set(what, group);
        group.names.push(name);
    }
    return groups;
}
/** @param show makes a message harmless, and cuts it. */
function describeGroup({ error, names }, show, clean) {
    const shown = names.map((name) => cut(clean(name), LONGEST_NAME));
    return `- ${listNames(shown, MOST_NAMES)}: ${error.code}: ${show(error.message)}`;
}

;// CONCATENATED MODULE: ./lib/report/timeline.js

/** The phases, as far as they happened. Empty if the step did not wait for anything. Pure. */
function timelineOf({ moments, proof, runner, guest }) {
    const { started = 0, gateAsked, gateAnswered, sent, verified } = moments;
    const restarted = sent === undefined || verified === undefined ? [] : bootPhases({ sent, verified, proof });
    const phases = [
        phase('wait until no job runs', gateAsked, gateAnswered),
        ...restarted,
        phase('VM verified → guest up', verified, guest?.upAt),
        phase('VM verified → runner back', verified, runner?.backAt),
    ];
    return phases.flatMap((known) => known === undefined ? [] : [{ ...known, fromMs: known.fromMs - started, toMs: known.toMs - started }]);
}
function phase(name, from, to) {
    return from === undefined || to === undefined ? undefined : { name, fromMs: from, toMs: to };
}
/**
 * Stop and boot, by the node's dates: the report in the proof shows how long before it they were. That report may be a few seconds old, so both
 * may have been a little earlier than shown. Implausible dates are left out.
 */
function bootPhases({ sent, verified, proof }) {
    const bootedAt = verified - knownBetween(proof?.startDate, proof?.reportedAt);
    const stoppedAt = bootedAt - knownBetween(proof?.stopDate, proof?.startDate);
    if (!(bootedAt >= sent && bootedAt <= verified))
        return [phase('restart sent → VM verified', sent, verified)];
    const verify = phase('VM booted → verified', bootedAt, verified);
    if (!(stoppedAt >= sent && stoppedAt <= bootedAt))
        return [phase('restart sent → VM booted', sent, bootedAt), verify];
    return [
        phase('restart sent → VM stopped', sent, stoppedAt),
        phase('VM stopped → booted', stoppedAt, bootedAt),
        verify,
    ];
}
/** NaN if either is unknown: then every comparison with it is false. */
function knownBetween(from, to) {
    return from === undefined || to === undefined ? Number.NaN : (0,dates/* millisecondsBetween */.nl)(from, to);
}
const DAY_MS = 86_400_000;
/**
 * The phases as a Mermaid gantt chart; empty if there are none, or if they take longer than a day. Names must be plain: they are not escaped.
 */
function renderGantt(phases) {
    const endsAtMs = Math.max(0, ...phases.map(({ toMs }) => toMs));
    if (phases.length === 0 || endsAtMs >= DAY_MS)
        return [];
    const bars = phases.map(({ name, fromMs, toMs, isFailed = false }) => `    ${name} :${isFailed ? 'crit, ' : ''}${timeOfDay(fromMs)}, ${timeOfDay(toMs)}`);
    return ['```mermaid', 'gantt', '    dateFormat HH:mm:ss.SSS', '    axisFormat %H:%M:%S', ...bars, '```'];
}
/** Formats the time as a time of day, which Mermaid shows the same in every time zone. */
function timeOfDay(ms) {
    return new Date(Math.max(0, Math.round(ms))).toISOString().slice(11, 23);
}

;// CONCATENATED MODULE: ./lib/report/vm-table.js





/** GitHub drops a summary of more than 1 MiB whole. In bytes, for the table; the rest is small. */
const LARGEST_TABLE_BYTES = 900_000;
const LONGEST_EVENT = 500;
const LONGEST_CELL_NAME = 200;
/** Several VMs: a count of each outcome, a row for each VM with failures first, and a chart of when each was in progress. */
function renderVms(outcome, rendering) {
    const chart = renderGantt(phasesOf(outcome.vms, rendering.clean));
    return [
        ...renderCounts(outcome),
        ...renderHint(outcome, rendering),
        ...renderTable(outcome, rendering),
        ...(chart.length === 0 ? [] : ['', ...chart, '']),
    ];
}
/** From those that need attention to those that succeeded; those that were not started come last. */
const ORDER = ['unknown', 'failed', 'skipped', 'restarted', 'not_started'];
/** In a dry run nothing is restarted. */
const DRY_RUN_WORDS = {
    ...KIND_WORDS,
    failed: 'cannot be restarted',
    not_started: 'can be restarted',
};
function wordFor(kind, { isDryRun }) {
    return (isDryRun ? DRY_RUN_WORDS : KIND_WORDS)[kind];
}
/** Empty if every VM was restarted: the title says so. */
function renderCounts(outcome) {
    const { vms } = outcome;
    const counts = countKinds(vms);
    if (counts.restarted === vms.length)
        return [];
    const present = ORDER.filter((kind) => counts[kind] > 0);
    return [`<p>${present.map((kind) => `${counts[kind]} ${wordFor(kind, outcome)}`).join(', ')}</p>`];
}
const MOST_WITH_HINT = 3;
function renderHint(outcome, { clean, toHtml }) {
    const hint = hintFor(outcome);
    if (hint === undefined)
        return [];
    const names = outcome.vms.filter(({ error }) => error?.hint === hint).map(({ name }) => clean(name));
    const which = toHtml(listNames(names, MOST_WITH_HINT));
    return [`<p><b>What to do about ${which}:</b> ${toHtml(clean(hint))}</p>`];
}
function numbered(vms) {
    return vms.map((vm, index) => ({ vm, number: index + 1 }));
}
function renderTable(outcome, { clean, toHtml }) {
    const rank = ({ vm }) => ORDER.indexOf(resultKindOf(vm));
    const inOrder = numbered(outcome.vms).sort((a, b) => rank(a) - rank(b));
    const columns = columnsOf(outcome, clean);
    const cells = inOrder.map((one) => columns.map(({ cell }) => cell(one)));
    // A column without content is left out.
    const isShown = columns.map((_, column) => cells.some((ofVm) => ofVm[column] !== ''));
    const rows = cells.map((ofVm) => renderRow(ofVm.filter((_, column) => isShown[column]), toHtml));
    const fitting = fittingRows(rows);
    const missing = rows.length - fitting.length;
    const rest = missing === 0 ? [] : [`<p>${missing} more are left out: see the output results.</p>`];
    const shown = columns.filter((_, column) => isShown[column]);
    const headings = shown.map(({ heading }) => `<th>${heading}</th>`).join('');
    return ['<table>', `<tr>${headings}</tr>`, ...fitting, '</table>', ...rest];
}
/** A name or a date is easier to read on one line: in characters. */
const LONGEST_LINE = 40;
function renderRow(cells, toHtml) {
    const tagFor = (cell) => cell.length <= LONGEST_LINE && /[ -]/.test(cell) ? '<td nowrap>' : '<td>';
    return `<tr>${cells.map((cell) => `${tagFor(cell)}${toHtml(cell)}</td>`).join('')}</tr>`;
}
function columnsOf(outcome, clean) {
    return [
        { heading: 'no.', cell: ({ number }) => String(number) },
        { heading: 'VM', cell: ({ vm }) => cut(clean(vm.name), LONGEST_CELL_NAME) },
        { heading: 'outcome', cell: ({ vm }) => wordFor(resultKindOf(vm), outcome) },
        {
            heading: 'last boot',
            cell: ({ vm }) => clean((vm.last?.startDate ?? vm.proof?.startDate)?.text ?? ''),
        },
        {
            heading: 'verified after',
            cell: ({ vm: { durationMs } }) => (durationMs === undefined ? '' : (0,lib_clock/* seconds */.YA)(durationMs)),
        },
        { heading: 'runner', cell: ({ vm }) => vm.runner?.status ?? '' },
        { heading: 'guest', cell: ({ vm }) => vm.guest?.status ?? '' },
        { heading: 'what happened', cell: ({ vm }) => cut(clean(describeEvent(vm)), LONGEST_EVENT) },
    ];
}
function describeEvent({ error, leftAlone }) {
    return error === undefined ? (leftAlone?.message ?? '') : `${error.code}: ${error.message}`;
}
function fittingRows(rows) {
    let leftBytes = LARGEST_TABLE_BYTES;
    const end = rows.findIndex((row) => {
        leftBytes -= Buffer.byteLength(row) + 1;
        return leftBytes < 0;
    });
    return rows.slice(0, end < 0 ? rows.length : end);
}
/** A chart with more bars would be unreadable. */
const MOST_BARS = 50;
/** A name that Mermaid reads as plain text. */
const PLAIN_NAME = /^[\w.-]{1,40}$/;
/** The number comes first, so that no name is a Mermaid keyword. */
function barName({ vm, number }, clean) {
    const name = clean(vm.name);
    return PLAIN_NAME.test(name) ? `${number} ${name}` : `VM ${number}`;
}
/** From sending the restart to the VM's end; the earliest ones. */
function phasesOf(vms, clean) {
    const bars = numbered(vms).flatMap((one) => {
        const { endedAt, moments, error, leftAlone } = one.vm;
        if (moments.sent === undefined || endedAt === undefined || leftAlone !== undefined)
            return [];
        return [
            { name: barName(one, clean), fromMs: moments.sent, toMs: endedAt, isFailed: error !== undefined },
        ];
    });
    const first = bars.sort((a, b) => a.fromMs - b.fromMs).slice(0, MOST_BARS);
    const startedAt = Math.min(...vms.flatMap(({ moments }) => moments.started ?? []));
    return first.map((bar) => ({ ...bar, fromMs: bar.fromMs - startedAt, toMs: bar.toMs - startedAt }));
}

;// CONCATENATED MODULE: ./lib/report/summary.js








/** Appends the job summary. A failure to write it is only a warning: it does not affect the restart. */
async function writeSummary(outcome, terminal) {
    try {
        await core/* summary */.z.addRaw(renderSummary(outcome, terminal.clean), true).write();
    }
    catch (error) {
        terminal.warning(`The job summary could not be written: ${(0,errors/* describeCause */.V$)(error)}`);
    }
}
/**
 * The job summary: a title; then for the only VM why it failed, its details, and a timeline; or a row for each of several. Everything
 * but the chart is a single block of HTML, in which Markdown has no effect; the chart contains no external text but plain names.
 * @param clean makes a text safe for logs; it is escaped for HTML here.
 */
function renderSummary(outcome, clean) {
    const show = (text) => escapeHtml(clean(text));
    return [`<h3>${show(titleOf(outcome))}</h3>`, ...renderDetails(outcome, { clean, show })].join('\n');
}
function renderDetails(outcome, { clean, show }) {
    const only = theOnlyVm(outcome);
    if (only !== undefined)
        return renderVm(only, show);
    const { vms, error } = outcome;
    if (vms.length > 0)
        return renderVms(outcome, { clean, toHtml: escapeHtml });
    return error === undefined ? [] : renderError(error, show);
}
/** Characters with a meaning in HTML or Markdown become character references. */
function escapeHtml(text) {
    return text.replace(/[^\p{L}\p{M}\p{N} .,:;/-]|:\/\//gu, (match) => [...match].map((character) => `&#${character.codePointAt(0)};`).join(''));
}
// ---- the only VM ----
function renderVm(vm, show) {
    const { error, leftAlone } = vm;
    const reason = leftAlone?.message ? [`<p>${show(leftAlone.message)}</p>`] : [];
    return [
        ...(error === undefined ? reason : renderError(error, show)),
        ...renderFacts(vm, show),
        ...renderTimeline(vm),
    ];
}
function renderError({ message, hint }, show) {
    // Invalid inputs are a list, one line each.
    const lines = message.split('\n').map((line) => {
        return line.startsWith('- ') ? `<ul><li>${show(line.slice(2))}</li></ul>` : `<p>${show(line)}</p>`;
    });
    return hint === undefined ? lines : [...lines, `<p><b>What to do:</b> ${show(hint)}</p>`];
}
/** Also shows the value before the restart if it was different. */
function renderFacts({ before, last, durationMs, runner, guest }, show) {
    if (last === undefined)
        return [];
    const cell = (value) => value === undefined ? '' : `<code>${show(String(value))}</code>`;
    const rows = Object.entries(ROWS).map(([label, read]) => {
        const [was, is] = [before && read(before), read(last)];
        const change = was === undefined || was === is ? '' : `, previously ${cell(was)}`;
        return `<tr><td>${label}</td><td>${cell(is)}${change}</td></tr>`;
    });
    const results = {
        'verified after': durationMs && (0,lib_clock/* seconds */.YA)(durationMs),
        runner: runner?.status,
        guest: guest?.status,
    };
    const more = Object.entries(results).flatMap(([label, value]) => value === undefined ? [] : [`<tr><td>${label}</td><td>${cell(value)}</td></tr>`]);
    return ['<table>', ...rows, ...more, '</table>'];
}
const ROWS = {
    instance: ({ instanceId }) => instanceId,
    'external id': ({ externalId }) => externalId,
    name: ({ name }) => name,
    'instance state': ({ state }) => state,
    'VM status': ({ status }) => status,
    'start date': ({ startDateText }) => startDateText,
    node: ({ nodeId }) => nodeId,
    'host IP': ({ hostIp }) => hostIp,
    'VM IP': ({ ip }) => ip,
    'VNC port': ({ vncPort }) => vncPort,
    'SSH port': (instance) => sshPort(instance),
};
/**
 * How long each phase took, if the step waited for a runner or a guest: a chart, which must be outside of the HTML, and a table for
 * viewers without Mermaid.
 */
function renderTimeline(vm) {
    const phases = (vm.runner ?? vm.guest) === undefined ? [] : timelineOf(vm);
    if (phases.length === 0)
        return [];
    const rows = phases.map(({ name, fromMs, toMs }) => {
        return `<tr><td>${name}</td><td>${(0,lib_clock/* seconds */.YA)(fromMs)}</td><td>${(0,lib_clock/* seconds */.YA)(toMs - fromMs)}</td></tr>`;
    });
    const table = ['<table>', '<tr><th></th><th>from</th><th>duration</th></tr>', ...rows, '</table>'];
    const chart = renderGantt(phases);
    return chart.length === 0 ? table : ['', ...chart, '', ...table];
}

;// CONCATENATED MODULE: ./lib/report/redactor.js
// How secrets are hidden. Which texts are secret is decided where they are read: in inputs/, and for sessions in credentials.ts.
/** Masking a shorter value would ruin the log, and reveal the value. In characters. */
const SHORTEST_MASKED = 4;
const REPLACEMENT = '***';
function createRedactor() {
    const added = new Set();
    const long = new Set();
    const [forms, inAnyForm] = [new Map(), new Map()];
    function add(secret) {
        added.add(secret);
        for (const form of encodings(secret)) {
            if (form.length > LONGEST_IN_PATTERN)
                long.add(form);
            else
                forms.set(form, forms.get(form) ?? searchFor(form));
        }
        if (secret.length <= LONGEST_IN_PATTERN)
            inAnyForm.set(secret, searchForAnyEncoding(secret));
    }
    return {
        add(...secrets) {
            for (const secret of secrets.flatMap(maskable))
                if (!added.has(secret))
                    add(secret);
        },
        redact(text) {
            const rest = longestFirst(long).reduce((left, form) => left.replaceAll(form, REPLACEMENT), text);
            const left = replaceFound(rest, forms.values());
            // The other patterns find nothing new in a text without escapes.
            return ESCAPE.test(left) ? replaceFound(left, inAnyForm.values()) : left;
        },
    };
}
/** The parts of a secret to mask everywhere: the whole, and each line if it has several. */
function maskable(secret) {
    const lines = secret.split(/\r\n|\r|\n/).map((line) => line.trim());
    // The first and last line of a PEM text are not secret, and occur in other texts, too.
    const parts = [secret, secret.trim(), ...lines.filter((line) => !line.startsWith('-----'))];
    return [...new Set(parts)].filter((part) => part.length >= SHORTEST_MASKED);
}
/**
 * A secret as it is, and as Go, JavaScript, Python and browsers encode it in base64, hex, JSON, URLs and HTML; and as the password
 * in HTTP Basic authentication without a user.
 */
function encodings(secret) {
    return [
        secret,
        ...inBase64(Buffer.from(secret)),
        ...inBase64(Buffer.from(`:${secret}`)),
        ...inHex(secret),
        ...inJson(secret),
        ...inUrl(secret.toWellFormed()),
        ...inHtml(secret),
        // A header is sent as Latin-1; read as UTF-8, it becomes this.
        Buffer.from(secret, 'latin1').toString(),
    ];
}
function inBase64(bytes) {
    const base64 = bytes.toString('base64');
    return [base64, base64.replace(/=+$/, ''), bytes.toString('base64url')];
}
function inHex(secret) {
    const hex = Buffer.from(secret).toString('hex');
    return [hex, hex.toUpperCase()];
}
/** Plain; as Go, PHP, and encoders that escape slashes or quotes write it; ASCII only; and the first two nested in a JSON string. */
function inJson(secret) {
    const plain = insideQuotes(secret);
    const go = plain.replace(/[&<>\u2028\u2029]/g, unicodeEscape);
    const php = plain.replaceAll('/', '\\/');
    const slashes = plain.replaceAll('/', unicodeEscape);
    const quotes = plain.replaceAll("'", "\\'");
    const ascii = plain.replace(/[^\x20-\x7e]/g, unicodeEscape);
    return [plain, go, php, slashes, quotes, ascii, insideQuotes(plain), insideQuotes(go)];
}
function insideQuotes(text) {
    return JSON.stringify(text).slice(1, -1);
}
/** The characters that each URL encoder leaves as they are, besides letters, digits and `-._~`. */
const KEPT_IN_URLS = [
    // Go's url.QueryEscape, and Python's quote with nothing safe.
    '',
    // JavaScript's encodeURIComponent, and its encodeURI.
    "!'()*",
    "!'()*#$&+,/:;=?@",
    // Go's url.PathEscape, the path of its url.URL, and its url.UserPassword.
    '$&+:=@',
    '$&+,/:;=@',
    '$&+,;=',
    // Python's quote.
    '/',
    // The password of a browser's URL.
    "!$&'()*+,%",
];
function inUrl(secret) {
    const strict = encodeURIComponent(secret).replace(/[!'()*]/g, percentEscape);
    const form = strict.replaceAll('%20', '+');
    // Browsers and Java leave the asterisk in a form, and not the tilde.
    const browserForm = form.replaceAll('%2A', '*').replaceAll('~', '%7E');
    return [...KEPT_IN_URLS.map((kept) => unescaped(strict, kept)), form, browserForm];
}
function unescaped(percentEscaped, kept) {
    return percentEscaped.replace(/%[2-7][\dA-F]/g, (escaped) => {
        const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
        return kept.includes(character) ? character : escaped;
    });
}
/** Text; and attributes, whose quotes have several names. */
function inHtml(secret) {
    const text = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    const [numbered, named] = [text.replaceAll('"', '&#34;'), text.replaceAll('"', '&quot;')];
    return [
        text,
        named,
        numbered.replaceAll("'", '&#39;'),
        named.replaceAll("'", '&#39;'),
        named.replaceAll("'", '&#x27;'),
        named.replaceAll("'", '&apos;'),
        named.replaceAll("'", '&#x27;').replaceAll('/', '&#x2F;'),
        named.replaceAll("'", '&#39;').replaceAll('/', '&#x2F;'),
    ];
}
function unicodeEscape(character) {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
function percentEscape(character) {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
/** A pattern for longer secrets would be too large; and a text this long is unlikely to be repeated in another case. */
const LONGEST_IN_PATTERN = 500;
function searchFor(form) {
    return { clue: form.toUpperCase(), length: form.length, pattern: () => escapePattern(form) };
}
function searchForAnyEncoding(secret) {
    const [clue = ''] = longestFirst(secret.match(/[a-z\d]+/gi) ?? []);
    return { clue: clue.toUpperCase(), length: secret.length, pattern: () => inAnyEncoding(secret) };
}
/** The longest first: a secret may be a part of another. */
function longestFirst(all) {
    return [...all].sort((a, b) => b.length - a.length);
}
/** Replaces in any case: hosts come back in lower case, and hex digits and percent signs in either. */
function replaceFound(text, searches) {
    const upper = text.toUpperCase();
    const found = [...searches].filter(({ clue }) => upper.includes(clue));
    if (found.length === 0)
        return text;
    const alternatives = longestFirst(found).map((search) => search.pattern());
    return text.replace(new RegExp(alternatives.join('|'), 'gi'), REPLACEMENT);
}
/** What every way of escaping a character begins with. */
const ESCAPE = /[\\%&]/;
/** A pattern for a secret in which each character may be escaped: encoders differ in which ones they escape. */
function inAnyEncoding(secret) {
    return [...secret]
        .map((character) => (/[a-z\d]/i.test(character) ? character : escapes(character)))
        .join('');
}
/** More than one backslash where JSON is nested in JSON. The limit keeps the pattern fast on texts of only backslashes. */
const BACKSLASHES = '\\\\{1,8}';
const ENTITIES = {
    '&': 'amp',
    '<': 'lt',
    '>': 'gt',
    '"': 'quot',
    "'": 'apos',
    '/': 'sol',
};
function escapes(character) {
    const code = Number(character.codePointAt(0));
    const units = character.split('').map((unit) => `${BACKSLASHES}u${hex(unit.charCodeAt(0), 4)}`);
    const bytes = [...Buffer.from(character.toWellFormed())].map((byte) => `%(?:25)?${hex(byte, 2)}`);
    const entity = [`#0{0,4}${code}`, `#x0{0,4}${hex(code, 1)}`, ENTITIES[character]].filter(Boolean).join('|');
    const itself = character === '\\' ? BACKSLASHES : `(?:${BACKSLASHES})?${escapePattern(character)}`;
    const byCode = `${BACKSLASHES}x${hex(code, 2)}`;
    return `(?:${[itself, units.join(''), byCode, bytes.join(''), `&(?:amp;)?(?:${entity});`].join('|')})`;
}
function hex(code, digits) {
    return code.toString(16).padStart(digits, '0');
}
function escapePattern(text) {
    return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

;// CONCATENATED MODULE: ./lib/report/terminal.js


function createTerminal() {
    // If the reader of the log exits, writing fails. Without a listener that would end the step in the middle of a restart.
    if (process.stdout.listenerCount('error') === 0)
        process.stdout.on('error', () => { });
    const redactor = createRedactor();
    const clean = (text) => harmless(redactor.redact(text));
    return {
        mask(...secrets) {
            redactor.add(...secrets);
            // The runner masks only the given value, and some encodings of it.
            for (const form of new Set(secrets.flatMap(maskable).flatMap(encodings)))
                core/* setSecret */.Pq(form);
        },
        clean,
        info: (line) => core/* info */.pq(clean(line)),
        debug: (line) => core/* debug */.Yz(clean(line)),
        warning: (line) => core/* warning */.$e(clean(line)),
        error: (title, text) => {
            const lines = redactor.redact(text).split('\n').map(harmless);
            core/* error */.z3(lines.join('\n'), { title: clean(title) });
        },
    };
}
// C0 and C1 controls, line and paragraph separators, marks that change the direction of writing, lone surrogates.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;
/**
 * Makes a text safe to print as one line. The runner interprets `::x::` at the start of a line (after white space) and
 * `##[x]` anywhere as commands.
 */
function harmless(text) {
    return text
        .replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .replaceAll('##[', '# #[')
        .replace(/^\s*::/, (start) => start.replace('::', ': :'));
}

// EXTERNAL MODULE: ./lib/runner/self-restart.js
var self_restart = __webpack_require__(2044);
;// CONCATENATED MODULE: ./lib/main.js























/** How long reporting may take; then the process ends, whatever still blocks it. In milliseconds. */
const REPORT_MS = 1_000;
/** The same if the step has used up its time, or was canceled. */
const SHORT_REPORT_MS = 400;
/**
 * The whole step: environment -> inputs -> restart -> outcome -> report. Never throws.
 * @param signal aborts with the error to report.
 * @param endWithin ends the process after this many milliseconds if it does not end by itself.
 */
async function main(signal, endWithin) {
    const terminal = createTerminal();
    (0,lib_process/* avoidPipes */.Tg)(terminal.warning);
    const { STATE_drains: left } = process.env;
    if (left) {
        const close = await runPostStep(left, { ...hostOf(terminal, signal), environment: process.env });
        endWithin(REPORT_MS);
        return close();
    }
    const outcome = await restartAsAsked(terminal, signal);
    process.exitCode = outcome.error === undefined ? 0 : 1;
    // Before anything is written: a file may be a pipe that no process reads.
    endWithin(isHurried(outcome) ? SHORT_REPORT_MS : REPORT_MS);
    if (!report(outcome, terminal))
        process.exitCode = 1;
    if (wantsJobSummary(process.env))
        await writeSummary(outcome, terminal);
}
async function restartAsAsked(terminal, signal) {
    let inputs;
    try {
        inputs = readInputs(process.env, terminal.mask);
        const announce = (outcome) => announceOutputs(outcome, terminal);
        const host = hostOf(terminal, signal);
        return await run(inputs, { ...host, announce, saveDrains: saveDrains, addresses: ownAddresses() });
    }
    catch (error) {
        return failedStep((0,errors/* asActionError */.z6)(error), inputs?.targets);
    }
}
function hostOf(terminal, signal) {
    return { terminal, signal, clock: lib_clock/* systemClock */.ml, random: Math.random };
}
function ownAddresses() {
    const interfaces = Object.values((0,external_node_os_.networkInterfaces)()).flat();
    return interfaces.filter((each) => each !== undefined).map(({ address }) => address);
}
/**
 * The step itself: from checked inputs to the outcome.
 * @throws ActionError `self_restart`, before any request is made.
 */
async function run(inputs, host) {
    const { terminal: log, clock, signal, announce } = host;
    const { controller, close } = connect(inputs, host);
    try {
        const guards = await createGuardsIfAsked(inputs, host, controller);
        for (const warning of inputs.warnings)
            log.warning(warning);
        const { ownRunner, runner: watched } = inputs;
        const refuse = (instance) => (0,self_restart/* refuseOwnMachine */.MT)(ownRunner, instance, { names: controller.namesOf(instance), watched });
        const context = {
            clock,
            controller,
            log,
            signal,
            guards,
            guest: guestCheckOf(inputs, host),
            refuse,
            announce,
        };
        return await restartFleet(inputs, context).finally(() => guards?.close());
    }
    finally {
        await close();
    }
}
/** The code that talks to GitHub is loaded only if there is a runner to guard. */
async function createGuardsIfAsked({ runner, ownRunner, requestTimeoutMs, timeoutMs: patienceMs, dryRun: isDryRun, ...vms }, { terminal: log, clock, random, signal, dispatchers, addresses, saveDrains }, controller) {
    if (runner === undefined)
        return undefined;
    // On load, @actions/github reads the workflow's event, which is not needed here: it fails if the file is damaged, and
    // writes to the log if it is missing.
    delete process.env['GITHUB_EVENT_PATH'];
    const { createGuards } = await Promise.all(/* import() | guard */[__webpack_require__.e(413), __webpack_require__.e(794)]).then(__webpack_require__.bind(__webpack_require__, 118));
    const context = { clock, random, log, signal, dispatchers };
    const share = (sources) => shareSources(sources, context);
    // A single VM does not wait for others to join its requests.
    const sharing = mayBeSeveral(vms.targets) || vms.usedByJob !== undefined ? { share } : {};
    const liveInstances = shareLiveInstances(controller, context);
    const own = { runner, ownRunner, requestTimeoutMs, patienceMs, addresses, isDryRun };
    const { namesOf } = controller;
    return createGuards({ ...own, ...context, ...sharing, liveInstances, namesOf, saveDrains });
}
function guestCheckOf({ guest, controllerUrl }, { addresses, dial }) {
    if (guest === undefined)
        return undefined;
    const own = { addresses, hasController: isOwnHost(controllerUrl) };
    return { ...guest, own, dial: dial ?? createDial((ip) => address_problemOf(ip, { role: 'node', own })) };
}
/** Whether the step's own runner, or the runner in a VM, may have a name that only the controller knows. */
function needsNames({ ownRunner, runner }) {
    return ownRunner.runnerName !== undefined || (runner !== undefined && (0,runner_names/* hasPlaceholder */.Kc)(runner.nameTemplate));
}
function connect(inputs, { terminal, clock, random, dispatchers }) {
    const { controllerUrl: baseUrl, proxy, tls, requestTimeoutMs, headers, runner } = inputs;
    const transport = (0,http_transport/* createTransport */.o)({ baseUrl, proxy, tls, requestTimeoutMs, clock, dispatchers });
    const credentials = createCredentials(inputs.identity, terminal.mask, headers);
    const client = createClient({ transport, credentials, headers, clock, random });
    const { deniedHint } = credentials;
    terminal.info(`Controller: ${baseUrl.href}${proxy === undefined ? '' : ` through the proxy ${proxy.host}`}`);
    const controller = createController({
        ...{ client, clock, deniedHint, url: baseUrl },
        needsNames: needsNames(inputs),
        lacksName: (instance) => runner !== undefined && !(0,runner_names/* hasValues */.rV)(instance, runner.nameTemplate),
    });
    return { controller, close: transport.close };
}


/***/ }),

/***/ 9310:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   g: () => (/* binding */ pollUntil)
/* harmony export */ });
/* unused harmony export LAST_POLL_MS */
/** How long a poll at the deadline may take beyond it: in milliseconds. */
const LAST_POLL_MS = 1_500;
/** If a poll at the deadline took this long, the process was suspended during it. */
const SLEPT_MS = LAST_POLL_MS + 500;
const SHORTEST_POLL_MS = 500;
/**
 * Polls until a poll returns a value.
 * @returns the value; undefined if even the poll at the deadline returned none.
 * @throws what a poll throws; the signal's reason.
 */
async function pollUntil(options, poll) {
    const { clock, signal, deadline, nextAt, longestMs = Number.POSITIVE_INFINITY } = options;
    let lastPolls = 0;
    if (options.firstAt !== undefined)
        await sleepUntil(options, options.firstAt);
    for (;;) {
        signal.throwIfAborted();
        const startedAt = clock.now();
        const until = startedAt >= deadline() ? startedAt + LAST_POLL_MS : Math.min(deadline(), startedAt + longestMs);
        const time = { startedAt, until };
        const found = await poll(time);
        if (found !== undefined)
            return found;
        const isLast = startedAt >= deadline();
        if (isLast && (++lastPolls > 1 || clock.now() - startedAt < SLEPT_MS))
            return undefined;
        await sleepUntil(options, nextAt(time));
    }
}
async function sleepUntil(options, at) {
    const { clock, signal, shortestMs = SHORTEST_POLL_MS } = options;
    const deadline = options.deadline();
    const ms = (at + shortestMs > deadline ? deadline : at) - clock.now();
    if (ms > 0)
        await clock.sleep(ms, signal);
}


/***/ }),

/***/ 8663:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   L: () => (/* binding */ NOTHING_DONE),
/* harmony export */   l: () => (/* binding */ LeftAlone)
/* harmony export */ });
// The input of one VM's restart, and its possible outcomes.
/** Why a VM is left as it is, which is not a failure. A gate throws it; then it is a part of the outcome. */
class LeftAlone extends Error {
    name = 'LeftAlone';
    /** Its runner has a job; it needs no restart, not even by a later step; it is not running; or it never got a slot. */
    why;
    /** @param seen what led to it, for messages; may be empty. */
    constructor(why, seen = '') {
        super(seen);
        this.why = why;
    }
}
/** What is known before the first request. */
const NOTHING_DONE = {
    target: undefined,
    restarted: 'false',
    before: undefined,
    last: undefined,
    durationMs: undefined,
    moments: {},
    error: undefined,
};


/***/ }),

/***/ 3549:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   ah: () => (/* binding */ HOSTED),
/* harmony export */   fC: () => (/* binding */ createJobReader)
/* harmony export */ });
/* unused harmony export findJob */
/* harmony import */ var _clock_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5233);
/* harmony import */ var _drain_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4542);
/* harmony import */ var _github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(892);
// Reads the jobs in progress for all VMs, and finds those that run on one VM's runners.



/** The runner group of GitHub-hosted runners. */
const HOSTED = 'GitHub Actions';
/**
 * Finds a job of the runners. The name decides, because a runner's ID is unique only within its repository, organization or enterprise, and
 * changes when the runner registers again. A job without a runner name is theirs if both ID and labels fit, and may be theirs if one of the
 * two does. Pure.
 */
function findJob(jobs, { pattern, ids, labels }) {
    const named = jobs.find(({ runnerName }) => runnerName !== undefined && (0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .fitsPattern */ .jF)(pattern, runnerName));
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
/** GitHub gives a job to a runner that has all of the job's labels; case does not matter. */
function fitsLabels(job, runners) {
    const wanted = job.labels.map((label) => label.toLowerCase());
    return runners.some((labels) => {
        // A job may have asked for a label that a drain has replaced since.
        const own = new Set(labels.map((label) => (0,_drain_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__/* .originalOf */ .zW)(label).toLowerCase()));
        // Every runner has labels, so none means that they could not be read: then any job may fit.
        return own.size === 0 || wanted.every((label) => own.has(label));
    });
}
/** Once GitHub has given nothing but refusals for this long, in milliseconds, the step decides without the jobs. */
const REFUSED_FOR_MS = 30_000;
/** Refusals that are further apart than this belong to different series: in milliseconds. */
const LONGEST_PAUSE_MS = 30_000;
function createJobReader(jobs, { clock, log }) {
    /** The latest refusals, with no other answer in between: the times of the first and of the last one. */
    let series;
    /** Whether the refusals are final, so that the runners alone decide. */
    let isOff = false;
    let hasWarned = false;
    function refuse({ refused, isFinal, isPartial = false }) {
        const now = clock.now();
        // A partial refusal is never final: the gate reads the jobs again until one of its limits ends the wait.
        if (isPartial) {
            isOff = false;
            series = undefined;
            return { kind: 'no answer', refused };
        }
        const since = series === undefined || now - series.until > LONGEST_PAUSE_MS ? now : series.since;
        series = { since, until: now };
        isOff ||= isFinal || now - since >= REFUSED_FOR_MS;
        if (!isOff)
            return { kind: 'no answer', finalFrom: since + REFUSED_FOR_MS, refused };
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
                series = undefined;
                return findJob(running, owner());
            }
            catch (error) {
                series = undefined;
                throw error;
            }
        },
    };
}
function describeRefusal(refused) {
    return `GitHub has refused to list the jobs in progress for ${(0,_clock_js__WEBPACK_IMPORTED_MODULE_0__/* .seconds */ .YA)(REFUSED_FOR_MS)}: ${refused}. Only the runners themselves now show whether a job runs, and GitHub may show that a minute late: such a job would be killed. Give jobs_token or github_token "Actions: read".`;
}


/***/ }),

/***/ 2044:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   MT: () => (/* binding */ refuseOwnMachine),
/* harmony export */   RJ: () => (/* binding */ warnOfSharedAddress),
/* harmony export */   w: () => (/* binding */ refuseFixedName)
/* harmony export */ });
/* harmony import */ var _controller_instance_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4917);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(452);
/* harmony import */ var _github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(892);
/* harmony import */ var _github_scope_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(7411);
// Refuses to restart the machine that the step runs on.




/**
 * Checks the step's own runner against `runner_name` before any request: possible only if the name has no placeholders.
 * @throws ActionError `self_restart`
 */
function refuseFixedName(ownRunner, { nameTemplate, scope }) {
    const pattern = (0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .fixedPattern */ .VG)(nameTemplate);
    if (pattern !== undefined && mayBeOwn(ownRunner, { pattern, scope }))
        throw selfRestart(ownRunner, { pattern });
}
/**
 * Checks the step's own runner against the VM: its names, its IDs, and `runner_name` if there is one.
 * @throws ActionError `self_restart`
 */
function refuseOwnMachine(ownRunner, instance, { names, watched }) {
    const sign = signOf(ownRunner, instance, watched);
    if (sign !== undefined)
        throw selfRestart(ownRunner, sign);
    for (const former of names) {
        const oldSign = signOf(ownRunner, { ...instance, ...former }, watched);
        if (oldSign !== undefined)
            throw mayHaveBeenRenamed(ownRunner, oldSign);
    }
}
/**
 * `anka-actions/up` names the runner after the instance's external ID, other tools after its name, or after an ID and, for example, the time.
 * An ID that is a UUID cannot be part of another runner's name by chance.
 */
function signOf(ownRunner, instance, watched) {
    const { runnerName } = ownRunner;
    if (runnerName === undefined)
        return undefined;
    const { externalId, name, instanceId, uuid } = instance;
    const own = [externalId, name].find((each) => each !== undefined && (0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .isSameName */ .yS)(each, runnerName)) ??
        [instanceId, uuid].find((id) => id !== undefined && (0,_controller_instance_js__WEBPACK_IMPORTED_MODULE_0__/* .isUuid */ .O1)(id) && (0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .fitsPattern */ .jF)((0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .around */ .mC)(id), runnerName));
    if (own !== undefined)
        return { name: own };
    if (watched === undefined || !(0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .hasValues */ .rV)(instance, watched.nameTemplate))
        return undefined;
    const pattern = (0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .fillPattern */ .ut)(watched.nameTemplate, instance);
    return mayBeOwn(ownRunner, { ...watched, pattern }) ? { pattern } : undefined;
}
/** Whether the step's own runner may be one of these. */
function mayBeOwn({ runnerName, repository }, { pattern, scope }) {
    return runnerName !== undefined && (0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .fitsPattern */ .jF)(pattern, runnerName) && (0,_github_scope_js__WEBPACK_IMPORTED_MODULE_3__/* .mayServe */ .dK)(scope, repository);
}
const WOULD_KILL = 'The restart would kill the job that waits for it';
function selfRestart({ runnerName }, sign) {
    if ('name' in sign || (0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .isExact */ .u0)(sign.pattern))
        return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .ActionError */ .lZ('self_restart', `The step runs on runner "${runnerName}", which is in the VM to restart.`, { hint: `${WOULD_KILL}: run the step on another machine (runs-on).` });
    return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .ActionError */ .lZ('self_restart', `The step runs on runner "${runnerName}", which runner_name ("${(0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .describePattern */ .Qs)(sign.pattern)}") matches, so it may be in the VM to restart.`, {
        hint: `${WOULD_KILL}. If the step runs on another machine, let runner_name match only runners in the VM, for example with {external_id}; otherwise run it on another machine (runs-on).`,
    });
}
/** The other answer may have been outdated or wrong. */
function mayHaveBeenRenamed({ runnerName }, sign) {
    const shown = 'name' in sign
        ? `another answer of the controller showed the VM as "${sign.name}"`
        : `with the names of the VM in another answer of the controller, runner_name is "${(0,_github_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .describePattern */ .Qs)(sign.pattern)}"`;
    return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .ActionError */ .lZ('self_restart', `The step runs on runner "${runnerName}", which may be in the VM to restart: ${shown}.`, {
        hint: `${WOULD_KILL}. If the step runs on another machine, run it again; otherwise run it on another machine (runs-on).`,
    });
}
/**
 * Only warns, because the same address does not prove that it is the same machine: every node gives its VMs the same private addresses.
 * @param addresses those of the machine that runs the step.
 */
function warnOfSharedAddress({ ip }, { addresses, log }) {
    if (ip === undefined || !addresses.includes(ip))
        return;
    log.warning(`The VM to restart and the machine that runs this step have the same address, ${ip}. If they are the same machine, the restart kills this step.`);
}


/***/ })

};
