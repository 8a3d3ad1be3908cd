import { limitsFor } from '../../src/fleet/scheduling.ts';
import { resultKindOf, type VmOutcome } from '../../src/fleet/step-outcome.ts';
import type { FleetRecord } from './fleet-run.ts';
import type { FleetPost, Greeting } from './fleet-testbed.ts';
import { limitOf } from './limits.ts';

/*
 * What a fleet promises, checked by what really happened: each promise about one VM for each of them, and those about their number.
 * Each check says in words what is broken.
 */

type FleetCheck = (run: FleetRecord) => string | undefined;

/** The promises that a run broke, in words; empty for none. */
export function brokenFleetPromises(run: FleetRecord): string[] {
  const checks = [
    falseSuccess,
    secondRestart,
    falseFailure,
    untruth,
    tooManyPlaces,
    begunAfterFailures,
    begunBeforeAllWereLookedAt,
    restartOfWhatWasLeft,
    namedTwice,
    silence,
    killedJob,
    placeLeftFree,
    wrongUp,
    dryRunThatSends,
    lateEnd,
    wrongResults,
    defect,
  ];
  return checks.flatMap((check) => check(run) ?? []);
}

const idOf = ({ before, target }: VmOutcome) =>
  before?.instanceId ?? (target?.by === 'instance_id' ? target.id : '');
const postsOf = (run: FleetRecord, vm: VmOutcome): readonly FleetPost[] =>
  run.posts.filter(({ instanceId }) => instanceId === idOf(vm));
const endOf = ({ endedAt }: VmOutcome, run: FleetRecord) => endedAt ?? run.endedAt;

/** Each VM that is said to be restarted has booted since its own request left, and the proof is of its own boot. */
const falseSuccess: FleetCheck = (run) => {
  for (const vm of run.outcome.vms.filter(({ restarted }) => restarted === 'true')) {
    const [first] = postsOf(run, vm);
    const boots = run.boots.filter(
      ({ instanceId, at }) => instanceId === idOf(vm) && at >= (first?.departedAt ?? Infinity),
    );
    const claimedMs = Number((vm.proof?.startDate?.epochNanoseconds ?? 0n) / 1_000_000n);
    if (boots.length === 0) return `false success: ${vm.name} has not booted since`;
    if (!boots.some(({ startDateMs }) => startDateMs === claimedMs))
      return `false success: ${vm.name} shows the boot of another VM`;
  }
  return undefined;
};

const secondRestart: FleetCheck = ({ posts }) => {
  const taken = posts.filter(({ wasTaken }) => wasTaken).map(({ instanceId }) => instanceId);
  return new Set(taken).size < taken.length ? 'a VM was restarted twice' : undefined;
};

/** A lost request, a pause, and the heartbeats until a boot shows through a replica that lags. */
const SEEN_WITHIN_MS = 40_000;

/** What booted in time, once nothing went wrong any more, is not given up. */
const falseFailure: FleetCheck = (run) => {
  // A process that slept has but one look left, which a lagging replica may answer.
  if (run.suspensions.length > 0) return undefined;
  const settledAt = run.startedAt + run.scenario.faultsEndAfterMs;
  const given = run.outcome.vms.find((vm) => {
    const boot = run.boots.find(
      ({ instanceId, at }) => instanceId === idOf(vm) && at >= (postsOf(run, vm)[0]?.departedAt ?? Infinity),
    );
    if (vm.error?.code !== 'timed_out' || boot === undefined) return false;
    return endOf(vm, run) - Math.max(boot.at, settledAt) > SEEN_WITHIN_MS + run.scenario.replicas.lagMs;
  });
  return given && `false failure: ${given.name} was given up though it had booted`;
};

const untruth: FleetCheck = (run) => {
  for (const vm of run.outcome.vms) {
    const posts = postsOf(run, vm);
    if (vm.restarted === 'false' && posts.some(({ wasTaken }) => wasTaken))
      return `"false" of ${vm.name}, which was restarted`;
    if (vm.restarted === 'unknown' && posts.length === 0)
      return `"unknown" of ${vm.name}, though nothing was sent`;
    const isTold = vm.error !== undefined || vm.leftAlone !== undefined || run.scenario.dryRun;
    if (vm.restarted !== 'true' && !isTold) return `neither success nor an error of ${vm.name}`;
  }
  return undefined;
};

/**
 * Under way is a VM from the last request to its end: one before that was not carried out, and the place may have been given back. So
 * it may where even the last was certainly not carried out.
 */
