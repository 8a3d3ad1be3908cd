import type { ScriptResult, StartupScript, Template } from './starting.ts';

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
  /** Whether a VM's forwarded ports are given out anew, from 10000 on, each time that it boots: the old ones may become another's. */
  readonly reassignsPorts?: boolean;
  /** The ports that lead to VMs, to be given out in this order; from 10000 on if absent, or once they are used up. */
  readonly ports?: readonly number[];
  /** The address of every node: a port then is one VM's on all of them. Each has its own if absent. */
  readonly nodeIp?: string;
  /** Whether a port of the node leads to a VM's SSH; so it is if absent. */
  readonly forwardsSsh?: boolean;
  /** The offset that the controller writes into dates; 0 if absent. */
  readonly utcOffsetMinutes?: number;
  /** Whether the agents never come to any task; whether VMs that are restarted end in Error. */
  readonly agentsAreStuck?: boolean;
  readonly bootsFail?: boolean;
  /** External IDs of VMs whose restarts the agents never come to, and of those that end in Error. */
  readonly stuckVms?: readonly string[];
  readonly brokenVms?: readonly string[];
  /** External IDs of VMs that are stopped from the start. */
  readonly stoppedVms?: readonly string[];
  /** The share of tasks after which the agent reports at once. */
  readonly earlyReports?: number;
  /** How many VMs a node runs; others wait in Scheduling. As many as there are if absent. */
  readonly capacity?: number;
  /** For how long after each boot a VM's own address is empty. */
  readonly addressAfterMs?: number;
  /** The HTTP status of a `FAIL`: 200 if absent. */
  readonly failStatus?: number;
  /** Fields of an instance that `?id=` lacks, such as `external_id` and `name`, and those that the list lacks. */
  readonly oneLacks?: readonly string[];
  readonly listLacks?: readonly string[];
  /** Before 1.49, the share of reports on an instance in Error whose vminfo is lost: all if absent. */
  readonly deletedShare?: number;
  /** Whether vminfo has the VNC password and the names of fields that old versions have: as the version does if absent. */
  readonly writesOldFields?: boolean;
}

/** A Mac: runs VMs, and an agent with a queue of tasks and a heartbeat. */
export interface Node {
  readonly id: string;
  name: string;
  ip: string;
  /** How many VMs it runs at most; and whether it takes new ones. */
  capacity: number;
  isDraining: boolean;
  /** How its clock differs from the truth, and its time zone. */
  clockSkewMs: number;
  utcOffsetMinutes: number;
  lastReportAt: number;
  /** No report gets through before. */
  silentUntil: number;
  readonly usbDevices: readonly UsbDevice[];
  readonly tasks: Task[];
  isBusy: boolean;
}

/** A request names it by its name, its claim group or its location ID. */
export interface UsbDevice {
  readonly name: string;
  readonly group: string;
  readonly locationId: string;
}

/** Nodes that requests can ask for by the group's ID. */
export interface NodeGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly nodes: readonly Node[];
}

export type Task = () => Step[];

/** A VM that is to be stopped or booted, and the restart that it is for. */
export interface PowerChange {
  readonly vm: Vm;
  readonly requestId: string | undefined;
}

/** A part of a task: what is true `afterMs` later. */
export interface Step {
  readonly afterMs: number;
  readonly run: () => void;
}

