export const id = 794;
export const ids = [794];
export const modules = {

/***/ 7083:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createDrains: () => (/* binding */ createDrains),
  restoreLeft: () => (/* binding */ restoreLeft)
});

// EXTERNAL MODULE: ./lib/clock.js
var lib_clock = __webpack_require__(5233);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
// EXTERNAL MODULE: ./lib/log.js
var lib_log = __webpack_require__(7309);
// EXTERNAL MODULE: ./lib/drain/drain-labels.js
var drain_labels = __webpack_require__(4542);
;// CONCATENATED MODULE: ./lib/drain/rival-drains.js
// Drains of other steps on the same runner: a drain waits until they end or expire.
//
// Two drains that begin at the same moment do not see each other. So each reads the labels again once its own are there. The one whose owner
// sorts first keeps the runner. The other gives way: it removes its labels, and waits as for any other drain.


/** The default of `timeout`, in milliseconds. */
const DEFAULT_PATIENCE_MS = 300_000;
/** In milliseconds: enough to find out that a runner is gone. */
const LEAST_PATIENCE_MS = 30_000;
/** Bounds for requests about labels. They do not use the deadline of the wait for another drain, which may have passed or be far away. */
function forRequests({ clock, patienceMs = DEFAULT_PATIENCE_MS }, { signal }) {
    return { deadline: clock.now() + Math.max(patienceMs, LEAST_PATIENCE_MS), signal };
}
const ASK_AGAIN_MS = 15_000;
/**
 * Undefined if the runner is gone.
 * @throws ActionError `runner_busy` if another drain lasts beyond the deadline.
 */
async function untilUnclaimed(options, { id, name }, bounds) {
    const { clock, log } = options;
    for (let isLogged = false;; isLogged = true) {
        const seen = await (0,drain_labels/* readSurely */.bo)(options, id, forRequests(options, bounds));
        const [rival] = seen === undefined ? [] : (0,drain_labels/* liveMarks */.b)(seen);
        if (rival === undefined)
            return seen;
        const leftMs = bounds.deadline - clock.now();
        if (leftMs <= 0)
            throw drainedByOther(name, rival);
        if (!isLogged)
            log.info(`Runner "${name}" is drained by run ${rival.runId}; waiting for that drain to end`);
        await clock.sleep(Math.min(ASK_AGAIN_MS, leftMs), bounds.signal);
    }
}
/** Time between two reads while two drains decide which of them keeps the runner: in milliseconds. */
const ASK_RIVAL_MS = 5_000;
/**
 * Whether this drain keeps the runner, which has its labels now: yes, once no other drain has labels there; no, if the owner of another one
 * sorts first. Waits until that is decided.
 * @returns the labels, too; undefined if the runner is gone.
 * @throws ActionError `runner_busy` if another drain was there first and lasts beyond the deadline.
 */
async function untilDecided(options, { id, name, owner }, bounds) {
    const { clock } = options;
    for (;;) {
        const seen = await (0,drain_labels/* readSurely */.bo)(options, id, forRequests(options, bounds));
        const rivals = seen === undefined ? [] : (0,drain_labels/* liveMarks */.b)(seen).filter((mark) => mark.owner !== owner);
        const [rival] = rivals;
        if (rival === undefined)
            return { isKept: true, seen };
        if (rivals.some((mark) => mark.owner < owner))
            return { isKept: false, seen };
        const leftMs = bounds.deadline - clock.now();
        if (leftMs <= 0)
            throw drainedByOther(name, rival);
        await clock.sleep(Math.min(ASK_RIVAL_MS, leftMs), bounds.signal);
    }
}
function drainedByOther(name, { runId, label }) {
    const message = `Runner "${name}" is drained by run ${runId} (label ${label}), and still was when busy_timeout expired. No restart was sent.`;
    const hint = 'Let that run end first (concurrency), or raise busy_timeout.';
    return new errors/* ActionError */.lZ('runner_busy', message, { hint });
}

;// CONCATENATED MODULE: ./lib/drain/drain.js
// Keeps new jobs away from a runner while its VM waits for its job and restarts: replaces each custom label with one that names its owner
// and its expiry, e.g. `macos` with `macos.drained-9001-1764410000`. GitHub stores that state; for the post step, the step
// also saves which runners it has drained (DrainState).
//
// | label                          | when a drain begins               | when it ends                                             |
// | ------------------------------ | --------------------------------- | -------------------------------------------------------- |
// | `macos`                        | becomes this drain's              | stays                                                    |
// | this drain's                   | stays                             | becomes `macos`, or is removed if another drain holds it |
// | another drain's, expired       | becomes `macos`, then this drain's | stays                                                   |
// | another drain's, still running | the step waits for that drain     | stays                                                    |
//
// A runner that registers with `--replace` while it is drained gets `macos` back, and loses this drain's label: the step replaces `macos` again,
// unless another step has drained the runner in the meantime: then it waits for that drain.
//
// rival-drains.ts waits for other drains, and decides between two that begin at the same moment. drain-labels.ts reads and changes labels.
//
// The step adds the new labels one by one, so that other owners' labels stay untouched. It removes an old label only once GitHub shows the
// new one, so that no label is lost.






const NOTHING_LEFT = { state: [], isListed: async () => false };
/** How often a drain begins again because of other drains, and the pause before it does: in milliseconds. */
const MOST_TRIES = 20;
const TRY_AGAIN_MS = 5_000;
function createDrains(options, { state, isListed } = NOTHING_LEFT) {
    const { runId, lifeMs, beginsBy = Number.POSITIVE_INFINITY, clock, log, signal } = options;
    const labels = withProgressLog(options, {
        onUnsure: (id) => unsure.add(id),
        onChange: (id) => changedAt.set(id, clock.now()),
    });
    const api = { labels, clock, log };
    /** A runner whose labels GitHub refused to restore is still drained, and counts toward MOST_DRAINED. */
    const drained = new Map(state.map((each) => [each.id, each]));
    const notDrained = new Set();
    /** The drains that are changing labels, by the ID of their runner. */
    const changing = new Map();
    /**
     * Runners for which GitHub may still make a change: their drain failed, was canceled or was killed, or repeated a request because the
     * first got no answer.
     */
    const unsure = new Set(state.map(({ id }) => id));
    /** When GitHub last confirmed a change of a drain, by the ID of its runner; in the post step, it may have been just now. */
    const changedAt = new Map(state.map(({ id }) => [id, clock.now()]));
    /** Drains that are over, but that the post step checks again: GitHub may make a change late, or show a runner again. */
    const toCheck = [];
    function saveState() {
        const gone = toCheck.filter(({ isGone = false }) => isGone).reverse();
        const others = toCheck.filter(({ isGone = false }) => !isGone);
        options.saveState(shortened([...drained.values(), ...others, ...gone]));
    }
    /** A cancellation ends the wait, but not the request that was sent: to restore the labels, the step must know what it changed. */
    function drain(runner, bounds) {
        const { id } = runner;
        const work = change(runner, bounds).finally(() => changing.delete(id));
        const fail = () => void unsure.add(id);
        changing.set(id, work.then(() => { }, fail));
        return (0,lib_clock/* unlessAborted */.Wh)(bounds.signal, work);
    }
    async function change(runner, bounds) {
        const { id, ephemeral } = runner;
        const known = drained.get(id);
        if (known !== undefined)
            return drainAgain(runner, known, bounds);
        if (ephemeral)
            return leaveOut(runner, 'it takes one job only');
        if (new Set([...drained.keys(), ...changing.keys()]).size >= drain_labels/* MOST_DRAINED */.Cf)
            return leaveOut(runner, `${drain_labels/* MOST_DRAINED */.Cf} others are drained already, which is the limit`);
        if (clock.now() > beginsBy)
            return leaveOut(runner, 'the token might expire before its labels are restored');
        return begin(runner, bounds);
    }
    function leaveOut({ id, name }, reason) {
        if (!notDrained.has(id))
            log.info(`Runner "${name}" is not drained: ${reason}`);
        notDrained.add(id);
        return false;
    }
    /** @returns true: finding that out took seconds, so the gate has to read its runners again. */
    function leaveGone(runner) {
        leaveOut(runner, 'it is no longer registered');
        return true;
    }
    async function begin(runner, bounds) {
        for (let tries = 1; tries <= MOST_TRIES; tries++) {
            const end = await tryToBegin(runner, bounds);
            if (end === 'gone')
                return leaveGone(runner);
            if (end === 'drained')
                return true;
            if (tries > 1)
                await clock.sleep(TRY_AGAIN_MS, bounds.signal);
        }
        throw contradictory(runner);
    }
    /** @returns `again` after changing labels because of another drain: one that has expired, or one that keeps the runner. */
    async function tryToBegin(runner, bounds) {
        const { id } = runner;
        const unclaimed = await untilUnclaimed({ ...options, ...api }, runner, bounds);
        if (unclaimed === undefined)
            return 'gone';
        const owner = (0,drain_labels/* ownerOf */.bf)(runId, unclaimed.date + lifeMs);
        if ((0,drain_labels/* expiredMarks */.S6)(unclaimed).length > 0) {
            await (0,drain_labels/* restoreLabels */.Kz)(api, { id, due: drain_labels/* expiredMarks */.S6 }, forRequests(options, bounds));
            return 'again';
        }
        const own = claimFor(runner, unclaimed, owner);
        await (0,drain_labels/* addMarks */.cA)(api, own, forRequests(options, bounds));
        const { isKept, seen } = await untilDecided({ ...options, ...api }, own, bounds);
        if (seen === undefined)
            return 'gone';
        if (!isKept) {
            await (0,drain_labels/* removeMarks */.nP)(api, own, forRequests(options, bounds));
            // The other drain may have ended since, and left its labels to this one's marks, which are gone now.
            const due = { ...(0,drain_labels/* ownMarks */.hV)(own), restored: own.names };
            forget(own, await (0,drain_labels/* restoreLabels */.Kz)(api, due, forRequests(options, bounds)));
            return 'again';
        }
        if (!(await replace(own, seen, forRequests(options, bounds))))
            return 'gone';
        log.info(describeDrained(own));
        return 'drained';
    }
    /** Nothing is changed yet. */
    function claimFor({ id, name }, seen, owner) {
        const custom = (0,drain_labels/* customLabels */.Vi)(seen);
        const names = custom.filter((label) => (0,drain_labels/* isReplaceable */.ZN)(label, owner));
        const kept = custom.filter((label) => !(0,drain_labels/* isReplaceable */.ZN)(label, owner));
        if (names.length === 0)
            throw withoutLabel(name, kept);
        if (kept.length > 0)
            log.info(`Runner "${name}" keeps the labels ${kept.join(', ')}, which cannot be replaced: ${UNREPLACEABLE}`);
        const own = { id, name, owner, names };
        drained.set(id, own);
        try {
            saveState();
        }
        catch (cause) {
            drained.delete(id);
            throw notSaved(cause);
        }
        return own;
    }
    function replace(own, seen, bounds) {
        const onUnshown = () => log.info(`GitHub confirmed new labels of runner "${own.name}" but does not show them; adding them again`);
        return (0,drain_labels/* replaceLabels */.aS)(api, { ...own, seen, onUnshown }, bounds);
    }
    async function drainAgain(runner, known, bounds) {
        const { id, name } = known;
        if (backOf(known, runner).length === 0 && !(0,drain_labels/* isTakenOver */.Gj)(known, runner))
            return false;
        let seen = await api.labels.read(id, forRequests(options, bounds));
        while (seen !== undefined && (0,drain_labels/* isTakenOver */.Gj)(known, seen) && mayLag(id)) {
            await clock.sleep(TRY_AGAIN_MS, bounds.signal);
            seen = await api.labels.read(id, forRequests(options, bounds));
        }
        if (seen === undefined)
            return false;
        if ((0,drain_labels/* isTakenOver */.Gj)(known, seen)) {
            unsure.add(id);
            forget(known, []);
            return begin(runner, bounds);
        }
        const back = backOf(known, seen);
        if (back.length === 0)
            return false;
        if (!(await replace({ ...known, names: back }, seen, forRequests(options, bounds))))
            return leaveGone(runner);
        log.info(`Runner "${name}" had the labels ${back.join(', ')} again, and is drained of them again`);
        return true;
    }
    async function restore(id) {
        const known = drained.get(id);
        if (known === undefined)
            return;
        const isOver = !signal.aborted && (await tryToRestore(known, { ms: RESTORE_MS, signal }));
        if (!isOver)
            await tryToRestore(known, { ms: RESTORE_AFTER_CANCELLATION_MS, signal: lib_clock/* NEVER */.tm });
    }
    /** @returns false if a cancellation cut it off. */
    async function tryToRestore(known, limit) {
        const { id, name, owner } = known;
        const startedAt = clock.now();
        try {
            const restored = await (0,lib_clock/* unlessAborted */.Wh)(limit.signal, restoreUnlessSuspended(known, limit));
            log.info(describeRestored(known, restored));
            forget(known, restored);
        }
        catch (error) {
            if (limit.signal.aborted)
                return false;
            log.warning(`The labels of runner "${name}" (ID ${id}) were not restored: the step gave up after ${(0,lib_clock/* minutes */.Gx)(clock.now() - startedAt)}. For each label that ends in ${drain_labels/* MARK */.M$}${owner}, add one without that ending, then remove it. ${(0,errors/* asActionError */.z6)(error).message}`);
        }
        return true;
    }
    /** @param restored undefined if GitHub did not find the runner. */
    function forget(known, restored) {
        const { id, name } = known;
        const names = changedAt.has(id) ? known.names : [];
        drained.delete(id);
        if (restored === undefined)
            toCheck.push({ ...known, isGone: true });
        else if (unsure.has(id))
            toCheck.push({ ...known, names, restored });
        unsure.delete(id);
        changedAt.delete(id);
        try {
            saveState();
        }
        catch (error) {
            log.info(`The post step will check the labels of runner "${name}" again, because the state cannot be saved: ${(0,errors/* describeCause */.V$)(error)}`);
        }
    }
    /** If the process was suspended past the limit, it may hardly have had time to ask GitHub, so it tries once more. */
    async function restoreUnlessSuspended(known, limit) {
        const startedAt = clock.now();
        try {
            return await restoreNow(known, limit);
        }
        catch (error) {
            if (clock.now() - startedAt < limit.ms + SUSPENDED_MS)
                throw error;
            return restoreNow(known, limit);
        }
    }
    async function restoreNow(known, { ms, signal: until }) {
        const { id } = known;
        const bounds = { deadline: clock.now() + ms, signal: until };
        if (known.isGone && !(await isListed(id, bounds)))
            return undefined;
        const change = changing.get(id);
        if (change !== undefined)
            await (0,lib_clock/* within */.ux)(clock, { ms: ms * SHARE_FOR_CHANGE, signal: until }, () => change).catch(() => {
                throw stillChanging();
            });
        const latest = Math.min(clock.now() + LATE_CHANGE_MS, bounds.deadline - LATE_CHANGE_MS);
        const rest = unsure.has(id) ? { unsureUntil: latest } : {};
        const due = { ...(0,drain_labels/* ownMarks */.hV)(known), restored: known.restored, doubtful: doubtsAbout(known) };
        const restored = await (0,drain_labels/* restoreLabels */.Kz)(api, { ...due, ...rest }, bounds);
        if (restored === undefined && (await isListed(id, bounds)))
            throw drain_hidden();
        return restored;
    }
    /** Whether a read may be from before the last change of this runner's labels. */
    function mayLag(id) {
        return clock.now() - (changedAt.get(id) ?? Number.NEGATIVE_INFINITY) <= LONGEST_LAG_MS;
    }
    /** If the first read proves to be doubtful, the post step checks the runner again. */
    function doubtsAbout(known) {
        const { id } = known;
        if (!mayLag(id))
            return () => [];
        return (seen) => {
            const doubts = (0,drain_labels/* doubtfulMarks */.cu)(known, seen);
            if (doubts.length > 0)
                unsure.add(id);
            return doubts;
        };
    }
    return { drain, restore };
}
/** No environment variable of Windows is longer than 32,767 characters. The post step gets the state in one. */
const LONGEST_STATE = 30_000;
/** In milliseconds: after this time, GitHub's reads show a change. Its replicas lag by a second or two, during an incident by more. */
const LONGEST_LAG_MS = 60_000;
/**
 * Failed requests are logged, and become a warning if there are only failures for a while.
 * @param on called with the runner's ID.
 */
