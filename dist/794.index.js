export const id = 794;
export const ids = [794];
export const modules = {

/***/ 6147:
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
// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
// EXTERNAL MODULE: ./lib/log.js
var lib_log = __webpack_require__(7309);
// EXTERNAL MODULE: ./lib/drain/drain-labels.js
var drain_labels = __webpack_require__(4542);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
;// CONCATENATED MODULE: ./lib/drain/drain-records.js
// What a step knows about each runner that it drains, and the part of it that it saves for its post step.
//
// | state      | the runner                                                | next state                                                        |
// | ---------- | --------------------------------------------------------- | ----------------------------------------------------------------- |
// | (none)     | is not drained                                            | `claiming` when a drain begins, `left out` if none may begin      |
// | `left out` | is not drained, and the log says why                      | `claiming` once the reason no longer applies                      |
// | `claiming` | waits for other drains; has no marks of this drain        | `drained` once the drain is saved, `left out` if the runner is gone, (none) if the drain fails |
// | `drained`  | has marks of the drain, or is about to get them           | `unsure` if a request fails or a read is in doubt; (over)         |
// | `unsure`   | the same, but GitHub may make a change of the drain late  | (over)                                                            |
// | (over)     | has its labels again, is gone, or is another drain's      | (none), or `claiming` if the same call drains it again            |
//
// The step saves the drains that are `drained` or `unsure`. Two kinds stay saved when they are over, so that the post step checks them again:
// those that were `unsure`, and those whose runner is gone, because GitHub may show it again.
//
// `claim` enters `claiming`, `leaveOut` enters `left out`, `begin` saves and enters `drained`, `doubt` enters `unsure`, and `end` makes a drain
// (over). A canceled step does not wait for the change of labels in progress, but that change continues. So `follow` keeps it until GitHub has
// answered, and restoring first waits for that answer (`changeOf`).



/** A read this long after a change shows it: in milliseconds. GitHub's replicas lag by a second or two, during an incident by more. */
const LONGEST_LAG_MS = 60_000;
class DrainRecords {
    #options;
    /** By the runner's ID. */
    #states = new Map();
    /** The changes of labels in progress, by the runner's ID. */
    #changes = new Map();
    /** The drains that are over, but that the post step checks again. A runner may have several. */
    #toCheck = [];
    /** @param left for the post step: the drains that the step left. GitHub may have made their last changes just now, or may make them late. */
    constructor(options, left = []) {
        this.#options = options;
        const changedAt = options.clock.now();
        for (const drain of left)
            this.#states.set(drain.id, { kind: 'unsure', drain, changedAt });
    }
    held(id) {
        const state = this.#states.get(id);
        return state !== undefined && 'drain' in state ? state : undefined;
    }
    /** How many other runners are drained, or about to be. A runner whose labels GitHub refused to restore is still drained. */
    countOthers(id) {
        return [...this.#states].filter(([other, { kind }]) => other !== id && kind !== 'left out').length;
    }
    /** Whether a read may be from before the last change of the runner's labels. */
    mayLag(id) {
        const { changedAt = Number.NEGATIVE_INFINITY } = this.held(id) ?? {};
        return this.#options.clock.now() - changedAt <= LONGEST_LAG_MS;
    }
    /** @returns false if the runner is left out already. */
    leaveOut(id) {
        if (this.#states.get(id)?.kind === 'left out')
            return false;
        if (this.held(id) === undefined)
            this.#states.set(id, { kind: 'left out' });
        return true;
    }
    claim(id) {
        this.#states.set(id, { kind: 'claiming' });
    }
    /** Call it before the first change. @throws ActionError `internal_error` if the state cannot be saved. */
    begin(drain) {
        this.#states.set(drain.id, { kind: 'drained', drain, changedAt: undefined });
        try {
            this.#save();
        }
        catch (cause) {
            this.claim(drain.id);
            const message = `The state for the post step cannot be saved, so the runner was not drained: ${(0,errors/* describeCause */.V$)(cause)}.`;
            const hint = 'Check the file that GITHUB_STATE names, and the disk of the machine that runs the step.';
            throw new errors/* ActionError */.lZ('internal_error', message, { hint, cause });
        }
    }
    /** GitHub confirmed a change of the drain. */
    confirm(id) {
        const held = this.held(id);
        if (held !== undefined)
            this.#states.set(id, { ...held, changedAt: this.#options.clock.now() });
    }
    /** GitHub may make a change of the drain late, even after the labels are restored. */
    doubt(id) {
        const held = this.held(id);
        if (held !== undefined)
            this.#states.set(id, { ...held, kind: 'unsure' });
    }
    /**
     * The drain is over.
     * @param restored the labels that are back; undefined if GitHub did not find the runner.
     */
    end({ id, name }, restored) {
        const { kind, drain, changedAt } = this.held(id) ?? {};
        if (drain === undefined)
            return;
        // If GitHub has confirmed no change, no read can lag behind one, so the post step need not doubt any label.
        const names = changedAt === undefined ? [] : drain.names;
        if (restored === undefined)
            this.#toCheck.push({ ...drain, isGone: true });
        else if (kind === 'unsure')
            this.#toCheck.push({ ...drain, names, restored });
        if (this.#changes.has(id))
            this.claim(id);
        else
            this.#states.delete(id);
        try {
            this.#save();
        }
        catch (error) {
            this.#options.log.info(`The post step will check the labels of runner "${name}" again, because the state cannot be saved: ${(0,errors/* describeCause */.V$)(error)}`);
        }
    }
    /** Keeps a change of labels until it is over. If it fails or is canceled, GitHub may still make it late. */
    follow(id, change) {
        const end = () => {
            this.#changes.delete(id);
            if (this.#states.get(id)?.kind === 'claiming')
                this.#states.delete(id);
        };
        const ended = change.catch(() => this.doubt(id)).then(end);
        this.#changes.set(id, ended);
    }
    /** Resolves when the change of labels in progress is over; undefined if there is none. */
    changeOf(id) {
        return this.#changes.get(id);
    }
    /** Saves the most important drains first, because the last ones may not fit. */
    #save() {
        const held = [...this.#states.keys()].flatMap((id) => this.held(id)?.drain ?? []);
        const gone = this.#toCheck.filter(({ isGone = false }) => isGone).reverse();
        const others = this.#toCheck.filter(({ isGone = false }) => !isGone);
        this.#options.saveState?.(shortened([...held, ...others, ...gone]));
    }
}
/** In characters. The post step gets the state in an environment variable, which can have 32,767 characters on Windows. */
const LONGEST_STATE = 30_000;
/** Leaves out the names of all labels if the state is too long, and then the last drains if it still is. */
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
/** @param state the JSON value of a saved state. Damaged entries are ignored. */
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

// EXTERNAL MODULE: ./lib/drain/label-changes.js
var label_changes = __webpack_require__(3480);
;// CONCATENATED MODULE: ./lib/drain/rival-drains.js
// Drains of other steps on the same runner: a drain waits until they end or expire.
//
// Two drains that begin at the same moment do not see each other. So each reads the labels again after it has added its own marks. The drain
// whose owner (`RUNID-UNIXTIME`) sorts first keeps the runner. The other one gives way: it removes its marks, and waits.



/** Time between two reads while another drain holds the runner: in milliseconds. */
const WHILE_HELD_MS = 15_000;
/** The same while two drains decide which of them keeps it. */
const WHILE_UNDECIDED_MS = 5_000;
/**
 * Without an owner: waits until no other drain holds the runner. With the owner of a drain that has added its marks: waits until the other
 * drains have given way, or until one of them sorts first and so keeps the runner.
 * @param access its deadline limits the wait.
 * @returns the labels, which show other drains only if one of those keeps the runner; undefined if the runner is gone.
 * @throws ActionError `runner_busy` if another drain lasts beyond the deadline.
 */
async function untilDecided(access, { id, name, owner = '' }) {
    const { clock, log, deadline, signal } = access;
    const hasMarks = owner !== '';
    for (let isLogged = hasMarks;; isLogged = true) {
        const seen = await (0,label_changes/* readUnlessGone */.iu)((0,label_changes/* forRequests */.Q0)(access), { id, name });
        if (seen === undefined)
            return undefined;
        const rivals = rivalsOf(owner, seen);
        const [rival] = rivals;
        if (rival === undefined || rivals.some((mark) => mark.owner < owner))
            return seen;
        const leftMs = deadline - clock.now();
        if (leftMs <= 0)
            throw drainedByOther(name, rival);
        if (!isLogged)
            log.info(`Runner "${name}" is drained by run ${rival.runId}; waiting for that drain to end`);
        await clock.sleep(Math.min(hasMarks ? WHILE_UNDECIDED_MS : WHILE_HELD_MS, leftMs), signal);
    }
}
/** The labels of other drains that are still running. */
function rivalsOf(owner, seen) {
    return (0,drain_labels/* liveMarks */.b)(seen).filter((mark) => mark.owner !== owner);
}
function drainedByOther(name, { runId, label }) {
    const message = `Runner "${name}" is drained by run ${runId} (label ${label}), and still was when busy_timeout expired. No restart was sent.`;
    const hint = 'Wait until that run has ended (with concurrency), or raise busy_timeout.';
    return new errors/* ActionError */.lZ('runner_busy', message, { hint });
}

;// CONCATENATED MODULE: ./lib/drain/drain-runner.js
// Drains one runner. A new drain (`tryToBegin`) takes four steps:
//
// 1. Wait until no other drain holds the runner. If it still has marks of expired drains, restore those labels, and start over.
// 2. Choose the labels to replace, and save the drain before any change, so that the post step can undo whatever follows.
// 3. Add this drain's marks beside the labels, and read again. If two drains do this at the same moment, each now sees the other's marks.
// 4. If the other drain keeps the runner, remove the marks (`giveWay`), and start over. Otherwise, remove the labels.
//
// If this step has already drained the runner (`drainAgain`), there is work only if the runner has registered again since. That gives it
// its labels back, so they are replaced again. If another step has drained it in the meantime, this step starts over.




/** How many times a drain may start over because of other drains. */
const MOST_TRIES = 20;
/** The pause before a drain starts over, except for the first time, and before a repeated read: in milliseconds. */
const TRY_AGAIN_MS = 5_000;
/** @returns as `Drains.drain` does. */
async function drainRunner(context, runner) {
    const held = context.records.held(runner.id);
    if (held !== undefined)
        return drainAgain(context, runner, held.drain);
    const reason = reasonAgainst(context, runner);
    if (reason === undefined)
        return begin(context, runner);
    leaveOut(context, runner, reason);
    return false;
}
function reasonAgainst({ records, clock, beginsBy = Number.POSITIVE_INFINITY }, { id, ephemeral }) {
    if (ephemeral)
        return 'it takes one job only';
    if (records.countOthers(id) >= drain_labels/* MOST_DRAINED */.Cf)
        return `${drain_labels/* MOST_DRAINED */.Cf} others are drained already, which is the limit`;
    if (clock.now() > beginsBy)
        return 'the token might expire before its labels are restored';
    return undefined;
}
function leaveOut({ records, log }, { id, name }, reason) {
    if (records.leaveOut(id))
        log.info(`Runner "${name}" is not drained: ${reason}`);
}
const GONE = 'it is no longer registered';
// ---- a new drain ----
async function begin(context, runner) {
    const { records, clock, signal } = context;
    records.claim(runner.id);
    let end;
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
        end = await tryToBegin(context, runner);
        if (end === 'gone')
            leaveOut(context, runner, GONE);
        if (end === 'gone' || end === 'drained')
            return true;
        if (tries > 1)
            await clock.sleep(TRY_AGAIN_MS, signal);
    }
    throw end === 'lost' ? alwaysLost(runner) : contradictory(runner);
}
async function tryToBegin(context, runner) {
    const { log, runId, lifeMs } = context;
    const { id, name } = runner;
    const seen = await untilDecided(context, { id, name });
    if (seen === undefined)
        return 'gone';
    const owner = (0,drain_labels/* ownerOf */.bf)(runId, seen.date + lifeMs);
    if ((0,drain_labels/* expiredMarks */.S6)(seen).length > 0) {
        await (0,label_changes/* restoreLabels */.Kz)((0,label_changes/* forRequests */.Q0)(context), { id, name, due: drain_labels/* expiredMarks */.S6 });
        return 'expired';
    }
    const drain = prepare(context, { id, name, owner }, seen);
    await (0,label_changes/* changeEach */.aq)((0,label_changes/* forRequests */.Q0)(context), 'add', (0,label_changes/* allMarks */.UG)(drain));
    const decided = await untilDecided(context, drain);
    if (decided === undefined)
        return 'gone';
    if (rivalsOf(owner, decided).length > 0) {
        await giveWay(context, drain);
        return 'lost';
    }
    if (!(await (0,label_changes/* replaceLabels */.aS)((0,label_changes/* forRequests */.Q0)(context), drain, decided)))
        return 'gone';
    log.info(`Runner "${name}" is drained (labels removed: ${drain.names.join(', ')}). Jobs that ask for none of these labels still reach it`);
    return 'drained';
}
/**
 * Chooses the labels to replace, and saves the drain. Changes nothing on GitHub.
 * @throws ActionError `invalid_input` if no label can be replaced, `internal_error` if the drain cannot be saved.
 */
function prepare(context, { id, name, owner }, seen) {
    const custom = seen.labels.filter(({ type }) => type === 'custom').map((label) => label.name);
    const names = custom.filter((label) => (0,drain_labels/* isReplaceable */.ZN)(label, owner));
    const kept = custom.filter((label) => !(0,drain_labels/* isReplaceable */.ZN)(label, owner));
    if (names.length === 0)
        throw withoutLabel(name, kept);
    if (kept.length > 0)
        context.log.info(`Runner "${name}" keeps the labels ${kept.join(', ')}, which cannot be replaced: ${UNREPLACEABLE}`);
    const drain = { id, name, owner, names };
    context.records.begin(drain);
    return drain;
}
/**
 * Removes this drain's marks, even those that GitHub does not show yet. Then restores labels: if the other drain has ended in the meantime, it
 * left the labels for this one to restore.
 */
async function giveWay(context, drain) {
    const { id, name, owner, names } = drain;
    await (0,label_changes/* changeEach */.aq)((0,label_changes/* forRequests */.Q0)(context), 'remove', (0,label_changes/* allMarks */.UG)(drain));
    const due = { id, name, due: (seen) => (0,drain_labels/* marksOf */.Ok)(owner, seen), restored: names };
    context.records.end(drain, await (0,label_changes/* restoreLabels */.Kz)((0,label_changes/* forRequests */.Q0)(context), due));
}
// ---- a runner that this step has already drained ----
/** A runner that registers again (`--replace`) can keep its ID, but it has its own labels again, and no marks. */
async function drainAgain(context, runner, drain) {
    const { records, log } = context;
    if ((0,drain_labels/* shownOf */.Rp)(drain.names, runner).length === 0 && !(0,drain_labels/* isTakenOver */.Gj)(drain, runner))
        return false;
    const seen = await readPastLag(context, drain);
    if (seen === undefined)
        return false;
    if ((0,drain_labels/* isTakenOver */.Gj)(drain, seen)) {
        // The post step checks a drain that ends in doubt: its marks may yet appear.
        records.doubt(drain.id);
        records.end(drain, []);
        return drainRunner(context, runner);
    }
    const names = (0,drain_labels/* shownOf */.Rp)(drain.names, seen);
    if (names.length === 0)
        return false;
    if (await (0,label_changes/* replaceLabels */.aS)((0,label_changes/* forRequests */.Q0)(context), { ...drain, names }, seen))
        log.info(`Runner "${drain.name}" had the labels ${names.join(', ')} again, so they were removed again`);
    else
        leaveOut(context, runner, GONE);
    return true;
}
/** A read that lags behind may show an earlier drain instead of this one. It is repeated, or the step would wait for a drain that is over. */
async function readPastLag(context, drain) {
    const { labels, records, clock, signal } = context;
    for (;;) {
        const { deadline } = (0,label_changes/* forRequests */.Q0)(context);
        const seen = await labels.read(drain.id, { deadline, signal });
        if (seen === undefined || !(0,drain_labels/* isTakenOver */.Gj)(drain, seen) || !records.mayLag(drain.id))
            return seen;
        await clock.sleep(TRY_AGAIN_MS, signal);
    }
}
// ---- errors ----
/** The date of one answer says that another drain has expired, that of the next answer says that it has not. */
function contradictory({ name }) {
    const message = `GitHub's answers contradict each other about the drains of runner "${name}". No restart was sent.`;
    return new errors/* ActionError */.lZ('github_api_failed', message, { hint: 'Check the clocks of the GitHub servers.' });
}
function alwaysLost({ name }) {
    const message = `Other runs drained runner "${name}" first, ${MOST_TRIES} times in a row. No restart was sent.`;
    const hint = 'Let only one run at a time drain it (concurrency).';
    return new errors/* ActionError */.lZ('runner_busy', message, { hint });
}
const UNREPLACEABLE = 'they are too long, or only dots';
/** @param kept its custom labels, none of which can be replaced. */
function withoutLabel(name, kept) {
    const why = kept.length === 0 ? '' : ` (${kept.join(', ')}: ${UNREPLACEABLE})`;
    const message = `Runner "${name}" has no custom label that can be replaced${why}, so it cannot be drained: jobs that ask for its default labels would still reach it.`;
    const hint = 'Give the runner a custom label and let the jobs ask for it (runs-on), or leave out drain.';
    return new errors/* ActionError */.lZ('invalid_input', message, { hint });
}

;// CONCATENATED MODULE: ./lib/drain/restore-runner.js
// Restores the labels of one drained runner: within three minutes, or within five seconds after a cancellation.




/** How long to try to restore a runner's labels, in milliseconds: GitHub's rate limits may allow no request for a minute or two. */
const RESTORE_MS = 180_000;
/** The same after a cancellation. */
const RESTORE_AFTER_CANCELLATION_MS = 5_000;
/** The share of either limit that may be spent on waiting for a drain's change in progress. */
const SHARE_FOR_CHANGE = 0.7;
/** GitHub may make a change this long after the connection was lost. In milliseconds. */
const LATE_CHANGE_MS = 2_000;
/** If restoring ends this long after its limit, the process was suspended. In milliseconds. */
const SUSPENDED_MS = 2_000;
/** Does nothing if the runner is not drained. Never throws: if it cannot restore the labels, it writes a warning. */
async function restoreRunner(context, id) {
    const { records, signal } = context;
    const held = records.held(id);
    if (held === undefined)
        return;
    const isDone = !signal.aborted && (await tryToRestore(context, held.drain, { ms: RESTORE_MS, signal }));
    if (!isDone)
        await tryToRestore(context, held.drain, { ms: RESTORE_AFTER_CANCELLATION_MS, signal: lib_clock/* NEVER */.tm });
}
/** @returns false if a cancellation cut it off. */
async function tryToRestore(context, drain, limit) {
    const { records, clock, log } = context;
    const { id, name } = drain;
    const startedAt = clock.now();
    try {
        const restored = await (0,lib_clock/* unlessAborted */.Wh)(limit.signal, restoreUnlessSuspended(context, drain, limit));
        log.info(restored === undefined
            ? `Runner "${name}" is no longer registered, so it has no labels to restore`
            : `The labels of runner "${name}" are restored`);
        records.end(drain, restored);
    }
    catch (error) {
        if (limit.signal.aborted)
            return false;
        const after = (0,lib_clock/* minutes */.Gx)(clock.now() - startedAt);
        log.warning(`The labels of runner "${name}" (ID ${id}) were not restored: ${whatNow(context, drain, after)} ${(0,errors/* asActionError */.z6)(error).message}`);
    }
    return true;
}
function whatNow({ isListed }, { owner }, after) {
    if (isListed === undefined)
        return `the step gave up after ${after}. Its post step tries again.`;
    return `the post step gave up after ${after}. For each label that ends in ${drain_labels/* MARK */.M$}${owner}, first add it without that ending, then remove the one with it.`;
}
/** Tries once more if the process was suspended past the limit, because it may have had hardly any time to ask GitHub. */
async function restoreUnlessSuspended(context, drain, limit) {
    const { clock } = context;
    const startedAt = clock.now();
    try {
        return await restoreOnce(context, drain, limit);
    }
    catch (error) {
        if (clock.now() - startedAt < limit.ms + SUSPENDED_MS)
            throw error;
        return restoreOnce(context, drain, limit);
    }
}
/** @returns as {@link restoreLabels}. */
async function restoreOnce(context, drain, { ms, signal }) {
    const { clock, isListed = async () => false } = context;
    const { id } = drain;
    const bounds = { deadline: clock.now() + ms, signal };
    if (drain.isGone && !(await isListed(id, bounds)))
        return undefined;
    await untilAnswered(context, id, { ms: ms * SHARE_FOR_CHANGE, signal });
    for (;;) {
        const restored = await (0,label_changes/* restoreLabels */.Kz)({ ...context, ...bounds }, dueMarks(context, drain, bounds));
        if (restored !== undefined || !(await isListed(id, bounds)))
            return restored;
        if (clock.now() + label_changes/* GONE_AFTER_MS */.In > bounds.deadline)
            throw (0,label_changes/* githubFailed */.Zr)('GitHub lists the runner, but answers HTTP 404 to requests for this runner.');
    }
}
/** Waits for a drain's change in progress: its answer decides what there is to restore. */
async function untilAnswered({ records, clock }, id, limit) {
    const change = records.changeOf(id);
    if (change === undefined)
        return;
    await (0,lib_clock/* within */.ux)(clock, limit, () => change).catch(() => {
        throw (0,label_changes/* githubFailed */.Zr)('GitHub has not answered the last change of the labels.');
    });
}
function dueMarks({ records, clock }, drain, { deadline }) {
    const { id, name, owner, restored } = drain;
    const isUnsure = records.held(id)?.kind === 'unsure';
    const isInDoubt = records.mayLag(id);
    return {
        ...{ id, name, restored, due: (seen) => (0,drain_labels/* marksOf */.Ok)(owner, seen) },
        doubtful(seen) {
            const doubts = isInDoubt ? (0,drain_labels/* doubtfulMarks */.cu)(drain, seen) : [];
            // The post step then checks the runner again.
            if (doubts.length > 0)
                records.doubt(id);
            return doubts;
        },
        unsureUntil: isUnsure ? Math.min(clock.now() + LATE_CHANGE_MS, deadline - LATE_CHANGE_MS) : undefined,
    };
}

;// CONCATENATED MODULE: ./lib/drain/drain.js
// Keeps new jobs away from a runner until its VM has been restarted: replaces each custom label with a mark that contains the run's ID and
// an expiry time, e.g. `macos` with `macos.drained-9001-1764410000`. GitHub then finds no runner for jobs that ask for `macos`. The labels on
// GitHub are the only state that steps share. For its post step, a step also saves which runners it has drained.
//
// | label of the runner          | when this drain begins                   | when it ends                                            |
// | ---------------------------- | ---------------------------------------- | ------------------------------------------------------- |
// | `macos`                      | becomes this drain's mark                | stays                                                   |
// | this drain's mark            | stays                                    | becomes `macos`; removed if another drain holds `macos` |
// | mark of an expired drain     | becomes `macos`, then this drain's mark  | stays                                                   |
// | mark of another active drain | stays; the step waits for that drain     | stays                                                   |
//
// drain-runner.ts   drains one runner; rival-drains.ts waits for the drains of other steps
// restore-runner.ts restores the labels of one runner
// drain-records.ts  the state of each runner that the step drains, and which part of it is saved for the post step
// label-changes.ts  replaces labels, and brings them back; drain-labels.ts reads and writes marks
// expired-drains.ts restores labels of drains whose machine died
//
// GitHub's reads lag behind its writes, usually by a second or two. So replacing and restoring end only when a read shows the result. A read
// soon after a change (`mayLag`) may even be from before the drain. If it shows only marks of other drains (`isTakenOver`), the runner is read
// again. Restoring does not trust its first read (`doubtfulMarks`). The header of label-changes.ts lists what else GitHub may do.







function createDrains(options) {
    const records = new DrainRecords(options);
    const context = { ...options, records, labels: logAndRecord(options, records) };
    return {
        drain(runner, bounds) {
            const change = drainRunner({ ...context, ...bounds }, runner);
            records.follow(runner.id, change);
            return (0,lib_clock/* unlessAborted */.Wh)(bounds.signal, change);
        },
        restore: (id) => restoreRunner(context, id),
    };
}
/**
 * For the post step: restores the labels of all drains that the step left. Each has records of its own, because a runner may have been
 * drained several times.
 * @param state what the step saved last.
 */
async function restoreLeft(state, { runners, ...options }) {
    let reading;
    /** One list serves all drains: after the reset of a large pool, hundreds of the saved registrations may be gone. */
    async function isListed(id, bounds) {
        reading ??= runners.listAll(bounds).catch((error) => {
            reading = undefined;
            throw error;
        });
        const list = await reading;
        return list.runners.some((runner) => runner.id === id);
    }
    const restore = (drain) => {
        const records = new DrainRecords(options, [drain]);
        const labels = logAndRecord(options, records);
        return restoreRunner({ ...options, records, labels, isListed }, drain.id);
    };
    const drains = stateFrom((0,json/* parseJson */.qF)(state));
    if (drains.length === 0 && state !== NOTHING_SAVED)
        options.log.warning(`The saved list of drained runners is damaged, so no labels were restored. On GitHub, look for runner labels that contain "${drain_labels/* MARK */.M$}". For each, first add the part before "${drain_labels/* MARK */.M$}" as a label, then remove the label itself.`);
    await Promise.all(drains.map(restore));
}
const NOTHING_SAVED = JSON.stringify([]);
/**
 * Logs failed requests, and warns if they are all that happens for a while. Also records the changes that drain a runner (adding marks,
 * removing other labels): confirmed by an answer, in doubt after a failed attempt. All other changes restore labels.
 */
function logAndRecord({ labels, clock, log }, records) {
    const about = 'the labels of a runner';
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined, server: 'GitHub', about });
    /** @param drained the ID of the runner that the request drains; undefined for any other request. */
    async function ask(bounds, send, drained) {
        const onFault = (fault) => {
            progress.fault(fault);
            if (drained !== undefined)
                records.doubt(drained);
        };
        const answer = await send({ ...bounds, onFault });
        progress.answered();
        if (drained !== undefined)
            records.confirm(drained);
        return answer;
    }
    return {
        read: (id, bounds) => ask(bounds, (retryBounds) => labels.read(id, retryBounds)),
        add: (id, label, bounds) => ask(bounds, (retryBounds) => labels.add(id, label, retryBounds), (0,drain_labels/* isMark */.qi)(label) ? id : undefined),
        remove: (id, label, bounds) => ask(bounds, (retryBounds) => labels.remove(id, label, retryBounds), (0,drain_labels/* isMark */.qi)(label) ? undefined : id),
    };
}


/***/ }),

