import { kindOf, type MemberOutcome } from '../src/fleet/fleet-outcome.ts';
import { limitsFor } from '../src/fleet/turns.ts';
import type { FleetPost, FleetRecord } from './fleet-run.ts';

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
    lateEnd,
    wrongResults,
    defect,
  ];
  return checks.flatMap((check) => check(run) ?? []);
}

const idOf = ({ before, target }: MemberOutcome) =>
  before?.instanceId ?? (target?.by === 'instance_id' ? target.id : '');
const postsOf = (run: FleetRecord, vm: MemberOutcome): readonly FleetPost[] =>
  run.posts.filter(({ instanceId }) => instanceId === idOf(vm));
const endOf = ({ endedAt }: MemberOutcome, run: FleetRecord) => endedAt ?? run.endedAt;

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
    if (vm.restarted !== 'true' && vm.error === undefined && vm.leftAlone === undefined)
      return `neither success nor an error of ${vm.name}`;
  }
  return undefined;
};

/** Under way is a VM from the last request to its end: one before that was not carried out, and the place may have been given back. */
const tooManyPlaces: FleetCheck = (run) => {
  const { places } = limitsOf(run);
  const stretches = run.outcome.vms.flatMap((vm) => {
    const last = postsOf(run, vm).at(-1);
    return last === undefined ? [] : [{ from: last.departedAt, until: endOf(vm, run) }];
  });
  const most = Math.max(
    0,
    ...stretches.map(({ from }) => stretches.filter((one) => one.from <= from && one.until > from).length),
  );
  return most > places ? `${most} VMs were under way at once, ${places} are allowed` : undefined;
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
  const killed = run.killedJobs.some(({ instanceId, startedAt, killedAt }) => {
    const post = run.posts.find(
      (one) => one.instanceId === instanceId && one.wasTaken && one.departedAt <= killedAt,
    );
    return post !== undefined && post.departedAt - startedAt > SHOWN_AFTER_MS;
  });
  return killed ? 'a job was killed that had long been shown' : undefined;
};

const CANCEL_MS = 1_000;
const END_MS = 2_000;

/** Each VM ends in its own time after its turn; and all at once after a signal. */
const lateEnd: FleetCheck = (run) => {
  if (run.cancelledAt !== undefined && run.endedAt > run.cancelledAt + CANCEL_MS)
    return 'it ended late after the signal';
  const { timeoutMs, runners } = run.scenario;
  if (runners?.waitsForRunner) return undefined;
  const late = run.outcome.vms.find((vm) => {
    const sentAt = postsOf(run, vm).at(-1)?.departedAt;
    return sentAt !== undefined && endOf(vm, run) > sentAt + timeoutMs + END_MS;
  });
  return late && `${late.name} ended late`;
};

const wrongResults: FleetCheck = ({ outcome, outputs }) => {
  const results: { instance_id: string; outcome: string }[] = JSON.parse(outputs['results'] ?? '');
  const kinds = outcome.vms.map(kindOf);
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
