import type { SimulatedRunner } from '../../simulator/github-world.ts';
import type { World } from '../../simulator/world.ts';
import type { Chances, Common } from './chances.ts';
import { applyEvent, type WorldEvent } from './events.ts';
import type { FaultyNetwork } from './faulty-network.ts';
import { schedulePool } from './pool-stage.ts';
import type { Moment, Recorder } from './recorder.ts';
import { PASSWORD, type RunnerBeside, type Scenario, type Suspension } from './scenario.ts';
import { isOther } from './setting.ts';
import { START, type Stage } from './stage.ts';

/* What happens in the world of a scenario beside the step: jobs, restarts by others, events, and suspensions of the step's process. */

/** Which runner of a VM. */
interface RunnerPlace {
  readonly instanceId: string;
  readonly place: number;
}

export class Happenings {
  /** The step has ended: it is no longer suspended or slowed down. */
  isStepOver = false;
  readonly #scenario: Scenario;
  readonly #stage: Stage;
  readonly #chances: Chances;
  readonly #log: Common['log'];
  readonly #recorder: Recorder;
  readonly #network: FaultyNetwork;

  constructor(
    { scenario, stage, chances, log }: Common,
    { recorder, network }: { readonly recorder: Recorder; readonly network: FaultyNetwork },
  ) {
    this.#scenario = scenario;
    this.#stage = stage;
    this.#chances = chances;
    this.#log = log;
    this.#recorder = recorder;
    this.#network = network;
  }

