import {
  type Boot,
  type InstanceRecord,
  type Node,
  type NodeGroup,
  type PowerChange,
  type PowerEvent,
  type Quirks,
  quirksOf,
  type Reply,
  type RestartRequest,
  type StartReply,
  type StartRequest,
  type Step,
  type Task,
  type WorldOptions,
} from './model.ts';
import { createRandom, type Random } from './random.ts';
import {
  createGroups,
  createNode,
  createRecord,
  createTemplates,
  createVm,
  hasUsbDevice,
  nodeWithRoom,
  type Placement,
  place,
  runScript,
  type StartupScript,
  type Template,
} from './starting.ts';

export type {
  InstanceRecord,
  Node,
  NodeGroup,
  PowerEvent,
  Reply,
  Report,
  StartRequest,
  Vm,
  WorldOptions,
} from './model.ts';

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
  utcOffsetMinutes: 120,
};

/** How long a new instance is Scheduling, Pulling, and since 1.50 Scheduling again. */
const SCHEDULING_MS = 500;
const PULLING_MS = 2_000;
const SCHEDULING_AGAIN_MS = 300;
/** How often an instance that waits for a node with room tries again. */
const RETRY_MS = 1_000;
/** How long ago the instances that run from the start were created, before their first boot. */
const FIRST_PULL_MS = 60_000;
const PUSHING_MS = 5_000;
const TERMINATING_MS = 2_000;
/** How long a terminated instance is still listed. */
const TERMINATED_LISTED_MS = 120_000;
/** How long an instance vanishes during a restart, before 1.47. */
const HIDDEN_MS = 1_000;
/** The longest time until a boot that does not last ends, and until the VM is back after that. */
const CRASH_WITHIN_MS = 3_000;
/** The longest time between a report and its duplicate. */
const DOUBLED_WITHIN_MS = 300;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const FIRST_PORT = 10_000;

/** A request to save a VM to the registry. */
export interface SavedImage {
  readonly id: string;
  readonly instanceId: string;
  readonly tag: string;
  readonly target: string;
  status: 'pending' | 'done';
}

type SaveReply = { readonly ok: true; readonly requestId: string } | Extract<Reply, { ok: false }>;

/**
 * A controller, its nodes and their VMs, without HTTP. The world has its own time, which passes only in `advanceTo`: the same options and
 * the same calls at the same times give the same world.
 */
