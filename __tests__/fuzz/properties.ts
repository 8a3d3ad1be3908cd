import fc, { type Arbitrary } from 'fast-check';
import { violationsOf } from './check.ts';
import { anyEnvironment, rightEnvironment, SECRETS } from './environment.ts';
import { formsOf } from './forms.ts';
import { nastyText } from './nasty.ts';
import { type Case, type CaseResult, runCase } from './step.ts';
import { HONEST, scripts } from './tampering.ts';

/** Called with the result of each case, right or wrong. */
type OnResult = (result: CaseResult) => void;

/** Whatever the controller answers, the step ends in time, leaks no secret, and writes nothing that a runner takes for a command. */
export function anyAnswers(onResult?: OnResult) {
  const echoes = Object.values(SECRETS).flatMap(formsOf);
  return withoutViolations(
    fc.record({ environment: rightEnvironment(), scripts: scripts(echoes), greetings: greetings(echoes) }),
    onResult,
  );
}

/** The same, whatever its environment contains. */
export function anyInputs(onResult?: OnResult) {
  return withoutViolations(
    fc.record({
      environment: anyEnvironment(),
      scripts: fc.constant(HONEST),
      greetings: fc.constant([BANNER]),
    }),
    onResult,
  );
}

const BANNER = 'SSH-2.0-OpenSSH_9.9\r\n';

/** The text that the guest's server sends: a banner, or anything else. */
function greetings(echoes: readonly string[]): Arbitrary<string[]> {
  const words = nastyText(echoes);
  const comment = words.map((text) => `SSH-2.0-x ${text}\r\n`);
  return fc.array(fc.oneof(fc.constant(BANNER), words, comment), { maxLength: 4 });
}

function withoutViolations(cases: Arbitrary<Case>, onResult: OnResult = () => {}) {
  return fc.asyncProperty(cases, async (given) => {
    const result = await runCase(given);
    onResult(result);
    const violations = violationsOf(given, result);
    if (violations.length > 0) throw new Error(violations.join('\n'));
  });
}
