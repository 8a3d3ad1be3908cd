import { expect, test } from '@jest/globals';
import { parseOutputs, plainText, shortened } from '../../simulator/step.ts';

test('a summary is shown with its tables in columns, and without the text of its charts', () => {
  const summary = [
    '<h2>2 of 2 VMs</h2>',
    '<table class="vms"><tr><th align="left">no.</th><th>VM</th></tr>',
    '<tr><td rowspan="1">1</td><td>mac&#45;1 <b>&#60;</b></td></tr>',
    '<tr><td>10</td><td></td></tr></table>',
    '```mermaid',
    'gantt',
    '```',
    '',
    'That was all.',
  ].join('\n');
  expect(plainText(summary)).toBe(
    ['2 of 2 VMs', 'no.  VM', '1    mac-1 <', '10', '(A chart that GitHub draws.)', 'That was all.'].join(
      '\n',
    ),
  );
});

test('a long output is cut', () => {
  expect(shortened('x'.repeat(200))).toHaveLength(200);
  expect(shortened('x'.repeat(201))).toBe(`${'x'.repeat(200)}... (201 characters)`);
});

test('the last value of an output counts', () => {
  const file = [
    'restarted<<x1',
    'unknown',
    'x1',
    'remaining<<x2',
    'a',
    'b',
    'x2',
    'restarted<<x3',
    'true',
    'x3',
    '',
  ];
  expect(parseOutputs(file.join('\n'))).toEqual({ restarted: 'true', remaining: 'a\nb' });
});