export class World {
  readonly options: WorldOptions;
  readonly quirks: Quirks;
  readonly nodes: readonly Node[];
  readonly groups: readonly NodeGroup[];
  /** The contents of the registry. */
  readonly templates: readonly Template[];
  readonly records: InstanceRecord[] = [];
  /** Restarts that were carried out, by instance: the truth that tests compare with. */
  readonly restarts: string[] = [];
  readonly boots: Boot[] = [];
  /** Requests to save VMs to the registry. */
  readonly images: SavedImage[] = [];
  /** What went wrong so far, in words. */
  readonly mishaps = new Set<string>();
  /** Called for each report that arrives. */
  onReport: (record: InstanceRecord) => void = () => {};
  /** Called when a VM has stopped, has booted, or is gone. */
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
    const chances = { ids: this.#chance('IDs'), clock: this.#chance('clock') };
    this.nodes = Array.from({ length: options.nodes }, (_, index) => createNode(index + 1, options, chances));
    this.groups = createGroups(this.nodes, this.#chance('groups'));
    this.templates = createTemplates(this.#chance('templates'), options.startsAt);
    for (let index = 0; index < options.vms; index++) this.#createRunningInstance(index + 1);
    for (const node of this.nodes)
      this.#beat(node, this.#chance('first heartbeat').next() * options.heartbeatMs);
  }

  /** Runs all events that are due by `now`, in order. */
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

  /** Queues a restart for the node's agent. */
  restart(instanceId: string, { usbDevice, vncPassword }: RestartRequest = {}): Reply {
    const record = this.find(instanceId);
    if (record === undefined) return { ok: false, message: 'instance not found' };
    const { vm, node } = record;
    if (vm === undefined || node === undefined || record.state !== 'Started') {
      return { ok: false, message: `instance is in state ${record.state}` };
    }
    if (usbDevice !== undefined && !hasUsbDevice(node, usbDevice))
      return { ok: false, message: 'usb device not found' };
    const requestId = this.#chance('IDs').uuid();
    record.requestId = requestId;
    vm.vncPassword = vncPassword ?? vm.vncPassword;
    if (isAmong(this.options.stuckVms, record)) return { ok: true };
    this.#enqueue(node, () => [
      { afterMs: this.options.stopMs, run: () => this.#stop(record, { vm, requestId }) },
      { afterMs: this.options.startMs, run: () => this.#boot(record, { vm, requestId }) },
    ]);
    return { ok: true };
  }

  start(request: StartRequest): StartReply {
    const placement = place(this, request);
    if ('refusal' in placement) return { ok: false, message: placement.refusal };
    const instanceIds = Array.from({ length: request.count }, () => this.#begin(request, placement));
    return { ok: true, instanceIds };
  }

  /** Changes the names and metadata of an instance; undefined values stay unchanged. */
  update(
    instanceId: string,
    { name, externalId, metadata }: Pick<StartRequest, 'name' | 'externalId' | 'metadata'>,
  ): Reply {
    const record = this.find(instanceId);
    if (record === undefined) return { ok: false, message: 'instance not found' };
    if (name !== undefined) record.name = name;
    if (externalId !== undefined) record.externalId = externalId;
    if (metadata !== undefined) record.metadata = { ...record.metadata, ...metadata };
    this.#touch(record);
    return { ok: true };
  }

  terminate(instanceId: string): Reply {
    const record = this.find(instanceId);
    if (record === undefined) return { ok: false, message: 'instance not found' };
    if (isGoing(record)) return { ok: true };
    this.#change(record, 'Terminating');
    this.#later(TERMINATING_MS, () => this.#end(record));
    return { ok: true };
  }

  /** Pushes a running VM to the registry as a tag, which ends its instance. */
  saveImage(instanceId: string, { tag, target }: { tag: string; target: string }): SaveReply {
    const record = this.find(instanceId);
    if (record?.state !== 'Started') return { ok: false, message: 'instance not found' };
    const image: SavedImage = { id: this.#chance('IDs').uuid(), instanceId, tag, target, status: 'pending' };
    this.images.push(image);
    this.#change(record, 'Pushing');
    this.#later(PUSHING_MS, () => {
      image.status = 'done';
      this.terminate(instanceId);
    });
    return { ok: true, requestId: image.id };
  }

  /** How much of the template the node has pulled, from 0 to 1. */
  progressOf({ state, pullsSince = this.now }: InstanceRecord): number {
    return state === 'Pulling' ? Math.min(1, (this.now - pullsSince) / PULLING_MS) : 0;
  }

  /** Stops a VM as a panic in the guest does. @param backAfterMs when it boots again by itself; never if undefined */
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

  /** Blocks a node's agent, as a long startup script did before 1.48. */
  keepBusy(node: Node, forMs: number): void {
    this.#enqueue(node, () => [{ afterMs: forMs, run: () => {} }]);
  }

  /** Swaps the forwarded SSH ports of a VM and of another one on its node. Both keep running. */
  swapPorts(instanceId: string): void {
    const record = this.find(instanceId);
    const neighbor = this.records.find(
      (one) => one !== record && one.node === record?.node && one.vm?.power === 'running',
    );
    // A stopped VM has no port: another VM may have it by now.
    if (record?.vm?.power !== 'running' || neighbor?.vm === undefined) return;
    [record.vm.sshPort, neighbor.vm.sshPort] = [neighbor.vm.sshPort, record.vm.sshPort];
  }

  /** Loses the reports of a node's agent for a while. */
  silence(node: Node, forMs: number): void {
    node.silentUntil = this.now + forMs;
  }

  /** Schedules a caller's own event. */
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

  /** Each kind of random event has its own source, so that removing one does not change the others. */
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
      if (record.node !== node || record.vm === undefined || record.isStarting) continue;
      if (record.isBroken || record.state === 'Stopped') {
        this.#read(record);
        continue;
      }
      if (record.vm.power === 'stopped') {
        // The message stays, even long after the VM runs again.
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
    const lost = this.quirks.errorMeansDeleted && record.state === 'Error' && this.#losesVminfo();
    const { clockSkewMs: skewMs = 0, utcOffsetMinutes = 0 } = record.node ?? {};
    const isSame = last?.vm.bootedAt === vm.bootedAt && last.vm.power === vm.power;
    const since = isSame ? last.since : this.now;
    record.report = { vm: { ...vm }, readAt: this.now, skewMs, utcOffsetMinutes, lost, since };
    this.#touch(record);
    this.onReport(record);
  }

  #losesVminfo(): boolean {
    const { deletedShare = 1 } = this.options;
    return deletedShare === 1 || this.#chance('deleted').next() < deletedShare;
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
    if (this.options.bootsFail || isAmong(this.options.brokenVms, record)) {
      this.#break(record, 'failed to start VM');
      return;
    }
    const { instanceId, node } = record;
    if (this.options.reassignsPorts) vm.sshPort = this.#freePort(node, [vm.sshPort]);
    vm.power = 'running';
    vm.bootedAt = this.now;
    vm.bootSkewMs = node?.clockSkewMs ?? 0;
    this.boots.push({ instanceId, at: this.now, requestId });
    if (requestId !== undefined) this.restarts.push(instanceId);
    this.onPower({ kind: 'booted', record, requestId });
    if (!vm.crashesAfterBoot) return;
    vm.crashesAfterBoot = false;
    const chance = this.#chance('crash after boot');
    const backAfterMs = chance.between(0, CRASH_WITHIN_MS);
    this.#later(chance.between(0, CRASH_WITHIN_MS), () => this.crash(instanceId, backAfterMs));
  }

  #break(record: InstanceRecord, message: string): void {
    record.isBroken = true;
    record.message = message;
    this.#change(record, 'Error');
    this.#read(record);
  }