function withProgressLog({ labels, clock, log }, on) {
    const about = 'the labels of a runner';
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined, server: 'GitHub', about });
    const reporting = (bounds, onFault = () => { }) => ({
        ...bounds,
        onFault(fault) {
            progress.fault(fault);
            onFault();
        },
    });
    async function answered(work) {
        const answer = await work;
        progress.answered();
        return answer;
    }
    async function drainWith(id, bounds, send) {
        await answered(send(reporting(bounds, () => on.onUnsure(id))));
        on.onChange(id);
    }
    return {
        read: (id, bounds) => answered(labels.read(id, reporting(bounds))),
        add: (id, label, bounds) => (0,drain_labels/* isMark */.qi)(label)
            ? drainWith(id, bounds, (reported) => labels.add(id, label, reported))
            : answered(labels.add(id, label, reporting(bounds))),
        remove: (id, label, bounds) => (0,drain_labels/* isMark */.qi)(label)
            ? answered(labels.remove(id, label, reporting(bounds)))
            : drainWith(id, bounds, (reported) => labels.remove(id, label, reported)),
    };
}
/** The labels of the drain that the runner has again. */
function backOf({ names }, { labels }) {
    return (0,drain_labels/* shownOf */.Rp)(names, { labels });
}
/** How long to keep trying to restore a runner's labels, in milliseconds: GitHub's rate limits may allow no request for a minute or two. */
const RESTORE_MS = 180_000;
/** The same after a cancellation. */
const RESTORE_AFTER_CANCELLATION_MS = 5_000;
/** The share of either limit that restoring may spend waiting for the answer to a change that was sent before. */
const SHARE_FOR_CHANGE = 0.7;
/** GitHub may make a change this long after the connection was lost. In milliseconds. */
const LATE_CHANGE_MS = 2_000;
/** If restoring ends this long after its limit, the process was suspended. In milliseconds. */
const SUSPENDED_MS = 2_000;
/** What fits into the state, the most important first: without the names of labels if it is too long, and then without the last ones. */
function shortened(state) {
    if (JSON.stringify(state).length <= LONGEST_STATE)
        return state;
    let length = 0;
    return state
        .map((each) => ({ ...each, names: [] }))
        .filter((each) => {
        length += JSON.stringify(each).length + 1;
        return length <= LONGEST_STATE;
    });
}
/** The post step: restores what the step has left. A runner may have been drained several times, so each drain is restored by itself. */
async function restoreLeft(state, { runners, ...options }) {
    let reading;
    /** One list serves all: after a reset of a large pool, hundreds of runners may have new registrations. */
    async function isListed(id, bounds) {
        reading ??= runners.listAll(bounds).catch((error) => {
            reading = undefined;
            throw error;
        });
        const list = await reading;
        return list.runners.some((runner) => runner.id === id);
    }
    const left = stateFrom((0,json/* parseJson */.qF)(state));
    await Promise.all(left.map((each) => createDrains(options, { state: [each], isListed }).restore(each.id)));
}
function stateFrom(state) {
    return (Array.isArray(state) ? state : []).flatMap((each) => {
        const { id, name, owner, names, isGone, restored } = (0,json/* isRecord */.u4)(each) ? each : {};
        if (typeof id !== 'number' || typeof name !== 'string' || typeof owner !== 'string')
            return [];
        const replaced = textsIn(names).filter((label) => (0,drain_labels/* isReplaceable */.ZN)(label, owner));
        return [{ id, name, owner, names: replaced, isGone: isGone === true, restored: textsIn(restored) }];
    });
}
function textsIn(value) {
    return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
function describeDrained({ name, names }) {
    return `Runner "${name}" is drained of ${names.join(', ')}: jobs that ask for none of these labels still reach it`;
}
function describeRestored({ name }, restored) {
    if (restored === undefined)
        return `Runner "${name}" is no longer registered, so it has no labels to restore`;
    return `The labels of runner "${name}" are restored`;
}
function notSaved(cause) {
    const message = `The state for the post step cannot be saved, so the runner was not drained: ${(0,errors/* describeCause */.V$)(cause)}.`;
    const hint = 'Check the file that GITHUB_STATE names, and the disk of the machine that runs the step.';
    return new errors/* ActionError */.lZ('internal_error', message, { hint, cause });
}
/** By the date of one answer, another drain's label has expired, and by that of the next one it has not. */
function contradictory({ name }) {
    const message = `GitHub's answers contradict each other about the drains of runner "${name}". No restart was sent.`;
    return new errors/* ActionError */.lZ('github_api_failed', message, { hint: 'Check the clocks of the GitHub servers.' });
}
function stillChanging() {
    return new errors/* ActionError */.lZ('github_api_failed', 'GitHub has not answered the last change of the labels.');
}
function drain_hidden() {
    const message = 'GitHub lists the runner, but answers HTTP 404 when it is asked for it.';
    return new errors/* ActionError */.lZ('github_api_failed', message);
}
const UNREPLACEABLE = 'they are too long, or only dots';
/** @param kept its custom labels. */
function withoutLabel(name, kept) {
    const why = kept.length === 0 ? '' : ` (${kept.join(', ')}: ${UNREPLACEABLE})`;
    const message = `Runner "${name}" has no custom label that can be replaced${why}, so it cannot be drained: jobs that ask for its default labels would still reach it.`;
    const hint = 'Give the runner a custom label and let the jobs ask for it (runs-on), or leave out drain.';
    return new errors/* ActionError */.lZ('invalid_input', message, { hint });
}


/***/ }),

/***/ 7837:
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
// EXTERNAL MODULE: ./lib/github/github-faults.js
var github_faults = __webpack_require__(1688);
// EXTERNAL MODULE: ./lib/clock.js
var clock = __webpack_require__(5233);
;// CONCATENATED MODULE: ./lib/github/github-fetch.js



/** A page of 100 runners has about 60 KiB; a page of 100 runs, or of 100 jobs with all their steps, can have 2 MiB and more. */
const MAX_BYTES = 16 * 1024 * 1024;
/**
 * A path with a segment `.` or `..`, encoded or not, or with an empty last segment. Such a request goes to another path: with such a label
 * name, DELETE would remove all labels, or the runner.
 */
const LEADS_ELSEWHERE = /\/(?:(?:\.|%2e){1,2}(?:\/|$)|$)/i;
/**
 * Sends octokit's requests over the same transport as the controller's, so that limits of time and size, and proxies are in one place. They
 * go only to the base URL's server. The returned function throws UnusableAnswer if asking again may help, and ActionError
 * `github_api_failed` if it never will.
 */