  /** The instances that the scenario is about. */
  get #ids(): readonly string[] {
    const { vms } = this.#scenario;
    return this.#stage.world.records.slice(0, vms.length).map(({ instanceId }) => instanceId);
  }

  /** Schedules everything that will happen. */
  schedule(): void {
    const scenario = this.#scenario;
    const { time } = this.#stage;
    const ids = this.#ids;
    if (scenario.leavesMessage) this.#leaveMessage(ids[0] ?? '');
    for (const [index, { jobs, restartedBeforeMs, moreRunners }] of scenario.vms.entries()) {
      const instanceId = ids[index] ?? '';
      for (const { afterMs, forMs } of jobs)
        time.at(START + afterMs, () => this.#startJob(instanceId, forMs));
      for (const [place, beside] of moreRunners.entries())
        this.#scheduleBeside(beside, { instanceId, place: place + 1 });
      if (restartedBeforeMs !== undefined)
        time.at(START - restartedBeforeMs, () => this.#change((world) => world.restart(instanceId)));
    }
    if (scenario.pool !== undefined) schedulePool(this.#stage, scenario.pool);
    this.#scheduleWrongData();
    this.suspendSince('start', this.#stage.startsAt);
    this.#slowDown(this.#stage.startsAt);
    for (const event of scenario.events)
      time.at(START + event.afterMs, () => this.#applyEvent(event, ids[event.vm ?? 0] ?? ''));
  }

  /** Starts what depends on the first attempt of the restart, of the step or of a VM. */
  onTry(moment: Moment): void {
    const { tries } = this.#recorder;
    if (tries.length === 1) {
      this.suspendSince('try', moment.at);
      for (const runner of this.#stage.github.runners) runner.misreport = undefined;
      this.#scheduleSwap();
    }
    const isFirstOfVm = tries.filter(({ instanceId }) => instanceId === moment.instanceId).length === 1;
    const { jobAfterTry } = this.#scenario.vms[this.#ids.indexOf(moment.instanceId ?? '')] ?? {};
    if (!isFirstOfVm || jobAfterTry === undefined) return;
    const { afterMs, forMs } = jobAfterTry;
    this.#stage.time.at(moment.at + afterMs, () => this.#startJob(moment.instanceId ?? '', forMs));
  }

  /**
   * Adds other owners' jobs, and shows these runners wrongly: only until the first attempt, because afterwards the list is the only proof
   * that a runner is back.
   */
  #scheduleWrongData(): void {
    const { misreport, hasNumberTwin } = this.#scenario.runner ?? {};
    const { github, time } = this.#stage;
    const runners = github.runners.filter((runner) => !isOther(runner));
    const [first] = runners;
    if (hasNumberTwin && first !== undefined) {
      const on = { id: first.id, name: 'elsewhere', groupName: 'Default' };
      github.runs.add({ jobs: [{ name: 'build', forMs: Number.POSITIVE_INFINITY, on }] });
    }
    if (misreport === undefined) return;
    time.at(START + misreport.afterMs, () => {
      if (this.#recorder.tries.length > 0) return;
      this.#chances.faults.add('wrong GitHub data');
      this.#stage.world.advanceTo(this.#now());
      const shown = misreport.shows === 'busy' ? { busy: true } : { online: false };
      for (const runner of runners) github.misreport(runner, { ...shown, forMs: misreport.forMs });
    });
  }

  /** What happens to one of a VM's further runners. */
  #scheduleBeside({ jobs, endsAfterMs, registersAgain }: RunnerBeside, of: RunnerPlace): void {
    const { time, github } = this.#stage;
    const at = (afterMs: number, change: (runner: SimulatedRunner) => void) =>
      time.at(START + afterMs, () => {
        this.#stage.world.advanceTo(this.#now());
        const runner = this.#runnerAt(of);
        if (runner !== undefined) change(runner);
      });
    for (const { afterMs, forMs } of jobs)
      time.at(START + afterMs, () => this.#startJob(of.instanceId, forMs, of.place));
    if (endsAfterMs !== undefined) at(endsAfterMs, (runner) => github.endService(runner));
    if (registersAgain === undefined) return;
    at(registersAgain.afterMs, (runner) => {
      if (!github.registerAgain(runner, registersAgain.forMs)) return;
      this.#log(() => `the runner ${runner.name} is removed, to be registered again`);
      this.#chances.faults.add('runner registered again');
      const absence = { runner, from: this.#now(), until: Number.POSITIVE_INFINITY };
      this.#recorder.absences.push(absence);
      at(registersAgain.afterMs + registersAgain.forMs, ({ isRegistered }) => {
        if (isRegistered) absence.until = this.#now();
      });
    });
  }

  #runnerAt({ instanceId, place }: RunnerPlace): SimulatedRunner | undefined {
    return this.#stage.github.runners.filter((one) => one.instanceId === instanceId && !isOther(one))[place];
  }

  /** Gives a runner of the VM a job, unless it has one. */
  #startJob(instanceId: string, forMs: number, place = 0): void {
    this.#stage.world.advanceTo(this.#now());
    const runner = this.#runnerAt({ instanceId, place });
    const isBusy = runner?.jobs.some((job) => job.endsAt > this.#now() && job.killedAt === undefined);
    if (runner === undefined || isBusy) return;
    const { queuesMore, hidesRunnerMs, spellsInUpperCase } = this.#scenario.runner ?? {};
    const job = this.#stage.github.startJob(runner, forMs, {
      ...(queuesMore && { beside: [{ name: 'next', forMs: 0, labels: ['nowhere'] }] }),
      ...(hidesRunnerMs && { hidesRunnerMs }),
      ...(spellsInUpperCase && { spelledRunner: runner.name.toUpperCase() }),
    });
    if (job === undefined) return;
    this.#chances.faults.add('job');
    this.#log(() => `a job begins on the runner ${runner.name} (${Math.round(forMs)} ms)`);
  }

  /** Applies an event, unless faults have ended. */
  #applyEvent(event: WorldEvent, instanceId: string): void {
    if (this.#chances.areOver) return;
    this.#chances.faults.add(event.kind);
    this.#log(() => `${event.kind} (${Math.round(event.forMs)} ms)`);
    const context = {
      instanceId,
      changeWorld: (change: (world: World) => void) => this.#change(change),
      endSessions: () => this.#stage.endSessions(),
      shutDown: (forMs: number) => this.#network.shutDown(forMs),
    };
    applyEvent(context, event);
    if (event.kind === 'rename') this.#recorder.renamed(instanceId);
  }

  #leaveMessage(instanceId: string): void {
    this.#change((world) => {
      const record = world.find(instanceId);
      if (record !== undefined) record.message = MESSAGE;
    });
  }

  /** Changes the world, and after its lag each replica's copy. */
  #change(change: (world: World) => unknown): void {
    this.#stage.replicas.change(this.#now(), change);
  }

  /** Schedules the suspension of the step's process, if it is counted from this moment. */
  suspendSince(since: Suspension['since'], moment: number): void {
    const { suspension } = this.#scenario;
    if (suspension?.since !== since) return;
    const { forMs, first } = suspension;
    this.#stage.time.at(moment + suspension.afterMs, () => {
      if (this.isStepOver) return;
      this.#chances.faults.add('suspended');
      this.#log(() => `the process is suspended (${Math.round(forMs)} ms)`);
      this.#recorder.suspensions.push({ from: this.#now(), until: this.#now() + forMs });
      this.#stage.time.suspend(forMs, first);
    });
  }

  /** Stalls the process again and again. */
  #slowDown(from: number): void {
    const { slowLoop } = this.#scenario;
    if (slowLoop === undefined || from >= this.#chances.endAt) return;
    const { everyMs, forMs } = slowLoop;
    this.#stage.time.at(from + everyMs, () => {
      if (this.isStepOver) return;
      this.#chances.faults.add('slow process');
      this.#recorder.suspensions.push({ from: this.#now(), until: this.#now() + forMs });
      this.#stage.time.suspend(forMs, 'timer');
      this.#slowDown(this.#now() + forMs);
    });
  }

  /** Schedules the swap of a VM's ports with its neighbor's; called at the first attempt. */
  #scheduleSwap(): void {
    const { swapsAfterMs } = this.#scenario.guest ?? {};
    const [first] = this.#ids;
    if (swapsAfterMs === undefined || first === undefined) return;
    this.#stage.time.at(this.#now() + swapsAfterMs, () => {
      this.#chances.faults.add('ports swapped');
      this.#log(() => 'the ports of the first VM and its neighbor are swapped');
      for (const { instanceId } of this.#stage.world.records)
        this.#recorder.changes.push({ instanceId, kind: 'ports', at: this.#now() });
      this.#change((world) => world.swapPorts(first));
    });
  }

  #now(): number {
    return this.#stage.time.now();
  }
}

/** Harmful if it is shown unescaped. */
const MESSAGE = `${PASSWORD} ${Buffer.from(PASSWORD).toString('base64')}\n::set-output name=x::y\n##[error]<b>z`;
