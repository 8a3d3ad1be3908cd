import type { ScriptResult, StartupScript, Template } from './starting.ts';

/** Times are in milliseconds; moments count from the Unix epoch. */
export interface WorldOptions {
  readonly seed: number;
  readonly startsAt: number;
  readonly controllerVersion: string;
  readonly vms: number;
  readonly nodes: number;
  /** Mean time between two reports of a node's agent. `heartbeatJitter` is how early or late each can be, as a share of it. */
  readonly heartbeatMs: number;
  readonly heartbeatJitter: number;
  /** How long `anka stop --force` and `anka start` take. */
  readonly stopMs: number;
  readonly startMs: number;
  /** The longest time that an idle agent takes to notice a task. */
  readonly pickUpMs: number;
  /** How far the nodes' clocks are off; if undefined, each clock has its own error of up to two seconds. */
  readonly clockSkewMs?: number;
  /** Whether `start_date` has the node's UTC offset instead of `Z`. */
  readonly writesLocalDates?: boolean;
  /** How long after a boot its date is still unknown. */
  readonly datelessMs?: number;
  /** The shares of reports that get lost, and that arrive twice, until `steadyFrom`. */
  readonly lostReports?: number;
  readonly doubledReports?: number;
  readonly steadyFrom?: number;
  /** Instances are named with this and a number. */
  readonly nameStem?: string;
  /** Whether a VM gets new forwarded ports (from 10000 up) at each boot. Another VM may then get the old ones. */
  readonly reassignsPorts?: boolean;
  /** The forwarded ports to assign, in this order; after them, or if absent, from 10000 up. */
  readonly ports?: readonly number[];
  /** The address of every node, so that a port belongs to one VM on all of them. If absent, each node has its own. */
  readonly nodeIp?: string;
  /** Whether the node forwards a port to a VM's SSH; yes if absent. */
  readonly forwardsSsh?: boolean;
  /** The UTC offset in the controller's dates; 0 if absent. */
  readonly utcOffsetMinutes?: number;
  /** Whether the agents never run any task; whether restarted VMs end in Error. */
  readonly agentsAreStuck?: boolean;
  readonly bootsFail?: boolean;
  /** External IDs of the VMs whose restarts are never run, and of those that end in Error. */
  readonly stuckVms?: readonly string[];
  readonly brokenVms?: readonly string[];
  /** External IDs of VMs that are stopped from the start. */
  readonly stoppedVms?: readonly string[];
  /** The share of tasks that the agent reports at once. */
  readonly earlyReports?: number;
  /** How many VMs a node can run; others wait in Scheduling. Without limit if absent. */
  readonly capacity?: number;
  /** How long after each boot a VM's own address is still empty. */
  readonly addressAfterMs?: number;
  /** The HTTP status of a `FAIL`: 200 if absent. */
  readonly failStatus?: number;
  /** Fields that `?id=` omits, such as `external_id` and `name`, and those that the list omits. */
  readonly oneLacks?: readonly string[];
  readonly listLacks?: readonly string[];
  /** Before 1.49, the share of reports on an instance in Error whose vminfo is lost: all if absent. */
  readonly deletedShare?: number;
  /** Whether vminfo has the VNC password and the field names of old versions; if absent, the version decides. */
  readonly writesOldFields?: boolean;
}

/** A Mac that runs VMs, and an agent with a queue of tasks and a heartbeat. */
export interface Node {
  readonly id: string;
  name: string;
  ip: string;
  /** How many VMs it can run; and whether it accepts no new ones. */
  capacity: number;
  isDraining: boolean;
  /** How far its clock is off, and its time zone. */
  clockSkewMs: number;
  utcOffsetMinutes: number;
  lastReportAt: number;
  /** Reports before this moment get lost. */
  silentUntil: number;
  readonly usbDevices: readonly UsbDevice[];
  readonly tasks: Task[];
  isBusy: boolean;
}

/** Requests use its name, claim group or location ID. */
export interface UsbDevice {
  readonly name: string;
  readonly group: string;
  readonly locationId: string;
}

/** Nodes that a request can select by the group's ID. */
export interface NodeGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly nodes: readonly Node[];
}

export type Task = () => Step[];

/** A VM to stop or boot, and the restart that asked for it. */
export interface PowerChange {
  readonly vm: Vm;
  readonly requestId: string | undefined;
}

/** Part of a task: takes `afterMs`, then runs. */
export interface Step {
  readonly afterMs: number;
  readonly run: () => void;
}