function createFetch({ baseUrl, transport, bounds, onAnswer }) {
    return async (url, { method, headers, body = '' }) => {
        const path = url.slice(baseUrl.length);
        if (LEADS_ELSEWHERE.test(path.replace(/\?.*$/s, '')))
            throw namesElsewhere();
        // Adding or removing a label twice has the same effect as once, so every request can be repeated.
        const rest = { headers, body: (0,json/* parseJson */.qF)(body), maxBytes: MAX_BYTES, isWrite: false };
        const request = { method: methodOf(method), path, ...rest };
        bounds.signal.throwIfAborted();
        const result = await transport.send(request, request.method === 'GET' ? bounds : uncut(bounds));
        if ('noAnswer' in result)
            throw failureOf(result.noAnswer);
        onAnswer(result.answer);
        return responseOf(result.answer);
    };
}
/** An abort does not cut off a change of labels once it is sent: restoring them must know what it has changed. */
function uncut(bounds) {
    return { ...bounds, signal: clock/* NEVER */.tm };
}
function methodOf(method) {
    return method === 'POST' || method === 'DELETE' ? method : 'GET';
}
function namesElsewhere() {
    const message = 'A request to GitHub was not sent: a name in its path is blank, "." or "..", so it would go to another place.';
    return new errors/* ActionError */.lZ('github_api_failed', message);
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

;// CONCATENATED MODULE: ./lib/github/github-client.js






function createToken(input, value) {
    return { input, value, allowedAt: Number.NEGATIVE_INFINITY, refusedAt: Number.NEGATIVE_INFINITY };
}
const PER_PAGE = 100;
/** The client reads no more pages of a list. GitHub itself ends a list of workflow runs after 1,000 runs. */
const MOST_PAGES = 100;
/** A refused token goes last for this long, in milliseconds: a reading takes many requests. */
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
            // Other requests may be in flight: the pause that one answer requires must not shorten another's pause.
            token.allowedAt = Math.max(token.allowedAt, clock.now() + ((0,github_faults/* rateLimitMs */.UW)(reply.denied) ?? 0));
        }
        return denial === undefined
            ? { fault: notAllowedYet(tokens, clock.now()) }
            : afterDenial(denial, question);
    }
    async function askForList(question) {
        const items = [];
        let total;
        for (let page = 1;; page++) {
            const parameters = { ...question.parameters, per_page: PER_PAGE, ...(page === 1 ? {} : { page }) };
            const answer = await ask({ ...question, parameters });
            if ('status' in answer)
                return answer;
            items.push(...answer.data);
            total = highest(total, answer.total);
            const { goesOn, isCut } = endOf(answer, items.length);
            if (!goesOn || page === MOST_PAGES)
                return { items, pages: page, total, isCut, date: answer.date };
        }
    }
    return { ask, askForList };
}
/** The highest of the counts; undefined if GitHub gave none. */
function highest(...counts) {
    const given = counts.filter((count) => count !== undefined);
    return given.length === 0 ? undefined : Math.max(...given);
}
/**
 * Whether more pages follow, and whether the list has more items than were read. Without a `Link` header, the count decides: a full page
 * is the last one only if the count is reached exactly.
 */
function endOf({ data, hasNext, total }, read) {
    const isOpen = data.length >= PER_PAGE && read !== total;
    return { goesOn: hasNext ?? isOpen, isCut: hasNext === true || isOpen };
}
/** The tokens that GitHub's limits allow; one that was just refused comes last. */
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
function givenUp({ reason, message, hint, cause }, isFinal) {
    const gaveUp = `GitHub gave no usable answer; last attempt: ${reason}.`;
    return new errors/* ActionError */.lZ('github_api_failed', message ?? gaveUp, { hint, cause, isTransient: !isFinal });
}
/** The query of a URL in a text. It may contain a name from the controller, which masks do not match when it is encoded. */
const QUERY = /\?[^\s"]*/g;
function createOctokit({ baseUrl, transport, debug }, onAnswer) {
    // Octokit writes to the console if a method is missing here; @octokit/request has its own setting.
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
 * The answer, with any status. Octokit's error contains the request, including the token, so it must not become the cause of another
 * error.
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
/** Undefined if it is not the requested data. */
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
/** It contains several URLs. */
const LONGEST_LINK = 10_000;
function dateOf({ headers }) {
    const date = Date.parse((0,json/* text */.Qq)(headers, 'date') ?? '');
    return Number.isNaN(date) ? undefined : date;
}


/***/ }),

/***/ 3581:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Yg: () => (/* binding */ describeRunner),
/* harmony export */   fY: () => (/* binding */ readRunner),
/* harmony export */   k2: () => (/* binding */ readLabels),
/* harmony export */   xd: () => (/* binding */ listedRunners)
/* harmony export */ });
/* harmony import */ var _http_json_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1528);
/* harmony import */ var _github_client_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(7837);
/* harmony import */ var _runner_names_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(892);



/** e.g. `online, busy`. */
function describeRunner({ isOnline, isBusy }) {
    return `${isOnline ? 'online' : 'offline'}, ${isBusy ? 'busy' : 'idle'}`;
}
// ---- answers ----
/** Says which runner it is, as far as that is known, and which field is wrong. */
function unreadable(fields) {
    const [name, status] = [(0,_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .runnerNameIn */ .H6)(fields, 'name'), (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .text */ .Qq)(fields, 'status')];
    const checks = [
        ['id', typeof fields['id'] === 'number'],
        ['name', name !== undefined],
        ['status', status !== undefined],
        ['busy', typeof fields['busy'] === 'boolean'],
    ];
    const missing = checks.filter(([, isThere]) => !isThere).map(([field]) => field);
    const problem = missing.length > 0
        ? `that lacks ${missing.join(', ')}`
        : `whose status is "${status}", neither "online" nor "offline"`;
    return new _http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .UnusableAnswer */ .kf(`it answered with ${name === undefined ? 'a runner' : `runner "${name}"`} ${problem}`);
}
/** @throws UnusableAnswer if it cannot be read. */
function readRunner(data) {
    const fields = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(data) ? data : {};
    const runner = runnerFrom(fields);
    if (runner === undefined)
        throw unreadable(fields);
    return runner;
}
function runnerFrom(fields) {
    const { id, busy } = fields;
    const [name, status] = [(0,_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .runnerNameIn */ .H6)(fields, 'name'), (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .text */ .Qq)(fields, 'status')];
    // An unknown status is not "offline": a runner that was seen offline is part of the proof that it came back.
    const isKnown = status === 'online' || status === 'offline';
    if (typeof id !== 'number' || typeof busy !== 'boolean' || name === undefined || !isKnown)
        return undefined;
    const { ephemeral } = fields;
    return {
        ...{ id, name, isOnline: status === 'online', isBusy: busy, labels: labelsFrom(fields) },
        ephemeral: typeof ephemeral === 'boolean' ? ephemeral : undefined,
        version: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .text */ .Qq)(fields, 'version'),
    };
}
const LONGEST_LABEL = 256;
function labelsFrom({ labels }) {
    return (Array.isArray(labels) ? labels : []).flatMap((label) => {
        const name = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(label) ? (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .text */ .Qq)(label, 'name', LONGEST_LABEL) : undefined;
        if (!(0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(label) || name === undefined)
            return [];
        return { name, type: label['type'] === 'custom' ? 'custom' : 'read-only' };
    });
}
/**
 * All labels of the runner: the step would not restore a missing one.
 * @throws UnusableAnswer if one of them cannot be read.
 */
function readLabels(data) {
    const labels = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(data) ? data['labels'] : undefined;
    const isWhole = Array.isArray(labels) && labels.every(isLabel);
    if (!isWhole)
        throw new _http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .UnusableAnswer */ .kf('it answered with a runner whose labels cannot be read');
    return readRunner(data).labels;
}
function isLabel(label) {
    if (!(0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(label) || (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .text */ .Qq)(label, 'name', LONGEST_LABEL) === undefined)
        return false;
    return label['type'] === 'custom' || label['type'] === 'read-only';
}
/** @throws UnusableAnswer if there is no list. */
function listedRunners(data) {
    const items = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(data) ? data['runners'] : undefined;
    if (!Array.isArray(items))
        throw new _http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .UnusableAnswer */ .kf('it answered without a list of runners');
    if (items.length > _github_client_js__WEBPACK_IMPORTED_MODULE_1__/* .PER_PAGE */ .EK)
        throw new _http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .UnusableAnswer */ .kf('it answered with more runners than were asked for');
    return items.map((item) => {
        const fields = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(item) ? item : {};
        const runner = runnerFrom(fields);
        const problem = runner === undefined ? unreadable(fields) : undefined;
        return { name: (0,_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .runnerNameIn */ .H6)(fields, 'name'), runner, problem };
    });
}


/***/ }),

/***/ 7737:
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
// EXTERNAL MODULE: ./lib/github/github-client.js + 1 modules
var github_client = __webpack_require__(7837);
// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
// EXTERNAL MODULE: ./lib/github/runner-names.js
var runner_names = __webpack_require__(892);
;// CONCATENATED MODULE: ./lib/github/job.js



/** Matrix jobs have long names. */
const LONGEST_SHOWN_NAME = 1_000;
/** @throws UnusableAnswer if there is no list of runs, or if a run has no ID. */
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
/** @throws UnusableAnswer if there is no list of jobs, or if a job has no status. */
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
        // GitHub writes 0 if it has no ID for a runner.
        runnerId: typeof id === 'number' && id > 0 ? id : undefined,
        ...{ runnerName: (0,runner_names/* runnerNameIn */.H6)(fields, 'runner_name'), runnerGroup: (0,json/* text */.Qq)(fields, 'runner_group_name') },
    };
}

;// CONCATENATED MODULE: ./lib/github/jobs.js
// The jobs source. GitHub's runners API shows late that a runner is busy, and sometimes shows it idle during a job. The jobs of a repository
// say on which runner each of them runs. So this module reads the runs that are not completed, then the jobs of each. That requires
// another permission, so it can use another token.


/** How many runs' jobs are read at a time: GitHub allows 100 concurrent requests, and a reading must not take long. */
const AT_ONCE = 16;
/** The jobs of one repository. A refusal is not remembered: each reading asks again. A reading that ran out of time is continued by the next one. */
function createJobsSource(place, { clock, log }) {
    const ofRuns = new Map();
    const ofJobs = new Map();
    const kept = createKeptJobs(clock);
    let isLogged = false;
    /** Only a detail, because there is a warning once the refusals are final. */
    function logOnce({ refused }) {
        if (!isLogged)
            log.debug(`GitHub does not show the workflow runs (${refused}). ${JOBS_ACCESS.permission}`);
        isLogged = true;
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
                logOnce(runs);
                return runs;
            }
            return (await readJobs(runs, bounds)).filter(isRunning);
        },
    };
}
/** A job that has a runner runs there, whatever its status, until it is completed. */
function isRunning({ status, runnerName, runnerId }) {
    return status === 'in_progress' || (status !== 'completed' && (runnerName ?? runnerId) !== undefined);
}
// ---- what is kept ----
/** How long to keep parts of a reading that takes several calls: in milliseconds. */
const KEPT_MS = 90_000;
/** How long to keep them once that reading is complete: in milliseconds. The reading right before the restart asks for all older ones again. */
const KEPT_AFTER_MS = 10_000;
/**
 * The jobs by run, so that a reading that ran out of time resumes where it stopped. A run that has changed since is
 * read again. A reading that was complete in one call is forgotten at once. The newest parts of one that took several calls are kept for a
 * moment, so that the reading right before the restart does not take as long again.
 */