/***/ 3480:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   In: () => (/* binding */ GONE_AFTER_MS),
/* harmony export */   Kz: () => (/* binding */ restoreLabels),
/* harmony export */   Q0: () => (/* binding */ forRequests),
/* harmony export */   UG: () => (/* binding */ allMarks),
/* harmony export */   Zr: () => (/* binding */ githubFailed),
/* harmony export */   aS: () => (/* binding */ replaceLabels),
/* harmony export */   aq: () => (/* binding */ changeEach),
/* harmony export */   iu: () => (/* binding */ readUnlessGone)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(452);
/* harmony import */ var _drain_labels_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4542);
// Replaces the labels of a runner with a drain's marks, and brings them back. Both end only when GitHub shows the result.
//
// | GitHub sometimes                                         | so                                                                      |
// | -------------------------------------------------------- | ----------------------------------------------------------------------- |
// | shows labels as they were before the last change         | a change counts once a read shows it; until then, it is made again      |
// | confirms a change, but does not make it                  | a label is removed only once a read shows its mark                      |
// | makes a change seconds after the request failed          | restoring goes on until `unsureUntil`, and restores such a label, too   |
// | answers 404 for a registered runner, for some seconds    | a runner counts as gone only after GONE_AFTER_MS (`readUnlessGone`)     |
// | lets others change labels in between                     | labels are added and removed one by one; the whole set is never written |
//
// Changes can be repeated safely: adding a label that is there, or removing one that is not, does nothing.


/** The shortest time for requests, in milliseconds: enough to find out that a runner is gone. */
const SHORTEST_MS = 30_000;
/** Gives the next requests a deadline of their own, because that of the wait for another drain may have passed, or may be an hour away. */
function forRequests(access) {
    const { clock, patienceMs } = access;
    return { ...access, deadline: clock.now() + Math.max(patienceMs, SHORTEST_MS) };
}
/**
 * A runner counts as gone once GitHub has answered 404 for this long, in milliseconds. For some seconds, GitHub may answer 404 for a registered
 * runner, too: to a new token, or during an outage.
 */
const GONE_AFTER_MS = 10_000;
const CONFIRM_GONE_EVERY_MS = 2_000;
/**
 * Reads the labels; undefined if the runner is gone.
 * @throws ActionError `github_api_failed` if GitHub answers 404, and the deadline comes before GONE_AFTER_MS.
 */
async function readUnlessGone(access, runner) {
    const { labels, clock, deadline, signal } = access;
    for (let goneSince;;) {
        const seen = await labels.read(runner.id, { deadline, signal });
        if (seen !== undefined)
            return seen;
        const now = clock.now();
        goneSince ??= now;
        if (now - goneSince >= GONE_AFTER_MS)
            return undefined;
        if (now + CONFIRM_GONE_EVERY_MS > deadline)
            throw githubFailed(`GitHub answered HTTP 404 for ${describe(runner)}, but not for long enough to prove that it is gone.`);
        await clock.sleep(CONFIRM_GONE_EVERY_MS, signal);
    }
}
/** Adds or removes labels one by one, so that other labels stay as they are. @throws ActionError `github_api_failed` */
async function changeEach({ labels, deadline, signal }, change, { id, names }) {
    for (const name of names)
        await labels[change](id, name, { deadline, signal });
}
/** A drain's marks, for {@link changeEach}. */
function allMarks({ id, owner, names }) {
    return { id, names: names.map((name) => (0,_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__/* .markOf */ .Fg)(name, owner)) };
}
// ---- replacing ----
/** The pause before marks are added again, in milliseconds: GitHub limits changes more than reads. */
const ADD_AGAIN_MS = 5_000;
/**
 * Repeats reads and changes until GitHub shows the result:
 *
 * | a read shows                                        | what is done      |
 * | --------------------------------------------------- | ----------------- |
 * | the label and its mark                              | remove the label  |
 * | the label without its mark                          | add the mark      |
 * | neither, though this call has removed the label     | add the mark      |
 * | anything else                                       | nothing           |
 *
 * A label is removed only once a read shows its mark: if GitHub had confirmed the mark without adding it, no step could restore the label.
 * The third row occurs if the runner registers again: it gets its labels back without marks, and a removal that was just sent removes one.
 * @param seen the labels in the last read.
 * @returns false if the runner is gone.
 * @throws ActionError `github_api_failed` if the deadline comes before GitHub shows the result.
 */
async function replaceLabels(access, drain, seen) {
    const { id, name, owner, names } = drain;
    const removed = new Set();
    let additions = 0;
    let removals = 0;
    for (let now = seen; now !== undefined; now = await readUnlessGone(access, drain)) {
        const shown = (0,_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__/* .shownOf */ .Rp)(names, now);
        const isMarked = (label) => (0,_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__/* .shownOf */ .Rp)([(0,_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__/* .markOf */ .Fg)(label, owner)], now).length > 0;
        const marked = shown.filter(isMarked);
        const unmarked = names.filter((label) => !isMarked(label) && (shown.includes(label) || removed.has(label)));
        if (marked.length + unmarked.length === 0)
            return true;
        if (marked.some((label) => removed.has(label)))
            await pause(access, drain, pauseAfter(++removals));
        await changeEach(access, 'remove', { id, names: marked });
        for (const label of marked)
            removed.add(label);
        if (unmarked.length === 0)
            continue;
        if (additions++ === 1)
            access.log.info(`GitHub confirmed new labels of runner "${name}" but does not show them; adding them again`);
        if (additions > 1)
            await pause(access, drain, ADD_AGAIN_MS);
        await changeEach(access, 'add', allMarks({ ...drain, names: unmarked }));
    }
    return false;
}
/**
 * Brings back the labels that drains replaced, except those that another drain still holds: that drain restores them when it ends. Two
 * drains that end together may each leave a label to the other, so this reads until all labels are there. Doubtful marks are removed and
 * their labels added whatever the first read shows: if they are restored already, that changes nothing.
 * @returns the labels that are back; undefined if the runner is gone.
 * @throws ActionError `github_api_failed` if the deadline comes before that.
 */
