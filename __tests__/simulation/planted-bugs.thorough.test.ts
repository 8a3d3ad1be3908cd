import { test } from '@jest/globals';
import type * as Clock from '../../src/clock.ts';
import type * as Controller from '../../src/controller/controller.ts';
import type * as Credentials from '../../src/controller/credentials.ts';
import type * as RestartRequest from '../../src/controller/restart-request.ts';
import type * as Instants from '../../src/dates.ts';
import type * as Connections from '../../src/http/connections.ts';
import type * as Retry from '../../src/http/retry.ts';
import type * as Transport from '../../src/http/transport.ts';
import type * as Poll from '../../src/poll.ts';
import type * as Report from '../../src/report/outputs.ts';
import type * as Redactor from '../../src/report/redactor.ts';
import type * as Terminal from '../../src/report/terminal.ts';
import type * as Boot from '../../src/restart/boot.ts';
import type * as Ordering from '../../src/restart/ordering.ts';
import type * as Restart from '../../src/restart/restart.ts';
import type * as Verdict from '../../src/restart/verdict.ts';
import { expectFound, plant } from '../support/plant.ts';

// Each row plants a plausible bug. Does the simulation find it?

const MOST_RUNS = 5_000;

type Plant = () => Promise<void>;

const BOOT = '../../src/restart/boot.ts';
const ORDERING = '../../src/restart/ordering.ts';
const CLOCK = '../../src/clock.ts';
const CONNECTIONS = '../../src/http/connections.ts';
const CONTROLLER = '../../src/controller/controller.ts';
const CREDENTIALS = '../../src/controller/credentials.ts';
const INSTANT = '../../src/dates.ts';
const POLL = '../../src/poll.ts';
const RESTART = '../../src/restart/restart.ts';
const REDACTOR = '../../src/report/redactor.ts';
const REPORT = '../../src/report/outputs.ts';
const RETRY = '../../src/http/retry.ts';
const TERMINAL = '../../src/report/terminal.ts';
const TRANSPORT = '../../src/http/transport.ts';
const VERDICT = '../../src/restart/verdict.ts';

type Send = Transport.Transport['send'];

/** Plants a bug between the step and the network. */
function plantInTransport(
  change: (send: Send, options: Transport.TransportOptions) => Send,
  others: Partial<Transport.Transport> = {},
): Plant {
  return () =>
    plant<typeof Transport>(TRANSPORT, ({ createTransport }) => ({
      createTransport(options) {
        const transport = createTransport(options);
        return { ...transport, ...others, send: change(transport.send, options) };
      },
    }));
}

/** Plants a bug in how the controller's answers are read. */
function plantInController(
  change: (
    real: Controller.Controller,
    options: Controller.ControllerOptions,
  ) => Partial<Controller.Controller>,
): Plant {
  return () =>
    plant<typeof Controller>(CONTROLLER, ({ createController }) => ({
      createController(options) {
        const controller = createController(options);
        return { ...controller, ...change(controller, options) };
      },
    }));
}

/** Keeps the first external ID of each instance. */
const plantFirstName: Plant = plantInController(({ getInstance }) => {
  const first = new Map<string, string | undefined>();
  return {
    async getInstance(id, bounds) {
      const seen = await getInstance(id, bounds);
      if (seen !== undefined && !first.has(id)) first.set(id, seen.externalId);
      return seen && { ...seen, externalId: first.get(id) };
    },
  };
});

/** Accepts a boot before the restart as a new one. */
const plantAnyBoot: Plant = () =>
  plant<typeof Boot>(BOOT, ({ bootOf }) => ({
    bootOf(...given) {
      const boot = bootOf(...given);
      return boot === 'before' ? 'new' : boot;
    },
  }));

type Note = Retry.RetryBudget['note'];

/** Plants a bug in what counts as final. */
function plantInRetryBudget(change: (nature: Parameters<Note>[0], note: Note) => ReturnType<Note>): Plant {
  return () =>
    plant<typeof Retry>(RETRY, ({ createRetryBudget }) => ({
      createRetryBudget(...given) {
        const budget = createRetryBudget(...given);
        return { ...budget, note: (nature) => change(nature, budget.note) };
      },
    }));
}

/** Plants a bug in how the answer to the restart is read. */
function plantInTries(
  change: (result: RestartResult, bounds: RestartRequest.TryBounds) => RestartResult,
): Plant {
  return plantInController(({ tryRestart }) => ({
    tryRestart: async (request, bounds) => change(await tryRestart(request, bounds), bounds),
  }));
}

type RestartResult = RestartRequest.RestartReply | RestartRequest.NotCarriedOut;

