import type { Interventions } from '../../simulator/server.ts';
import { begin, type Ended, nameOf, type Scenario } from './scenario.ts';

/** What a step reported, and what was true. */
export const reported = ({ exitCode, outputs, posts, world }: Ended) => ({
  exitCode,
  restarted: outputs['restarted'],
  error_code: outputs['error_code'],
  posts,
  restarts: world.restarts.length,
});

export const RESTARTED = { exitCode: 0, restarted: 'true', error_code: '', posts: 1, restarts: 1 };

export interface Moment {
  /** Of a request, as `nameOf` gives it. */
  readonly name: string;
  readonly nth?: number;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly isShort?: boolean;
}

/** Sends the process a signal as soon as the request of that name, the n-th, has arrived; the request is still answered. */
export async function signalled(
  signal: NodeJS.Signals,
  { name, nth = 1, inputs = {}, isShort = false }: Moment,
): Promise<Scenario> {
  let step: Scenario['step'] | undefined;
  let seen = 0;
  let arrive = () => {};
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const interventions = (): Interventions => ({
    before(request) {
      if (nameOf(request) !== name || ++seen !== nth) return undefined;
      step?.process.kill(signal);
      arrive();
      return undefined;
    },
  });
  const scenario = await begin({ interventions, inputs, isShort });
  step = scenario.step;
  await reached;
  return scenario;
}
