import { createRandom, type Random } from './random.ts';
import { type Quirks, quirksOf } from './version.ts';

/** Times are milliseconds; those of moments count from the Unix epoch. */
export interface WorldOptions {
  readonly seed: number;
  readonly startsAt: number;
  readonly controllerVersion: string;
  readonly vms: number;
  readonly nodes: number;
  /** Mean time between two reports of a node's agent; each is up to `heartbeatJitter` (a share of it) off. */
  readonly heartbeatMs: number;
  readonly heartbeatJitter: number;
  /** How long `anka stop --force` and `anka start` take. */
  readonly stopMs: number;
  readonly startMs: number;
  /** The longest that an idle agent takes to notice a new task. */
  readonly pickUpMs: number;
  /** How far off the nodes' clocks are; undefined for up to two seconds, each by another value. */
  readonly clockSkewMs?: number;
  /** Whether `start_date` is written with the node's offset, not as UTC. */
  readonly writesLocalDates?: boolean;
  /** For how long after a boot its date is not known yet. */
  readonly datelessMs?: number;
  /** The shares of reports that get lost, and that come twice, up to `steadyFrom`. */
  readonly lostReports?: number;
  readonly doubledReports?: number;
  readonly steadyFrom?: number;
  /** What the names of instances begin with, before their number. */
  readonly nameStem?: string;
  /** The share of tasks after which the agent reports at once. */
  readonly earlyReports?: number;
}

export const DEFAULT_WORLD: Omit<WorldOptions, 'startsAt'> = {
  seed: 1,
  controllerVersion: '1.50.1',
  vms: 3,
  nodes: 2,
  heartbeatMs: 5_000,
  heartbeatJitter: 0.1,
  stopMs: 1_000,
  startMs: 1_000,
  pickUpMs: 500,
};

/** A Mac: runs VMs, and an agent with a queue of tasks and a heartbeat. */
export interface Node {
  readonly id: string;
  readonly name: string;
  readonly ip: string;
  /** How its clock differs from the truth, and its time zone. */
  clockSkewMs: number;
  utcOffsetMinutes: number;
  lastReportAt: number;
  /** No report gets through before. */
  silentUntil: number;
  readonly tasks: Task[];
  isBusy: boolean;
}

type Task = () => Step[];

/** A VM that is to be stopped or booted, and the restart that it is for. */
interface PowerChange {
  readonly vm: Vm;
  readonly requestId: string | undefined;
}

/** A part of a task: what is true `afterMs` later. */
interface Step {
  readonly afterMs: number;
  readonly run: () => void;
}

/** What is true of a VM, whether anybody knows it yet or not. */
export interface Vm {
  readonly uuid: string;
  readonly name: string;
  readonly ip: string;
  readonly vncPort: number;
  readonly sshPort: number;
  createdAt: number;
  power: 'running' | 'stopped';
  bootedAt: number;
  stoppedAt: number | undefined;
  /** How far off the node's clock was when the VM booted: the date of the boot stays as it was written. */
  bootSkewMs: number;
  /** It does not boot any more. */
  neverBoots: boolean;
  /** The next boot does not last: the VM crashes, and boots once more. */
  crashesAfterBoot: boolean;
}

/** A boot, and what it was for. */
export interface Boot {
  readonly instanceId: string;
  readonly at: number;
  /** The restart that asked for it, as `inflight_reqid` names it; undefined where the VM came back by itself. */
  readonly requestId: string | undefined;
}

/** What the controller says of an instance: the truth as of the last report. */
export interface InstanceRecord {
  readonly instanceId: string;
  readonly template: string;
  readonly externalId: string | undefined;
  readonly name: string | undefined;
  readonly createdAt: number;
  state: string;
  message: string;
  requestId: string;
  progress: number;
  updatedAt: number;
  /** Digits of `updatedAt` below the millisecond. */
  updatedNanos: number;
  node: Node | undefined;
  vm: Vm | undefined;
  report: Report | undefined;
  hiddenUntil: number;
}

/** A VM as the agent read it at `readAt`; `lost`: all but the status is missing (see `errorMeansDeleted`). */
export interface Report {
  readonly vm: Readonly<Vm>;
  readonly readAt: number;
  /** How far off the node's clock was then. */
  readonly skewMs: number;
  /** The offset that it writes into dates. */
  readonly utcOffsetMinutes: number;
  readonly lost: boolean;
  /** When a report first showed this boot in this state of power. */
  readonly since: number;
}