/** What is true of a VM, whether anybody knows it yet or not. */
export interface Vm {
  readonly uuid: string;
  readonly name: string;
  readonly ip: string;
  readonly vncPort: number;
  /** The node's port that leads to the VM's SSH. */
  sshPort: number;
  /** Beside SSH and VNC; or all there are where the request that started it says so. */
  readonly forwarding: readonly PortRule[];
  vncPassword: string;
  readonly createdAt: number;
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

/** A port of the node that leads to one of the VM. */
export interface PortRule {
  readonly name: string;
  readonly guestPort: number;
  /** One that is free if absent. */
  readonly hostPort?: number | undefined;
}

export type Metadata = Readonly<Record<string, string | number | boolean>>;

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
  readonly template: Template;
  readonly tag: string;
  /** The nodes that it may run on, and the group that was asked for. */
  readonly candidates: readonly Node[];
  readonly groupId: string | undefined;
  readonly startupScript: StartupScript | undefined;
  externalId: string | undefined;
  name: string | undefined;
  metadata: Metadata | undefined;
  /** What the VM is to be called, with variables; and the forwarding that is wanted in place of the usual one. */
  readonly nameTemplate: string | undefined;
  readonly portRules: readonly PortRule[] | undefined;
  readonly createdAt: number;
  state: string;
  /** It stays in Error, whatever the agent reports. */
  isBroken: boolean;
  message: string;
  requestId: string;
  /** The VM runs, but its startup script has not ended: the instance is not Started yet. */
  isStarting: boolean;
  /** The node that keeps a place for it. */
  reservedOn: Node | undefined;
  /** When the node began to pull the template. */
  pullsSince: number | undefined;
  scriptResult: ScriptResult | undefined;
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

/** What is to be started: names and IDs as the request has them. */
export interface StartRequest {
  readonly template: string;
  readonly count: number;
  /** The latest if absent. */
  readonly tag?: string | undefined;
  readonly nodeId?: string | undefined;
  readonly groupId?: string | undefined;
  readonly usbDevice?: string | undefined;
  readonly externalId?: string | undefined;
  readonly name?: string | undefined;
  readonly startupScript?: StartupScript | undefined;
  readonly metadata?: Metadata | undefined;
  readonly nameTemplate?: string | undefined;
  readonly portRules?: readonly PortRule[] | undefined;
}

/** What a restart may name. */
export interface RestartRequest {
  readonly usbDevice?: string | undefined;
  readonly vncPassword?: string | undefined;
}

export type StartReply =
  | { readonly ok: true; readonly instanceIds: readonly string[] }
  | Extract<Reply, { readonly ok: false }>;

/** What can be noticed of a VM: that it was stopped, or booted, or is gone for good. */
export interface PowerEvent {
  readonly kind: 'stopped' | 'booted' | 'ended';
  readonly record: InstanceRecord;
  /** The restart that did it; undefined where the VM did it by itself. */
  readonly requestId: string | undefined;
}

/** What a controller's version means for those who talk to it, from the vendor's release notes. */
export interface Quirks {
  /** 1.44.0 brought `POST /api/v1/rpc/vm/restart` and `vminfo.start_date`. */
  readonly knowsRestarts: boolean;
  /** Before 1.47.0 a restart that goes well shows `Error` in passing, and instances vanish for a moment. */
  readonly flaps: boolean;
  /** Before 1.49.0 an instance in Error has `vminfo.status: "deleted"`, its `uuid`, and no other vminfo field. */
  readonly errorMeansDeleted: boolean;
  /** In 1.50 a new instance is Scheduling once more after Pulling. */
  readonly schedulesAgain: boolean;
  /** Old versions write the VNC password into vminfo, and other names for the forwarding's: `Name`, and once `rule_name`. */
  readonly writesVncPassword: boolean;
  readonly ruleNameKey: 'name' | 'Name' | 'rule_name';
}

/** @throws Error for what is no version such as 1.50.1 */
export function quirksOf(version: string): Quirks {
  const match = /^(\d+)\.(\d+)(\.\d+)?/.exec(version);
  if (match === null) throw new Error(`${JSON.stringify(version)} is no version such as 1.50.1`);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const isBefore = (otherMinor: number) => major < 1 || (major === 1 && minor < otherMinor);
  return {
    knowsRestarts: !isBefore(44),
    flaps: isBefore(47),
    errorMeansDeleted: isBefore(49),
    schedulesAgain: !isBefore(50),
    writesVncPassword: isBefore(36),
    ruleNameKey: isBefore(10) ? 'rule_name' : isBefore(20) ? 'Name' : 'name',
  };
}
