import type { SimulatedRunner } from '../../simulator/github-world.ts';
import type { Random } from '../../simulator/random.ts';
import type { InstanceRecord, World } from '../../simulator/world.ts';
import type { GuestAddress } from '../../src/guest/address.ts';
import type { Dial } from '../../src/guest/contact.ts';
import { Chances } from './chances.ts';
import { FaultyNetwork, nameOf } from './faulty-network.ts';
import { createSimulatedDial, DIAL_FAULTS, type DialFault } from './guest-dial.ts';
import { Happenings } from './happenings.ts';
import type { NetworkAnswer, SentRequest } from './network.ts';
import { Recorder } from './recorder.ts';
import { runnerNameOf, type Scenario } from './scenario.ts';
import { accessFor, gitHubFor, ownNameIn, troubledIn } from './setting.ts';
import { createStage, passPrelude, START, type Stage } from './stage.ts';

/*
 * Carries a scenario out. It builds the stage (setting.ts), and connects what happens on it: the network with its faults
 * (faulty-network.ts), what happens in the world (happenings.ts), and the record for the checks (recorder.ts).
 */

interface TestbedOptions {
  readonly scenario: Scenario;
  readonly random: Random;
  /** Gets a line for each thing that happens, in order. */
  readonly log: ((line: string) => void) | undefined;
}

export class Testbed {
  readonly stage: Stage;
  readonly recorder: Recorder;
  readonly network: FaultyNetwork;
  readonly #scenario: Scenario;
  readonly #chances: Chances;
  readonly #happenings: Happenings;
  readonly #options: TestbedOptions;

  constructor(options: TestbedOptions) {
    const { scenario, random } = options;
    this.#options = options;
    this.#scenario = scenario;
    this.#chances = new Chances(options, () => this.#now());
    this.stage = createStage({
      world: { ...scenario.world, ...troubledIn(scenario), steadyFrom: this.#chances.endAt },
      replicas: { ...scenario.replicas, areSticky: scenario.network.connections?.areSticky ?? false },
      ...(scenario.network.connections && { connect: (origin) => this.network.connect(origin) }),
      preludeMs: scenario.preludeMs,
      startsAfterMs: scenario.startsAfterMs,
      dateErrorMs: () => this.network.dateErrorMs(),
      access: accessFor(scenario),
      ...(scenario.runner && gitHubFor(scenario, scenario.runner)),
      random,
      deliveryOf: (request) => this.#deliveryOf(request),
      departs: (request) => this.#departs(request),
      intervene: (request) => this.#logged(request, this.network.refusal(request)),
      alter: (reaction, request) => {
        this.recorder.answered(request, reaction);
        return this.#logged(request, this.network.damaged(request, reaction));
      },
      delivered: (request, answer) => this.recorder.delivered(request, this.network.provenanceOf(answer)),
      dial: (stage) => this.#createDial(stage),
      ...(scenario.cancelAfterMs !== undefined && { cancelAfterMs: scenario.cancelAfterMs }),
    });
    const log = (text: () => string) => this.#log(text);
    const common = { scenario, stage: this.stage, chances: this.#chances, log };
    this.recorder = new Recorder(common);
    this.network = new FaultyNetwork(common, this.recorder);
    this.#happenings = new Happenings(common, this);
  }

  get world(): World {
    return this.stage.world;
  }

  /** Kinds of faults that really happened. */
  get faults(): ReadonlySet<string> {
    return this.#chances.faults;
  }

  /** The VMs that the scenario is about. */
  get records(): readonly InstanceRecord[] {
    return this.world.records.slice(0, this.#scenario.vms.length);
  }

  /** The GitHub runners with the VM's name; the first is the one that each VM has. */
  runnersOf(record: InstanceRecord): readonly SimulatedRunner[] {
    const scenario = this.#scenario;
    const { runners } = this.stage.github;
    if (scenario.pool !== undefined)
      return runners.filter(({ instanceId }) => instanceId === record.instanceId);
    const names = ['', '', ''].map((_, index) =>
      runnerNameOf(scenario, ownNameIn(scenario, this.recorder.firstNamesOf(record)), index),
    );
    return runners.filter(({ name }) => names.includes(name));
  }

  /** Whether the quota for this hour is used up. */
  get isQuotaUsedUp(): boolean {
    return this.stage.github.used >= this.stage.github.quota;
  }

  /** Schedules everything that will happen, and lets time pass until the step begins. */
  async letHistoryPass(): Promise<void> {
    this.#happenings.schedule();
    await passPrelude(this.stage);
  }

  /** The step has ended: its process is no longer suspended or slowed down. */
  endStep(): void {
    this.#happenings.isStepOver = true;
  }

  #deliveryOf(request: SentRequest) {
    const attempt = this.recorder.begins(request);
    if (attempt !== undefined) this.#happenings.onTry(attempt);
    return this.network.deliveryOf(request);
  }

  #departs(request: SentRequest): void {
    const { posts } = this.recorder;
    const before = posts.length;
    this.recorder.departs(request);
    if (before === 0 && posts.length === 1) this.#happenings.suspendSince('restart', this.#now());
  }

  #createDial({ time, world }: Stage): Dial | undefined {
    const { guest, network } = this.#scenario;
    if (guest === undefined) return undefined;
    return createSimulatedDial({
      ...{ time, world, guest, latencyMs: network.latencyMs },
      faultOf: () => this.#dialFault(guest.faults),
      onDial: ({ host, port }) => this.#log(() => `a connection to ${host}:${port} begins`),
      onGreeting: (address) => {
        const owner = world.records.find((record) => hasAddress(record, address));
        this.recorder.greetings.push({ at: this.#now(), address, instanceId: owner?.instanceId });
        this.#log(() => 'a server has greeted the step');
      },
    });
  }

  #dialFault(share: number): DialFault | undefined {
    if (this.#chances.areOver) return undefined;
    const fault = DIAL_FAULTS.find((kind) => share > 0 && this.#chances.next(kind) < share);
    if (fault !== undefined) this.#chances.faults.add(fault);
    return fault;
  }

  #now(): number {
    return this.stage.time.now();
  }

  #log(text: () => string): void {
    this.#options.log?.(`+${((this.#now() - START) / 1_000).toFixed(3)} s  ${text()}`);
  }

  #logged<T extends NetworkAnswer | undefined>(request: SentRequest, answer: T): T {
    if (answer !== undefined)
      this.#log(() => `${nameOf(request)} is answered: ${answer.status} ${excerpt(answer.body)}`);
    return answer;
  }
}

/** Whether the VM has this address now: a stopped VM has no port. */
function hasAddress({ node, vm }: InstanceRecord, { host, port }: GuestAddress): boolean {
  if (vm?.power !== 'running') return false;
  return vm.ip === host || (node?.ip === host && vm.sshPort === port);
}

const LONGEST_EXCERPT = 1_000;

/** The fields of an answer that help a person who reads the log. */
function excerpt(body: string): string {
  const fields = /"(status|message|instance_id|instance_state|start_date|timestamp|ts|busy)":("[^"]*"|\w+)/g;
  return (body.match(fields)?.join(' ') ?? body).slice(0, LONGEST_EXCERPT);
}
