import fc, { type Arbitrary } from 'fast-check';
import { encodings } from '../src/report/redactor.ts';
import { faultsOf } from './check.ts';
import { anyEnvironment, rightEnvironment, SECRETS } from './environment.ts';
import { type Case, type Played, play } from './step.ts';
import { HONEST, scripts } from './tampering.ts';

/** Told of each step that was played, right or wrong. */
type OnPlayed = (played: Played) => void;

/** Whatever the controller answers, the step ends in time and in order, and harms nobody. */
export function anyAnswers(onPlayed?: OnPlayed) {
  const echoes = Object.values(SECRETS).flatMap(encodings);
  return faultless(fc.record({ environment: rightEnvironment(), scripts: scripts(echoes) }), onPlayed);
}

/** Whatever stands in its environment, it does so, too. */
export function anyInputs(onPlayed?: OnPlayed) {
  return faultless(fc.record({ environment: anyEnvironment(), scripts: fc.constant(HONEST) }), onPlayed);
}

function faultless(cases: Arbitrary<Case>, onPlayed: OnPlayed = () => {}) {
  return fc.asyncProperty(cases, async (given) => {
    const played = await play(given);
    onPlayed(played);
    const faults = faultsOf(given, played);
    if (faults.length > 0) throw new Error(faults.join('\n'));
  });
}