  /** The first port of the node that no VM has. @param exceptions ports that it must not be */
  #freePort(node: Node | undefined, exceptions: readonly number[]): number {
    const holds = ({ node: other, vm }: InstanceRecord) =>
      other?.ip === node?.ip && (vm?.power === 'running' || !this.options.reassignsPorts);
    const taken = new Set([...this.records.filter(holds).flatMap(portsOf), ...exceptions]);
    const given = this.options.ports?.find((port) => !taken.has(port));
    if (given !== undefined) return given;
    let port = FIRST_PORT;
    while (taken.has(port)) port++;
    return port;
  }

  // ---- new instances ----

  #createRunningInstance(number: number): void {
    const { nameStem = 'vm' } = this.options;
    const [template] = this.templates;
    if (template === undefined) return;
    const bootedAt = this.now - Math.round(this.#chance('first boot').between(1, 20) * HOUR_MS);
    const createdAt = bootedAt - FIRST_PULL_MS;
    const { tag } = template.latest;
    const placement = { template, tag, candidates: this.nodes, groupId: undefined, createdAt };
    const names = { externalId: `runner-${number}`, name: `${nameStem}-${number}` };
    const record = this.#addRecord(names, placement);
    record.reservedOn = placement.candidates[number % placement.candidates.length];
    this.#bootNew(record, bootedAt);
    if (isAmong(this.options.stoppedVms, record)) this.#stopNew(record);
  }

  /** As documented: Scheduling, Pulling, since 1.50 Scheduling again, Started. */
  #begin(request: StartRequest, placement: Placement): string {
    const record = this.#addRecord(request, { ...placement, createdAt: this.now });
    this.#later(SCHEDULING_MS, () => this.#pull(record));
    return record.instanceId;
  }

  #addRecord(
    request: Omit<StartRequest, 'template' | 'count'>,
    placement: Placement & { readonly createdAt: number },
  ): InstanceRecord {
    const record = createRecord(request, placement, { ids: this.#chance('IDs'), now: this.now });
    this.records.push(record);
    return record;
  }

  /** Waits in Scheduling until a node has room. */
  #pull(record: InstanceRecord): void {
    if (isGoing(record)) return;
    const node = nodeWithRoom(record, this.records);
    if (node === undefined) {
      this.#later(RETRY_MS, () => this.#pull(record));
      return;
    }
    record.reservedOn = node;
    record.pullsSince = this.now;
    this.#change(record, 'Pulling');
    this.#later(PULLING_MS, () => {
      if (this.quirks.schedulesAgain && !isGoing(record)) this.#change(record, 'Scheduling');
    });
    const againMs = this.quirks.schedulesAgain ? SCHEDULING_AGAIN_MS : 0;
    this.#later(PULLING_MS + againMs, () => this.#bootNew(record, this.now));
  }

  #bootNew(record: InstanceRecord, bootedAt: number): void {
    if (isGoing(record)) return;
    const { reservedOn: node, startupScript } = record;
    record.node = node;
    record.vm = createVm(record, {
      number: this.records.indexOf(record) + 1,
      bootedAt,
      now: this.now,
      ids: this.#chance('IDs'),
      freePort: (taken) => this.#freePort(node, taken),
    });
    record.isStarting = startupScript?.isMonitored === true;
    if (!record.isStarting) this.#showStarted(record);
    this.onPower({ kind: 'booted', record, requestId: undefined });
    if (startupScript !== undefined && record.isStarting) this.#runStartupScript(record, startupScript);
  }

  #showStarted(record: InstanceRecord): void {
    record.isStarting = false;
    this.#change(record, 'Started');
    this.#read(record);
  }

  #stopNew(record: InstanceRecord): void {
    if (record.vm === undefined) return;
    record.vm.power = 'stopped';
    record.vm.stoppedAt = this.now;
    this.#change(record, 'Stopped');
    this.#read(record);
  }

  /** The instance is not Started before its monitored script has ended; if the script fails, it ends in Error. */
  #runStartupScript(record: InstanceRecord, startupScript: StartupScript): void {
    const { vm } = record;
    const { result, tookMs } = runScript(startupScript);
    this.#later(tookMs, () => {
      if (vm === undefined || record.vm !== vm || isGoing(record)) return;
      record.scriptResult = result;
      if (result.returnCode === 0) {
        this.#showStarted(record);
        return;
      }
      record.isStarting = false;
      if (!startupScript.keepsVm) this.#stop(record, { vm, requestId: undefined });
      this.#break(record, `startup script exit code ${result.returnCode}`);
    });
  }

  #end(record: InstanceRecord): void {
    if (record.vm?.power === 'running') this.onPower({ kind: 'stopped', record, requestId: undefined });
    record.vm = undefined;
    record.node = undefined;
    record.reservedOn = undefined;
    record.report = undefined;
    record.message = 'instance terminated by controller';
    this.#change(record, 'Terminated');
    this.onPower({ kind: 'ended', record, requestId: undefined });
    this.#later(TERMINATED_LISTED_MS, () => {
      record.hiddenUntil = Number.POSITIVE_INFINITY;
    });
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

function isAmong(externalIds: readonly string[] = [], { externalId = '' }: InstanceRecord): boolean {
  return externalIds.includes(externalId);
}

function portsOf({ vm }: InstanceRecord): number[] {
  return vm === undefined ? [] : [vm.sshPort, ...vm.forwarding.flatMap(({ hostPort }) => hostPort ?? [])];
}