const tooManyPlaces: FleetCheck = (run) => {
  const { slots } = limitsOf(run);
  const stretches = run.outcome.vms.flatMap((vm) => {
    const last = vm.restarted === 'false' ? undefined : postsOf(run, vm).at(-1);
    return last === undefined ? [] : [{ from: last.departedAt, until: endOf(vm, run) }];
  });
  const most = Math.max(
    0,
    ...stretches.map(({ from }) => stretches.filter((one) => one.from <= from && one.until > from).length),
  );
  return most > slots ? `${most} VMs were under way at once, ${slots} are allowed` : undefined;
};

function limitsOf({ outcome, scenario }: FleetRecord) {
  return limitsFor(outcome.vms.length, {
    maxParallel: amountOf(scenario.maxParallel),
    maxFailures: amountOf(scenario.maxFailures),
  });
}

function amountOf(text: string) {
  return text.endsWith('%') ? { share: Number(text.slice(0, -1)) / 100 } : { count: Number(text) };
}

const begunAfterFailures: FleetCheck = (run) => {
  const { mostFailures } = limitsOf(run);
  const failedAt = run.outcome.vms.filter(({ error }) => error !== undefined).map((vm) => endOf(vm, run));
  const late = run.outcome.vms.find((vm) => {
    const begunAt = run.firstTries.get(idOf(vm)) ?? 0;
    return failedAt.filter((at) => at < begunAt).length > mostFailures;
  });
  return late && `${late.name} was begun after too many failures`;
};

const UNFIT = ['instance_not_found', 'ambiguous_target'];

/** What was never fit fails before anything is sent to any. */
const begunBeforeAllWereLookedAt: FleetCheck = (run) => {
  const firstAt = Math.min(...run.posts.map(({ departedAt }) => departedAt));
  const late = run.outcome.vms.find(
    (vm) => UNFIT.includes(vm.error?.code ?? '') && !run.named.has(idOf(vm)) && endOf(vm, run) > firstAt,
  );
  return late && `a restart was sent before ${late.name} had failed`;
};

const restartOfWhatWasLeft: FleetCheck = (run) => {
  const restarted = run.outcome.vms.find(
    (vm) => vm.leftAlone !== undefined && postsOf(run, vm).some(({ wasTaken }) => wasTaken),
  );
  if (restarted !== undefined) return `${restarted.name} was left alone, and yet restarted`;
  return run.posts.some(({ instanceId }) => !run.named.has(instanceId))
    ? 'a VM was restarted that nobody named'
    : undefined;
};

const namedTwice: FleetCheck = ({ outcome }) => {
  const ids = outcome.vms.filter(({ error }) => error === undefined).map(idOf);
  return new Set(ids).size < ids.length ? 'a VM is twice among the results' : undefined;
};

const silence: FleetCheck = ({ posts }) =>
  posts.every(({ announced }) => announced === 'unknown')
    ? undefined
    : 'a restart left, and the outputs did not say so';

/** By then both witnesses show a job, and a look has shown it; and until the VM is stopped, which an agent may be slow to do. */
const SHOWN_AFTER_MS = 100_000;

const killedJob: FleetCheck = (run) => {
  const killed = run.jobs.some(({ instanceId, startedAt, killedAt }) => {
    const post = run.posts.find(
      (one) => one.instanceId === instanceId && one.wasTaken && one.departedAt <= (killedAt ?? 0),
    );
    return post !== undefined && post.departedAt - startedAt > SHOWN_AFTER_MS;
  });
  return killed ? 'a job was killed that had long been shown' : undefined;
};

/**
 * By then what began and ended on a runner is known, it was seen without a job for as long as is asked for, and the VM was looked at
 * anew: beside `idle_for`.
 */
const READY_AFTER_MS = 120_000;
/** From one VM's end to the request of the next: it is looked at anew, and so is its runner. */
const HANDOVER_MS = 30_000;
const STEP_MS = 5_000;

/**
 * A VM that waits for its job takes no place: while one is free, nobody waits for it whose runner has long had no job. So idle ones go
 * first, too.
 */
const placeLeftFree: FleetCheck = (run) => {
  const { slots } = limitsOf(run);
  const [firstAt = Infinity] = run.posts.map(({ departedAt }) => departedAt);
  const settledAt = run.startedAt + run.scenario.faultsEndAfterMs;
  const idleForMs = run.scenario.runners?.idleForMs ?? 0;
  if (run.suspensions.length > 0) return undefined;
  for (const vm of run.outcome.vms) {
    const begunAt = run.firstTries.get(idOf(vm));
    if (begunAt === undefined) continue;
    const lastJobAt = Math.max(...run.jobs.filter((job) => isBefore(job, idOf(vm), begunAt)).map(endOfJob));
    const readyAt = Math.max(firstAt, settledAt, lastJobAt) + idleForMs + READY_AFTER_MS;
    if (longestFreeMs(run, slots, { from: readyAt, until: begunAt }) > HANDOVER_MS)
      return `${vm.name} waited for a place though one was free`;
  }
  return undefined;
};