async function restoreLabels(access, { id, name, due, doubtful = () => [], restored = [], unsureUntil = Number.NEGATIVE_INFINITY }) {
    const originals = new Set(restored);
    for (let reads = 1;; reads++) {
        const seen = await readUnlessGone(access, { id, name });
        if (seen === undefined)
            return undefined;
        const doubts = reads === 1 ? doubtful(seen) : [];
        const marks = distinct([...due(seen), ...doubts]);
        for (const { original } of marks)
            originals.add(original);
        const missing = missingOf(originals, seen, { marks, doubts });
        const isRestored = marks.length + missing.length === 0;
        if (isRestored && access.clock.now() >= unsureUntil)
            return [...originals];
        if (isRestored || reads > 1)
            await pause(access, { id, name }, pauseAfter(reads));
        await changeEach(access, 'add', { id, names: missing });
        await changeEach(access, 'remove', { id, names: marks.map(({ label }) => label) });
    }
}
function distinct(marks) {
    return [...new Map(marks.map((mark) => [(0,_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__/* .keyOf */ .TN)(mark.label), mark])).values()];
}
/** The labels to add: those that the read does not show for certain, and that no other drain holds. */
function missingOf(originals, seen, { marks, doubts }) {
    const isOriginalOf = (name) => (mark) => (0,_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__/* .keyOf */ .TN)(mark.original) === (0,_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__/* .keyOf */ .TN)(name);
    const certain = seen.labels.filter(({ name }) => !doubts.some(isOriginalOf(name)));
    const others = (0,_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__/* .liveMarks */ .b)(seen).filter(({ label }) => !marks.some((mark) => mark.label === label));
    const there = new Set((0,_drain_labels_js__WEBPACK_IMPORTED_MODULE_1__/* .shownOf */ .Rp)(originals, { labels: certain }));
    return [...originals].filter((name) => !there.has(name) && !others.some(isOriginalOf(name)));
}
// ---- pauses ----
/** The pause after each of the first reads that should show a change: in milliseconds. */
const FIRST_PAUSE_MS = 1_000;
const FIRST_READS = 10;
/** The pause after later reads, in milliseconds: after each pause, the labels are changed again, and GitHub limits changes. */
const LATER_PAUSE_MS = 15_000;
function pauseAfter(reads) {
    return reads > FIRST_READS ? LATER_PAUSE_MS : FIRST_PAUSE_MS;
}
/** @throws ActionError `github_api_failed` if the deadline comes before the end of the pause. */
async function pause({ clock, deadline, signal }, runner, ms) {
    if (clock.now() + ms > deadline)
        throw githubFailed(`GitHub still shows the labels of ${describe(runner)} as they were before the change.`);
    await clock.sleep(ms, signal);
}
function describe({ id, name }) {
    return `runner "${name}" (ID ${id})`;
}
function githubFailed(message) {
    const hint = "Check githubstatus.com and the runner's labels on GitHub, then run the step again.";
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .ActionError */ .lZ('github_api_failed', message, { hint });
}


/***/ }),

/***/ 7391:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  Cl: () => (/* binding */ createGitHub),
  Ey: () => (/* binding */ createToken),
  Un: () => (/* binding */ itemsIn)
});

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
// How a request to GitHub is sent, and how much of GitHub's quota the step uses.



/** A page of 100 runners has about 60 KiB; a page of 100 runs, or of 100 jobs with all their steps, can have 2 MiB and more. */
const MAX_BYTES = 16 * 1024 * 1024;
/**
 * A path with a segment `.` or `..`, encoded or not, or with an empty last segment. The server reads it as another path: for a label of such
 * a name, DELETE would remove all labels, or the runner.
 */
const LEADS_ELSEWHERE = /\/(?:(?:\.|%2e){1,2}(?:\/|$)|$)/i;
/**
 * Sends octokit's requests over the same transport as the controller's, which has the limits of time and size, and the proxies. Requests go only
 * to the base URL's server. The returned function throws UnusableAnswer if a retry may help, and ActionError `github_api_failed` if it cannot.
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
/** An abort does not cut off a change of labels once it is sent: to restore labels, the step must know what was changed. */
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
    // Octokit would parse it, whatever that takes.
    if ((0,json/* isTooComplex */.RP)(text))
        throw new json/* UnusableAnswer */.kf('it answered with far more JSON than GitHub sends');
    const given = Object.entries(headers).filter((header) => header[1] !== undefined);
    try {
        return new Response(WITHOUT_BODY.includes(status) ? null : text, { status, headers: given });
    }
    catch (cause) {
        throw new json/* UnusableAnswer */.kf('it answered with a status or headers that HTTP does not allow', { cause });
    }
}
// ---- usage ----
/** How much of GitHub's quota the step uses. */
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

// EXTERNAL MODULE: ./node_modules/@actions/github/lib/github.js + 22 modules
var github = __webpack_require__(2413);
;// CONCATENATED MODULE: ./lib/github/octokit.js
// One request to GitHub and its answer, with GitHub's own library.




function createOctokit({ baseUrl, transport, debug }, onAnswer) {
    // Octokit writes to the console if a method is missing here; @octokit/request has its own setting.
    const remark = (line) => debug(line.replace(QUERY, '?...'));
    const log = { debug: remark, info: remark, warn: remark, error: remark };
    const octokits = new Map();
    return async ({ route, parameters, read, check, memory, ...bounds }, token) => {
        const octokit = octokits.get(token) ?? (0,github/* getOctokit */.Q)(token, { baseUrl, userAgent: 'restart-anka-vm', log });
        octokits.set(token, octokit);
        const key = JSON.stringify([route, parameters]);
        const before = memory?.get(key);
        const headers = { ...API_VERSION, ...(before === undefined ? {} : { 'if-none-match': before.etag }) };
        const request = { fetch: createFetch({ baseUrl, transport, bounds, onAnswer }), log };
        const reply = await settle(() => octokit.request(route, { ...parameters, headers, request }));
        const answer = reply.status === 304 && before ? { ...before.answer, date: dateOf(reply) } : answerIn(reply, read);
        if (answer === undefined)
            return { denied: reply };
        check?.(answer.data);
        const { etag } = reply.headers;
        if (etag !== undefined)
            memory?.set(key, { etag: String(etag), answer });
        return answer;
    };
}
/** The query of a URL in a text. It may contain a name from the controller, and once that is URL-encoded, masking no longer hides it. */
const QUERY = /\?[^\s"]*/g;
const API_VERSION = { 'x-github-api-version': '2022-11-28' };
function isRequestError(error) {
    return (0,json/* isRecord */.u4)(error) && error['name'] === 'HttpError';
}
/**
 * Resolves to the answer, whatever its status. Octokit's error contains the request with the token, so it must not become the cause of
 * another error.
 */
async function settle(request) {
    try {
        return await request();
    }
    catch (error) {
        // Octokit cannot read some answers, e.g. HTTP 500 with JSON that has a number of 20 digits and no message.
        if (!isRequestError(error))
            throw new json/* UnusableAnswer */.kf(`it answered with something that octokit cannot read: ${(0,errors/* describeCause */.V$)(error)}`);
        if (error.response === undefined)
            throw error.cause;
        return error.response;
    }
}
/** Undefined for any status except 200. */
function answerIn(reply, read) {
    const { status, headers, data } = reply;
    if (status !== 200)
        return undefined;
    const total = (0,json/* isRecord */.u4)(data) ? data['total_count'] : undefined;
    return {
        data: read(data),
        hasNext: nextIn((0,json/* text */.Qq)(headers, 'link', LONGEST_LINK) ?? ''),
        total: typeof total === 'number' ? total : undefined,
        date: dateOf(reply),
    };
}
function nextIn(link) {
    if (/\brel="?next\b/.test(link))
        return true;
    return /\brel="?prev\b/.test(link) ? false : undefined;
}
/** In characters. The header contains several URLs. */
const LONGEST_LINK = 10_000;
function dateOf({ headers }) {
    const date = Date.parse((0,json/* text */.Qq)(headers, 'date') ?? '');
    return Number.isNaN(date) ? undefined : date;
}

;// CONCATENATED MODULE: ./lib/github/github-client.js
// A request to GitHub passes through five stages:
//
// 1. Pages: `askForList` counts them itself, because the links of a GitHub Enterprise Server may name another host.
// 2. Retries: http/retry.ts repeats each request until its deadline.
// 3. Tokens: each attempt tries one token after another, until GitHub accepts one. A rate limit suspends a token.
// 4. octokit.ts builds the request, reads the answer, and remembers it with its ETag, because an unchanged answer does not count against
//    GitHub's quota.
// 5. github-fetch.ts sends the request over the same transport as the controller's.






function createToken(input, value) {
    return { input, value, allowedAt: Number.NEGATIVE_INFINITY, refusedAt: Number.NEGATIVE_INFINITY };
}
/** The most items that GitHub puts on a page. */
const PER_PAGE = 100;
/** The most pages to read of a list. GitHub itself ends a list of workflow runs after 1,000 runs. */
const MOST_PAGES = 100;
/** After a refusal, a token is tried last for this long, in milliseconds: otherwise, each of many requests would be refused first. */
const REFUSED_MS = 5_000;
function createGitHub(connection) {
    const usage = createUsage();
    const send = createOctokit(connection, usage.count);
    return {
        clientWith: (tokens) => createClientWith(tokens, connection, send),
        describeUsage: usage.describe,
    };
}
function createClientWith(tokens, { clock, random, budget = (0,retry/* createRetryBudget */.Ce)(clock) }, send) {
    async function ask(question) {
        const attempt = () => tryTokens(question).catch(faultIfUnusable);
        const last = await (0,retry/* retry */.L5)({ clock, random, budget }, attempt, question);
        if ('fault' in last)
            throw givenUp(last.fault, last.isFinal);
        if ('data' in last.value)
            budget.renew();
        return last.value;
    }
    async function tryTokens(question) {
        let denial;
        for (const token of inOrder(tokens, clock.now())) {
            const reply = await send(question, token.value);
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
    function askForList(question) {
        return askForPages(ask, question);
    }
    return { ask, askForList };
}
async function askForPages(ask, question) {
    const items = [];
    let total = 0;
    for (let page = 1;; page++) {
        const parameters = { ...question.parameters, per_page: PER_PAGE, ...(page === 1 ? {} : { page }) };
        const answer = await ask({ ...question, parameters });
        if ('status' in answer)
            return answer;
        items.push(...answer.data);
        total = Math.max(total, answer.total ?? 0);
        const { goesOn, isCut } = endOf(answer, items.length);
        if (!goesOn || page === MOST_PAGES)
            return { items, pages: page, total, isCut, date: answer.date };
    }
}
/** The items on a page. @throws UnusableAnswer if there is no list, or if the page is too long. */
function itemsIn(data, key) {
    const items = (0,json/* isRecord */.u4)(data) ? data[key] : undefined;
    const name = key.replace('_', ' ');
    if (!Array.isArray(items))
        throw new json/* UnusableAnswer */.kf(`it answered without a list of ${name}`);
    if (items.length > PER_PAGE)
        throw new json/* UnusableAnswer */.kf(`it answered with more ${name} than were asked for`);
    return items;
}
function faultIfUnusable(error) {
    if (!(error instanceof json/* UnusableAnswer */.kf))
        throw error;
    return { fault: (0,github_faults/* faultOfUnreadable */.Bm)(error) };
}
/**
 * Whether more pages follow, and whether the list has more items than were read. Without a `Link` header, the count decides: a full page
 * is the last one only if the count is reached exactly.
 */
function endOf({ data, hasNext, total }, read) {
    const isOpen = data.length >= PER_PAGE && read !== total;
    return { goesOn: hasNext ?? isOpen, isCut: hasNext === true || isOpen };
}
/** The tokens that no rate limit suspends; one that was just refused comes last. */
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
        : { fault: (0,github_faults/* faultOfDenial */.TR)(denial, question.access) };
}
function givenUp({ reason, message, hint, cause }, isFinal) {
    const gaveUp = `GitHub gave no usable answer; last attempt: ${reason}.`;
    return new errors/* ActionError */.lZ('github_api_failed', message ?? gaveUp, { hint, cause, isTransient: !isFinal });
}


/***/ }),

/***/ 3581:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Yg: () => (/* binding */ describeRunner),
/* harmony export */   _g: () => (/* binding */ readRunners),
/* harmony export */   fY: () => (/* binding */ readRunner),
/* harmony export */   k2: () => (/* binding */ readLabels)
/* harmony export */ });
/* harmony import */ var _http_json_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1528);
/* harmony import */ var _github_client_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(7391);
/* harmony import */ var _runner_names_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(892);



