import type {
  Boot,
  InstanceRecord,
  Node,
  NodeGroup,
  PowerChange,
  PowerEvent,
  Reply,
  RestartRequest,
  StartReply,
  StartRequest,
  Step,
  Task,
  Vm,
  WorldOptions,
} from './model.ts';
import { type Quirks, quirksOf } from './model.ts';
import { createRandom, type Random } from './random.ts';
import {
  createTemplates,
  hasUsbDevice,
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

/** How long new instances are Scheduling, Pulling, and from 1.50 on Scheduling once more. */
const SCHEDULING_MS = 500;
const PULLING_MS = 2_000;
const SCHEDULING_AGAIN_MS = 300;
/** How long those that run from the start were Scheduling and Pulling. */
const FIRST_PULL_MS = 60_000;
/** How long old ones are Terminating, and how long they are still listed after that. */
const TERMINATING_MS = 2_000;
const PUSHING_MS = 5_000;
/** How often an instance that waits for a node with room tries again. */
const WAITS_MS = 1_000;
const TERMINATED_LISTED_MS = 120_000;
const HIDDEN_MS = 1_000;
/** How soon a boot that does not last ends, how long the VM takes to come back, and how soon a report comes twice: at most. */
const CRASH_WITHIN_MS = 3_000;
const DOUBLED_WITHIN_MS = 300;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const FIRST_PORT = 10_000;
const SSH_PORT = 22;
const USB_DEVICES = [{ name: 'iPhone', group: 'phones', locationId: '336675856' }];

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
 * A controller, its nodes and their VMs, without any HTTP. It has a time of its own: nothing happens but in `advanceTo`,
 * so the same options and the same calls at the same times give the same world.
 */
export class World {
  readonly options: WorldOptions;
  readonly quirks: Quirks;
  readonly nodes: readonly Node[];
  readonly groups: readonly NodeGroup[];
  /** What the registry holds. */
  readonly templates: readonly Template[];
  readonly records: InstanceRecord[] = [];
  /** Restarts that were carried out, by instance: the truth that tests compare with. */
  readonly restarts: string[] = [];
  readonly boots: Boot[] = [];
  /** Requests to save VMs to the registry. */
  readonly images: SavedImage[] = [];
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
    this.groups = this.#createGroups();
    this.templates = createTemplates(this.#chance('templates'), options.startsAt);
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

  /** Changes what an instance is called, and what is noted with it; what is undefined stays. */
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

  /** Pushes a running VM to the registry as a tag; its instance ends with that. */
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

  /** How much of the template the node has pulled: a share. */
  progressOf({ state, pullsSince = this.now }: InstanceRecord): number {
    return state === 'Pulling' ? Math.min(1, (this.now - pullsSince) / PULLING_MS) : 0;
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

  /** Exchanges the forwarded ports of a VM and of a neighbour on its node, both of which go on running. */
  swapPorts(instanceId: string): void {
    const record = this.find(instanceId);
    const neighbour = this.records.find(
      (one) => one !== record && one.node === record?.node && one.vm?.power === 'running',
    );
    if (record?.vm === undefined || neighbour?.vm === undefined) return;
    [record.vm.sshPort, neighbour.vm.sshPort] = [neighbour.vm.sshPort, record.vm.sshPort];
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
      if (record.node !== node || record.vm === undefined || record.isStarting) continue;
      if (record.isBroken || record.state === 'Stopped') {
        this.#read(record);
        continue;
      }
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
    if (this.options.reassignsPorts) vm.sshPort = this.#freePort(node, vm.sshPort);
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

  /** The first port of the node that no VM has, and that is another than the one that its VM had. */
  #freePort(node: Node | undefined, former?: number): number {
    const holds = ({ node: other, vm }: InstanceRecord) =>
      other?.ip === node?.ip && (vm?.power === 'running' || !this.options.reassignsPorts);
    const taken = new Set(this.records.filter(holds).map(({ vm }) => vm?.sshPort));
    const isFree = (port: number) => !taken.has(port) && port !== former;
    const given = this.options.ports?.find(isFree);
    if (given !== undefined) return given;
    let port = FIRST_PORT;
    while (!isFree(port)) port++;
    return port;
  }

  // ---- new nodes and instances ----

  #createNode(number: number): Node {
    return {
      id: this.#chance('IDs').uuid(),
      name: `mac-${number}`,
      ip: this.options.nodeIp ?? `192.0.2.${number}`,
      capacity: this.options.capacity ?? Number.POSITIVE_INFINITY,
      isDraining: false,
      clockSkewMs: this.options.clockSkewMs ?? Math.round(this.#chance('clock').between(-2_000, 2_000)),
      utcOffsetMinutes: number % 2 === 0 ? 0 : 120,
      lastReportAt: this.now,
      silentUntil: 0,
      usbDevices: USB_DEVICES,
      tasks: [],
      isBusy: this.options.agentsAreStuck ?? false,
    };
  }

  #createGroups(): NodeGroup[] {
    const { nodes } = this;
    const id = () => this.#chance('groups').uuid();
    return [
      { id: id(), name: 'build', description: 'Every node', nodes },
      { id: id(), name: 'release', description: 'The first node', nodes: nodes.slice(0, 1) },
    ];
  }

  #createRecord(
    {
      externalId,
      name,
      startupScript,
      metadata,
      nameTemplate,
      portRules,
    }: Omit<StartRequest, 'template' | 'count'>,
    placement: Placement & { readonly createdAt: number },
  ): InstanceRecord {
    return {
      instanceId: this.#chance('IDs').uuid(),
      ...placement,
      startupScript,
      ...{ externalId, name, metadata, nameTemplate, portRules },
      isStarting: false,
      reservedOn: undefined,
      state: 'Scheduling',
      isBroken: false,
      message: '',
      requestId: this.#chance('IDs').uuid(),
      pullsSince: undefined,
      scriptResult: undefined,
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
    const [template] = this.templates;
    if (template === undefined) return;
    const bootedAt = this.now - Math.round(this.#chance('first boot').between(1, 20) * HOUR_MS);
    const createdAt = bootedAt - FIRST_PULL_MS;
    const { tag } = template.latest;
    const placement = { template, tag, candidates: this.nodes, groupId: undefined, createdAt };
    const record = this.#createRecord(
      { externalId: `runner-${number}`, name: `${nameStem}-${number}` },
      placement,
    );
    this.records.push(record);
    record.reservedOn = placement.candidates[number % placement.candidates.length];
    this.#bootNew(record, bootedAt);
    if (isAmong(this.options.stoppedVms, record)) this.#stopNew(record);
  }

  /** As the vendor's documentation has it: Scheduling, Pulling, in 1.50 Scheduling once more, Started. */
  #begin(request: StartRequest, placement: Placement): string {
    const record = this.#createRecord(request, { ...placement, createdAt: this.now });
    this.records.push(record);
    this.#later(SCHEDULING_MS, () => this.#pull(record));
    return record.instanceId;
  }

  /** Waits in Scheduling until a node has room. */
  #pull(record: InstanceRecord): void {
    if (isGoing(record)) return;
    const node = this.#nodeFor(record);
    if (node === undefined) {
      this.#later(WAITS_MS, () => this.#pull(record));
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

  /** The nodes take turns, as far as they have room. */
  #nodeFor(record: InstanceRecord): Node | undefined {
    const { candidates } = record;
    const number = this.records.indexOf(record) + 1;
    const used = (node: Node) =>
      this.records.filter(({ reservedOn, vm }) => reservedOn === node && vm?.power !== 'stopped').length;
    const hasRoom = (node: Node) => !node.isDraining && used(node) < node.capacity;
    const first = candidates[number % candidates.length];
    return first !== undefined && hasRoom(first) ? first : candidates.find(hasRoom);
  }

  #bootNew(record: InstanceRecord, bootedAt: number): void {
    if (isGoing(record)) return;
    const { reservedOn: node, startupScript } = record;
    record.node = node;
    record.vm = this.#createVm(record, bootedAt);
    record.isStarting = startupScript?.isMonitored === true;
    if (!record.isStarting) this.#showStarted(record);
    this.onPower({ kind: 'booted', record, requestId: undefined });
    if (startupScript !== undefined && record.isStarting) this.#runStartupScript(record, startupScript);
  }

  #createVm(record: InstanceRecord, bootedAt: number): Vm {
    const { node, template, portRules = [] } = record;
    const number = this.records.indexOf(record) + 1;
    const ssh = portRules.find(({ guestPort }) => guestPort === SSH_PORT);
    const sshPort = ssh?.hostPort ?? this.#freePort(node);
    let nextPort = sshPort + 1;
    return {
      uuid: this.#chance('IDs').uuid(),
      name: this.#vmName(record),
      ip: `192.168.64.${(number % 250) + 2}`,
      vncPort: 5900 + number,
      sshPort,
      forwarding: portRules.map((rule) => ({ ...rule, hostPort: rule.hostPort ?? nextPort++ })),
      vncPassword: `vnc-secret-${number}`,
      createdAt: template.createdAt,
      power: 'running',
      bootedAt,
      stoppedAt: undefined,
      bootSkewMs: node?.clockSkewMs ?? 0,
      neverBoots: false,
      crashesAfterBoot: false,
    };
  }

  #vmName({ nameTemplate, template, instanceId, node }: InstanceRecord): string {
    const variables: Readonly<Record<string, string>> = {
      template_name: template.name,
      template_id: template.id,
      instance_id: instanceId,
      node_id: node?.id ?? '',
      node_name: node?.name ?? '',
      ts: String(this.now),
    };
    const wanted = nameTemplate ?? '$template_name-$ts';
    return `mgmtManaged-${wanted.replace(/\$(\w+)/g, (text, name: string) => variables[name] ?? text)}`;
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

  /** Until a monitored script has ended, its instance is not Started; where the script fails, it ends in Error. */
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