function refusedFor(reason: string): RestartRequest.NotCarriedOut {
  return { kind: 'not carried out', because: 'refused', mayRepeat: false, error: new Error(reason) };
}

/** Plants a bug in what a restart is given. */
function plantInRestart(change: (...given: Parameters<typeof Restart.restart>) => typeof given): Plant {
  return () =>
    plant<typeof Restart>(RESTART, ({ restart }) => ({
      restart: (...given) => restart(...change(...given)),
    }));
}

/** Plants a bug in what is judged: an answer is replaced. */
function plantInSamples(change: (sample: Ordering.Observation) => Ordering.Observation): Plant {
  return () =>
    plant<typeof Verdict>(VERDICT, ({ judge }) => ({
      judge: (history, sample) => judge(history, change(sample)),
    }));
}

/** Plants a bug that treats answers as failures at once. */
function plantFailure(isFailure: (sample: Ordering.Observation) => boolean): Plant {
  return () =>
    plant<typeof Verdict>(VERDICT, ({ judge }) => ({
      judge(history, sample) {
        const judged = judge(history, sample);
        return isFailure(sample) ? { ...judged, verdict: { kind: 'failed', reason: 'planted' } } : judged;
      },
    }));
}

const NO_FALSE_SUCCESS: readonly (readonly [string, Plant, string])[] = [
  // The second rule would hide the loss of the first.
  [
    'an older answer is accepted, with any boot',
    async () => {
      await plant<typeof Ordering>(ORDERING, () => ({ isOlder: () => false }));
      await plantAnyBoot();
    },
    'false success',
  ],
  ['a boot before the restart is accepted', plantAnyBoot, 'false success'],
  [
    'the status of the VM is not checked',
    plantInSamples(({ instance, ...times }) => ({
      ...times,
      instance: instance && { ...instance, status: 'running' },
    })),
    'false success',
  ],
];

const AT_MOST_ONE_RESTART: typeof NO_FALSE_SUCCESS = [
  [
    'a restart that may have been sent is sent again',
    plantInTransport((send) => async (request, bounds) => {
      const result = await send(request, bounds);
      return 'noAnswer' in result ? { noAnswer: { ...result.noAnswer, mayHaveBeenSent: false } } : result;
    }),
    'more than one restart',
  ],
  [
    'a restart that a proxy answers with 5xx is sent again',
    plantInTransport((send) => async (request, bounds) => {
      const result = await send(request, bounds);
      const isError = request.isWrite && 'answer' in result && result.answer.status >= 500;
      return isError ? { answer: { ...result.answer, status: 429 } } : result;
    }),
    'more than one restart',
  ],
  [
    'a restart with an unclear answer is sent again',
    plantInController(({ tryRestart }) => ({
      async tryRestart(request, bounds) {
        const result = await tryRestart(request, bounds);
        return result.kind === 'uncertain' ? tryRestart(request, bounds) : result;
      },
    })),
    'more than one restart',
  ],
];

const NO_FALSE_FAILURE: typeof NO_FALSE_SUCCESS = [
  [
    'dates are compared as strings',
    () =>
      plant<typeof Instants>(INSTANT, () => ({
        compareInstants: (a, b) => (a.text === b.text ? 0 : a.text < b.text ? -1 : 1),
      })),
    'false failure',
  ],
  [
    'a passing Error counts as failure at once',
    plantFailure(({ instance }) => instance?.state === 'Error'),
    'false failure',
  ],
  [
    'an instance that is not listed counts as gone at once',
    plantFailure(({ instance }) => instance === undefined),
    'false failure',
  ],
  [
    'a message left over from an earlier event counts as failure',
    plantFailure(({ instance }) => instance?.message?.startsWith('Unexpected VM state') === true),
    'false failure',
  ],
  [
    'a read that is answered with 5xx is not repeated',
    () => plant<typeof Retry>(RETRY, () => ({ isTransientStatus: () => false })),
    'does not fit',
  ],
  [
    'an expired session is not renewed',
    () =>
      plant<typeof Credentials>(CREDENTIALS, ({ createCredentials }) => ({
        createCredentials: (...options) => ({ ...createCredentials(...options), renew: () => false }),
      })),
    'does not fit',
  ],
  [
    'a refusal is final at once, whatever came before',
    plantInRetryBudget((nature, note) => (nature === 'refusal' ? 0 : note(nature))),
    'treated as final',
  ],
  [
    'a server that asks for a long pause ends the step',
    plantInRetryBudget((nature, note) => (nature === 'long pause' ? 0 : note(nature))),
    'treated as final',
  ],
  [
    'the size limit of one instance is smaller than that of the list',
    plantInTransport((send) => (request, bounds) => {
      const mostBytes = request.path.includes('?id=') ? 1024 * 1024 : request.maxBytes;
      return send({ ...request, maxBytes: Math.min(request.maxBytes, mostBytes) }, bounds);
    }),
    'does not fit',
  ],
];