/** e.g. `online, busy`. */
function describeRunner({ isOnline, isBusy }) {
    return `${isOnline ? 'online' : 'offline'}, ${isBusy ? 'busy' : 'idle'}`;
}
/** @throws UnusableAnswer if it cannot be read. */
function readRunner(data) {
    const runner = runnerFrom(data);
    if ('problem' in runner)
        throw runner.problem;
    return runner;
}
/** Reads one page of a list. @throws UnusableAnswer if there is no list. */
function readRunners(data) {
    return (0,_github_client_js__WEBPACK_IMPORTED_MODULE_1__/* .itemsIn */ .Un)(data, 'runners').map(runnerFrom);
}
function runnerFrom(data) {
    const fields = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(data) ? data : {};
    const { id, busy, ephemeral } = fields;
    const [name, status] = [(0,_runner_names_js__WEBPACK_IMPORTED_MODULE_2__/* .runnerNameIn */ .H6)(fields, 'name'), (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .text */ .Qq)(fields, 'status')];
    // An unknown status is not "offline": a runner that was seen offline is part of the proof that it came back.
    const isKnown = status === 'online' || status === 'offline';
    if (typeof id !== 'number' || typeof busy !== 'boolean' || name === undefined || !isKnown)
        return { name, problem: problemOf(fields) };
    return {
        id,
        name,
        isOnline: status === 'online',
        isBusy: busy,
        labels: labelsFrom(fields),
        ephemeral: typeof ephemeral === 'boolean' ? ephemeral : undefined,
        version: (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .text */ .Qq)(fields, 'version'),
    };
}
/** Names the runner if its name can be read, and the fields that are wrong. */
function problemOf(fields) {
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
// ---- labels ----
const LONGEST_LABEL = 256;
/** All labels; none if one of them cannot be read, because a part of them would seem to rule out jobs that the runner may have. */
function labelsFrom({ labels }) {
    const given = Array.isArray(labels) ? labels : [];
    const readable = given.flatMap((label) => {
        const name = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(label) ? (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .text */ .Qq)(label, 'name', LONGEST_LABEL) : undefined;
        if (!(0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(label) || name === undefined)
            return [];
        return [{ name, type: label['type'] === 'custom' ? 'custom' : 'read-only' }];
    });
    return readable.length === given.length ? readable : [];
}
/**
 * Reads a runner's labels, for `drain`.
 * @throws UnusableAnswer if any of them cannot be read, because the step would neither drain nor restore it.
 */
function readLabels(data) {
    const labels = (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(data) ? data['labels'] : undefined;
    const isComplete = Array.isArray(labels) && labels.every(isLabel);
    if (!isComplete)
        throw new _http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .UnusableAnswer */ .kf('it answered with a runner whose labels cannot be read');
    return readRunner(data).labels;
}
function isLabel(label) {
    if (!(0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .isRecord */ .u4)(label) || (0,_http_json_js__WEBPACK_IMPORTED_MODULE_0__/* .text */ .Qq)(label, 'name', LONGEST_LABEL) === undefined)
        return false;
    return label['type'] === 'custom' || label['type'] === 'read-only';
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
// EXTERNAL MODULE: ./lib/github/github-client.js + 2 modules
var github_client = __webpack_require__(7391);
// EXTERNAL MODULE: ./lib/http/json.js
var json = __webpack_require__(1528);
// EXTERNAL MODULE: ./lib/github/runner-names.js
var runner_names = __webpack_require__(892);
;// CONCATENATED MODULE: ./lib/github/job.js



/** In characters. The names of matrix jobs are long. */
const LONGEST_NAME = 1_000;
/** Reads one page of a list. @throws UnusableAnswer if there is no list of runs, or if a run has no ID. */
function readRuns(data) {
    return (0,github_client/* itemsIn */.Un)(data, 'workflow_runs').map((run) => {
        const { id, status, updated_at: updatedAt } = (0,json/* isRecord */.u4)(run) ? run : {};
        if (typeof id !== 'number')
            throw new json/* UnusableAnswer */.kf('it answered with a workflow run that lacks its id');
        return { id, state: `${status} ${updatedAt}` };
    });
}
/** Reads one page of a list. @throws UnusableAnswer if there is no list of jobs, or if a job has no status. */
function readJobs(data, runId) {
    return (0,github_client/* itemsIn */.Un)(data, 'jobs').map((job) => readJob((0,json/* isRecord */.u4)(job) ? job : {}, runId));
}
function readJob(fields, runId) {
    const { runner_id: id, run_attempt: attempt, labels } = fields;
    const status = (0,json/* text */.Qq)(fields, 'status');
    if (status === undefined)
        throw new json/* UnusableAnswer */.kf('it answered with a job that lacks its status');
    const completedAt = Date.parse((0,json/* text */.Qq)(fields, 'completed_at') ?? '');
    return {
        runId,
        attempt: typeof attempt === 'number' ? attempt : 1,
        name: (0,json/* text */.Qq)(fields, 'name', LONGEST_NAME) ?? '',
        status,
        conclusion: (0,json/* text */.Qq)(fields, 'conclusion'),
        completedAt: Number.isNaN(completedAt) ? undefined : completedAt,
        labels: (Array.isArray(labels) ? labels : []).filter((label) => typeof label === 'string'),
        // GitHub writes 0 if it has no ID for a runner.
        runnerId: typeof id === 'number' && id > 0 ? id : undefined,
        runnerName: (0,runner_names/* runnerNameIn */.H6)(fields, 'runner_name'),
        runnerGroup: (0,json/* text */.Qq)(fields, 'runner_group_name'),
    };
}

;// CONCATENATED MODULE: ./lib/github/jobs.js
// The jobs source. GitHub's runners API shows late that a runner is busy, and sometimes shows it idle during a job. The jobs of a repository
// say on which runner each of them runs. So this module reads the runs that are not completed, then the jobs of each. That requires
// another permission, so it can use another token.


/** The jobs of this many runs are read at the same time: GitHub allows 100 concurrent requests, and a read must not take long. */
const AT_ONCE = 16;
/** Reads the jobs of one repository. A refusal does not stop later reads. If a read runs out of time, the next one continues it. */
function createJobsSource(origin, { clock, log }) {
    const requests = createJobRequests(origin);
    const kept = createKeptJobs(clock);
    let isLogged = false;
    /** To the debug log, because a warning follows once the refusals are final. */
    function logOnce({ refused }) {
        if (!isLogged)
            log.debug(`GitHub does not show the workflow runs (${refused}). ${JOBS_ACCESS.permission}`);
        isLogged = true;
    }
    async function jobsOf(runs, bounds) {
        const found = new Map();
        kept.begin();
        try {
            await forEachAtOnce(runs, async (run) => {
                const jobs = kept.get(run) ?? (await askForJobs(requests.jobs, run.id, bounds));
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
            const runs = await askForRuns(requests.runs, bounds);
            if ('refused' in runs) {
                logOnce(runs);
                return runs;
            }
            return (await jobsOf(runs, bounds)).filter(isRunning);
        },
    };
}
/** A job that has a runner counts as running, whatever its status, until it is completed. */
function isRunning({ status, runnerName, runnerId }) {
    return status === 'in_progress' || (status !== 'completed' && (runnerName ?? runnerId) !== undefined);
}
// ---- what is kept ----
/** How long to keep the parts of an incomplete read: in milliseconds. */
const KEPT_MS = 90_000;
/** How long to keep them once the read is complete: in milliseconds. The read right before the restart requests all older ones again. */
const KEPT_AFTER_MS = 10_000;
/**
 * Keeps the jobs by run, so that a read that ran out of time resumes where it stopped. A run that has changed since is read again. Nothing is
 * kept of a read that was complete in one call. If it took several calls, its newest parts are kept for some seconds, so that the read right
 * before the restart does not take as long again.
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
/** The jobs source if it is unknown which repository's jobs to read. */
function createNoJobsSource(log) {
    let isLogged = false;
    return {
        async runningJobs() {
            if (!isLogged)
                log.info('GITHUB_REPOSITORY is not set, so only the runner itself shows whether a job runs');
            isLogged = true;
            return { refused: 'GITHUB_REPOSITORY is not set', isFinal: true };
        },
    };
}
/** Reads the jobs of all attempts of a run. @throws ActionError as the GitHub client does. */
async function readRunJobs(origin, runId, bounds) {
    const question = jobsQuestion(origin, runId, 'all');
    const access = { ...question.access, input: 'run_id' };
    const { items, total, date } = await origin.client.askForList({ ...bounds, ...question, access });
    return { jobs: items, total, readAt: date };
}
// ---- requests ----
/**
 * A run's status follows its least advanced job: with one job in progress and another one queued it is `queued`. So this reads the runs of
 * every status except `completed`, and the status of each job decides.
 */
const OTHER_STATUSES = ['queued', 'pending', 'waiting', 'requested'];
async function askForRuns(ask, bounds) {
    const first = await ask('in_progress', bounds);
    if ('said' in first)
        return { refused: first.said, isFinal: false };
    const others = OTHER_STATUSES.map((status) => ask(status, bounds));
    // A run that changes its status while the lists are read may be missing from all of them.
    const lists = [first, ...(await allOf(others)), await ask('in_progress', bounds)];
    const runs = new Map();
    for (const list of lists) {
        if ('said' in list)
            return { refused: list.said, isFinal: false, isPartial: true };
        requireComplete(list, 'workflow runs', bounds);
        for (const run of list.items)
            runs.set(run.id, run);
    }
    return [...runs.values()];
}
/** @throws ActionError, transient, if the run is gone: it was deleted, so the next read will not list it. */
async function askForJobs(ask, runId, bounds) {
    const list = await ask(runId, bounds);
    if ('items' in list) {
        requireComplete(list, `jobs of run ${runId}`, bounds);
        return list.items;
    }
    const message = `A workflow run that GitHub had just listed is gone (${list.said}).`;
    throw new errors/* ActionError */.lZ('github_api_failed', message, { isTransient: true });
}
/** @throws ActionError, transient, if the list is cut off: what it lacks may be a job on the runner. */
function requireComplete({ items, total, isCut }, what, { onFault }) {
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
/** The requests, which remember GitHub's earlier answers. */
function createJobRequests(origin) {
    const { owner, repo } = origin.repository;
    const ofRuns = new Map();
    const ofJobs = new Map();
    return {
        runs: (status, bounds) => origin.client.askForList({
            ...bounds,
            route: 'GET /repos/{owner}/{repo}/actions/runs',
            parameters: { owner, repo, status, exclude_pull_requests: true },
            access: { ...JOBS_ACCESS, subject: `the workflow runs of repository ${owner}/${repo}` },
            read: readRuns,
            otherAnswers: REFUSED_JOBS,
            memory: ofRuns,
        }),
        jobs: (runId, bounds) => {
            const question = jobsQuestion(origin, runId, 'latest');
            return origin.client.askForList({ ...bounds, ...question, otherAnswers: REFUSED_JOBS, memory: ofJobs });
        },
    };
}
/** @param filter whether to read the jobs of the last attempt, or of all attempts. */
function jobsQuestion({ repository: { owner, repo } }, runId, filter) {
    return {
        route: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs',
        parameters: { owner, repo, run_id: runId, filter },
        access: { ...JOBS_ACCESS, subject: `the jobs of run ${runId} of repository ${owner}/${repo}` },
        read: (data) => readJobs(data, runId),
    };
}
const JOBS_ACCESS = {
    permission: 'The token needs "Actions: read" for that repository; in a workflow: permissions: actions: read.',
    input: 'the name of the repository',
};
/** These lead to a decision without the jobs. HTTP 401 does not: a token that GitHub does not know cannot read the runners, either. */
const REFUSED_JOBS = [403, 404];
/** Works on AT_ONCE items at the same time; begins no other once one has failed. */
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
/** All results. If a task throws, waits for the other tasks first, so that none continues unnoticed. */
async function allOf(tasks) {
    await Promise.allSettled(tasks);
    return Promise.all(tasks);
}

// EXTERNAL MODULE: ./lib/github/runner.js
var github_runner = __webpack_require__(3581);
// EXTERNAL MODULE: ./lib/github/scope.js
var github_scope = __webpack_require__(7411);
;// CONCATENATED MODULE: ./lib/github/runner-labels.js
// Reads and changes a runner's labels.



function createRunnerLabels(client, scope) {
    const { path, parameters } = (0,github_scope/* runnersPath */.xr)(scope);
    const subject = `the labels of the self-hosted runners of ${(0,github_scope/* describeScope */.OI)(scope)}`;
    const access = { subject, permission: (0,github_scope/* changingToken */.f2)(scope), input: 'runner_scope' };
    const change = { access, read: () => undefined };
    return {
        async read(id, bounds) {
            const answer = await client.ask({
                ...bounds,
                route: `GET ${path}/{runner_id}`,
                parameters: { ...parameters, runner_id: id },
                access,
                read: github_runner/* readLabels */.k2,
                otherAnswers: [404],
            });
            if ('status' in answer)
                return undefined;
            if (answer.date === undefined)
                throw new errors/* ActionError */.lZ('github_api_failed', NO_DATE);
            return { labels: answer.data, date: answer.date };
        },
        async add(id, label, bounds) {
            const route = `POST ${path}/{runner_id}/labels`;
            await client.ask({
                ...{ ...bounds, ...change, route },
                parameters: { ...parameters, runner_id: id, labels: [label] },
            });
        },
        async remove(id, label, bounds) {
            const route = `DELETE ${path}/{runner_id}/labels/{name}`;
            await client.ask({
                ...{ ...bounds, ...change, route, otherAnswers: [404] },
                parameters: { ...parameters, runner_id: id, name: label },
            });
        },
    };
}
const NO_DATE = 'GitHub answered without a Date, so no label can carry an expiry time.';

// EXTERNAL MODULE: ./lib/github/github-faults.js
var github_faults = __webpack_require__(1688);
;// CONCATENATED MODULE: ./lib/github/runners.js
// The runners source: the self-hosted runners of one scope. A list is read page by page, while runners register, unregister, and so move
// between pages: most of what follows allows for that.





function createRunners(client, scope, options) {
    const { path, parameters } = (0,github_scope/* runnersPath */.xr)(scope);
    const memory = new Map();
    const lists = createLists(client, scope, options);
    async function getRunner(id, bounds) {
        const answer = await client.ask({
            ...bounds,
            route: `GET ${path}/{runner_id}`,
            parameters: { ...parameters, runner_id: id },
            access: accessTo(scope),
            read: (data) => requireRunner(data, id),
            otherAnswers: [404],
            memory,
        });
        return 'data' in answer ? answer.data : undefined;
    }
    return {
        getRunner,
        pollRunner: getRunner,
        listAll: (bounds) => lists.readWhole(bounds),
        listRunners: createSearch(lists),
        shownBusyAt: lists.shownBusyAt,
    };
}
function accessTo(scope) {
    const subject = `the self-hosted runners of ${(0,github_scope/* describeScope */.OI)(scope)}`;
    return { subject, permission: (0,github_scope/* fittingToken */.jr)(scope), input: 'runner_scope' };
}
/** @throws UnusableAnswer if the data is not the runner with this ID. */
function requireRunner(data, id) {
    const runner = (0,github_runner/* readRunner */.fY)(data);
    if (runner.id !== id)
        throw new json/* UnusableAnswer */.kf('it answered with another runner');
    return runner;
}
// ---- lists ----
/** Reads lists, and remembers when a list last showed each runner with a job. */
function createLists(client, scope, { clock, onList = () => { } }) {
    const { path, parameters } = (0,github_scope/* runnersPath */.xr)(scope);
    const access = accessTo(scope);
    const memory = new Map();
    const shownBusyAt = new Map();
    function check(page, pattern) {
        for (const item of page)
            if ('id' in item && item.isBusy)
                shownBusyAt.set(item.id, clock.now());
        const problem = pattern && problemIn(page, pattern);
        if (problem !== undefined)
            throw problem;
    }
    /** @param pattern a page with an unreadable runner that may fit is requested again. @param name GitHub lists only runners of this name. */
    async function readOnce(bounds, pattern, name) {
        const list = await client.askForList({
            ...bounds,
            route: `GET ${path}`,
            parameters: name === undefined ? parameters : { ...parameters, name },
            access,
            read: github_runner/* readRunners */._g,
            check: (page) => check(page, pattern),
            memory,
        });
        const read = joined(list, access.subject);
        if (list.date !== undefined)
            onList({ runners: read.runners, date: list.date });
        return read;
    }
    return {
        readOnce,
        /** If a runner unregisters between two pages, the list lacks another one. So a list that is too short is read once more. */
        async readWhole(bounds, pattern) {
            const list = await readOnce(bounds, pattern);
            const isFound = pattern !== undefined && (0,runner_names/* isExact */.u0)(pattern) && fitting(list, pattern).length > 0;
            return list.isShort && !isFound ? readOnce(bounds, pattern) : list;
        },
        shownBusyAt: (id) => shownBusyAt.get(id),
    };
}
/** @returns the pages as one list. `isShort`: it has fewer runners than GitHub counts. */
function joined({ items, pages, total, isCut }, subject) {
    const runners = distinct(items.filter((item) => 'id' in item));
    const known = runners.length + items.filter((item) => 'problem' in item).length;
    const isShort = !isCut && known < total;
    const reason = `its list of ${subject} has only ${known} of ${total}, and the runner may be among the rest`;
    const lacks = isCut || isShort ? new json/* UnusableAnswer */.kf(reason, { hint: INCOMPLETE }) : undefined;
    return { runners, pages, isShort, whyIncomplete: (pattern) => lacks ?? problemIn(items, pattern) };
}
const INCOMPLETE = 'Remove registrations that are no longer used. With more than 10,000 runners, a runner can be found only by its full name, without "*".';
/** A runner that moves to the next page appears twice: the later entry counts, but the runner is busy if either entry says so. */
function distinct(runners) {
    const byId = new Map();
    for (const runner of runners) {
        const isBusy = runner.isBusy || byId.get(runner.id)?.isBusy === true;
        byId.set(runner.id, { ...runner, isBusy });
    }
    return [...byId.values()];
}
/** Why a runner that may fit the pattern cannot be read. One without a readable name may be any runner. */
function problemIn(items, pattern) {
    const unreadable = items.filter((item) => 'problem' in item);
    return unreadable.find(({ name }) => name === undefined || (0,runner_names/* fitsPattern */.jF)(pattern, name))?.problem;
}
function fitting({ runners }, pattern) {
    return runners.filter(({ name }) => (0,runner_names/* fitsPattern */.jF)(pattern, name));
}
// ---- by name ----
/** Finds runners by name: {@link Runners.listRunners}. */
function createSearch({ readOnce, readWhole }) {
    /** Whether the last whole list had several pages, between which runners can move. */
    let hasManyPages = false;
    /** Uses GitHub's name filter, which may be case-sensitive or match too much. Empty if there is no need for it: the list has one page. */
    async function withFilter(pattern, bounds) {
        if (!hasManyPages || !(0,runner_names/* isExact */.u0)(pattern))
            return [];
        return fitting(await readOnce(bounds, pattern, (0,runner_names/* describePattern */.Qs)(pattern)), pattern);
    }
    async function inWholeList(pattern, bounds) {
        const list = await readWhole(bounds, pattern);
        const [found, lacks] = [fitting(list, pattern), list.whyIncomplete(pattern)];
        hasManyPages = list.pages > 1;
        if (lacks === undefined || ((0,runner_names/* isExact */.u0)(pattern) && found.length > 0))
            return found;
        const named = await withFilter(pattern, bounds);
        if (named.length > 0)
            return named;
        bounds.onFault?.((0,github_faults/* faultOfUnreadable */.Bm)(lacks));
        throw lacks;
    }
    return async (pattern, bounds) => {
        const named = await withFilter(pattern, bounds);
        if (named.length > 0)
            return named;
        const first = await inWholeList(pattern, bounds);
        return first.length === 0 && hasManyPages ? inWholeList(pattern, bounds) : first;
    };
}

;// CONCATENATED MODULE: ./lib/github/sources.js
// Connects to GitHub: which sources the step reads there, and with which tokens.







const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };
function openSources(options) {
    const { scope, apiUrl: baseUrl, proxy, requestTimeoutMs, dispatchers, clock, random, budget, log, } = options;
    const connection = { proxy, tls: PUBLIC_TLS, requestTimeoutMs, clock, dispatchers };
    const transport = (0,http_transport/* createTransport */.o)({ baseUrl, ...connection });
    const url = baseUrl.href.replace(/\/+$/, '');
    const github = (0,github_client/* createGitHub */.Cl)({ baseUrl: url, transport, clock, random, budget, debug: log.debug });
    const token = (0,github_client/* createToken */.Ey)('github_token', options.token);
    const originFor = (repository) => {
        return { client: github.clientWith(jobsTokens(token, repository, options)), repository };
    };
    const repository = (0,github_scope/* repositoryOf */._M)(scope, options.repository);
    const origin = repository && originFor(repository);
    const own = (0,github_scope/* parseScope */.Sk)(options.repository);
    return {
        runners: createRunners(github.clientWith([token]), scope, options),
        labels: createRunnerLabels(github.clientWith([token]), scope),
        jobs: origin === undefined ? createNoJobsSource(log) : createJobsSource(origin, { clock, log }),
        async readRun(runId, bounds) {
            if (own?.kind !== 'repository')
                throw noRepository();
            return readRunJobs(originFor(own), runId, bounds);
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
/** The tokens for the jobs of a repository, in the order to try them. `jobs_token` is only for the workflow's own repository. */
function jobsTokens(token, { owner, repo }, { jobsToken = '', repository }) {
    const isOwn = `${owner}/${repo}`.toLowerCase() === repository.toLowerCase();
    const isOther = jobsToken !== '' && jobsToken !== token.value;
    return isOwn && isOther ? [(0,github_client/* createToken */.Ey)('jobs_token', jobsToken), token] : [token];
}


/***/ }),

/***/ 118:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createGuards: () => (/* binding */ createGuards)
});

// EXTERNAL MODULE: ./lib/github/runner-names.js
var runner_names = __webpack_require__(892);
// EXTERNAL MODULE: ./lib/github/scope.js
var github_scope = __webpack_require__(7411);
// EXTERNAL MODULE: ./lib/github/sources.js + 4 modules
var sources = __webpack_require__(7737);
// EXTERNAL MODULE: ./lib/poll.js
var poll = __webpack_require__(9310);
// EXTERNAL MODULE: ./lib/restart/outcome.js
var outcome = __webpack_require__(8663);
;// CONCATENATED MODULE: ./lib/runner/occupancy.js
// Whether the runners in one VM leave it free for a restart: a state machine over what GitHub shows. Pure; gate.ts does the reading.
//
// The gate reads two sources: the runners every few seconds, and the jobs in progress, which cost many requests, only once per idle stretch
// (an unbroken series of reads in which no runner shows a job) and once more right before the restart.
// The VM is busy if any of its runners is.
//
// | state       | what is known                                                   | what comes next                        |
// | ----------- | --------------------------------------------------------------- | -------------------------------------- |
// | unread      | nothing yet                                                     | read the runners                       |
// | unknown     | GitHub gave no usable answer, or one that says too little       | read again, until the limit            |
// | busy        | a source shows a job                                            | as when_busy says                      |
// | online      | a sweep, and a runner is online                                 | leave the VM alone                     |
// | registering | no runner, but the VM has just booted: one may register         | read the runners again                 |
// | unconfirmed | no runner shows a job; the jobs are unread in this idle stretch | read the jobs                          |
// | absent      | one read showed that an ephemeral runner is gone                | read the runners again: pages shift    |
// | settling    | no source shows a job, but not yet for all of idle_for          | read the runners again                 |
// | idle        | no source shows a job, for long enough                          | the restart, after a last read of each |
//
// | event, and what it shows             | new state                                          | idle stretch        |
// | ------------------------------------ | -------------------------------------------------- | ------------------- |
// | runners: no answer                   | unknown                                            | ends                |
// | runners: one online, in a sweep      | online                                             | ends                |
// | runners: one with a job              | busy                                               | ends                |
// | runners: an offline one with a job,  | as if it had no job, until the jobs are read       | goes on             |
// | and the jobs source sees all its     |                                                    |                     |
// | jobs                                 |                                                    |                     |
// | runners: none with a job             | unconfirmed while the jobs are unread, else        | begins at first, or |
// |                                      | settling or idle                                   | after a gap, or     |
// |                                      |                                                    | with a new runner   |
// | runners: the ephemeral ones are gone | as above, without idle_for, but only after two     | begins with the     |
// | after a job, or long after the boot  | reads (absent after the first)                     | absence             |
// | runners: a persistent one with a job | as for "none with a job", but idle_for counts as   | as for "none with   |
// | is gone                              | at least 30 s: it may be shown again               | a job"              |
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
//
// If two rows apply, the more specific one decides.
//
// `afterRunners` implements the rows `runners`, `afterJobs` the rows `jobs`:
//
// | in the table                                  | in the code                                                         |
// | --------------------------------------------- | ------------------------------------------------------------------- |
// | an offline runner with a job                  | `canBeCleared`; until the jobs decide, the stretch `isDoubtful`     |
// | the ephemeral runners are gone                | `wereEphemeral`; "after a job, or long after": `isAbsenceCertain`   |
// | how long the stretch must last                | `idleForMsOf`                                                       |
// | the last column: begins, or goes on           | `extendOrBegin`; a new state without a stretch ends it              |
// | unconfirmed, absent, settling or idle         | `stateOfStretch`                                                    |
// | any job without a runner, while an offline... | `doubted`                                                           |
const UNREAD = { kind: 'unread' };
/** In milliseconds. A longer gap between two reads ends an idle stretch: a job may have run in between, and another one may have begun. */
const LONGEST_GAP_MS = 20_000;
/** The state after an event, by the table above. */
function nextOccupancy(state, event, rules) {
    return event.kind === 'runners'
        ? afterRunners(state, event.reading, rules)
        : afterJobs(state, event.finding);
}
/** Whether a runner takes one job per registration. What GitHub says overrides the input. */
function takesOneJob({ ephemeral }, rules) {
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
    const working = rules.whenBusy === 'ignore' ? [] : runners.filter(({ isBusy }) => isBusy);
    if (working.some((runner) => !canBeCleared(runner, before, rules)))
        return { kind: 'busy', job: 'unread' };
    const isAbsent = runners.length === 0 && wereEphemeral(gone, rules);
    if (isAbsent && !isAbsenceCertain(reading, rules))
        return { kind: 'registering' };
    const registrations = isAbsent ? 'gone' : runners.map(({ id }) => id);
    const stretch = extendOrBegin(before, { ...reading, registrations }, rules);
    return stateOfStretch({ ...stretch, isDoubtful: working.length > 0 });
}
/** Whether the jobs source can still show that the runner has no job: an offline runner may have lost it. */
function canBeCleared({ isOnline }, stretch, { seesAllJobs = false }) {
    return !isOnline && seesAllJobs && stretch?.jobs !== 'unreadable';
}
function wereEphemeral(gone, rules) {
    return gone.length === 0 ? rules.isEphemeral === true : gone.every((one) => takesOneJob(one, rules));
}
/**
 * Whether no runner is about to register: one has had its job since the boot, or the time to register is over. A registration that was never
 * seen online may be from an earlier boot, so it is no sign that a runner has had its job.
 */
function isAbsenceCertain({ askedAt, gone }, { boot = UNKNOWN_BOOT }) {
    const hadJob = boot.hadJob || gone.some(({ isOnline }) => isOnline);
    return hadJob || askedAt - boot.at >= boot.registersWithinMs;
}
const UNKNOWN_BOOT = { at: 0, registersWithinMs: Number.POSITIVE_INFINITY, hadJob: false };
/** How long a persistent runner that was last shown with a job must be gone, in milliseconds: GitHub may show it again. */
const GONE_WITH_JOB_MS = 30_000;
function idleForMsOf({ registrations, gone }, rules) {
    if (registrations === 'gone')
        return 0;
    const mayReturn = gone.some((one) => one.isBusy && !takesOneJob(one, rules));
    return Math.max(rules.idleForMs, mayReturn && rules.whenBusy !== 'ignore' ? GONE_WITH_JOB_MS : 0);
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
        hasNoNew(before.registrations, registrations)) {
        const leftMs = wantedMs - (askedAt - before.since);
        return { ...before, until: answeredAt, leftMs, reads: before.reads + 1 };
    }
    const nothingRead = {
        reads: 1,
        jobs: rules.whenBusy === 'ignore' ? 'none' : 'unread',
        isDoubtful: false,
    };
    return { since: answeredAt, until: answeredAt, leftMs: wantedMs, registrations, ...nothingRead };
}
/** Whether no runner has registered since. A new registration may already have a job; one that is gone does not matter. */
function hasNoNew(before, now) {
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
/** If a runner is shown offline with a job, any job that GitHub shows without a runner may be that one, whatever its labels. */
function doubted(finding, stretch) {
    if (finding.kind !== 'none' || finding.unplaced === undefined || !stretch?.isDoubtful)
        return finding;
    return { kind: 'unassigned', job: finding.unplaced };
}
/** The idle stretch under way; undefined if there is none. */
function stretchOf(state) {
    return 'stretch' in state ? state.stretch : undefined;
}

// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/likeness.js
var likeness = __webpack_require__(1203);
// EXTERNAL MODULE: ./lib/github/runner.js
var github_runner = __webpack_require__(3581);
;// CONCATENATED MODULE: ./lib/github/runner-search.js
// Finds the runners that match a name, and explains why none does.





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
/** @param all the runners of the scope: the error lists those with similar names. */
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
// EXTERNAL MODULE: ./lib/log.js
var lib_log = __webpack_require__(7309);
;// CONCATENATED MODULE: ./lib/runner/registrations.js
// The registrations of the runners in one VM, and what the log says about a new one. A runner that registers again usually gets a new ID;
// with `--replace`, it can keep its ID.
/** @param onNew called for each registration when it first appears. */
function createRegistrations(onNew) {
    const byId = new Map();
    let current = [];
    return {
        get current() {
            return current;
        },
        get everSeen() {
            return [...byId.values()];
        },
        get gone() {
            const ids = new Set(current.map(({ id }) => id));
            return [...byId.values()].filter(({ id }) => !ids.has(id));
        },
        remember(found) {
            for (const runner of found) {
                if (!byId.has(runner.id))
                    onNew(runner);
                byId.set(runner.id, runner);
            }
            current = found;
        },
        forgetOnline() {
            for (const [id, runner] of byId)
                byId.set(id, { ...runner, isOnline: false });
        },
    };
}
// ---- the log ----
/** Since 2026, GitHub refuses the registration of older versions, but may let one connect briefly. */
const LEAST_VERSION = [2, 329, 0];
/** @returns a function to call for each new registration: warns if the runner is too old, and once if GitHub contradicts `runner_ephemeral`. */
function createRegistrationWarnings({ isEphemeral }, log) {
    let hasContradicted = false;
    return ({ name, id, ephemeral, version }) => {
        if (version !== undefined && isOlderVersion(version.split('.').map(Number), LEAST_VERSION))
            log.warning(`Runner "${name}" (ID ${id}) has version ${version}, but GitHub requires ${LEAST_VERSION.join('.')}: it may connect, then exit without taking a job. Update it.`);
        if (hasContradicted || ephemeral === undefined || ephemeral === isEphemeral)
            return;
        hasContradicted = true;
        const kind = ephemeral ? 'takes one job per registration' : 'takes one job after another';
        log.warning(`runner_ephemeral is ${isEphemeral}, but GitHub says that runner "${name}" (ID ${id}) ${kind}. The step believes GitHub.`);
    };
}
/** A part that is not a number (NaN) counts as newer. */
function isOlderVersion([part = 0, ...rest], [thanPart, ...thanRest]) {
    if (thanPart === undefined)
        return false;
    return part < thanPart || (part === thanPart && isOlderVersion(rest, thanRest));
}

;// CONCATENATED MODULE: ./lib/runner/vm-runners.js
// Reads the runners in one VM from GitHub, and follows them across registrations.






/** Time between two reads of the runners: in milliseconds. */
const READ_EVERY_MS = 5_000;
/** The same while a one-job runner is about to leave or register: its VM is out of service until a read shows the change. */
const READ_ONE_JOB_EVERY_MS = 2_000;
const LONGEST_READ_MS = 15_000;
/** The time for a read that begins at the deadline, or shortly before it. */
const LAST_READ_MS = 1_500;
/** When a read that begins now must end: by the deadline if that leaves enough time for an answer. */
function readUntil(now, deadline) {
    return Math.max(Math.min(now + LONGEST_READ_MS, deadline), now + LAST_READ_MS);
}
function createVmRunners(options) {
    const { runners, jobs, sought, clock, signal } = options;
    const registrations = createRegistrations(options.onNew);
    const faults = createFaultLogs(options);
    const boundsUntil = (deadline, { onFault } = faults.runners) => ({ deadline, signal, onFault });
    const search = { runners, sought, registrations };
    let answeredAt = clock.now();
    /** Since the last read for this VM, a list for other VMs may have shown a job that this read no longer shows. */
    function withMissedJob(runner) {
        const shownAt = runners.shownBusyAt(runner.id) ?? Number.NEGATIVE_INFINITY;
        return { ...runner, isBusy: runner.isBusy || shownAt > answeredAt };
    }
    async function timed(ask) {
        const askedAt = clock.now();
        const found = (await ask())?.map(withMissedJob);
        if (found !== undefined) {
            faults.runners.answered();
            registrations.remember(found);
            answeredAt = clock.now();
        }
        return { askedAt, answeredAt: clock.now(), runners: found, gone: registrations.gone };
    }
    const current = (getRunner, bounds) => currentRunners(search, getRunner, bounds).catch(orNothing);
    async function readJobs(deadline) {
        const finding = await jobs.read(() => ownerOf(search), boundsUntil(deadline, faults.jobs));
        if (finding.kind !== 'no answer')
            faults.jobs.answered();
        return finding;
    }
    return {
        ...{ sought, registrations, lastFault: faults.last },
        find: (deadline) => timed(() => findRunners(runners, sought, boundsUntil(deadline)).catch(orNothingUsable)),
        read: (until) => timed(() => current(runners.getRunner, { ...boundsUntil(until), pace: 'now' })),
        readShared: (until, pace) => timed(() => current(runners.pollRunner, { ...boundsUntil(until), pace })),
        readJobs: async (until) => (await readJobs(until).catch(orNothing)) ?? { kind: 'no answer' },
        missing: async (deadline) => runnerNotFound(sought, (await runners.listAll(boundsUntil(deadline))).runners),
    };
}
/** Each source has its own progress log, because answers from one must not hide that the other gives none. */
function createFaultLogs({ log, clock }) {
    let last;
    function faultLog(about) {
        const server = { server: 'GitHub', about };
        const { answered, fault } = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined, ...server });
        function onFault(failed) {
            last = failed;
            // One read ends soon, but others follow: the step does not give up at its end.
            fault({ ...failed, leftMs: undefined });
        }
        return { answered, onFault };
    }
    return { runners: faultLog('the runner'), jobs: faultLog('the jobs in progress'), last: () => last };
}
/** What identifies the jobs of these runners. */
function ownerOf({ sought, registrations: { everSeen } }) {
    const labels = everSeen.map((runner) => runner.labels.map(({ name }) => name));
    return { pattern: sought.name, ids: new Set(everSeen.map(({ id }) => id)), labels };
}
/**
 * An exact name: reads the runner by its ID. If that is gone, lists runners by name, because it may have registered again; of several, the
 * newest counts. A pattern: reads the list, because more runners may have registered. Runners that the list lacks are read by ID, because its
 * pages may have shifted.
 */
async function currentRunners({ runners, sought, registrations: { current, everSeen } }, getRunner, bounds) {
    const { name: pattern } = sought;
    // As long as none is known, findRunners also refuses an ambiguous name.
    if ((0,runner_names/* isExact */.u0)(pattern) && everSeen.length === 0)
        return findRunners(runners, sought, bounds);
    /** Leaves out runners that no longer have the name: they may belong to another VM now. */
    async function byId(known) {
        const found = await Promise.all(known.map(({ id }) => getRunner(id, bounds)));
        return found.filter((one) => one !== undefined).filter(({ name }) => (0,runner_names/* fitsPattern */.jF)(pattern, name));
    }
    if ((0,runner_names/* isExact */.u0)(pattern)) {
        const known = await byId(current);
        if (known.length > 0)
            return known;
        const named = await runners.listRunners(pattern, bounds);
        return named.sort((a, b) => b.id - a.id).slice(0, 1);
    }
    const listed = await runners.listRunners(pattern, bounds);
    const missing = current.filter(({ id }) => !listed.some((one) => one.id === id));
    return [...listed, ...(await byId(missing))].sort((a, b) => a.id - b.id);
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

;// CONCATENATED MODULE: ./lib/runner/gate-limits.js
// How long the gate waits for a busy runner, how long GitHub may give no usable answer, and how often the gate reads until then. Pure.
//
// | the VM is             | the step waits for it until                                                       |
// | --------------------- | --------------------------------------------------------------------------------- |
// | busy                  | `limits.busy`: busy_timeout, or no wait unless when_busy is `wait`                |
// | unknown               | `limits.unknown`; an idle stretch that began before then may run to its end       |
// | registering           | a runner can no longer register, or `registersBy` if the VM keeps booting         |
// | absent                | the next read confirms the absence                                                |
// | in any other state    | it is idle; because runners may keep registering again, the idle stretch must     |
// |                       | have begun by `limits.unknown` plus twice the sum of idle_for and timeout         |


function startWaiting(now, rules) {
    const nothingRead = { state: UNREAD, idleSince: undefined, hasBeenUnknown: false };
    return { ...nothingRead, limits: limitsFrom(now, rules), registersBy: lastRegistration(now, rules) };
}
/** `unknown` includes `idle_for`, because an idle stretch takes that long even if GitHub always answers. */
function limitsFrom(now, rules) {
    const { whenBusy, idleForMs, busyTimeoutMs, patienceMs, busyUntil = Number.POSITIVE_INFINITY } = rules;
    const busy = Math.max(now, Math.min(busyUntil, now + (whenBusy === 'wait' ? busyTimeoutMs : 0)));
    return { busy, unknown: busy + idleForMs + patienceMs };
}
/** How many boots of the VM in a row the gate waits for its runner to register. */
const MOST_BOOTS = 3;
function lastRegistration(now, { registersWithinMs }) {
    return now + MOST_BOOTS * registersWithinMs;
}
/** While a free VM is queued for a slot, its limits start over with each read: the job that it might have to wait for has not begun. */
function whileQueued(waiting, now, rules) {
    const limits = waiting.state.kind === 'unknown' ? waiting.limits : limitsFrom(now, rules);
    return { ...waiting, limits, registersBy: lastRegistration(now, rules) };
}
function afterRead(waiting, event, { now, rules, boot }) {
    const state = nextOccupancy(waiting.state, event, { ...rules, boot });
    const stretch = stretchOf(state);
    // Until the jobs are read, the stretch does not extend the wait: a jobs source that hangs must not prolong it.
    const isIdle = stretch !== undefined && stretch.jobs !== 'unread';
    const isRegistered = event.kind === 'runners' && (event.reading.runners ?? []).length > 0;
    return {
        state,
        idleSince: isIdle ? stretch.since : waiting.idleSince,
        hasBeenUnknown: waiting.hasBeenUnknown || state.kind === 'unknown',
        // Waiting for a registration has its own limit: the others begin after it.
        limits: waiting.state.kind === 'registering' ? limitsFrom(now, rules) : waiting.limits,
        registersBy: isRegistered ? lastRegistration(now, rules) : waiting.registersBy,
    };
}
/** Whether the gate gives up because GitHub did not answer, rather than because of a job. */
function isNotKnown({ state: { kind }, hasBeenUnknown }) {
    return kind === 'unknown' || (kind === 'settling' && hasBeenUnknown);
}
/** Until when the step waits for the VM as it is now, on the clock's scale. */
function waitsUntil({ idleForMs, patienceMs }, { state, idleSince, limits, registersBy }) {
    const { busy, unknown } = limits;
    const oneStretchMs = idleForMs + patienceMs;
    switch (state.kind) {
        case 'busy':
            return busy;
        case 'unknown': {
            const { finalFrom = 0 } = state;
            const latest = Math.max(unknown, finalFrom + READ_EVERY_MS);
            return idleSince === undefined || idleSince > unknown
                ? latest
                : Math.max(latest, idleSince + oneStretchMs);
        }
        case 'registering':
            return registersBy;
        case 'absent':
            return Number.POSITIVE_INFINITY;
        default: {
            // Without this limit, the step would wait forever for runners that keep registering again.
            const latest = unknown + 2 * oneStretchMs;
            return idleSince === undefined || idleSince <= latest ? Number.POSITIVE_INFINITY : latest;
        }
    }
}
/** The pause after the jobs source showed why the VM is busy: in milliseconds. Each read of the jobs costs many requests. */
const READ_JOBS_EVERY_MS = 15_000;
/** The pause before the read that confirms an absence: in milliseconds. */
const CONFIRM_ABSENCE_MS = 1_000;
/** GitHub removes a one-job runner within this time after its job: in milliseconds. */
const LEAVES_WITHIN_MS = 20_000;
/** @param leavesSoon whether a one-job runner may be about to leave. */
function gatePauseMs(state, leavesSoon) {
    if (state.kind === 'absent')
        return CONFIRM_ABSENCE_MS;
    if (state.kind === 'busy' && state.job !== 'unread')
        return READ_JOBS_EVERY_MS;
    return leavesSoon ? READ_ONE_JOB_EVERY_MS : READ_EVERY_MS;
}

// EXTERNAL MODULE: ./lib/clock.js
var lib_clock = __webpack_require__(5233);
;// CONCATENATED MODULE: ./lib/runner/gate-lines.js
// What the log and the errors say about the runners in one VM before the restart. Pure.



/** What GitHub shows, and what the gate does next. */
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
        return `GitHub refuses to list the jobs in progress: ${refused}`;
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
function describeSeen({ state, current }) {
    const job = state.kind === 'busy' && typeof state.job === 'object' ? state.job : undefined;
    const and = current.some(({ isBusy }) => isBusy) ? 'and' : 'but';
    const working = job === undefined ? '' : `, ${and} job "${job.name}" of run ${job.runId} is in progress on it`;
    const [only, ...others] = current;
    if (only === undefined)
        return `${NOT_REGISTERED[state.kind] ?? 'The runner is no longer registered'}${working}`;
    const is = job === undefined ? 'is' : 'is shown';
    if (others.length === 0)
        return `Runner "${only.name}" (ID ${only.id}) ${is} ${(0,github_runner/* describeRunner */.Yg)(only)}${working}`;
    const each = current.map((runner) => `"${runner.name}" (ID ${runner.id}) ${is} ${(0,github_runner/* describeRunner */.Yg)(runner)}`);
    return `Runner ${each.join(', runner ')}${working.replace(/it$/, 'one of them')}`;
}
const NOT_REGISTERED = {
    registering: 'No runner is registered',
    unknown: 'No registered runner is known',
};
/**
 * The wait for an idle VM is over, or `when_busy` allows none. Only a person can fix a runner that is busy although GitHub lists no job for it.
 * @param tally of the reads so far.
 */
function stillBusyError(seen, whenBusy, tally) {
    const hasWaited = whenBusy === 'wait';
    const [waited, reads] = hasWaited
        ? [', and still was when busy_timeout expired', ` Reads: ${tally}.`]
        : ['', ''];
    const isUnlisted = seen.state.kind === 'busy' && seen.state.job === 'none';
    const unlisted = isUnlisted ? '; GitHub lists no job for it in the repository whose jobs are read' : '';
    if (seen.state.kind !== 'busy')
        return neverSettledError(seen);
    const hint = isUnlisted
        ? UNLISTED
        : hasWaited
            ? `${END_IT}, or raise busy_timeout.`
            : `${END_IT}, or set when_busy: wait.`;
    return new errors/* ActionError */.lZ('runner_busy', `${describeSeen(seen)}${waited}${unlisted}. No restart was sent.${reads}`, { hint });
}
/** The reads showed no job, but never for long enough. */
function neverSettledError(seen) {
    if (seen.state.kind === 'registering')
        return neverRegisteredError();
    const message = `${describeSeen(seen)}, but registered again and again, so it was not seen idle for all of idle_for. No restart was sent.`;
    return new errors/* ActionError */.lZ('runner_busy', message, {
        hint: 'If it takes one job per registration, set runner_ephemeral: true; otherwise, lower idle_for.',
    });
}
function neverRegisteredError() {
    const message = 'No runner registered, because the VM booted again and again while the step waited. No restart was sent.';
    return new errors/* ActionError */.lZ('runner_not_found', message, {
        hint: 'Check the VM and its node in the controller.',
    });
}
/** Under its new name, the VM may have another runner, about which the reads so far say nothing. */
function renamedError(before, now) {
    const message = `The VM's names changed during the step: runner_name meant "${before}" and now means "${now}". No restart was sent.`;
    return new errors/* ActionError */.lZ('runner_not_found', message, { hint: 'Run the step again.' });
}
const END_IT = 'Wait until the job has ended (with needs or concurrency)';
const UNLISTED = 'If it runs no job of another repository either, what GitHub shows is out of date: remove the registration and register the runner again, or set when_busy: ignore.';
/** @param tally of the reads so far. @param lastFault why GitHub last gave no usable answer. */
function notKnownError(state, tally, lastFault) {
    const { reason, hint } = whyNotKnown(state) ?? {
        reason: lastFault && `The last error: ${lastFault.reason}`,
        hint: lastFault?.hint ?? 'Check githubstatus.com and the debug log of this step.',
    };
    const why = reason === undefined ? '' : ` ${reason}.`;
    const message = `GitHub does not say whether a job runs on the runner, so no restart was sent.${why} Reads: ${tally}.`;
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
/** @param missing the error that says which runner does not exist, and which ones do. */
function notFoundError(missing, { isEphemeral }) {
    const other = isEphemeral
        ? 'No runner in this scope matches runner_name for any live VM, so runner_scope may be wrong, and the step cannot conclude that this runner is gone. If the scope is right, every runner has had its job: check on GitHub that no job runs in these VMs, and restart them once without runner_name. If the runner is persistent, remove runner_ephemeral.'
        : 'If it takes one job per registration, set runner_ephemeral: true.';
    return new errors/* ActionError */.lZ(missing.code, missing.message, { hint: `${missing.hint ?? ''} ${other}`.trim() });
}
function allOfflineError() {
    return new errors/* ActionError */.lZ('github_api_failed', 'GitHub shows the runners of all live VMs offline, which is more likely a problem at GitHub than in the VMs, so no restart was sent.', {
        hint: 'Check githubstatus.com and the network of the VMs; run the step again, or restart them with restart_if: always.',
    });
}

;// CONCATENATED MODULE: ./lib/runner/vm-at-gate.js
// What the gate knows about its VM, and the reads that update it: of the runners, and of the jobs in progress. Each result goes to the
// state machine in occupancy.ts, and the new state to the log.







/** One VM at its gate. */
class VmAtGate {
    options;
    runners;
    progress;
    boot;
    waiting;
    /** Whether GitHub has answered once, so that the runners that match the name are known. */
    isFound = false;
    constructor(options, runners, boot) {
        const { clock, log } = options;
        this.options = options;
        this.runners = runners;
        this.boot = boot;
        this.waiting = startWaiting(clock.now(), options);
        this.progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: undefined });
    }
    get state() {
        return this.waiting.state;
    }
    get seen() {
        return { state: this.state, current: this.runners.registrations.current };
    }
    get hasBusy() {
        return this.seen.current.some(({ isBusy }) => isBusy);
    }
    /** Whether the VM is free as far as is known. A last read must confirm it. */
    get isFree() {
        return this.state.kind === 'idle' || this.state.kind === 'absent';
    }
    // ---- the runners ----
    /** The first read, which finds the runners by name. */
    findRunners() {
        const { clock, patienceMs } = this.options;
        return this.readRunnersBy(() => this.runners.find(clock.now() + patienceMs));
    }
    readRunners() {
        return this.readRunnersBy(() => this.runners.read(this.readDeadline()));
    }
    /** The same for a wait: the answer may come from a list that many VMs share. */
    readSharedRunners(pace) {
        return this.readRunnersBy(() => this.runners.readShared(this.readDeadline(), pace));
    }
    /** @throws LeftAlone if a sweep must skip the VM. */
    async readRunnersBy(read) {
        const reading = this.isFound ? await read() : await firstReading(this, read);
        this.isFound ||= reading.runners !== undefined;
        this.apply({ kind: 'runners', reading });
        if (this.state.kind === 'online')
            throw new outcome/* LeftAlone */.l('needless', `${describeSeen(this.seen)}; restart_if leaves it alone`);
    }
    // ---- the jobs ----
    /** @param latest the read ends by then. */
    async readJobs(latest) {
        const finding = await this.runners.readJobs(this.readDeadline(latest));
        this.apply({ kind: 'jobs', finding });
    }
    /** Reads the jobs if the state is `unconfirmed`, and logs the state. @returns whether they were read. */
    async readJobsIfNeeded(latest) {
        const isNeeded = this.state.kind === 'unconfirmed';
        if (isNeeded)
            await this.readJobs(latest);
        this.logState();
        return isNeeded;
    }
    // ---- their results ----
    apply(event) {
        const { options: rules, boot } = this;
        this.waiting = afterRead(this.waiting, event, { now: rules.clock.now(), rules, boot });
    }
    readDeadline(latest = Number.POSITIVE_INFINITY) {
        return readUntil(this.options.clock.now(), Math.min(latest, this.lastReadDeadline()));
    }
    /** A read may take longer than the wait in the current state: its answer can change the state, and with it the limit. */
    lastReadDeadline() {
        return Math.max(this.waiting.limits.unknown, waitsUntil(this.options, this.waiting));
    }
    logState() {
        const { options, progress, state, seen } = this;
        const rest = state.kind === 'settling' ? ` (${(0,lib_clock/* minutes */.Gx)(state.stretch.leftMs)} left)` : '';
        const isDetail = options.isBrief === true && state.kind !== 'busy' && state.kind !== 'unknown';
        progress.note(state.kind, describeOccupancy(seen, options), { rest, isDetail });
    }
}
/**
 * How long to search for runners that GitHub does not list, in milliseconds. One may be missing briefly, because it is registering again or
 * because the pages of the list shifted.
 */
const MISSING_MS = 6_000;
const FIND_EVERY_MS = 2_000;
/**
 * Searches for the runners by name. Without a usable answer from GitHub, the next read searches again.
 * @throws ActionError `runner_not_found` if none is registered, unless they are one-job runners that may be gone.
 */
async function firstReading({ options, runners }, search) {
    const { clock, signal, patienceMs } = options;
    const giveUpAt = clock.now() + MISSING_MS;
    const polling = { clock, signal, deadline: () => giveUpAt, nextAt: () => clock.now() + FIND_EVERY_MS };
    const found = await (0,poll/* pollUntil */.g)(polling, async () => {
        const reading = await search();
        return reading.runners?.length !== 0 || (await mayBeGone(options)) ? reading : undefined;
    });
    if (found !== undefined)
        return found;
    throw notFoundError(await runners.missing(clock.now() + patienceMs), options);
}
/** An absent one-job runner counts as gone only if something proves that name and scope are right: a job of the run, or another runner. */
async function mayBeGone(options) {
    const { isEphemeral, lastJob, liveRunners, clock, signal, patienceMs } = options;
    if (!isEphemeral)
        return false;
    return lastJob !== undefined || liveRunners.isScopeProved({ deadline: clock.now() + patienceMs, signal });
}

// EXTERNAL MODULE: ./lib/dates.js
var dates = __webpack_require__(3534);
;// CONCATENATED MODULE: ./lib/runner/vm-boot.js
// Which boot a VM is in when it arrives at its gate, and whether its runner may still be about to register. Pure.



/** Without dates, the VM counts as just booted. @param before what earlier records of the VM showed. */
function vmBootOf({ now, registersWithinMs, lastJob }, instance, before) {
    const text = instance.startDate?.text;
    const uptimeMs = uptimeMsOf(instance);
    const at = now - Math.max(0, uptimeMs ?? 0);
    const isSameBoot = before === undefined || before.text === text;
    const isFirst = before === undefined || (isSameBoot && before.isFirst);
    // Without dates, the job may be from an earlier boot.
    const hasHadJob = isFirst && uptimeMs !== undefined && lastJob?.hasEnded === true;
    const hadJob = isSameBoot && (before?.hadJob === true || hasHadJob);
    // A record that is out of date shows too short an uptime, so the earliest time is closest to the truth.
    const bootedAt = isSameBoot ? Math.min(at, before?.at ?? at) : at;
    return { text, at: bootedAt, registersWithinMs, hadJob, isFirst };
}
/** How long the VM had been up when its record was made; undefined if the record lacks a date. */
function uptimeMsOf({ startDate, reportedAt }) {
    return startDate && reportedAt && (0,dates/* millisecondsBetween */.nl)(startDate, reportedAt);
}
/** For a sweep. @throws LeftAlone if the VM's runner may still be about to register. */
function leaveAloneIfFresh(now, { at, registersWithinMs }, instance) {
    if (now - at >= registersWithinMs)
        return;
    const age = uptimeMsOf(instance) !== undefined
        ? `for only ${(0,lib_clock/* minutes */.Gx)(now - at)}`
        : 'for an unknown time (its record lacks start_date or timestamp)';
    const seen = `The VM has been up ${age}, and its runner may take ${(0,lib_clock/* minutes */.Gx)(registersWithinMs)} to register; restart_if leaves it alone`;
    throw new outcome/* LeftAlone */.l('needless', seen);
}

;// CONCATENATED MODULE: ./lib/runner/gate.js
// The gate before the restart of one VM:
//
// 1. The VM arrives: the gate determines which boot the VM is in, and finds its runners by name.
// 2. The gate reads the runners, and sometimes the jobs in progress, until no job keeps the VM busy. occupancy.ts has the states;
//    gate-limits.ts says how long to wait in each.
// 3. Right before the restart, it reads the runners, the jobs, and the runners again, because reading the jobs may take seconds. With
//    `drain`, it keeps new jobs away first.
//
// | call         | when                           | waits                                   | reads of the runners           | drains |
// | ------------ | ------------------------------ | --------------------------------------- | ------------------------------ | ------ |
// | `untilIdle`  | before it queues for a slot    | until idle; with `drain`, at most 5 s   | shared with other VMs          | no     |
// | `stillIdle`  | while it is queued for a slot  | no                                      | shared                         | no     |
// | `passOrWait` | when it has a slot             | if the check does not find the VM free  | its own; shared while it waits | yes    |
//
// With several VMs, fleet/slot-gate.ts calls all three. A single VM needs no slot, so restart/attempt.ts calls only `passOrWait`. That returns
// true if the VM was free without a wait. It returns false if it had to wait: the caller then reads the VM's record and calls again. It throws
// once the limit of the VM's state is reached.







function createGate(options) {
    let vm;
    /** Whether the last `passOrWait` returned true. A further call then means that the restart was not carried out. */
    let hasLetPass = false;
    async function arrive(instance) {
        const now = options.clock.now();
        const boot = vmBootOf({ ...options, now }, instance, vm?.boot);
        if (options.isSweep)
            leaveAloneIfFresh(now, boot, instance);
        if (vm === undefined) {
            const found = new VmAtGate(options, options.runnersOf(instance), boot);
            refuseIfRenamed(found, instance);
            await found.findRunners();
            vm = found;
        }
        else
            refuseIfRenamed(vm, instance);
        if (boot.text !== vm.boot.text)
            vm.runners.registrations.forgetOnline();
        vm.boot = boot;
        return vm;
    }
    return {
        async passOrWait(instance) {
            const isFirst = vm === undefined;
            const arrived = await arrive(instance);
            // The restart was not carried out, so the limits start over.
            if (hasLetPass)
                arrived.waiting = { ...arrived.waiting, limits: limitsFrom(options.clock.now(), options) };
            hasLetPass = await passOrWait(arrived, isFirst);
            return hasLetPass;
        },
        untilIdle: async (instance) => waitWithoutSlot(await arrive(instance)),
        async rehearse(instance) {
            vm = undefined;
            return rehearse(await arrive(instance));
        },
        stillIdle: async () => vm === undefined || keepIdle(vm),
        runners: () => vm?.runners,
        occupancy: () => vm?.state.kind,
    };
}
// ---- the VM arrives ----
/**
 * A runner keeps its name if its VM is renamed, and another VM may get that name.
 * @throws ActionError `runner_not_found`
 */
function refuseIfRenamed({ options, runners }, instance) {
    const sought = (0,runner_names/* describePattern */.Qs)(runners.sought.name);
    const names = options.runnerNamesOf(instance);
    const [now = sought] = names;
    const before = now === sought ? names.find((name) => name !== sought) : sought;
    if (before !== undefined)
        throw renamedError(before, now);
}
/** Whether the restart may kill jobs. In a sweep it never may, whatever `when_busy` says: it skips VMs with an online runner. */
function ignoresJobs({ whenBusy, isSweep }) {
    return whenBusy === 'ignore' && !isSweep;
}
// ---- with a slot, right before the restart ----
/** In milliseconds. A slower answer says too little about the present: the process may have been suspended during the read. */
const LONGEST_LAST_READ_MS = 10_000;
/** @param isFirst whether this is the first call: the runners were read just now, when they were found. */
async function passOrWait(vm, isFirst) {
    const { options } = vm;
    const { clock, log, onWait } = options;
    if (ignoresJobs(options)) {
        if (vm.hasBusy)
            log.warning(`${describeSeen(vm.seen)}; when_busy says to ignore that.`);
        return true;
    }
    const askedAt = clock.now();
    const hasDrained = await drainRunners(vm);
    // After a long wait for another step's drain, the VM's record has to be read again.
    const isRecent = clock.now() - askedAt <= LONGEST_LAST_READ_MS;
    await checkBeforeRestart(vm, isFirst && !hasDrained);
    await drainNew(vm);
    if (vm.state.kind === 'idle' && isRecent)
        return true;
    if (!isFirst)
        onWait?.();
    await waitUntilIdle(vm);
    return false;
}
async function rehearse(vm) {
    if (!ignoresJobs(vm.options))
        await vm.readJobs();
    const doubt = vm.state.kind === 'unknown' ? `; ${describeUnknown(vm.state)}` : '';
    vm.options.log.info(`Dry run: ${describeSeen(vm.seen)}${doubt}`);
    return true;
}
/** Reads the runners, the jobs, and the runners again. @param areRunnersFresh whether the runners were read just now. */
async function checkBeforeRestart(vm, areRunnersFresh) {
    const { clock } = vm.options;
    if (!areRunnersFresh)
        await vm.readRunners();
    const areJobsRead = await vm.readJobsIfNeeded();
    if (!vm.isFree)
        return;
    if (!areJobsRead)
        await vm.readJobs();
    if (!vm.isFree)
        return vm.logState();
    await refuseIfAllOffline(vm);
    if (!vm.isFree)
        return vm.logState();
    const askedAt = clock.now();
    await readLast(vm);
    if (clock.now() - askedAt > LONGEST_LAST_READ_MS)
        await readLast(vm);
}
async function readLast(vm) {
    await vm.readRunners();
    await vm.readJobsIfNeeded();
}
/** In a sweep: checks whether the runner of any live VM is online. @throws ActionError if GitHub shows all of them offline. */
async function refuseIfAllOffline(vm) {
    const { isSweep, liveRunners, signal } = vm.options;
    if (!isSweep)
        return;
    const isAllOffline = await liveRunners.isAllOffline({ deadline: vm.readDeadline(), signal });
    if (isAllOffline)
        throw allOfflineError();
    if (isAllOffline === undefined)
        vm.apply({ kind: 'runners', reading: NO_ANSWER });
}
const NO_ANSWER = { askedAt: 0, answeredAt: 0, runners: undefined, gone: [] };
/** Drains runners that registered during the check, and repeats its last reads if that has made them outdated. */
async function drainNew(vm) {
    if (!vm.isFree)
        return;
    const { clock } = vm.options;
    const readAt = clock.now();
    const hasDrained = await drainRunners(vm);
    if (hasDrained || clock.now() - readAt > LONGEST_LAST_READ_MS)
        await readLast(vm);
}
/** The shortest time limit for waiting until another step's drain ends, even right before `busy_timeout`: in milliseconds. */
const SHORTEST_DRAIN_WAIT_MS = 30_000;
/** @returns whether earlier reads are outdated. Always false for a busy VM that the step does not wait for. */
async function drainRunners(vm) {
    const { options, waiting, runners } = vm;
    const { drain, whenBusy, clock, signal } = options;
    if (drain === undefined || (whenBusy !== 'wait' && vm.hasBusy))
        return false;
    const deadline = Math.max(waiting.limits.busy, clock.now() + SHORTEST_DRAIN_WAIT_MS);
    return drain(runners.registrations.current, { deadline, signal });
}
// ---- without a slot ----
/** The head start of idle VMs in the queue for slots, if busy ones are drained: in milliseconds. */
const IDLE_FIRST_MS = 5_000;
async function waitWithoutSlot(vm) {
    const { options } = vm;
    if (ignoresJobs(options))
        return;
    await vm.readJobsIfNeeded();
    if (options.drain === undefined)
        await waitUntilIdle(vm);
    // With `drain`, a busy VM waits for its job in its slot.
    else if (vm.hasBusy || vm.state.kind === 'busy')
        await waitUntilIdle(vm, options.clock.now() + IDLE_FIRST_MS);
}
async function keepIdle(vm) {
    const { options } = vm;
    await vm.readSharedRunners();
    if (vm.state.kind === 'busy' && options.drain === undefined)
        return false;
    vm.waiting = whileQueued(vm.waiting, options.clock.now(), options);
    return true;
}
// ---- the wait ----
/** @param end only with `drain`, for a VM without a slot: return at this time, idle or not, and drain nothing. */
async function waitUntilIdle(vm, end = Number.POSITIVE_INFINITY) {
    const { options, runners, progress } = vm;
    const { clock, signal, isEphemeral } = options;
    if (vm.state.kind === 'idle')
        return;
    const leavesBy = isEphemeral ? clock.now() + LEAVES_WITHIN_MS : Number.NEGATIVE_INFINITY;
    const leavesSoon = () => clock.now() < leavesBy;
    const nextAt = () => clock.now() + gatePauseMs(vm.state, leavesSoon());
    const deadline = () => Math.min(end, waitsUntil(options, vm.waiting));
    const polling = { clock, signal, deadline, nextAt, firstAt: nextAt() };
    const mayDrain = end === Number.POSITIVE_INFINITY;
    const isIdle = clock.now() < deadline() &&
        (await (0,poll/* pollUntil */.g)(polling, async ({ startedAt }) => {
            // Taken before the runners are read: if they show no job, that lifts the limit, but the jobs must still be read within the old one.
            const latest = vm.lastReadDeadline();
            const isSoon = leavesSoon() || vm.state.kind === 'absent';
            await vm.readSharedRunners(startedAt >= deadline() ? 'now' : isSoon ? 'soon' : undefined);
            if (mayDrain && clock.now() < deadline())
                await drainRunners(vm);
            await vm.readJobsIfNeeded(latest);
            return vm.state.kind === 'idle' || undefined;
        }));
    if (isIdle || clock.now() >= end)
        return;
    if (!isNotKnown(vm.waiting))
        throw await stillBusy(vm);
    throw notKnownError(vm.state, progress.tally(), runners.lastFault());
}
/** Reads the jobs first, because GitHub can show a runner as busy forever: what the user should do depends on whether it lists a job. */
async function stillBusy(vm) {
    const { options, state, progress } = vm;
    const { whenBusy } = options;
    if (state.kind === 'busy' && whenBusy === 'skip')
        return new outcome/* LeftAlone */.l('busy', describeSeen(vm.seen));
    if (state.kind === 'busy' && state.job === 'unread')
        await vm.readJobs();
    return stillBusyError(vm.seen, whenBusy, progress.tally());
}

// EXTERNAL MODULE: ./lib/runner/job-finding.js
var job_finding = __webpack_require__(3549);
;// CONCATENATED MODULE: ./lib/runner/live-runners.js
// What the runners of all live VMs say about the runner of one VM: whether `runner_name` and `runner_scope` are right, and whether an outage is
// likely.


function createLiveRunners({ nameTemplate, runners, liveInstances }) {
    let isScopeProved = false;
    const listNow = (bounds) => runners.listAll({ ...bounds, pace: 'now' });
    async function ofLiveVms({ runners: all, whyIncomplete }, bounds) {
        const live = (await liveInstances(bounds)).filter((instance) => (0,runner_names/* hasValues */.rV)(instance, nameTemplate));
        const patterns = live.map((instance) => (0,runner_names/* fillPattern */.ut)(nameTemplate, instance));
        const fitting = all.filter(({ name }) => patterns.some((pattern) => (0,runner_names/* fitsPattern */.jF)(pattern, name)));
        isScopeProved ||= fitting.length > 0;
        return { fitting, isComplete: () => patterns.every((pattern) => whyIncomplete(pattern) === undefined) };
    }
    return {
        isScopeProved: async (bounds) => isScopeProved || (await ofLiveVms(await listNow(bounds), bounds)).fitting.length > 0,
        async isAllOffline(bounds) {
            const list = await listNow(bounds).catch(orNothing);
            if (list === undefined)
                return undefined;
            const { fitting, isComplete } = await ofLiveVms(list, bounds);
            if (fitting.some(({ isOnline }) => isOnline))
                return false;
            return isComplete() ? fitting.length > 1 : undefined;
        },
    };
}

// EXTERNAL MODULE: ./lib/runner/self-restart.js
var self_restart = __webpack_require__(2044);
// EXTERNAL MODULE: ./lib/drain/drain.js + 4 modules
var drain = __webpack_require__(6147);
// EXTERNAL MODULE: ./lib/drain/drain-labels.js
var drain_labels = __webpack_require__(4542);
// EXTERNAL MODULE: ./lib/drain/label-changes.js
var label_changes = __webpack_require__(3480);
;// CONCATENATED MODULE: ./lib/drain/expired-drains.js
// If a machine dies during a drain, the drain's marks stay on the runner, even after they have expired. A later step that sees them in a list of
// runners restores the labels in the background, one runner at a time. A step without `drain` only warns: it changes nothing on GitHub.




/** How long to keep trying to restore a runner's labels, in milliseconds. */
const RESTORE_MS = 30_000;
function createExpiredDrains(options) {
    const { labels, clock, log, signal } = options;
    const known = new Set();
    const tooLate = new AbortController();
    const ending = AbortSignal.any([signal, tooLate.signal]);
    const queue = createQueue();
    return {
        lookThrough({ runners, date }) {
            for (const runner of runners) {
                const marks = (0,drain_labels/* expiredMarks */.S6)({ labels: runner.labels, date });
                if (marks.length === 0 || known.has(runner.id))
                    continue;
                known.add(runner.id);
                const problem = describe(runner, marks.map(({ label }) => label).join(', '));
                if (labels === undefined)
                    log.warning(`${problem} A step with drain restores them.`);
                else
                    queue.add(runner.id, async () => {
                        const isDone = await restore({ labels, clock, log, signal: ending }, runner, problem);
                        // GitHub's lists and reads of labels may lag behind each other, so a later list decides.
                        if (!isDone)
                            known.delete(runner.id);
                    });
            }
        },
        hold: queue.hold,
        release: queue.release,
        async finish() {
            const limit = { ms: RESTORE_MS, signal: lib_clock/* NEVER */.tm };
            await (0,lib_clock/* within */.ux)(clock, limit, queue.whenEmpty).catch(() => tooLate.abort(noTimeLeft()));
            await queue.whenEmpty();
        },
    };
}
/** Runs one piece of work at a time, each about one runner. The work of a runner that is held waits until it is released. */
function createQueue() {
    let last = Promise.resolve();
    let current;
    /** The runners that are held, each with the work that waits for its release. */
    const held = new Map();
    function add(id, work) {
        last = last.then(async () => {
            if (held.has(id)) {
                held.set(id, () => add(id, work));
                return;
            }
            current = { id, end: work() };
            await current.end;
        });
    }
    return {
        add,
        async hold(id) {
            held.set(id, held.get(id));
            if (current?.id === id)
                await current.end;
        },
        release(id) {
            const work = held.get(id);
            held.delete(id);
            work?.();
        },
        whenEmpty: () => last,
    };
}
/** Never throws: if it cannot restore the labels, it writes a warning. Returns false if a read of the labels showed none to restore. */
async function restore(access, { id, name }, problem) {
    const { clock, log, signal } = access;
    try {
        signal.throwIfAborted();
        const limited = { ...access, deadline: clock.now() + RESTORE_MS };
        const restored = await (0,lib_clock/* unlessAborted */.Wh)(signal, (0,label_changes/* restoreLabels */.Kz)(limited, { id, name, due: drain_labels/* expiredMarks */.S6 }));
        if (restored !== undefined && restored.length > 0)
            log.info(`The labels of runner "${name}" are restored: a drain of an earlier step has expired`);
        return restored?.length !== 0;
    }
    catch (error) {
        log.warning(`${problem} They were not restored. ${(0,errors/* asActionError */.z6)(error).message}`);
        return true;
    }
}
function describe({ id, name }, labels) {
    return `Runner "${name}" (ID ${id}) still has labels from an expired drain: ${labels}. Jobs that ask for the part before ".drained-" do not reach it.`;
}
function noTimeLeft() {
    return new errors/* ActionError */.lZ('timed_out', 'The step ended before it could restore them. The next step with drain will restore them.');
}

;// CONCATENATED MODULE: ./lib/runner/vm-drains.js
// The drains of a step: how long they may last, and the drains of the runners in one VM.




function createStepDrains(options, labels) {
    const mayRestore = options.runner.drains !== undefined && options.isDryRun !== true;
    const expired = createExpiredDrains({ ...options, labels: mayRestore ? labels : undefined });
    const { drains, busyUntil } = openDrains(options, labels);
    const shared = drains && { drains, expired, restoring: [] };
    return {
        busyUntil,
        lookThrough: expired.lookThrough,
        forVm: (log) => (shared === undefined ? NO_DRAINS : createVmDrains(shared, log)),
        async finish() {
            await Promise.all(shared?.restoring ?? []);
            await expired.finish();
        },
    };
}
/** Added to the waits of a drain to get its lifetime, in milliseconds: time for the guest and for requests. */
const DRAIN_MARGIN_MS = 3_600_000;
/** With an installation token, all drains must end this long after the step's start, in milliseconds: such a token is valid for an hour. */
const INSTALLATION_TOKEN_MS = 50 * 60_000;
function openDrains(options, labels) {
    const { runner, clock, log, signal, patienceMs, saveDrains = () => { } } = options;
    const { drains: asked, busyTimeoutMs, idleForMs, runnerTimeoutMs, token } = runner;
    if (asked === undefined)
        return {};
    if (runner.whenBusy === 'ignore' && !runner.isSweep)
        log.warning('drain has no effect with when_busy: ignore, because the step waits for no job');
    const restartMs = patienceMs + runnerTimeoutMs;
    const lifeMs = busyTimeoutMs + idleForMs + restartMs + DRAIN_MARGIN_MS;
    const draining = { labels, ...asked, lifeMs, patienceMs, clock, log, signal, saveState: saveDrains };
    if (!token.startsWith('ghs_'))
        return { drains: (0,drain.createDrains)(draining) };
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
// ---- one VM ----
const NO_DRAINS = { drain: undefined, restore: async () => { } };
function createVmDrains({ drains, expired, restoring }, log) {
    const drained = new Set();
    async function restoreAll() {
        await Promise.all([...drained].map((id) => drains.restore(id)));
        for (const id of drained)
            expired.release(id);
    }
    return {
        async drain(found, bounds) {
            let hasChanged = false;
            for (const each of found) {
                drained.add(each.id);
                await expired.hold(each.id);
                if (await drains.drain(each, bounds))
                    hasChanged = true;
            }
            return hasChanged;
        },
        restore({ restarted }) {
            if (drained.size > 0 && restarted === 'unknown')
                log.warning('The labels are being restored, but the restart may still happen, and would kill a job that begins before then');
            const restored = restoreAll();
            restoring.push(restored);
            return restored;
        },
    };
}

;// CONCATENATED MODULE: ./lib/runner/back-verdict.js
// Whether the runners in a VM are back after its restart. Pure; wait-for-runner.ts does the reading.
//
// After a runner was cut off, GitHub keeps its session for minutes and shows it online. So "online" alone proves nothing. Each name is
// judged by its own history. All runners that were online before the restart must be back: a persistent one under its name, a one-job runner
// under any name, because it may get a new one. If none was online before, one runner is enough.
//
// A registration is new if neither a read before the restart nor the first one after the boot showed it.
//
// | what a read shows for one name       | what proves that its runner is back                                |
// | ------------------------------------ | ------------------------------------------------------------------ |
// | no answer                            | nothing                                                            |
// | gone                                 | it takes one job only, and a read showed a new registration of it  |
// | offline                              | nothing                                                            |
// | online, under a new registration     | this read                                                          |
// | online, and offline since the boot   | a second read some seconds later that shows it online: a version   |
// |                                      | that GitHub no longer accepts connects and then exits              |
// | online and busy                      | it was idle for long enough that this job must be a new one        |
// | online otherwise                     | nothing; after six minutes it is most likely back                  |
//
// For each read, `judgeBack` updates the history of every name seen so far, and judges it by the table (`judgeName`). The verdict on the VM is
// the weakest verdict on the names that count (`neededNames`): the persistent runners that were online before (`wanted`), and as many of the
// other names as one-job runners were online before (`wantedOthers`), the best ones.



/**
 * A job from before the restart may appear as late as this, in milliseconds: GitHub may not show "busy" until 90 s after a job began (users
 * have seen 25 to 60 s and more), and may then show the runner as idle for another minute.
 */
const OLD_JOB_MS = 150_000;
/**
 * After a runner was cut off, GitHub keeps its session for up to five minutes and shows it online. A runner that is online after that is
 * most likely alive.
 */
const SESSION_LIFE_MS = 360_000;
/** How long a runner must be shown online after it was offline, in milliseconds: a little less than the time between two reads. */
const STAYS_ONLINE_MS = 4_900;
/** @param verifiedAt on the clock's scale. The registrations are those that the gate saw. */
function startBackHistory(verifiedAt, { current, everSeen }, isEphemeral) {
    const online = current.filter(({ isOnline }) => isOnline);
    const wanted = online.filter((runner) => !takesOneJob(runner, { isEphemeral }));
    const others = online.length - wanted.length;
    const byName = current.map(({ name, isOnline }) => {
        return [(0,runner_names/* keyOfName */.ax)(name), { ...nothingSeen(undefined), wasOnlineBefore: isOnline }];
    });
    return {
        ...{ verifiedAt, isEphemeral, byName: new Map(byName), lastAt: undefined },
        wanted: wanted.map(({ name }) => (0,runner_names/* keyOfName */.ax)(name)),
        wantedOthers: wanted.length === 0 ? Math.max(1, others) : others,
        oldIds: new Set(everSeen.map(({ id }) => id)),
    };
}
function nothingSeen(first) {
    const nothing = { last: undefined, wasOffline: false, onlineSince: undefined, wasIdle: false };
    return { wasOnlineBefore: false, first, ...nothing, occupancy: UNREAD, verdict: UNKNOWN };
}
/** Decides from one read, and the history of those before it, whether the runners are back. */
function judgeBack(before, reading) {
    const { runners } = reading;
    const isFirst = before.lastAt === undefined;
    const shown = new Map((runners ?? []).map((runner) => [(0,runner_names/* keyOfName */.ax)(runner.name), runner]));
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
    const required = [...byName].filter(([name]) => wanted.includes(name));
    const others = [...byName].filter(([name]) => !wanted.includes(name));
    return [...required, ...byStrength(others).toReversed().slice(0, wantedOthers)];
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
    const { leftMs = Number.POSITIVE_INFINITY } = stretchOf(history.occupancy) ?? {};
    const wasIdle = history.wasIdle || leftMs <= 0;
    return { ...history, onlineSince: history.onlineSince ?? answeredAt, wasIdle };
}
/** A one-job runner that registered again, and is gone now, has had its job. */
function verdictOnGone({ last }, { oldIds, ...rules }) {
    const wasNew = last !== undefined && last !== 'gone' && !oldIds.has(last.id) && takesOneJob(last, rules);
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
// ---- why it is not back ----
const LOGIN = 'Log a user in automatically after the boot, which needs FileVault off (with it, SSH answers before the disk is unlocked)';
const STEPS = 'See "How the runner comes back by itself" in docs/between-jobs.md.';
/** An older answer says little about the present: in milliseconds. */
const OUTDATED_AFTER_MS = 60_000;
/**
 * The likely cause: the step can only guess, because it cannot see inside the VM.
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
    hint: `Have the VM register its runner at each boot, in runner_scope and under a name that runner_name matches. ${STEPS}`,
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
        const reason = 'it went offline and stayed offline: most likely its new process found the old session still open, and gave up after 4 minutes, or no user is logged in';
        return {
            reason,
            hint: `${LOGIN}, and have launchd restart its service whenever it exits (KeepAlive). ${STEPS}`,
        };
    }
    const reason = wasOnlineBefore
        ? 'it has been offline since the boot: most likely no user is logged in, so that its service never started'
        : 'it was already offline before the restart: most likely no service starts it';
    return { reason, hint: `${LOGIN}, and install the runner as a service (svc.sh install). ${STEPS}` };
}

;// CONCATENATED MODULE: ./lib/runner/wait-for-runner.js
// After the restart: reads the runners until they are back, or until runner_timeout. back-verdict.ts decides whether they are.






/** Waits for the runners after a verified restart. Never throws: a failure is part of the result. */
async function waitForRunner({ restarted, moments: { verified: verifiedAt } }, options) {
    const { runners, waitsForRunner, clock, log } = options;
    if (restarted !== 'true' || verifiedAt === undefined || runners === undefined)
        return { runner: NO_RUNNER };
    if (!waitsForRunner) {
        log.info('The step does not wait for the runner, because wait_for_runner is false');
        return { runner: NO_RUNNER };
    }
    try {
        const status = await untilBack({ ...options, runners, verifiedAt });
        return { runner: { status, backAt: clock.now() } };
    }
    catch (thrown) {
        const error = (0,errors/* asActionError */.z6)(thrown);
        const status = error.code === 'runner_not_back' ? 'not_back' : undefined;
        return { runner: { status, backAt: undefined }, error: (0,errors/* explainCancellation */.Xg)(error, RUNNER_UNKNOWN) };
    }
}
const RUNNER_UNKNOWN = 'The VM was restarted and verified; whether its runner is back is not known.';
const NO_RUNNER = { status: undefined, backAt: undefined };
/**
 * Reads the runners until they are back; there is always a last read at the deadline.
 * @throws ActionError `runner_not_back` with the likely cause; `github_api_failed` if GitHub gave no usable answer at all.
 */
async function untilBack(wait) {
    const { runners, verifiedAt, isEphemeral, clock, log, signal } = wait;
    const progress = (0,lib_log/* createProgressLog */.e)({ log, now: clock.now, sentAt: verifiedAt });
    const deadline = verifiedAt + wait.runnerTimeoutMs;
    let history = startBackHistory(verifiedAt, runners.registrations, isEphemeral);
    const polling = {
        ...{ clock, signal, deadline: () => deadline, longestMs: LONGEST_READ_MS, shortestMs: LAST_READ_MS },
        nextAt: () => clock.now() + (isDueSoon(wait) ? READ_ONE_JOB_EVERY_MS : READ_EVERY_MS),
    };
    const back = await (0,poll/* pollUntil */.g)(polling, async ({ until }) => {
        const reading = await runners.readShared(until, isDueSoon(wait) ? 'soon' : undefined);
        const judged = judgeBack(history, reading);
        history = judged.history;
        const { verdict } = judged;
        if (verdict.kind !== 'pending')
            return verdict;
        const rest = describeNeeded(verdict, wait);
        progress.note(verdict.seen, `waiting for the runner: ${verdict.seen}`, { rest });
        return undefined;
    });
    if (back === undefined)
        throw notBack(wait, history, progress.tally());
    log.info(describeBack(back, (0,lib_clock/* seconds */.YA)(clock.now() - verifiedAt)));
    return back.kind;
}
/** A boot rarely takes longer than this. In milliseconds. */
const LONG_BOOT_MS = 120_000;
/** Whether a one-job runner is about to register: its VM is out of service until a read shows the registration. */
function isDueSoon({ isEphemeral, verifiedAt, clock }) {
    return isEphemeral && clock.now() - verifiedAt < LONG_BOOT_MS;
}
/** What must happen, and how much time is left for it. */
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
function notBack({ runnerTimeoutMs, clock }, history, tally) {
    const { reason, hint } = likelyCause(history, clock.now());
    const time = (0,lib_clock/* seconds */.YA)(runnerTimeoutMs);
    const message = `The VM was restarted, but the runner was not proved to be back within ${time}: ${reason}. Reads: ${tally}.`;
    const code = history.lastAt === undefined ? 'github_api_failed' : 'runner_not_back';
    return new errors/* ActionError */.lZ(code, message, { hint });
}

;// CONCATENATED MODULE: ./lib/runner/guard.js
// The guard of a VM makes sure that the restart kills no job, and that the runners are back after it.
//
// Before the restart, the gate finds the VM's runners on GitHub by name and blocks the restart while a job runs on one of them. Once the
// restart is verified, the guard reads the runners until they are proved to be back, or until runner_timeout. An error before the restart
// prevents it. An error after it becomes part of the outcome, because the VM was restarted all the same.
//
// gate.ts            the gate; occupancy.ts has its states, gate-limits.ts its limits, gate-lines.ts its log lines and errors
// wait-for-runner.ts the wait after the restart; back-verdict.ts decides whether the runners are back
// vm-runners.ts      reads the runners in one VM, for both
// vm-drains.ts       keeps new jobs away from them in the meantime
// github/sources.ts  the two sources, shared by all VMs: the runners of the scope, and the jobs of a repository











/** @throws ActionError `self_restart` if `runner_name` has no placeholder and matches the step's own runner. */
function createGuards(options) {
    const { runner, ownRunner, clock, random, log, requestTimeoutMs, dispatchers } = options;
    const { nameTemplate } = runner;
    (0,self_restart/* refuseFixedName */.w)(ownRunner, runner);
    const { repository } = ownRunner;
    const opened = (0,sources.openSources)({
        ...{ ...runner, repository, clock, random, log, requestTimeoutMs, dispatchers },
        onList: (listing) => drains.lookThrough(listing),
    });
    const drains = createStepDrains(options, opened.labels);
    const { share = (sources) => sources, liveInstances = async () => [] } = options;
    const { runners, jobs } = share(opened);
    const shared = {
        ...{ drains, runners, jobs: (0,job_finding/* createJobReader */.fC)(jobs, { clock, log }) },
        liveRunners: createLiveRunners({ nameTemplate, runners, liveInstances }),
        onNew: createRegistrationWarnings(runner, log),
    };
    return {
        runnerNameOf: (instance) => (0,runner_names/* describePattern */.Qs)((0,runner_names/* fillPattern */.ut)(nameTemplate, instance)),
        isRunnerIn: (instance, runnerName) => (0,runner_names/* mayBeIn */.K_)(instance, nameTemplate, runnerName),
        guardFor: (vm) => createGuard(options, shared, vm),
        readRun: opened.readRun,
        async close() {
            await drains.finish();
            await opened.close();
        },
    };
}
/** A runner that has not registered this long after the boot, or within `runner_timeout` if that is longer, will not. In milliseconds. */
const REGISTERS_WITHIN_MS = 300_000;
function createGuard(options, shared, vm) {
    const { runner, clock, patienceMs, signal, namesOf = () => [] } = options;
    const { nameTemplate, scope, runnerTimeoutMs } = runner;
    const { drain, restore } = shared.drains.forVm(vm.log);
    const gate = createGate({
        ...{ ...runner, ...vm, patienceMs, clock, liveRunners: shared.liveRunners },
        ...(drain && { drain, busyUntil: shared.drains.busyUntil }),
        seesAllJobs: scope.kind === 'repository',
        registersWithinMs: Math.max(REGISTERS_WITHIN_MS, runnerTimeoutMs),
        runnersOf: (instance) => runnersIn(instance, { options, shared, vm }),
        runnerNamesOf: (instance) => [instance, ...namesOf(instance).map((names) => ({ ...instance, ...names }))]
            .filter((each) => (0,runner_names/* hasValues */.rV)(each, nameTemplate))
            .map((each) => (0,runner_names/* describePattern */.Qs)((0,runner_names/* fillPattern */.ut)(nameTemplate, each))),
    });
    return {
        gate,
        async afterRestart(outcome, until = signal) {
            const wait = { ...runner, runners: gate.runners(), clock, log: vm.log, signal: until };
            const back = await waitForRunner(outcome, wait);
            await restore(outcome);
            return { ...outcome, ...back };
        },
    };
}
/** @throws ActionError `runner_not_found` */
function runnersIn(instance, { options, shared, vm }) {
    const { runner, addresses, clock } = options;
    const { log, signal, isBrief } = vm;
    const { nameTemplate, scope } = runner;
    const name = (0,runner_names/* fillPattern */.ut)(nameTemplate, instance);
    (0,self_restart/* warnOfSharedAddress */.RJ)(instance, { addresses, log });
    (isBrief ? log.debug : log.info)(`Looking for the self-hosted runner "${(0,runner_names/* describePattern */.Qs)(name)}" of ${(0,github_scope/* describeScope */.OI)(scope)}`);
    return createVmRunners({ ...shared, sought: { name, scope }, clock, log, signal });
}


/***/ })

};
