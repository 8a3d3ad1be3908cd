import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { actionReference, keptFiles } from './repository.ts';

/** A YAML example in a document. */
interface YamlBlock {
  /** File and line, such as `README.md:9`. */
  readonly place: string;
  readonly text: string;
}

/** All examples in the documents that are fenced as `yaml`. */
export function yamlBlocks(): YamlBlock[] {
  return keptFiles()
    .filter((path) => path.endsWith('.md'))
    .flatMap(blocksOf);
}

function blocksOf(path: string): YamlBlock[] {
  const document = readFileSync(path, 'utf8');
  return [...document.matchAll(/^( *)```ya?ml\n([\s\S]*?)^ *```$/gm)].map((match) => {
    const [, indent = '', text = ''] = match;
    const line = document.slice(0, match.index).split('\n').length + 1;
    return { place: `${path}:${line}`, text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), '') };
  });
}

const HEAD = `name: Example
on: push
permissions: {}
concurrency:
  group: example
  cancel-in-progress: false
jobs:
  example:
    name: Example
    runs-on: ubuntu-latest
    steps:
`;

/**
 * The workflow that an example is, or that a reader would make of it: steps go into a job, inputs into a step.
 *
 * @throws Error for an example that is neither.
 */
export function workflowOf({ place, text }: YamlBlock): string {
  const content: unknown = parse(text);
  if (Array.isArray(content)) return HEAD + indented(text, 6);
  const keys = Object.keys(content ?? {});
  if (keys.includes('jobs')) return text;
  if (keys.length > 0 && keys.every(isInput)) return HEAD + stepWith(text, keys);
  throw new Error(`${place} is neither a workflow, nor steps, nor inputs`);
}

const action: { inputs: Record<string, unknown> } = parse(readFileSync('action.yml', 'utf8'));

function isInput(name: string): boolean {
  return name in action.inputs;
}

function stepWith(inputs: string, names: readonly string[]): string {
  const url = names.includes('controller_url') ? '' : 'controller_url: http://controller.example.com\n';
  return `      - uses: ${actionReference()}\n        with:\n${indented(url + inputs, 10)}`;
}

function indented(text: string, spaces: number): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(spaces));
}