/** Forgets what earlier answers said and the latest one does not. */
const plantForgetfulness: Plant = plantInController(({ getInstance }) => ({
  async getInstance(...given) {
    const instance = await getInstance(...given);
    return instance && { ...instance, externalId: undefined, name: undefined };
  },
  namesOf: () => [],
}));

const IT_DOES_NOT_RESTART_ITSELF: typeof NO_FALSE_SUCCESS = [
  ['what one answer says is forgotten with the next', plantForgetfulness, 'the machine that it runs on'],
  [
    'names that only the list has are not read',
    () =>
      plant<typeof Controller>(CONTROLLER, ({ createController }) => ({
        createController: (options) => createController({ ...options, needsNames: false }),
      })),
    'the code runner_not_found does not fit',
  ],
];

const CONNECTIONS_ARE_GIVEN_UP: typeof NO_FALSE_SUCCESS = [
  [
    'a handshake that hangs is waited for by every later attempt',
    () =>
      plant<typeof Connections>(CONNECTIONS, () => ({
        createReader(open) {
          let [dispatcher, hasAnswered] = [open(), false];
          const renew = () => {
            // As if it had yet to be opened.
            if (!hasAnswered) return;
            void dispatcher.destroy();
            [dispatcher, hasAnswered] = [open(), false];
          };
          return {
            async use(read) {
              try {
                const answer = await read(dispatcher);
                hasAnswered = true;
                return answer;
              } catch (error) {
                renew();
                throw error;
              }
            },
            renew,
            destroy: () => dispatcher.destroy(),
          };
        },
      })),
    'gave up on the controller before the timeout',
  ],
  [
    'a connection on which a request timed out is used again',
    () =>
      plant<typeof Connections>(CONNECTIONS, () => ({
        createReader(open) {
          const dispatcher = open();
          return {
            use: (read) => read(dispatcher),
            renew() {},
            destroy: () => dispatcher.destroy(),
          };
        },
      })),
    'false failure',
  ],
  [
    'reads stay at a replica whose reports do not change',
    plantInTransport((send) => send, { renewConnections() {} }),
    'false failure',
  ],
];

const IT_ENDS: typeof NO_FALSE_SUCCESS = [
  [
    'requests have no time limit',
    () => plant<typeof Clock>(CLOCK, () => ({ within: (_clock, { signal }, work) => work(signal) })),
    'never happen',
  ],
  [
    'requests do not end on a signal',
    () =>
      plant<typeof Clock>(CLOCK, ({ within }) => ({
        within: (clock, { ms }, work) => within(clock, { ms, signal: new AbortController().signal }, work),
      })),
    'late after the signal',
  ],
  [
    'requests have no deadline',
    plantInTransport((send) => (request, bounds) => {
      return send(request, { ...bounds, deadline: Number.POSITIVE_INFINITY });
    }),
    'ended late',
  ],
  [
    'polls go on past the deadline',
    () =>
      plant<typeof Poll>(POLL, ({ pollUntil }) => ({
        pollUntil: (options, poll) =>
          pollUntil({ ...options, deadline: () => options.deadline() + 60_000 }, poll),
      })),
    'ended late',
  ],
  [
    'there is no last poll at the deadline',
    plantInController(({ getInstance }) => {
      let deadline = Number.POSITIVE_INFINITY;
      return {
        async getInstance(instanceId, bounds) {
          deadline = Math.min(deadline, bounds.deadline);
          if (bounds.deadline === deadline) return getInstance(instanceId, bounds);
          const { ActionError } = await import('../../src/errors.ts');
          throw new ActionError('controller_unreachable', 'planted', { isTransient: true });
        },
      };
    }),
    'no last poll',
  ],
  [
    'the time for the last poll counts from the deadline, not from waking',
    plantInController(({ getInstance }, { clock }) => {
      const LAST_POLL_MS = 1_500;
      let deadline = Number.POSITIVE_INFINITY;
      return {
        getInstance(instanceId, bounds) {
          const isLast = Math.abs(bounds.deadline - clock.now() - LAST_POLL_MS) < 0.01;
          if (!isLast) deadline = bounds.deadline;
          return getInstance(instanceId, {
            ...bounds,
            deadline: Math.min(bounds.deadline, deadline + LAST_POLL_MS),
          });
        },
      };
    }),
    'false failure',
  ],
  [
    'a restart is sent no matter how late it is',
    plantInRestart((job, context) => {
      let isFirst = true;
      const late = {
        ...job,
        // It is first read for the deadline, then for the time that must be left to verify the restart.
        get timeoutMs() {
          const ms = isFirst ? job.timeoutMs : 0;
          isFirst = false;
          return ms;
        },
      };
      return [late, context];
    }),
    'sent too late',
  ],
];