export type Reply = { readonly ok: true } | { readonly ok: false; readonly message: string };

export interface StartRequest {
  readonly template: string;
  readonly count: number;
  readonly externalId?: string | undefined;
  readonly name?: string | undefined;
}

/** What can be noticed inside a VM: that it was stopped, or booted. */
export interface PowerEvent {
  readonly kind: 'stopped' | 'booted';
  readonly record: InstanceRecord;
  /** The restart that did it; undefined where the VM did it by itself. */
  readonly requestId: string | undefined;
}

/** How long new instances are Scheduling, then Pulling, and old ones Terminating. */
const SCHEDULING_MS = 500;
const PULLING_MS = 2_000;
const TERMINATING_MS = 2_000;
const HIDDEN_MS = 1_000;
/** How soon a boot that does not last ends, how long the VM takes to come back, and how soon a report comes twice: at most. */
const CRASH_WITHIN_MS = 3_000;
const DOUBLED_WITHIN_MS = 300;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * A controller, its nodes and their VMs, without any HTTP. It has a time of its own: nothing happens but in `advanceTo`,
 * so the same options and the same calls at the same times give the same world.
 */
export class World {
  readonly options: WorldOptions;
  readonly quirks: Quirks;
  readonly nodes: readonly Node[];
  readonly records: InstanceRecord[] = [];
  /** Restarts that were carried out, by instance: the truth that tests compare with. */
  readonly restarts: string[] = [];
  readonly boots: Boot[] = [];
  /** What went otherwise than it should have, in words. */
  readonly mishaps = new Set<string>();
  /** Told of each report that gets through. */
  onReport: (record: InstanceRecord) => void = () => {};
  /** Told when a VM has stopped, and when it has booted. */
  onPower: (event: PowerEvent) => void = () => {};
  now: number;
  readonly #random: Random;
  readonly #chances = new Map<string, Random>();
  readonly #agenda: { at: number; run: () => void }[] = [];