interface Stretch {
  readonly from: number;
  readonly until: number;
}

/** For how long a place was free without a break. */
function longestFreeMs(run: FleetRecord, places: number, { from, until }: Stretch): number {
  let [longestMs, freeMs] = [0, 0];
  for (let moment = from; moment < until; moment += STEP_MS) {
    freeMs = underWayAt(run, moment) < places ? freeMs + STEP_MS : 0;
    longestMs = Math.max(longestMs, freeMs);
  }
  return longestMs;
}

function isBefore(job: FleetRecord['jobs'][number], id: string, moment: number): boolean {
  return job.instanceId === id && job.startedAt < moment;
}

function endOfJob({ endsAt, killedAt = endsAt }: FleetRecord['jobs'][number]): number {
  return Math.min(endsAt, killedAt);
}

/** VMs whose restart had left, and which had not come to their end. */
function underWayAt(run: FleetRecord, moment: number): number {
  return run.outcome.vms.filter((vm) => {
    const sentAt = postsOf(run, vm)[0]?.departedAt ?? Infinity;
    return sentAt <= moment && endOf(vm, run) > moment;
  }).length;
}

/** `up` is said of a VM only where its own guest spoke, after the restart was verified. */
const wrongUp: FleetCheck = (run) => {
  const wrong = run.outcome.vms.find((vm) => {
    if (vm.guest?.status !== 'up') return false;
    const since = vm.moments.verified ?? Infinity;
    const heard = run.greetings.filter(({ at }) => at >= since && at <= endOf(vm, run));
    return !heard.some((greeting) => greeting.instanceId === idOf(vm) || isUntold(run, vm, greeting));
  });
  return wrong && `"up" of ${wrong.name}, whose guest never spoke`;
};

/** What nobody can tell: the port became another VM's after the last report that was to be had from every replica. */
function isUntold(run: FleetRecord, vm: VmOutcome, { at, address }: Greeting): boolean {
  const lagMs = run.scenario.replicas.count > 1 ? run.scenario.replicas.lagMs : 0;
  return [at, at - lagMs].some((moment) => {
    const told = run.addresses.findLast((one) => one.instanceId === idOf(vm) && one.at <= moment);
    return told?.host === address.host && told.port === address.port;
  });
}

const dryRunThatSends: FleetCheck = ({ scenario, firstTries }) =>
  scenario.dryRun && firstTries.size > 0 ? 'a dry run sent a restart' : undefined;

const CANCEL_MS = 1_000;
const END_MS = 2_000;

/**
 * Each VM ends in its own time after its turn; and all at once after a signal. What a process slept is added; and where it slept when the
 * time was over, it has as long after waking.
 */
const lateEnd: FleetCheck = (run) => {
  if (run.cancelledAt !== undefined && run.endedAt > run.cancelledAt + CANCEL_MS)
    return 'it ended late after the signal';
  const { timeoutMs, runners, guest } = run.scenario;
  if (runners?.waitsForRunner) return undefined;
  const endsWithinMs = END_MS + (guest === undefined ? 0 : guest.timeoutMs + END_MS);
  const late = run.outcome.vms.find((vm) => {
    const sentAt = postsOf(run, vm).at(-1)?.departedAt;
    // A restart that was not taken may be followed by a wait for a job, or for no job to show for long enough.
    const isItsTime = vm.error?.code !== 'runner_busy';
    const { cleared = 0 } = vm.moments;
    if (!isItsTime || sentAt === undefined) return false;
    const deadline = Math.max(sentAt, cleared) + timeoutMs;
    return endOf(vm, run) > Math.max(deadline + sleptMs(run), limitOf(run, deadline)) + endsWithinMs;
  });
  return late && `${late.name} ended late`;
};

function sleptMs({ suspensions }: FleetRecord): number {
  return suspensions.reduce((sum, { from, until }) => sum + until - from, 0);
}

const wrongResults: FleetCheck = ({ outcome, outputs }) => {
  const results: { instance_id: string; outcome: string }[] = JSON.parse(outputs['results'] ?? '');
  const kinds = outcome.vms.map(resultKindOf);
  if (JSON.stringify(results.map((result) => result.outcome)) !== JSON.stringify(kinds))
    return 'results are not what came of the VMs';
  const remaining = new Set((outputs['remaining'] ?? '').split('\n').filter(Boolean));
  const isWrong = results.some(({ instance_id: id }, index) => {
    return id !== '' && remaining.has(id) === (outcome.vms[index]?.restarted === 'true');
  });
  return isWrong ? 'remaining is not what was not restarted' : undefined;
};

const defect: FleetCheck = ({ outcome }) => {
  const found = outcome.vms.find(({ error }) => error?.code === 'internal_error');
  return found && `internal_error of ${found.name}: ${found.error?.message}`;
};