const MISTAKES_ARE_REPORTED: typeof NO_FALSE_SUCCESS = [
  [
    'mistakes are retried until the timeout',
    plantInRetryBudget((nature, note) => (nature === 'mistake' ? Number.POSITIVE_INFINITY : note(nature))),
    'reported late',
  ],
];

const NAMES_ARE_CURRENT: typeof NO_FALSE_SUCCESS = [
  ['a VM keeps its first external ID', plantFirstName, 'from before it was changed'],
];

const KILLED_IS_NOT_SILENT: typeof NO_FALSE_SUCCESS = [
  [
    'no output is set before the restart leaves',
    plantInRestart((job, context) => [job, { ...context, announce: undefined }]),
    'before the outputs said so',
  ],
];

const NOTHING_LEAKS: typeof NO_FALSE_SUCCESS = [
  [
    "the session's token is in an error and is not masked",
    async () => {
      await plant<typeof Credentials>(CREDENTIALS, ({ createCredentials }) => ({
        createCredentials: (identity) => createCredentials(identity, () => {}),
      }));
      await plantInTransport((send) => async (request, bounds) => {
        const result = await send(request, bounds);
        if ('answer' in result) return result;
        return { noAnswer: { ...result.noAnswer, reason: JSON.stringify(request.headers) } };
      })();
    },
    'a secret was written',
  ],
  [
    'only plain secrets are masked, not encoded ones',
    () =>
      plant<typeof Redactor>(REDACTOR, ({ createRedactor }) => ({
        createRedactor() {
          const secrets: string[] = [];
          const redact = (text: string) => secrets.reduce((left, one) => left.replaceAll(one, '***'), text);
          return { ...createRedactor(), add: (...some) => secrets.push(...some), redact, scrub: redact };
        },
      })),
    'a secret was written',
  ],
  [
    'text from outside is printed unescaped',
    () => plant<typeof Terminal>(TERMINAL, () => ({ harmless: (text) => text })),
    'workflow command',
  ],
  [
    'redirects are followed',
    plantInTransport((send, options) => async (request, bounds) => {
      const result = await send(request, bounds);
      if (!('answer' in result) || result.answer.location === undefined) return result;
      const { createTransport } = await import('../../src/http/transport.ts');
      return createTransport({ ...options, baseUrl: new URL(result.answer.location) }).send(request, bounds);
    }),
    'a request went elsewhere',
  ],
];

const IT_SAYS_WHAT_IS_TRUE: typeof NO_FALSE_SUCCESS = [
  [
    'an unclear answer to the restart counts as none',
    plantInTries((result) =>
      result.kind === 'uncertain' || result.kind === 'rejected' ? refusedFor('planted') : result,
    ),
    '"false" though',
  ],
  [
    'a signal while the restart is sent counts as one before it',
    plantInTries((result, { signal }) => (signal.aborted ? refusedFor('planted') : result)),
    '"false" though',
  ],
  [
    'a refusal counts as unclear',
    plantInTries((result) =>
      result.kind === 'not carried out' && !result.mayRepeat
        ? { kind: 'uncertain', reason: 'planted' }
        : result,
    ),
    '"unknown" though',
  ],
  [
    'an output is forgotten',
    () =>
      plant<typeof Report>(REPORT, ({ outputsOf }) => ({
        outputsOf: (...known) => ({ ...outputsOf(...known), previous_start_date: '' }),
      })),
    'outputs are missing',
  ],
];

const BUGS = [
  ...NO_FALSE_SUCCESS,
  ...AT_MOST_ONE_RESTART,
  ...NO_FALSE_FAILURE,
  ...CONNECTIONS_ARE_GIVEN_UP,
  ...IT_DOES_NOT_RESTART_ITSELF,
  ...IT_ENDS,
  ...MISTAKES_ARE_REPORTED,
  ...KILLED_IS_NOT_SILENT,
  ...NAMES_ARE_CURRENT,
  ...NOTHING_LEAKS,
  ...IT_SAYS_WHAT_IS_TRUE,
];

test.each(BUGS)(
  'finds that %s',
  (bug, plantBug, found) => expectFound({ bug, plantBug, most: MOST_RUNS, found }),
  300_000,
);