function createKeptJobs(clock) {
    const kept = new Map();
    let isResumed = false;
    let isComplete = true;
    const keyOf = ({ id, state }) => `${id} ${state}`;
    return {
        begin() {
            const oldest = clock.now() - (isComplete ? KEPT_AFTER_MS : KEPT_MS);
            for (const [key, { readAt }] of kept)
                if (readAt < oldest)
                    kept.delete(key);
            isResumed = kept.size > 0;
            isComplete = false;
        },
        get(run) {
            return kept.get(keyOf(run))?.jobs;
        },
        keep(run, jobs) {
            const before = kept.get(keyOf(run));
            if (before?.jobs !== jobs)
                kept.set(keyOf(run), { jobs, readAt: clock.now() });
        },
        finish() {
            if (!isResumed)
                kept.clear();
            isComplete = true;
        },
    };
}
/** The jobs source of a step that runs for no repository. */
function createNoJobsSource(log) {
    let isLogged = false;
    return {
        async runningJobs() {
            if (!isLogged)
                log.info('GITHUB_REPOSITORY is not set: only the runner itself can tell whether a job runs');
            isLogged = true;
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
/** After "Re-run failed jobs", a job appears once per attempt that ran it. */
function latestOf(jobs) {
    const attempts = new Map();
    for (const { name, attempt } of jobs)
        attempts.set(name, Math.max(attempt, attempts.get(name) ?? 0));
    return jobs.filter(({ name, attempt }) => attempts.get(name) === attempt);
}
// ---- requests ----
/**
 * A run's status follows its least advanced job: with one job in progress and another one queued it is `queued`. So this reads the runs of
 * every status except `completed`, and the status of each job decides.
 */
const OTHER_STATUSES = ['queued', 'pending', 'waiting', 'requested'];
async function askForRuns(place, request) {
    const first = await askForRunsOf(place, 'in_progress', request);
    if ('said' in first)
        return { refused: first.said, isFinal: false };
    const others = OTHER_STATUSES.map((status) => askForRunsOf(place, status, request));
    // A run that changes its status while the lists are read may be missing from all of them.
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
/** @throws ActionError, transient, if the list lacks jobs: one of these may be on the runner. */
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
/** @throws ActionError, transient, if the run no longer exists: it was deleted, so it had ended. */
async function askForJobs(place, request) {
    const list = await place.client.askForList({
        ...{ ...jobsQuestion(place, request), ...request, otherAnswers: REFUSED_JOBS },
    });
    if ('items' in list) {
        requireWhole(list, `jobs of run ${request.runId}`, request);
        return list.items;
    }
    const message = `A workflow run that GitHub had just listed is gone (${list.said}).`;
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
    permission: 'The token needs "Actions: read" for that repository; in a workflow: permissions: actions: read.',
    input: 'the name of the repository',
};
/** Does not include HTTP 401: a token that GitHub does not know cannot read the runners, either. */
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

// EXTERNAL MODULE: ./lib/github/runner.js
var github_runner = __webpack_require__(3581);
// EXTERNAL MODULE: ./lib/github/scope.js
var github_scope = __webpack_require__(7411);
;// CONCATENATED MODULE: ./lib/github/runner-labels.js



function createRunnerLabels(client, scope) {
    const { path, parameters } = (0,github_scope/* runnersPath */.xr)(scope);
    const about = {
        ...{ subject: `the labels of the self-hosted runners of ${(0,github_scope/* describeScope */.OI)(scope)}`, input: 'runner_scope' },
        permission: (0,github_scope/* changingToken */.f2)(scope),
    };
    const nothing = () => undefined;
    return {
        async read(id, bounds) {
            const answer = await client.ask({
                ...{ ...bounds, ...about, route: `GET ${path}/{runner_id}`, otherAnswers: [404] },
                ...{ parameters: { ...parameters, runner_id: id }, read: github_runner/* readLabels */.k2 },
            });
            if ('status' in answer)
                return undefined;
            if (answer.date === undefined)
                throw new errors/* ActionError */.lZ('github_api_failed', 'GitHub answered without a Date, so no label can carry an expiry time.');
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

// EXTERNAL MODULE: ./lib/github/github-faults.js
var github_faults = __webpack_require__(1688);
;// CONCATENATED MODULE: ./lib/github/runners.js





function createRunners(client, scope, { clock, onList = () => { } }) {
    const place = { subject: `the self-hosted runners of ${(0,github_scope/* describeScope */.OI)(scope)}`, input: 'runner_scope' };
    const about = { ...place, permission: (0,github_scope/* fittingToken */.jr)(scope) };
    const { path, parameters } = (0,github_scope/* runnersPath */.xr)(scope);
    const ofOne = new Map();
    const ofPages = new Map();
    const shownBusyAt = new Map();
    /** Whether the last whole list had several pages, between which runners can move. */
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
        const named = await listByName(pattern, bounds);
        if (named.length > 0)
            return named;
        const first = await listWhole(pattern, bounds);
        return first.length === 0 && hasManyPages ? listWhole(pattern, bounds) : first;
    }
    /** Uses GitHub's name filter, which may be case-sensitive or match too much. Not needed if the list has one page. */
    async function listByName(pattern, bounds) {
        if (!hasManyPages || !(0,runner_names/* isExact */.u0)(pattern))
            return [];
        return [...(await readPages(pattern, bounds, (0,runner_names/* describePattern */.Qs)(pattern))).runners];
    }
    async function listWhole(pattern, bounds) {
        const { runners, pages, whyIncomplete } = await readAll(pattern, bounds);
        const lacks = whyIncomplete(pattern);
        hasManyPages = pages > 1;
        if (lacks === undefined || ((0,runner_names/* isExact */.u0)(pattern) && runners.length > 0))
            return [...runners];
        const named = await listByName(pattern, bounds);
        if (named.length > 0)
            return named;
        bounds.onFault?.((0,github_faults/* faultOfUnreadable */.Bm)(lacks));
        throw lacks;
    }
    /** A runner that unregisters between two pages makes a list too short; the next list seldom is. */
    async function readAll(pattern, bounds) {
        const { isShort, ...list } = await readPages(pattern, bounds);
        const isFound = pattern !== undefined && (0,runner_names/* isExact */.u0)(pattern) && list.runners.length > 0;
        return isShort && !isFound ? readPages(pattern, bounds) : list;
    }
    /** @throws ActionError as the client does, also if a runner that may fit the pattern stays unreadable. */
    async function readPages(pattern, bounds, name) {
        const list = await client.askForList({
            ...{ ...bounds, ...about, route: `GET ${path}`, memory: ofPages, read: github_runner/* listedRunners */.xd },
            parameters: name === undefined ? parameters : { ...parameters, name },
            check(page) {
                for (const { runner } of page)
                    if (runner?.isBusy)
                        shownBusyAt.set(runner.id, clock.now());
                for (const item of page)
                    requireReadable(item, pattern);
            },
        });
        const { items, pages, total = 0, isCut, date } = list;
        const listed = distinct(items.flatMap(({ runner }) => runner ?? []));
        if (date !== undefined)
            onList({ runners: listed, date });
        const fitting = listed.filter(({ name: its }) => pattern === undefined || (0,runner_names/* fitsPattern */.jF)(pattern, its));
        const unreadable = items.filter(({ problem }) => problem !== undefined);
        const known = listed.length + unreadable.length;
        const reason = `its list of ${place.subject} has only ${known} of ${total}, and the runner may be among the rest`;
        const lacks = isCut || known < total ? new json/* UnusableAnswer */.kf(reason, { hint: INCOMPLETE }) : undefined;
        const whyIncomplete = (wanted) => lacks ?? unreadable.find((item) => mayFit(item, wanted))?.problem;
        return { runners: fitting, pages, whyIncomplete, isShort: !isCut && known < total };
    }
    const listAll = (bounds) => readAll(undefined, bounds);
    return {
        ...{ getRunner, pollRunner: getRunner, listAll, listRunners },
        shownBusyAt: (id) => shownBusyAt.get(id),
    };
}
/** A runner that moves to the next page appears twice: the later entry counts, but the runner is busy if either entry says so. */
function distinct(runners) {
    const byId = new Map();
    for (const runner of runners) {
        const isBusy = runner.isBusy || byId.get(runner.id)?.isBusy === true;
        byId.set(runner.id, { ...runner, isBusy });
    }
    return [...byId.values()];
}
const INCOMPLETE = 'Remove registrations that are no longer used. With more than 10,000 runners, a runner can be found only by its full name, without "*".';
/** @throws UnusableAnswer if the data is not the runner with this ID. */
function requireRunner(data, id) {
    const runner = (0,github_runner/* readRunner */.fY)(data);
    if (runner.id !== id)
        throw new json/* UnusableAnswer */.kf('it answered with another runner');
    return runner;
}
/** @throws UnusableAnswer */
function requireReadable({ name, problem }, pattern) {
    if (problem !== undefined && pattern !== undefined && mayFit({ name }, pattern))
        throw problem;
}
/** A runner whose name is unknown could be the requested one. */
function mayFit({ name }, pattern) {
    return name === undefined || (0,runner_names/* fitsPattern */.jF)(pattern, name);
}

;// CONCATENATED MODULE: ./lib/github/sources.js







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
    const repository = (0,github_scope/* repositoryOf */._M)(scope, options.repository);
    const place = repository && placeOf(repository);
    const own = (0,github_scope/* parseScope */.Sk)(options.repository);
    return {
        runners: createRunners(github.clientWith([token]), scope, options),
        labels: createRunnerLabels(github.clientWith([token]), scope),
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
/** The tokens that can read the jobs of a repository, in the order to try them. */
function jobsTokens(token, { owner, repo }, { jobsToken = '', repository }) {
    const isOwn = `${owner}/${repo}`.toLowerCase() === repository.toLowerCase();
    const isOther = jobsToken !== '' && jobsToken !== token.value;
    return isOwn && isOther ? [(0,github_client/* createToken */.Ey)('jobs_token', jobsToken), token] : [token];
}


/***/ }),

/***/ 7847:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createGuards: () => (/* binding */ createGuards)
});

// EXTERNAL MODULE: ./lib/clock.js
var lib_clock = __webpack_require__(5233);
// EXTERNAL MODULE: ./lib/drain/drain.js + 1 modules
var drain = __webpack_require__(7083);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/drain/drain-labels.js
var drain_labels = __webpack_require__(4542);
;// CONCATENATED MODULE: ./lib/drain/expired-drains.js
// If a machine dies during a drain, its labels stay until they expire. When a list shows such a runner, a step with a drain restores the
// labels in the background, one runner at a time; any other step only warns, because it changes nothing on GitHub.



/** How long to keep trying to restore a runner's labels, in milliseconds. */
const RESTORE_MS = 30_000;
function createExpiredDrains({ labels, clock, log, signal }) {
    const known = new Set();
    const leftAlone = new Set();
    const postponed = new Map();
    const restoring = new Map();
    const tooLate = new AbortController();
    const ending = AbortSignal.any([signal, tooLate.signal]);
    let queue = Promise.resolve();
    async function restore(api, { id, name }, found) {
        const bounds = { deadline: clock.now() + RESTORE_MS, signal: ending };
        try {
            ending.throwIfAborted();
            const work = (0,drain_labels/* restoreLabels */.Kz)({ labels: api, clock }, { id, due: drain_labels/* expiredMarks */.S6 }, bounds);
            const restored = await (0,lib_clock/* unlessAborted */.Wh)(ending, work);
            if (restored !== undefined && restored.length > 0)
                log.info(`The labels of runner "${name}" are restored: a drain of an earlier step has expired`);
        }
        catch (error) {
            log.warning(`${describe({ id, name }, found)} They were not restored. ${(0,errors/* asActionError */.z6)(error).message}`);
        }
    }
    function restoreSoon(api, runner, found) {
        queue = queue.then(() => restoreNext(api, runner, found));
    }
    async function restoreNext(api, runner, found) {
        if (leftAlone.has(runner.id)) {
            postponed.set(runner.id, () => restoreSoon(api, runner, found));
            return;
        }
        const work = restore(api, runner, found);
        restoring.set(runner.id, work);
        await work;
    }
    return {
        lookThrough({ runners, date }) {
            for (const runner of runners) {
                const marks = (0,drain_labels/* expiredMarks */.S6)({ labels: runner.labels, date });
                if (marks.length === 0 || known.has(runner.id))
                    continue;
                known.add(runner.id);
                const found = marks.map(({ label }) => label).join(', ');
                if (labels === undefined)
                    log.warning(`${describe(runner, found)} A step with drain restores them.`);
                else
                    restoreSoon(labels, runner, found);
            }
        },
        async leaveTo(id) {
            leftAlone.add(id);
            await restoring.get(id);
        },
        takeBack(id) {
            leftAlone.delete(id);
            postponed.get(id)?.();
            postponed.delete(id);
        },
        async finish() {
            const limit = { ms: RESTORE_MS, signal: lib_clock/* NEVER */.tm };
            await (0,lib_clock/* within */.ux)(clock, limit, () => queue).catch(() => tooLate.abort(noTimeLeft()));
            await queue;
        },
    };
}
function describe({ id, name }, labels) {
    return `Runner "${name}" (ID ${id}) has labels of a drain that has expired: ${labels}. Jobs that ask for the part before ".drained-" do not reach it.`;
}
function noTimeLeft() {
    return new errors/* ActionError */.lZ('timed_out', 'The step ended before it could restore them. The next step with drain will restore them.');
}

// EXTERNAL MODULE: ./lib/github/runner-names.js
var runner_names = __webpack_require__(892);
// EXTERNAL MODULE: ./lib/github/scope.js
var github_scope = __webpack_require__(7411);
// EXTERNAL MODULE: ./lib/github/sources.js + 4 modules
var sources = __webpack_require__(7737);
// EXTERNAL MODULE: ./lib/log.js
var lib_log = __webpack_require__(7309);
// EXTERNAL MODULE: ./lib/poll.js
var poll = __webpack_require__(9310);
// EXTERNAL MODULE: ./lib/restart/outcome.js
var outcome = __webpack_require__(8663);
// EXTERNAL MODULE: ./lib/dates.js
var dates = __webpack_require__(3534);
// EXTERNAL MODULE: ./lib/github/runner.js
var github_runner = __webpack_require__(3581);
;// CONCATENATED MODULE: ./lib/runner/gate-lines.js



/** What the reads show, and what comes next. */
function describeOccupancy(seen, { whenBusy, idleForMs }) {
    const { state } = seen;
    const what = describeSeen(seen);
    switch (state.kind) {
        case 'unread':
        case 'online':
        case 'unconfirmed':
            return what;
        case 'registering':
            return `${what}, but one may still register, because the VM has just booted; waiting`;
        case 'absent':
            return `${what}; making sure`;
        case 'idle':
            return `${what}${describeStretch(state.stretch.registrations === 'gone' ? 0 : idleForMs)}: no job is running on it`;
        case 'settling':
            return `${what}; making sure, because GitHub shows a new job late`;
        case 'busy':
            return `${what}${BUSY_NOW[whenBusy]}`;
        case 'unknown':
            return `${describeUnknown(state)}; asking again`;
    }
}
function describeStretch(ms) {
    return ms === 0 ? '' : `, and has been for ${(0,lib_clock/* minutes */.Gx)(ms)}`;
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
/** As last seen, e.g. `Runner "mac-7" (ID 12) is online, busy`. */
function describeSeen({ state, shown }) {
    const job = state.kind === 'busy' && typeof state.job === 'object' ? state.job : undefined;
    const working = job === undefined ? '' : `, but job "${job.name}" of run ${job.runId} is in progress on it`;
    const [only, ...others] = shown;
    if (only === undefined)
        return `${NOT_REGISTERED[state.kind] ?? 'The runner is no longer registered'}${working}`;
    const is = job === undefined ? 'is' : 'is shown';
    if (others.length === 0)
        return `Runner "${only.name}" (ID ${only.id}) ${is} ${(0,github_runner/* describeRunner */.Yg)(only)}${working}`;
    const each = shown.map((runner) => `"${runner.name}" (ID ${runner.id}) ${is} ${(0,github_runner/* describeRunner */.Yg)(runner)}`);
    return `Runner ${each.join(', runner ')}${working.replace(/it$/, 'one of them')}`;
}
const NOT_REGISTERED = {
    registering: 'No runner is registered',
    unknown: 'No registered runner is known',
};
/** A person has to fix a runner that is busy although GitHub lists no job for it. */
function stillBusyError(seen, { whenBusy, tally }) {
    const hasWaited = whenBusy === 'wait';
    const [waited, reads] = hasWaited
        ? [', and stayed so until busy_timeout expired', ` Reads: ${tally}.`]
        : ['', ''];
    const isUnlisted = seen.state.kind === 'busy' && seen.state.job === 'none';
    const unlisted = isUnlisted ? '; GitHub lists no job for it in the repository whose jobs are read' : '';
    if (seen.state.kind !== 'busy')
        return restlessError(seen);
    const hint = isUnlisted
        ? UNLISTED
        : hasWaited
            ? `${END_IT}, or raise busy_timeout.`
            : `${END_IT}, or set when_busy: wait.`;
    return new errors/* ActionError */.lZ('runner_busy', `${describeSeen(seen)}${waited}${unlisted}. No restart was sent.${reads}`, {
        hint,
    });
}
/** The reads showed no job, but never for long enough. */
function restlessError(seen) {
    if (seen.state.kind === 'registering')
        return neverRegistered();
    const message = `${describeSeen(seen)}, but registered again and again, so it was not seen idle for all of idle_for. No restart was sent.`;
    return new errors/* ActionError */.lZ('runner_busy', message, {
        hint: 'If it takes one job per registration, set runner_ephemeral: true; else lower idle_for.',
    });
}
function neverRegistered() {
    const message = 'No runner registered, because the VM booted again and again while the step waited. No restart was sent.';
    return new errors/* ActionError */.lZ('runner_not_found', message, {
        hint: 'Check the VM and its node in the controller.',
    });
}
/** Another runner may be in the VM, so what the step has read about the first one says nothing. */
function renamedError(before, now) {
    const message = `The VM's names changed while the step waited: runner_name meant "${before}" and now means "${now}". No restart was sent.`;
    return new errors/* ActionError */.lZ('runner_not_found', message, { hint: 'Run the step again.' });
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
/** @param missing says which runner does not exist, and which runners do. */
function notFoundError(missing, { isEphemeral = false }) {
    const other = isEphemeral
        ? 'No runner in this scope matches runner_name for any live VM, so runner_scope may be wrong, and the step cannot conclude that this runner is gone. If the runner is persistent, remove runner_ephemeral.'
        : 'If it takes one job per registration, set runner_ephemeral: true.';
    return new errors/* ActionError */.lZ(missing.code, missing.message, { hint: `${missing.hint ?? ''} ${other}`.trim() });
}
function allOfflineError() {
    return new errors/* ActionError */.lZ('github_api_failed', 'GitHub shows the runners of all live VMs offline, which is more likely a problem at GitHub than in the VMs, so no restart was sent.', {
        hint: 'Check githubstatus.com and the network of the VMs; run the step again, or restart them with restart_if: always.',
    });
}

;// CONCATENATED MODULE: ./lib/runner/gate-entry.js
// A VM comes to its gate: which boot it is in, and the first read of its runners.





/** Without dates, the VM counts as just booted. */
function vmBootOf({ clock, registersWithinMs, lastJob }, instance, before) {
    const text = instance.startDate?.text;
    const uptimeMs = uptimeMsOf(instance);
    const at = clock.now() - Math.max(0, uptimeMs ?? 0);
    const isSameBoot = before === undefined || before.text === text;
    const isFirst = before === undefined || (isSameBoot && before.isFirst);
    // Without dates, the job may have been one of an earlier boot.
    const hasHadJob = isFirst && uptimeMs !== undefined && lastJob?.hasEnded === true;
    const hadJob = isSameBoot && (before?.hadJob === true || hasHadJob);
    // Records lag behind, so the earliest boot that any record shows is closest to the truth.
    const bootedAt = isSameBoot ? Math.min(at, before?.at ?? at) : at;
    return { text, at: bootedAt, registersWithinMs, hadJob, isFirst };
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
/** A runner is missing for a moment when it registers again, or when its page shifts: the step searches for this long. */
const MISSING_MS = 6_000;
const FIND_EVERY_MS = 2_000;
/**
 * The reading that finds the runners by name. Without an answer it says nothing; then the next reading must find them.
 * @param search makes one read.
 * @throws ActionError `runner_not_found` if none is registered, unless they are one-job runners that may be gone.
 */
async function firstReading(options, runners, search) {
    const { clock, signal, patienceMs } = options;
    const startedAt = clock.now();
    const found = await (0,poll/* pollUntil */.g)({
        ...{ clock, signal, deadline: () => startedAt + MISSING_MS },
        nextAt: () => clock.now() + FIND_EVERY_MS,
    }, async () => {
        const reading = await search();
        const isUsable = reading.runners?.length !== 0 || (await mayBeGone(options));
        return isUsable ? reading : undefined;
    });
    if (found !== undefined)
        return found;
    throw notFoundError(await runners.missing(clock.now() + patienceMs), options);
}
async function mayBeGone({ isEphemeral, lastJob, pool, clock, signal, patienceMs, }) {
    if (isEphemeral !== true)
        return false;
    return lastJob !== undefined || pool.isScopeProved({ deadline: clock.now() + patienceMs, signal });
}

// EXTERNAL MODULE: ./lib/likeness.js
var likeness = __webpack_require__(1203);
;// CONCATENATED MODULE: ./lib/github/runner-search.js





/**
 * The runners that match the name; more than one only if it has a `*`.
 * @throws ActionError `ambiguous_target`, and the errors of the GitHub client.
 */
async function findRunners(runners, sought, bounds) {
    const found = await runners.listRunners(sought.name, bounds);
    if (found.length > 1 && (0,runner_names/* isExact */.u0)(sought.name))
        throw ambiguousName(sought, found);
    return found;
}
/** @param all the runners of the scope. */
function runnerNotFound({ name, scope }, all) {
    const written = (0,runner_names/* describePattern */.Qs)(name);
    const message = `No self-hosted runner "${written}" is registered in ${(0,github_scope/* describeScope */.OI)(scope)}; there ${describeAll((0,likeness/* nearestFirst */.F)(all, written))}.`;
    const elsewhere = scope.kind === 'repository'
        ? ' A runner of an organization or enterprise is found only if runner_scope names it.'
        : '';
    const hint = `Check runner_name and runner_scope: a runner is listed only where it is registered.${elsewhere}`;
    return new errors/* ActionError */.lZ('runner_not_found', message, { hint });
}
function ambiguousName({ name, scope }, found) {
    return new errors/* ActionError */.lZ('ambiguous_target', `${found.length} self-hosted runners are called "${(0,runner_names/* describePattern */.Qs)(name)}" in ${(0,github_scope/* describeScope */.OI)(scope)}: there ${describeAll(found)}.`, { hint: 'Remove the stale registrations, or give the runners different names.' });
}
const MOST_LISTED = 10;
function describeAll(runners) {
    if (runners.length === 0)
        return 'are none';
    const listed = runners
        .slice(0, MOST_LISTED)
        .map((runner) => `"${runner.name}" (ID ${runner.id}, ${(0,github_runner/* describeRunner */.Yg)(runner)})`);
    const more = runners.length - listed.length;
    return `are ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
;// CONCATENATED MODULE: ./lib/runner/vm-runners.js





/** Time between two reads of the runners: in milliseconds. */
const READ_EVERY_MS = 5_000;
/** The same while a one-job runner is about to leave or register: its VM is out of service until a read shows that. */
const READ_ONE_JOB_EVERY_MS = 2_000;
const LONGEST_READ_MS = 15_000;
/** The time for a read that begins at the deadline, or shortly before it. */
const LAST_READ_MS = 1_500;
/** When a read that begins now must end: by the deadline, but with enough time to get an answer. */
function readUntil(now, deadline) {
    return Math.max(Math.min(now + LONGEST_READ_MS, deadline), now + LAST_READ_MS);
}
function createVmRunners(options) {
    const { runners, jobs, sought, onNew, clock, log, signal } = options;
    const { name: pattern } = sought;
    const registrations = createRegistrations(onNew);
    // Each source has its own, because answers from one source must not hide that the other gives none.
    const github = { log, now: clock.now, sentAt: undefined, server: 'GitHub' };
    const progress = (0,lib_log/* createProgressLog */.e)({ ...github, about: 'the runner' });
    const jobsProgress = (0,lib_log/* createProgressLog */.e)({ ...github, about: 'the jobs in progress' });
    let lastFault;
    /** One read ends soon, but others follow: the step does not give up at its end. */
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
    /** A list for other VMs may have shown a job since the last read for this one. */
    function withMissedJob(runner) {
        const shownAt = runners.shownBusyAt(runner.id) ?? Number.NEGATIVE_INFINITY;
        return { ...runner, isBusy: runner.isBusy || shownAt > answeredAt };
    }
    const boundsUntil = (deadline) => ({ deadline, signal, onFault });
    function current(getRunner, bounds) {
        // Until one is known, an ambiguous name is an error.
        if ((0,runner_names/* isExact */.u0)(pattern) && registrations.seen.length === 0)
            return findRunners(runners, sought, bounds).catch(orNothing);
        const { registered } = registrations;
        const search = { pattern, registered, list: runners.listRunners, getRunner, bounds };
        return currentRunners(search).catch(orNothing);
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
            return timed(() => findRunners(runners, sought, boundsUntil(deadline)).catch(orNothingUsable));
        },
        read: (until) => timed(() => current(runners.getRunner, { ...boundsUntil(until), pace: 'now' })),
        readShared: (until, pace) => timed(() => current(runners.pollRunner, { ...boundsUntil(until), pace })),
        readJobs: async (until) => (await jobNow(until).catch(orNothing)) ?? { kind: 'no answer' },
        async missing(deadline) {
            return runnerNotFound(sought, (await runners.listAll(boundsUntil(deadline))).runners);
        },
        lastFault: () => lastFault,
        forgetOnline: registrations.forgetOnline,
    };
}
/** The registrations seen so far, as last shown. */
function createRegistrations(onNew) {
    const byId = new Map();
    /** The IDs in the last read. */
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
 * If only one name matches, reads the runner by its ID; if that is gone, by name, because it may have registered again. The newest of several
 * counts. Otherwise reads the list, because others may have registered; pages shift, so it reads missing runners by their IDs.
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
/** A runner with a changed name is another runner. */
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
    let isScopeProved = false;
    const listNow = (bounds) => runners.listAll({ ...bounds, pace: 'now' });
    async function ofLiveVms({ runners: all, whyIncomplete }, bounds) {
        const live = (await liveInstances(bounds)).filter((instance) => (0,runner_names/* hasValues */.rV)(instance, nameTemplate));
        const patterns = live.map((instance) => (0,runner_names/* fillPattern */.ut)(nameTemplate, instance));
        const fitting = all.filter(({ name }) => patterns.some((pattern) => (0,runner_names/* fitsPattern */.jF)(pattern, name)));
        isScopeProved ||= fitting.length > 0;
        return { fitting, isWhole: () => patterns.every((pattern) => whyIncomplete(pattern) === undefined) };
    }
    return {
        isScopeProved: async (bounds) => isScopeProved || (await ofLiveVms(await listNow(bounds), bounds)).fitting.length > 0,
        async isAllOffline(bounds) {
            const list = await listNow(bounds).catch(orNothing);
            if (list === undefined)
                return undefined;
            const { fitting, isWhole } = await ofLiveVms(list, bounds);
            if (fitting.some(({ isOnline }) => isOnline))
                return false;
            return isWhole() ? fitting.length > 1 : undefined;
        },
    };
}

;// CONCATENATED MODULE: ./lib/runner/gate-limits.js
// How long the gate waits for a busy runner, how long GitHub may give no usable answer, and how often the gate reads until then. Pure.
//
// | the VM is             | the step waits for it until                                                       |
// | --------------------- | --------------------------------------------------------------------------------- |
// | busy                  | busy_timeout                                                                      |
// | unknown               | `unknown` below; an idle stretch that began before that may run to its end        |
// | registering           | a runner can no longer register; `registersBy` if the VM boots again and again    |
// | absent                | the next read, which confirms the absence                                         |
// | in any other state    | it is idle; if runners keep registering again, two more idle stretches            |

/** `unknown` includes `idleForMs`, because an idle stretch takes that long even if GitHub always answers. */
function limitsFrom(now, options) {
    const { whenBusy, idleForMs, busyTimeoutMs, patienceMs, busyUntil = Number.POSITIVE_INFINITY } = options;
    const busy = Math.max(now, Math.min(busyUntil, now + (whenBusy === 'wait' ? busyTimeoutMs : 0)));
    return { busy, unknown: busy + idleForMs + patienceMs };
}
/** Whether GitHub's silence is the reason why no idle stretch was long enough. */
function isNotKnown({ state: { kind }, hasBeenUnknown }) {
    return kind === 'unknown' || (kind === 'settling' && hasBeenUnknown);
}
/** Until when the step waits for the VM as it is now, on the clock's scale. */
function endOfPatience({ idleForMs, patienceMs }, { state, idleSince, limits, registersBy }) {
    const { busy, unknown } = limits;
    const onceMoreMs = idleForMs + patienceMs;
    switch (state.kind) {
        case 'busy':
            return busy;
        case 'unknown': {
            const { finalFrom = 0 } = state;
            const latest = Math.max(unknown, finalFrom + READ_EVERY_MS);
            return idleSince === undefined || idleSince > unknown
                ? latest
                : Math.max(latest, idleSince + onceMoreMs);
        }
        case 'registering':
            return registersBy;
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
// The gate reads two sources: the runners every few seconds, and the jobs in progress, which cost many requests, only once per idle stretch
// (an unbroken run of reads in which no runner shows a job) and once more right before the restart.
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
// | runners: one with a job              | busy                                               | ends                |
// | runners: an offline one with a job,  | as if it had no job                                | goes on             |
// | and the jobs source sees all its     |                                                    |                     |
// | jobs                                 |                                                    |                     |
// | runners: none with a job             | unconfirmed while the jobs are unread, else        | begins at first, or |
// |                                      | settling or idle                                   | after a gap, or     |
// |                                      |                                                    | with a new runner   |
// | runners: the ephemeral ones are gone | as above, without idle_for, but only after two     | begins with the     |
// | after a job, or long after the boot  | reads (absent after the first)                     | absence             |
// | runners: a persistent one with a job | the same, for at least 30 s: it may be shown again |                     |
// | is gone                              |                                                    |                     |
// | runners: no ephemeral one, otherwise | registering                                        | ends                |
// | jobs: one on a runner                | busy                                               | ends                |
// | jobs: any other, while busy          | busy                                               |                     |
// | jobs: no answer, or one job that may | unknown                                            | goes on, with jobs  |
// | be on one of these runners; or any   |                                                    | unread              |
// | job without a runner, while an       |                                                    |                     |
// | offline runner shows one             |                                                    |                     |
// | jobs: unreadable, and an offline     | busy                                               | ends                |
// | runner shows a job                   |                                                    |                     |
// | jobs: none, or unreadable            | absent, settling or idle; unchanged if no stretch  | goes on, with jobs  |
// |                                      | is under way                                       | read                |
const UNREAD = { kind: 'unread' };
/** In milliseconds. Between two reads further apart than this, a job may have begun and ended, and another one begun. */
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
/** An offline runner with a job may have lost it. Only a jobs source that covers all of its jobs can decide that. */
function canBeCleared({ isOnline }, stretch, { seesAllJobs = false }) {
    return !isOnline && seesAllJobs && stretch?.jobs !== 'unreadable';
}
function wereEphemeral(gone, rules) {
    return gone.length === 0 ? rules.isEphemeral === true : gone.every((one) => isEphemeral(one, rules));
}
/** No runner is left that might have a job, and none is about to register. A runner that was only seen offline may be from an earlier boot. */
function isAbsenceCertain({ askedAt, gone }, { boot = UNKNOWN_BOOT }) {
    const hadJob = boot.hadJob || gone.some(({ isOnline }) => isOnline);
    return hadJob || askedAt - boot.at >= boot.registersWithinMs;
}
const UNKNOWN_BOOT = { at: 0, registersWithinMs: Number.POSITIVE_INFINITY, hadJob: false };
/** How long a persistent runner that was last shown with a job must stay gone, because GitHub may show it again: in milliseconds. */
const GONE_WITH_JOB_MS = 30_000;
function idleForMsOf({ registrations, gone }, rules) {
    if (registrations === 'gone')
        return 0;
    const mayReturn = gone.some((one) => one.isBusy && !isEphemeral(one, rules));
    return Math.max(rules.idleForMs, mayReturn && !rules.ignoresJobs ? GONE_WITH_JOB_MS : 0);
}
/**
 * A stretch lasts from the answer to its first read until the request of its last one. So a single read lasts no time, which is enough for
 * an `idle_for` of 0.
 */
function extendOrBegin(before, reading, rules) {
    const { askedAt, answeredAt, registrations } = reading;
    const wantedMs = idleForMsOf(reading, rules);
    if (before !== undefined &&
        askedAt - before.until <= LONGEST_GAP_MS &&
        isSameSet(before.registrations, registrations)) {
        const leftMs = wantedMs - (askedAt - before.since);
        return { ...before, until: answeredAt, leftMs, reads: before.reads + 1 };
    }
    const nothingRead = { reads: 1, jobs: rules.ignoresJobs ? 'none' : 'unread', isDoubtful: false };
    return { since: answeredAt, until: answeredAt, leftMs: wantedMs, registrations, ...nothingRead };
}
/** A new registration can have a job that the earlier ones did not have. A registration that ended cannot. */
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
// Before the restart: reads GitHub until the runners of one VM leave it free. occupancy.ts has the states and says what a read means; this
// module makes the reads and keeps the limits. Right before the restart it reads both sources again, and the runners once more after the
// jobs, because reading the jobs may take seconds.










function createGate(options) {
    const { whenBusy, isSweep, log } = options;
    // A sweep cannot ignore jobs: it leaves a VM with an online runner alone.
    const isIgnored = whenBusy === 'ignore' && isSweep !== true;
    let gate;
    async function enter(instance) {
        const boot = vmBootOf(options, instance, gate?.boot);
        if (isSweep && options.clock.now() - boot.at < boot.registersWithinMs)
            throw leftAloneAsFresh(options, boot, instance);
        if (gate === undefined)
            gate = await begin(options, instance, boot);
        else
            refuseIfRenamed(options, gate, instance);
        if (boot.text !== gate.boot.text)
            gate.runners.forgetOnline();
        gate.boot = boot;
        return gate;
    }
    return {
        async passOrWait(instance) {
            const isFirst = gate === undefined;
            const known = await enter(instance);
            // Asked again after a restart that was not carried out: the limits start again.
            if (known.hasLetPass)
                known.limits = limitsFrom(options.clock.now(), options);
            known.hasLetPass = false;
            if (isIgnored) {
                if (hasBusy(known))
                    log.warning(`${describeSeen(known)}; when_busy says to ignore that.`);
                return true;
            }
            const askedAt = options.clock.now();
            const hasDrained = await drainRunners(options, known);
            // The wait for another step's drain may have been long. Then the VM's record has to be read again.
            const isRecent = options.clock.now() - askedAt <= LONGEST_LAST_READ_MS;
            await checkBeforeRestart(options, known, isFirst && !hasDrained);
            await drainNew(options, known);
            known.hasLetPass = known.state.kind === 'idle' && isRecent;
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
            await readJobsIfNeeded(options, known);
            if (options.drain === undefined)
                await waitUntilIdle(options, known);
            // With a drain, a busy VM waits in its slot. First it waits here for a few seconds, so that idle VMs get their slots before it.
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
/** Drains runners that registered during the check. What the check read may be outdated by then. */
async function drainNew(options, gate) {
    if (!isFree(gate))
        return;
    const { clock } = options;
    const readAt = clock.now();
    const hasDrained = await drainRunners(options, gate);
    if (hasDrained || clock.now() - readAt > LONGEST_LAST_READ_MS)
        await readLast(options, gate);
}
/** How long idle VMs go first when busy ones are drained: in milliseconds. */
const IDLE_FIRST_MS = 5_000;
/** The time limit for changing labels: in milliseconds. */
const CHANGE_LABELS_MS = 30_000;
/** @returns whether it changed labels. Always false for a busy VM that the step does not wait for. */
async function drainRunners(options, gate) {
    const { drain, whenBusy, clock, signal } = options;
    const { shown, limits } = gate;
    if (drain === undefined || (whenBusy !== 'wait' && hasBusy(gate)))
        return false;
    return drain(shown, { deadline: Math.max(limits.busy, clock.now() + CHANGE_LABELS_MS), signal });
}
/** How many boots of the VM in a row the gate waits for its runner to register. */
const MOST_BOOTS = 3;
/** @throws ActionError `runner_not_found` */
function refuseIfRenamed({ runnerNameOf }, { runners }, instance) {
    const before = (0,runner_names/* describePattern */.Qs)(runners.sought.name);
    const now = runnerNameOf(instance) ?? before;
    if (now !== before)
        throw renamedError(before, now);
}
function lastRegistration({ clock }, { registersWithinMs }) {
    return clock.now() + MOST_BOOTS * registersWithinMs;
}
async function begin(options, instance, boot) {
    const { clock, log } = options;
    const limits = limitsFrom(clock.now(), options);
    const runners = options.runnersOf(instance);
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined });
    const gate = {
        ...{ runners, shown: [], limits, boot, progress },
        registersBy: lastRegistration(options, boot),
        ...{ state: UNREAD, idleSince: undefined, hasBeenUnknown: false, isFound: false, hasLetPass: false },
    };
    const search = () => runners.find(clock.now() + options.patienceMs);
    const found = await firstReading(options, runners, search);
    applyRunners(options, gate, found);
    return gate;
}
// ---- reads ----
/** In milliseconds. A slower answer says too little about the present: the process may have been suspended while it waited. */
const LONGEST_LAST_READ_MS = 10_000;
/** Reads the runners, the jobs, and the runners again. @param areRunnersFresh whether the runners were read just now. */
async function checkBeforeRestart(options, gate, areRunnersFresh) {
    const { clock } = options;
    if (!areRunnersFresh)
        await readRunners(options, gate);
    const areJobsRead = await readJobsIfNeeded(options, gate);
    if (!isFree(gate))
        return;
    if (!areJobsRead)
        await readJobs(options, gate);
    if (!isFree(gate))
        return reportState(options, gate);
    await refuseIfAllOffline(options, gate);
    if (!isFree(gate))
        return reportState(options, gate);
    const askedAt = clock.now();
    await readLast(options, gate);
    if (clock.now() - askedAt > LONGEST_LAST_READ_MS)
        await readLast(options, gate);
}
/** So far: a last read must confirm it. */
function isFree({ state: { kind } }) {
    return kind === 'idle' || kind === 'absent';
}
async function readLast(options, gate) {
    await readRunners(options, gate);
    await readJobsIfNeeded(options, gate);
}
/** Reads the jobs if the state is `unconfirmed`, and logs the state. @param latest when the read must end. @returns whether they were read. */
async function readJobsIfNeeded(options, gate, latest) {
    const isNeeded = gate.state.kind === 'unconfirmed';
    if (isNeeded)
        await readJobs(options, gate, latest);
    reportState(options, gate);
    return isNeeded;
}
async function readRunners(options, gate) {
    await readAndApply(options, gate, (until) => gate.runners.read(until));
}
/** Until GitHub has answered once, the runners have yet to be found. */
async function readAndApply(options, gate, read) {
    const readNow = () => read(readDeadline(options, gate));
    const reading = gate.isFound ? await readNow() : await firstReading(options, gate.runners, readNow);
    applyRunners(options, gate, reading);
}
async function readJobs(options, gate, latest) {
    const finding = await gate.runners.readJobs(readDeadline(options, gate, latest));
    apply(options, gate, { kind: 'jobs', finding });
}
/** @throws LeftAlone if a sweep must skip the VM. */
function applyRunners(options, gate, reading) {
    gate.isFound ||= reading.runners !== undefined;
    gate.shown = reading.runners ?? gate.shown;
    if (reading.runners !== undefined && reading.runners.length > 0)
        gate.registersBy = lastRegistration(options, gate.boot);
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
    // Waiting for a registration has its own limit: the others begin after it.
    if (gate.state.kind === 'registering')
        gate.limits = limitsFrom(options.clock.now(), options);
    gate.state = nextOccupancy(gate.state, event, rules);
    gate.hasBeenUnknown ||= gate.state.kind === 'unknown';
    const stretch = 'stretch' in gate.state ? gate.state.stretch : undefined;
    // While the jobs are unread, the runner may not be idle: a jobs source that hangs must not prolong the wait.
    if (stretch !== undefined && stretch.jobs !== 'unread')
        gate.idleSince = stretch.since;
}
function readDeadline(options, gate, latest = Number.POSITIVE_INFINITY) {
    return readUntil(options.clock.now(), Math.min(latest, lastReadDeadline(options, gate)));
}
/** A read may end after the wait for the current state is over: its answer can change the state, and with it the limit. */
function lastReadDeadline(options, gate) {
    return Math.max(gate.limits.unknown, endOfPatience(options, gate));
}
/** In a sweep: reads whether any other runner is online. @throws ActionError if GitHub shows all offline. */
async function refuseIfAllOffline(options, gate) {
    const { isSweep, pool, signal } = options;
    if (!isSweep)
        return;
    const isAllOffline = await pool.isAllOffline({ deadline: readDeadline(options, gate), signal });
    if (isAllOffline)
        throw allOfflineError();
    if (isAllOffline === undefined)
        apply(options, gate, { kind: 'runners', reading: NOT_KNOWN });
}
const NOT_KNOWN = { askedAt: 0, answeredAt: 0, runners: undefined, gone: [] };
/** busy_timeout for the next job does not start while a free VM waits for a slot. */
async function keepIdle(options, gate) {
    await readAndApply(options, gate, (until) => gate.runners.readShared(until));
    const { kind } = gate.state;
    // With a drain it waits for its job only once it has its slot.
    if (kind === 'busy' && options.drain === undefined)
        return false;
    gate.registersBy = lastRegistration(options, gate.boot);
    if (kind !== 'unknown')
        gate.limits = limitsFrom(options.clock.now(), options);
    return true;
}
// ---- the wait ----
/** @param end if given, the VM has no slot, and it returns then, idle or not. */
async function waitUntilIdle(options, gate, end = Number.POSITIVE_INFINITY) {
    const { clock, signal } = options;
    if (gate.state.kind === 'idle')
        return;
    const holdsSlot = end === Number.POSITIVE_INFINITY;
    const leavesBy = options.isEphemeral === true ? clock.now() + LEAVES_WITHIN_MS : Number.NEGATIVE_INFINITY;
    const leavesSoon = () => clock.now() < leavesBy;
    const nextAt = () => clock.now() + gatePauseMs(gate.state, leavesSoon());
    const deadline = () => Math.min(end, endOfPatience(options, gate));
    const polling = { clock, signal, deadline, nextAt, firstAt: nextAt() };
    const isIdle = clock.now() < deadline() &&
        (await (0,poll/* pollUntil */.g)(polling, async ({ startedAt }) => {
            // Computed before the runners are read: if they show no job, the new state has no limit, but the jobs must be read within the old one.
            const latest = lastReadDeadline(options, gate);
            const isSoon = leavesSoon() || gate.state.kind === 'absent';
            const pace = startedAt >= deadline() ? 'now' : isSoon ? 'soon' : undefined;
            await readAndApply(options, gate, (until) => gate.runners.readShared(until, pace));
            if (holdsSlot && clock.now() < deadline())
                await drainRunners(options, gate);
            await readJobsIfNeeded(options, gate, latest);
            return gate.state.kind === 'idle' || undefined;
        }));
    if (isIdle || clock.now() >= end)
        return;
    if (!isNotKnown(gate))
        throw await stillBusy(options, gate);
    throw notKnownError({ ...gate, lastFault: gate.runners.lastFault() });
}
/** GitHub can show a runner as busy forever. Whether it lists a job for the runner decides what the user should do. */
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

// EXTERNAL MODULE: ./lib/runner/job-finding.js
var job_finding = __webpack_require__(3549);
// EXTERNAL MODULE: ./lib/runner/self-restart.js
var self_restart = __webpack_require__(2044);
;// CONCATENATED MODULE: ./lib/runner/back-verdict.js
// Whether the runners in a VM are back after its restart. Pure; wait-for-runner.ts does the reading.
//
// After a runner was cut off, GitHub keeps its session for minutes and shows it online. So "online" alone proves nothing. Each name is
// judged by its own history. The runners are back once every runner that was online before the restart is back: under its name or,
// because one-job runners may get a new name, under another one. If none was online before, one is enough.
//
// A registration is new if neither a read before the restart nor the first one after the boot showed it.
//
// | what a read shows for one name       | what proves that its runner is back                                |
// | ------------------------------------ | ------------------------------------------------------------------ |
// | no answer                            | nothing                                                            |
// | gone                                 | it takes one job only, and a new registration of it was seen       |
// | offline                              | nothing                                                            |
// | online, under a new registration     | this read                                                          |
// | online, and offline since the boot   | a second read some seconds later that shows it online: a version   |
// |                                      | that GitHub no longer accepts connects and then exits              |
// | online and busy                      | it was idle for long enough that this job must be a new one        |
// | online otherwise                     | nothing; after six minutes it is most likely back                  |


/**
 * A job from before the restart may appear as late as this, in milliseconds: GitHub shows "busy" up to 90 s after a job began (users
 * have seen 25 to 60 s and more), and may show the runner as idle again for a minute before any read has seen the job.
 */
const OLD_JOB_MS = 150_000;
/**
 * After a runner was cut off, GitHub keeps its session for up to five minutes and shows it online. A runner that is online after that is
 * most likely alive.
 */
const SESSION_LIFE_MS = 360_000;
/** The shortest time between two reads that show a runner online again, in milliseconds; a timer may end a little early. */
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
    // A new name was absent from the earlier reads.
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
/** The weakest verdict on the runners that must be back: those with the required names, and the best of the others. */
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
    // A proof stays valid while the step waits for the other runners.
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
/** A one-job runner that is gone after a new registration has taken its job. */
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
const WAS_OFFLINE = { kind: 'online', proof: 'it went offline, then came online' };
const BEGAN_A_JOB = { kind: 'online', proof: 'a job began on it' };
const TOOK_ITS_JOB = { kind: 'online', proof: 'it registered again, and has had its job' };
const UNKNOWN = notBackYet('no usable answer from GitHub', 'an answer must show that it is back');
const GONE = notBackYet('it is not registered', 'it must register');
const OFFLINE = notBackYet('it is offline', 'it must come back online');
const ONLINE_AGAIN = notBackYet('it is online again', 'it must stay online for some seconds');
const SHOWN_ONLINE = {
    ...notBackYet('it is still listed online, which may be stale', 'it must go offline and come back, register again, or start a job'),
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
 * The likely cause. The step cannot see inside the VM.
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
function seenCause({ wasOnlineBefore, first, last, wasOffline, onlineSince }) {
    if (last === 'gone')
        return REGISTRATION_GONE;
    if (!wasOffline) {
        const reason = 'it is still listed online, but that may be stale';
        return { reason, hint: 'Raise runner_timeout above 6m, and check the runner before you rely on it.' };
    }
    if (onlineSince !== undefined)
        return {
            reason: 'it came online too late for a second read to confirm it',
            hint: 'Raise runner_timeout.',
        };
    if (first !== 'gone' && first?.isOnline) {
        const reason = 'it went offline and stayed offline: most likely its new process met the session of the old one and gave up after 4 minutes, or no user is logged in';
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
        nextAt: () => clock.now() + (isDueSoon(options) ? READ_ONE_JOB_EVERY_MS : READ_EVERY_MS),
    };
    const back = await (0,poll/* pollUntil */.g)(polling, async ({ until }) => {
        const reading = await runners.readShared(until, isDueSoon(options) ? 'soon' : undefined);
        const judged = judgeBack(history, reading);
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
    log.info(describeBack(back, (0,lib_clock/* seconds */.YA)(clock.now() - verifiedAt)));
    return back.kind;
}
/** A boot rarely takes longer than this. In milliseconds. */
const LONG_BOOT_MS = 120_000;
/** Whether a one-job runner is about to register: until a read shows that, its VM is out of service. */
function isDueSoon({ before, verifiedAt, clock }) {
    return before.isEphemeral && clock.now() - verifiedAt < LONG_BOOT_MS;
}
/** What must happen, and by when. */
function describeNeeded({ needed, isLikely }, { verifiedAt, runnerTimeoutMs, clock }) {
    const leftMs = verifiedAt + runnerTimeoutMs - clock.now();
    const likelyInMs = verifiedAt + SESSION_LIFE_MS - clock.now();
    const end = isLikely && likelyInMs < leftMs ? `probably_online in ${(0,lib_clock/* minutes */.Gx)(likelyInMs)}` : `${(0,lib_clock/* minutes */.Gx)(leftMs)} left`;
    return `; ${needed} (${end})`;
}
function describeBack(verdict, time) {
    return verdict.kind === 'online'
        ? `The runner is back, ${time} after the VM was verified (proof: ${verdict.proof})`
        : `The runner is most likely back, ${time} after the VM was verified: it is still online, although GitHub would have dropped its old session by now`;
}
function notBack(options, history, progress) {
    const { reason, hint } = likelyCause(history, options.clock.now());
    const time = (0,lib_clock/* seconds */.YA)(options.runnerTimeoutMs);
    const message = `The VM was restarted, but the runner was not proved to be back within ${time}: ${reason}. Reads: ${progress.tally()}.`;
    const code = history.lastAt === undefined ? 'github_api_failed' : 'runner_not_back';
    return new errors/* ActionError */.lZ(code, message, { hint });
}

;// CONCATENATED MODULE: ./lib/runner/guard.js
// Before the restart, the gate finds the VM's runners on GitHub by name and blocks the restart while a job runs on one of them. Once the
// VM is verified after the restart, the wait reads the runners until they are proved to be back, or until runner_timeout. An error before
// the restart prevents it; an error after it becomes part of the outcome, because the VM was restarted all the same.
//
// gate.ts            before the restart: occupancy.ts has its states, gate-lines.ts its words
// wait-for-runner.ts after the restart: back-verdict.ts judges
// vm-runners.ts      the runners in one VM, which both read
// sources.ts         the two sources, shared by all VMs: the runners of the scope, and the jobs of a repository












/** @throws ActionError `self_restart` if the runner's name already shows it. */
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
        jobs: (0,job_finding/* createJobReader */.fC)(jobs, { clock, log }),
        pool: createPool({ nameTemplate, runners, liveInstances }),
        onNew: createWarnings(runner, log),
    };
    return {
        runnerNameOf: (instance) => (0,runner_names/* describePattern */.Qs)((0,runner_names/* fillPattern */.ut)(nameTemplate, instance)),
        isRunnerIn: (instance, runnerName) => (0,runner_names/* mayBeIn */.K_)(instance, nameTemplate, runnerName),
        guardFor: (vm) => createGuard({ ...options, log: vm.log }, { shared, vm }),
        readRun: opened.readRun,
        async close() {
            await Promise.all(shared.restoring);
            await expired.finish();
            await opened.close();
        },
    };
}
/** In milliseconds: time for the guest and for requests, in addition to the waits that the inputs limit. */
const DRAIN_MARGIN_MS = 3_600_000;
/** In milliseconds. An installation token is valid for an hour; with less time left than this, no drain begins, because the step could not end it. */
const INSTALLATION_TOKEN_MS = 50 * 60_000;
function openDrains(options, labels) {
    const { runner, clock, log, signal, patienceMs, saveDrains = () => { } } = options;
    const { drains: asked, busyTimeoutMs, idleForMs, runnerTimeoutMs, token } = runner;
    if (asked === undefined)
        return { drains: undefined, busyUntil: undefined };
    if (runner.whenBusy === 'ignore' && !runner.isSweep)
        log.warning('drain has no effect with when_busy: ignore, because the step waits for no job');
    const restartMs = patienceMs + runnerTimeoutMs;
    const lifeMs = busyTimeoutMs + idleForMs + restartMs + DRAIN_MARGIN_MS;
    const draining = { labels, ...asked, lifeMs, patienceMs, clock, log, signal, saveState: saveDrains };
    if (!token.startsWith('ghs_'))
        return { drains: (0,drain.createDrains)(draining), busyUntil: undefined };
    const waitsForMs = INSTALLATION_TOKEN_MS - idleForMs - restartMs;
    if (waitsForMs <= 0)
        throw tokenTooShort(idleForMs + restartMs);
    const busyUntil = clock.now() + waitsForMs;
    if (waitsForMs < busyTimeoutMs)
        log.info(`github_token is an installation token, which is valid for an hour: busy_timeout ends ${(0,lib_clock/* minutes */.Gx)(waitsForMs)} after the step's start, so that all labels can be restored`);
    return { drains: (0,drain.createDrains)({ ...draining, beginsBy: busyUntil }), busyUntil };
}
function tokenTooShort(needsMs) {
    const message = `github_token is an installation token, which is valid for an hour, so a drain must end within ${(0,lib_clock/* minutes */.Gx)(INSTALLATION_TOKEN_MS)} of the step's start. But idle_for, timeout and runner_timeout together are ${(0,lib_clock/* minutes */.Gx)(needsMs)}.`;
    return new errors/* ActionError */.lZ('invalid_input', message, {
        hint: 'Shorten them, use another kind of token, or leave out drain.',
    });
}
/** A runner that has not registered this long after the boot, or for `runner_timeout` if that is longer, never will. In milliseconds. */
const REGISTERS_WITHIN_MS = 300_000;
/** @param options with the log of the one VM. */
function createGuard(options, { shared, vm }) {
    const { runner, ownRunner, clock, log, patienceMs } = options;
    const { scope } = runner;
    function runnersOf(instance) {
        const name = (0,runner_names/* fillPattern */.ut)(runner.nameTemplate, instance);
        (0,self_restart/* refuseSelfRestart */.CD)(ownRunner, { name, scope });
        warnOfSharedAddress(instance, options);
        (vm.isBrief ? log.debug : log.info)(`Looking for the self-hosted runner "${(0,runner_names/* describePattern */.Qs)(name)}" of ${(0,github_scope/* describeScope */.OI)(scope)}`);
        return createVmRunners({ ...shared, sought: { name, scope }, clock, log, signal: vm.signal });
    }
    function runnerNameOf(instance) {
        const { nameTemplate } = runner;
        return (0,runner_names/* hasValues */.rV)(instance, nameTemplate)
            ? (0,runner_names/* describePattern */.Qs)((0,runner_names/* fillPattern */.ut)(nameTemplate, instance))
            : undefined;
    }
    const drained = new Set();
    const { drains, busyUntil } = shared;
    async function drain(found, bounds) {
        let hasChanged = false;
        for (const each of found) {
            drained.add(each.id);
            await shared.expired.leaveTo(each.id);
            if (await drains?.drain(each, bounds))
                hasChanged = true;
        }
        return hasChanged;
    }
    async function restore(outcome) {
        if (drained.size > 0 && outcome.restarted === 'unknown')
            log.warning('The labels are restored, but the restart may still happen, and would kill a job that begins before then');
        await Promise.all([...drained].map((id) => drains?.restore(id)));
        for (const id of drained)
            shared.expired.takeBack(id);
    }
    const gate = createGate({
        ...(drains && { drain, busyUntil }),
        ...{ ...runner, ...vm, patienceMs, clock, runnersOf, runnerNameOf, pool: shared.pool },
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
        log.info('The step does not wait for the runner, because wait_for_runner is false');
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
/** What the log says about a registration when it first appears. */
function createWarnings({ isEphemeral }, log) {
    let hasToldOfKind = false;
    return ({ name, id, ephemeral, version }) => {
        if (version !== undefined && isOlderVersion(version.split('.').map(Number), LEAST_VERSION))
            log.warning(`Runner "${name}" (ID ${id}) has version ${version}, but GitHub requires ${LEAST_VERSION.join('.')}: it may connect, and end without taking a job. Update it.`);
        if (hasToldOfKind || ephemeral === undefined || ephemeral === isEphemeral)
            return;
        hasToldOfKind = true;
        const kind = ephemeral ? 'takes one job per registration' : 'takes one job after another';
        log.warning(`runner_ephemeral is ${isEphemeral}, but GitHub says that runner "${name}" (ID ${id}) ${kind}. The step believes GitHub.`);
    };
}
/** Whether a version is older than another. A part that is not a number is not older. */
function isOlderVersion([part = 0, ...rest], [thanPart, ...thanRest]) {
    if (thanPart === undefined)
        return false;
    return part < thanPart || (part === thanPart && isOlderVersion(rest, thanRest));
}


/***/ })

};