  constructor(options: WorldOptions) {
    this.options = options;
    this.quirks = quirksOf(options.controllerVersion);
    this.#random = createRandom(options.seed);
    this.now = options.startsAt;
    this.nodes = Array.from({ length: options.nodes }, (_, index) => this.#createNode(index + 1));
    for (let index = 0; index < options.vms; index++) this.#createRunningInstance(index + 1);
    for (const node of this.nodes)
      this.#beat(node, this.#chance('first heartbeat').next() * options.heartbeatMs);
  }

  /** Lets everything happen that is due by `now`, in order. */
  advanceTo(now: number): void {
    for (;;) {
      const due = this.#agenda[0];
      if (due === undefined || due.at > now) break;
      this.#agenda.shift();
      this.now = due.at;
      due.run();
    }
    this.now = Math.max(this.now, now);
  }

  /** What `GET /api/v1/vm` lists. */
  visibleRecords(): InstanceRecord[] {
    return this.records.filter((record) => record.hiddenUntil <= this.now);
  }

  find(instanceId: string): InstanceRecord | undefined {
    const record = this.records.find((one) => one.instanceId === instanceId);
    return record === undefined || record.hiddenUntil > this.now ? undefined : record;
  }

  /** Queues a restart; it is carried out when the node's agent comes to it. */
  restart(instanceId: string): Reply {
    const record = this.find(instanceId);
    if (record === undefined) return { ok: false, message: 'instance not found' };
    const { vm, node } = record;
    if (vm === undefined || node === undefined || record.state !== 'Started') {
      return { ok: false, message: `instance is in state ${record.state}` };
    }
    const requestId = this.#chance('IDs').uuid();
    record.requestId = requestId;
    this.#enqueue(node, () => [
      { afterMs: this.options.stopMs, run: () => this.#stop(record, { vm, requestId }) },
      { afterMs: this.options.startMs, run: () => this.#boot(record, { vm, requestId }) },
    ]);
    return { ok: true };
  }

  start({ template, count, externalId, name }: StartRequest): string[] {
    return Array.from({ length: count }, () => {
      const record = this.#createRecord({ template, externalId, name });
      this.records.push(record);
      this.#later(SCHEDULING_MS, () => {
        if (!isGoing(record)) this.#change(record, 'Pulling');
      });
      this.#later(SCHEDULING_MS + PULLING_MS, () => this.#bootNew(record));
      return record.instanceId;
    });
  }

  terminate(instanceId: string): Reply {
    const record = this.find(instanceId);
    if (record === undefined) return { ok: false, message: 'instance not found' };
    this.#change(record, 'Terminating');
    this.#later(TERMINATING_MS, () => {
      if (record.vm?.power === 'running') this.onPower({ kind: 'stopped', record, requestId: undefined });
      record.vm = undefined;
      record.node = undefined;
      record.report = undefined;
      record.message = 'instance terminated by controller';
      this.#change(record, 'Terminated');
    });
    return { ok: true };
  }

  /** Stops a VM, as a panic in the guest does; it comes back by itself after so long, or never. */
  crash(instanceId: string, backAfterMs: number | undefined): void {
    const record = this.find(instanceId);
    const vm = record?.vm;
    if (record === undefined || vm === undefined) return;
    this.#stop(record, { vm, requestId: undefined });
    if (backAfterMs !== undefined)
      this.#later(backAfterMs, () => {
        if (vm.power === 'stopped') this.#boot(record, { vm, requestId: undefined });
      });
  }

  /** Keeps a node's agent from starting any task, as a long startup script did before 1.48. */
  keepBusy(node: Node, forMs: number): void {
    this.#enqueue(node, () => [{ afterMs: forMs, run: () => {} }]);
  }

  /** Loses the reports of a node's agent. */
  silence(node: Node, forMs: number): void {
    node.silentUntil = this.now + forMs;
  }

  /** Lets something happen later that is not the controller's business. */
  schedule(inMs: number, run: () => void): void {
    this.#later(inMs, run);
  }

  // ---- agents ----

  #beat(node: Node, inMs: number): void {
    const { heartbeatMs, heartbeatJitter } = this.options;
    this.#later(inMs, () => {
      if (!this.#happens('report lost', this.options.lostReports)) this.#report(node);
      if (this.#happens('report doubled', this.options.doubledReports))
        this.#later(this.#chance('second report').next() * DOUBLED_WITHIN_MS, () => this.#report(node));
      const jitter = this.#chance('heartbeat').between(-heartbeatJitter, heartbeatJitter);
      this.#beat(node, heartbeatMs * (1 + jitter));
    });
  }

  /** Each kind of chance has a source of its own: without one of them, the others stay as they are. */
  #chance(kind: string): Random {
    const known = this.#chances.get(kind);
    if (known !== undefined) return known;
    const chance = this.#random.fork(kind);
    this.#chances.set(kind, chance);
    return chance;
  }

  #happens(mishap: string, share = 0): boolean {
    const { steadyFrom = Number.POSITIVE_INFINITY } = this.options;
    const isSo = share > 0 && this.now < steadyFrom && this.#chance(mishap).next() < share;
    if (isSo) this.mishaps.add(mishap);
    return isSo;
  }

  #report(node: Node): void {
    if (this.now < node.silentUntil) return;
    node.lastReportAt = this.now;
    for (const record of this.records) {
      if (record.node !== node || record.vm === undefined) continue;
      if (record.vm.power === 'stopped') {
        // The message stays for good, long after the VM runs again.
        record.message = 'Unexpected VM state: "stopped"';
        if (this.quirks.flaps) record.state = 'Error';
      } else if (record.state === 'Error') {
        record.state = 'Started';
      }
      this.#read(record);
    }
  }

  #read(record: InstanceRecord): void {
    if (record.vm === undefined) return;
    const { vm, report: last } = record;
    const lost = this.quirks.errorMeansDeleted && record.state === 'Error';
    const { clockSkewMs: skewMs = 0, utcOffsetMinutes = 0 } = record.node ?? {};
    const isSame = last?.vm.bootedAt === vm.bootedAt && last.vm.power === vm.power;
    const since = isSame ? last.since : this.now;
    record.report = { vm: { ...vm }, readAt: this.now, skewMs, utcOffsetMinutes, lost, since };
    this.#touch(record);
    this.onReport(record);
  }

  #enqueue(node: Node, task: Task): void {
    node.tasks.push(task);
    if (!node.isBusy) this.#work(node);
  }

  #work(node: Node): void {
    const task = node.tasks.shift();
    node.isBusy = task !== undefined;
    if (task === undefined) return;
    this.#later(this.#chance('pick-up').next() * this.options.pickUpMs, () => this.#runSteps(node, task()));
  }

  #runSteps(node: Node, [step, ...rest]: Step[]): void {
    if (step === undefined) {
      if (this.#happens('report early', this.options.earlyReports)) this.#report(node);
      this.#work(node);
      return;
    }
    this.#later(step.afterMs, () => {
      step.run();
      this.#runSteps(node, rest);
    });
  }

  #stop(record: InstanceRecord, { vm, requestId }: PowerChange): void {
    if (record.vm !== vm) return;
    vm.power = 'stopped';
    vm.stoppedAt = this.now;
    this.onPower({ kind: 'stopped', record, requestId });
    if (!this.quirks.flaps) return;
    this.mishaps.add('passing Error');
    record.state = 'Error';
    record.hiddenUntil = this.now + HIDDEN_MS;
    this.#read(record);
  }

  #boot(record: InstanceRecord, { vm, requestId }: PowerChange): void {
    if (record.vm !== vm || vm.neverBoots) return;
    const { instanceId } = record;
    vm.power = 'running';
    vm.bootedAt = this.now;
    vm.bootSkewMs = record.node?.clockSkewMs ?? 0;
    this.boots.push({ instanceId, at: this.now, requestId });
    if (requestId !== undefined) this.restarts.push(instanceId);
    this.onPower({ kind: 'booted', record, requestId });
    if (!vm.crashesAfterBoot) return;
    vm.crashesAfterBoot = false;
    const chance = this.#chance('crash after boot');
    const backAfterMs = chance.between(0, CRASH_WITHIN_MS);
    this.#later(chance.between(0, CRASH_WITHIN_MS), () => this.crash(instanceId, backAfterMs));
  }

  // ---- new nodes and instances ----

  #createNode(number: number): Node {
    return {
      id: this.#chance('IDs').uuid(),
      name: `mac-${number}`,
      ip: `192.0.2.${number}`,
      clockSkewMs: this.options.clockSkewMs ?? Math.round(this.#chance('clock').between(-2_000, 2_000)),
      utcOffsetMinutes: number % 2 === 0 ? 0 : 120,
      lastReportAt: this.now,
      silentUntil: 0,
      tasks: [],
      isBusy: false,
    };
  }

  #createRecord({ template, externalId, name }: Omit<StartRequest, 'count'>): InstanceRecord {
    return {
      instanceId: this.#chance('IDs').uuid(),
      template,
      externalId,
      name,
      createdAt: this.now,
      state: 'Scheduling',
      message: '',
      requestId: this.#chance('IDs').uuid(),
      progress: 0,
      updatedAt: this.now,
      updatedNanos: 0,
      hiddenUntil: 0,
      node: undefined,
      vm: undefined,
      report: undefined,
    };
  }

  #createRunningInstance(number: number): void {
    const { nameStem = 'vm' } = this.options;
    const template = this.#chance('IDs').uuid();
    const record = this.#createRecord({
      template,
      externalId: `runner-${number}`,
      name: `${nameStem}-${number}`,
    });
    this.records.push(record);
    this.#bootNew(record);
    if (record.vm !== undefined)
      record.vm.bootedAt = this.now - Math.round(this.#chance('first boot').between(1, 20) * HOUR_MS);
    this.#read(record);
  }

  #bootNew(record: InstanceRecord): void {
    if (isGoing(record)) return;
    const number = this.records.indexOf(record) + 1;
    record.node = this.nodes[number % this.nodes.length];
    record.vm = {
      uuid: this.#chance('IDs').uuid(),
      name: `mgmtManaged-sequoia-${this.now}`,
      ip: `192.168.64.${(number % 250) + 2}`,
      vncPort: 5900 + number,
      sshPort: 10_000 + number,
      createdAt: this.now,
      power: 'running',
      bootedAt: this.now,
      stoppedAt: undefined,
      bootSkewMs: record.node?.clockSkewMs ?? 0,
      neverBoots: false,
      crashesAfterBoot: false,
    };
    record.progress = 1;
    this.#change(record, 'Started');
  }

  #change(record: InstanceRecord, state: string): void {
    record.state = state;
    this.#touch(record);
  }

  #touch(record: InstanceRecord): void {
    record.updatedAt = this.now;
    record.updatedNanos = Math.floor(this.#chance('nanoseconds').next() * 1_000_000);
  }

  #later(inMs: number, run: () => void): void {
    const at = this.now + inMs;
    const index = this.#agenda.findLastIndex((entry) => entry.at <= at);
    this.#agenda.splice(index + 1, 0, { at, run });
  }
}

function isGoing({ state }: InstanceRecord): boolean {
  return state === 'Terminating' || state === 'Terminated';
}