/** The true state of a VM, reported or not. */
export interface Vm {
  readonly uuid: string;
  readonly name: string;
  readonly ip: string;
  readonly vncPort: number;
  /** The node's port that forwards to the VM's SSH. */
  sshPort: number;
  /** The forwarding that the start request asked for, if it did. */
  readonly forwarding: readonly PortRule[];
  vncPassword: string;
  readonly createdAt: number;
  power: 'running' | 'stopped';
  bootedAt: number;
  stoppedAt: number | undefined;
  /** How far the node's clock was off at the boot: the date of the boot does not change afterwards. */
  bootSkewMs: number;
  /** It never boots again. */
  neverBoots: boolean;
  /** The VM crashes soon after its next boot, and boots again. */
  crashesAfterBoot: boolean;
}

/** A forwarded port. */
export interface PortRule {
  readonly name: string;
  readonly guestPort: number;
  /** Any free one if absent. */
  readonly hostPort?: number | undefined;
}

export type Metadata = Readonly<Record<string, string | number | boolean>>;

/** A boot and its cause. */
export interface Boot {
  readonly instanceId: string;
  readonly at: number;
  /** The restart that asked for it (`inflight_reqid`); undefined if the VM booted by itself. */
  readonly requestId: string | undefined;
}

/** What the controller knows about an instance: the truth as of the last report. */
export interface InstanceRecord {
  readonly instanceId: string;
  readonly template: Template;
  readonly tag: string;
  /** The nodes that it can run on, and the requested group. */
  readonly candidates: readonly Node[];
  readonly groupId: string | undefined;
  readonly startupScript: StartupScript | undefined;
  externalId: string | undefined;
  name: string | undefined;
  metadata: Metadata | undefined;
  /** Name (with variables) and forwarding that the start request asked for. */
  readonly nameTemplate: string | undefined;
  readonly portRules: readonly PortRule[] | undefined;
  readonly createdAt: number;
  state: string;
  /** It stays in Error, regardless of reports. */
  isBroken: boolean;
  message: string;
  requestId: string;
  /** The VM runs, but its monitored startup script does, too: the instance is not Started yet. */
  isStarting: boolean;
  /** The node that has reserved room for it. */
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

/** A VM as the agent read it at `readAt`; `lost`: only UUID and status are known (see `errorMeansDeleted`). */
export interface Report {
  readonly vm: Readonly<Vm>;
  readonly readAt: number;
  /** How far the node's clock was off then. */
  readonly skewMs: number;
  /** The UTC offset in its dates. */
  readonly utcOffsetMinutes: number;
  readonly lost: boolean;
  /** When a report first showed this boot in this power state. */
  readonly since: number;
}

export type Reply = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** A request to start instances. */
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

/** The options of a restart. */
export interface RestartRequest {
  readonly usbDevice?: string | undefined;
  readonly vncPassword?: string | undefined;
}

export type StartReply =
  | { readonly ok: true; readonly instanceIds: readonly string[] }
  | Extract<Reply, { readonly ok: false }>;

/** A VM was stopped, or booted, or its instance has ended. */
export interface PowerEvent {
  readonly kind: 'stopped' | 'booted' | 'ended';
  readonly record: InstanceRecord;
  /** The restart that caused it; undefined if nothing did. */
  readonly requestId: string | undefined;
}

/** How versions of the controller differ for clients, from the vendor's release notes. */
export interface Quirks {
  /** 1.44.0 brought `POST /api/v1/rpc/vm/restart` and `vminfo.start_date`. */
  readonly knowsRestarts: boolean;
  /** Before 1.47.0 a successful restart shows `Error` for a short time, and the instance vanishes for a moment. */
  readonly flaps: boolean;
  /** Before 1.49.0 an instance in Error has `vminfo.status: "deleted"`, its `uuid`, and no other vminfo field. */
  readonly errorMeansDeleted: boolean;
  /** Since 1.50 a new instance is Scheduling again after Pulling. */
  readonly schedulesAgain: boolean;
  /** Old versions write the VNC password into vminfo, and `Name` or `rule_name` for the name of a forwarded port. */
  readonly writesVncPassword: boolean;
  readonly ruleNameKey: 'name' | 'Name' | 'rule_name';
}

/** @throws Error unless it is a version such as 1.50.1 */
export function quirksOf(version: string): Quirks {
  const match = /^(\d+)\.(\d+)(\.\d+)?/.exec(version);
  if (match === null) throw new Error(`${JSON.stringify(version)} is not a version such as 1.50.1`);
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
